"""A monthly customer's own page, behind a signed link: how it stands, pay by phone, the statement. The link is the only key; nobody
signs in, and nothing that belongs to the shop's people is here."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import Parameter

from portal import codes, i18n
from portal.clock import Clock
from portal.controllers.dashboard.subscriber_words import ASKED_WORDS, BILL_WORDS, MOVED_WORDS, STATUS_WORDS, WAITING
from portal.errors import Conflict, Invalid, PortalError, TooMany, Unavailable
from portal.invoices import sending
from portal.signing import Signer
from portal.subscribers import links, looks, taking
from portal.web import language_of, render, see_other

AnyRequest = Request[Any, Any, Any]
Token = Annotated[str, Parameter(max_length=300)]
#: Seconds until the page looks again while a phone is being asked.
_REFRESH_S = 5
_RECENT_S = 600


@get("/my/{token:str}")
async def my_page(request: AnyRequest, token: Token, clock: Clock, signer: Signer) -> Response[str]:
    """How the account stands."""
    return await _page(request, token, clock, signer)


@post("/my/{token:str}/pay", opt={"csrf": "none"})
async def pay(request: AnyRequest, token: Token, clock: Clock, signer: Signer) -> Response[Any]:
    """Ask a phone for money into the wallet."""
    form = {name: str(value)[:60] for name, value in (await request.form()).items() if isinstance(value, str)}
    now = clock.now()
    subscriber_id = await links.read(token, signer, now=now)
    merchant_id = (await looks.full(subscriber_id, now=now)).merchant_id
    try:
        await taking.ask_phone(
            merchant_id, subscriber_id, phone=form.get("phone", ""), amount=form.get("amount", ""),
            form_key=form.get("form_key", ""), now=now,
        )  # fmt: skip
    except Invalid as error:
        return await _page(request, token, clock, signer, status=422, wrong=error.fields, typed=form)
    except (Conflict, TooMany, Unavailable) as error:
        return await _page(request, token, clock, signer, status=error.status_code, told=error, typed=form)
    return see_other(request, f"/my/{token}")


@get("/my/{token:str}/statement")
async def my_statement(request: AnyRequest, token: Token, clock: Clock, signer: Signer) -> Response[str]:
    """The wallet's movements, the newest."""
    now = clock.now()
    one = await looks.full(await links.read(token, signer, now=now), now=now)
    lines = await looks.statement(one.line.id, most=100)
    language = language_of(request, fallback=one.language)
    return render(
        request, "my_statement.html",
        {"one": one, "lines": lines, "moved_words": MOVED_WORDS, "token": token, "now": now, "languages": i18n.NAMES},
        language=language,
    )  # fmt: skip


async def _page(
    request: AnyRequest, token: str, clock: Clock, signer: Signer, *, status: int = 200, **more: Any
) -> Response[str]:
    now = clock.now()
    one = await looks.full(await links.read(token, signer, now=now), now=now)
    asked = await looks.last_asked(one.line.id)
    if asked is not None and (now - asked.at).total_seconds() > _RECENT_S:
        asked = None
    waits = asked is not None and asked.status in WAITING
    context: dict[str, Any] = {
        "one": one, "asked": asked, "asked_words": ASKED_WORDS, "status_words": STATUS_WORDS, "bill_words": BILL_WORDS,
        "token": token, "form_key": codes.hex_token(16), "refresh_s": _REFRESH_S if waits and status == 200 else 0, "now": now,
        "invoices": _invoices(one, signer, now=now),
        "wrong": {}, "told": "", "typed": {}, "languages": i18n.NAMES,
    } | more  # fmt: skip
    language = language_of(request, fallback=one.language)
    if isinstance(context["told"], PortalError):
        context["told"] = language.say(context["told"].message, context["told"].params)
    return render(request, "my.html", context, status=status, language=language)


def _invoices(one: looks.Full, signer: Signer, *, now: datetime) -> list[tuple[looks.Billed, str]]:
    """The newest bills that ask for something, each with the way to its invoice."""
    asked = [bill for bill in one.bills[:12] if bill.cents and bill.status != "dropped"]
    return [(bill, sending.path_of_bill(bill.id, signer, now=now)) for bill in asked]


ROUTER = Router(path="/", route_handlers=[my_page, pay, my_statement])
