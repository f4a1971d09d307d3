"""One monthly customer: how it stands, its money, its family, and what people may do about it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from portal import batches, codes, guards, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, Frame, frame_of, page
from portal.controllers.dashboard.subscriber_words import (
    ASKED_WORDS,
    BILL_WORDS,
    KIND_WORDS,
    MOVED_WORDS,
    STATUS_WORDS,
)
from portal.controllers.dashboard.subscribers import Before, RowId, typed_in
from portal.errors import Conflict, Invalid, NotFound, PortalError, TooMany, Unavailable
from portal.identity import Actor
from portal.msgid import N_
from portal.signing import Signer
from portal.subscribers import deciding, editing, links, looks, offers, rights, taking, typed
from portal.subscribers.looks import Full
from portal.vault import Vault
from portal.web import see_other

_HEAD = (N_("Time"), N_("What"), N_("Period"), N_("M-Pesa code"), N_("Amount"), N_("In the wallet"))
_BATCH = 500
To = Annotated[str, Parameter(query="to", max_length=20)]


@get("/subscribers/{subscriber_id:int}", guards=[guards.at_merchant])
async def subscriber_page(
    request: AnyRequest,
    actor: Actor,
    subscriber_id: RowId,
    *,
    clock: Clock,
    signer: Signer,
    to: To = "",
) -> Response[str]:
    """How it stands; with `to`, what a change to that package would come to."""
    change = None
    if to:
        change = await deciding.prorate(actor, subscriber_id, typed.row_id(to), now=clock.now())
    shown = _Shown(request=request, actor=actor, id=subscriber_id, clock=clock, signer=signer)
    return await shown.page(change=change, to=typed.row_id(to))


@dataclass(kw_only=True, slots=True)
class _Shown:
    """The page of one subscriber, again and again the same but for what went wrong or is shown this once."""

    request: AnyRequest
    actor: Actor
    id: int
    clock: Clock
    signer: Signer

    async def page(self, *, status: int = 200, **more: Any) -> Response[str]:
        """Render it."""
        now = self.clock.now()
        frame = await frame_of(self.request, self.actor, here="subscribers")
        one = await looks.one(self.actor, self.id, now=now)
        context: dict[str, Any] = {
            "wrong": {},
            "told": "",
            "typed": {},
            "change": None,
            "to": 0,
            "secret": "",
            "secret_name": "",
        } | more
        if isinstance(context["told"], PortalError):
            context["told"] = frame.language.say(context["told"].message, context["told"].params)
        answer = page(
            self.request, frame, "dashboard/subscriber.html", one=one, now=now, asked=await looks.last_asked(self.id),
            packages=[each for each in await offers.of(self.actor) if each.is_active],
            may_decide=rights.may_decide(self.actor), may_take=rights.may_take_money(self.actor),
            link=guards.settings_of(self.request).base_url.rstrip("/") + links.path(one, self.signer, now=now),
            form_key=codes.hex_token(16),
            status_words=STATUS_WORDS, bill_words=BILL_WORDS, kinds=KIND_WORDS, asked_words=ASKED_WORDS,
            tabs=(), day=timedelta(days=1), **context,
        )  # fmt: skip
        answer.status_code = status
        return answer

    async def after(self, act: Awaitable[object], *, typed: dict[str, str] | None = None) -> Response[Any]:
        """Do it and go back to the page, or show what was wrong."""
        try:
            await act
        except Invalid as error:
            return await self.page(status=422, wrong=error.fields, typed=typed or {})
        except (Conflict, TooMany, Unavailable) as error:
            return await self.page(status=error.status_code, told=error, typed=typed or {})
        return see_other(self.request, f"/subscribers/{self.id}")


@post("/subscribers/{subscriber_id:int}/{what:str}", guards=[guards.at_merchant])
async def act(
    request: AnyRequest, actor: Actor, subscriber_id: RowId, what: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[Any]:  # fmt: skip
    """Suspend, resume, close, take cash, ask a phone, change the package, the family, or show the secret this once."""
    form, now = await typed_in(request), clock.now()
    shown = _Shown(request=request, actor=actor, id=subscriber_id, clock=clock, signer=signer)
    if what == "secret":
        name, secret = await links.secret(actor, subscriber_id, reveal=batches.reveal_code, vault=vault, now=now)
        return await shown.page(secret=secret, secret_name=name)
    deed = _deed(actor, subscriber_id, what, form, vault=vault, now=now)
    return await shown.after(deed, typed=form)


def _deed(
    actor: Actor, subscriber_id: int, what: str, form: dict[str, str], *, vault: Vault, now: datetime
) -> Awaitable[object]:
    """What a form asks for, not begun. NotFound: nothing has this name."""

    def said(name: str) -> str:
        return form.get(name, "")

    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "suspend": lambda: deciding.suspend(actor, subscriber_id, why=said("why"), now=now),
        "resume": lambda: deciding.resume(actor, subscriber_id, now=now),
        "close": lambda: deciding.close(actor, subscriber_id, why=said("why"), now=now),
        "package": lambda: deciding.change_package(
            actor, subscriber_id, typed.row_id(said("package")), at_once=said("when") == "now", now=now
        ),
        "cash": lambda: taking.take_cash(
            actor, subscriber_id, said("amount"), form_key=said("form_key"), vault=vault, now=now
        ),
        "ask": lambda: taking.ask_phone(
            rights.taking(actor), subscriber_id, phone=said("phone"), amount=said("amount"), form_key=said("form_key"),
            now=now,
        ),
        "device": lambda: deciding.add_device(actor, subscriber_id, said("mac"), name=said("name"), now=now),
        "remove-device": lambda: deciding.remove_device(actor, subscriber_id, typed.row_id(said("device")), now=now),
        "edit": lambda: editing.edit(
            actor, subscriber_id, name=said("name"), phone=said("phone"), language=said("language"), now=now
        ),
        "link": lambda: links.renew(actor, subscriber_id, now=now),
    }  # fmt: skip
    if what not in deeds:
        raise NotFound
    return deeds[what]()


@get("/subscribers/{subscriber_id:int}/statement", guards=[guards.at_merchant])
async def statement_page(
    request: AnyRequest, actor: Actor, subscriber_id: RowId, clock: Clock, before: Before = None
) -> Response[str]:
    """The wallet's movements, to look at or print."""
    frame = await frame_of(request, actor, here="subscribers")
    one = await looks.one(actor, subscriber_id, now=clock.now())
    lines = await looks.statement(subscriber_id, before=before, most=looks.PAGE_SIZE + 1)
    older = lines[looks.PAGE_SIZE - 1].id if len(lines) > looks.PAGE_SIZE else None
    return page(
        request, frame, "dashboard/subscriber_statement.html", one=one, lines=lines[: looks.PAGE_SIZE], older=older,
        before=before, moved_words=MOVED_WORDS, tabs=(), now=clock.now(),
    )  # fmt: skip


@get("/subscribers/{subscriber_id:int}/statement.csv", guards=[guards.at_merchant])
async def statement_file(request: AnyRequest, actor: Actor, subscriber_id: RowId, clock: Clock) -> Stream:
    """All of them as a file, made while it is sent."""
    frame = await frame_of(request, actor, here="subscribers")
    one = await looks.one(actor, subscriber_id, now=clock.now())
    name = f"statement-{one.line.account_number}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Stream(_lines(frame, one), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(frame: Frame, one: Full) -> AsyncIterator[str]:
    say = frame.language.gettext
    yield spreadsheets.MARK + spreadsheets.row([say(name) for name in _HEAD])
    before: int | None = None
    while lines := await looks.statement(one.line.id, before=before, most=_BATCH):
        for line in lines:
            yield spreadsheets.row(
                [
                    f"{line.at.astimezone(one.zone):%Y-%m-%d %H:%M:%S}", say(MOVED_WORDS.get(line.kind, line.kind)), line.note,
                    line.receipt, line.cents / 100, line.balance_cents / 100,
                ]
            )  # fmt: skip
        before = lines[-1].id


ROUTES = [subscriber_page, act, statement_page, statement_file]
