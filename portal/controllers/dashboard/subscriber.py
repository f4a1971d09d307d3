"""One monthly customer: how it stands, its money, its family, and what people may do about it."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from portal import batches, codes, guards, refunds, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, Frame, frame_of, page
from portal.controllers.dashboard.subscriber_deeds import deed_of
from portal.controllers.dashboard.subscriber_words import (
    ASKED_WORDS,
    BILL_WORDS,
    KIND_WORDS,
    MOVED_WORDS,
    STATUS_WORDS,
)
from portal.controllers.dashboard.subscribers import Before, RowId, typed_in
from portal.errors import Conflict, Invalid, PortalError, TooMany, Unavailable
from portal.identity import Actor
from portal.msgid import N_
from portal.signing import Signer
from portal.subscribers import changing, deciding, links, looks, offers, opening, rights, typed
from portal.subscribers.looks import Full
from portal.vault import Vault
from portal.web import see_other

_HEAD = (N_("Time"), N_("What"), N_("Period"), N_("M-Pesa code"), N_("Amount"), N_("In the wallet"))
_BATCH = 500
To = Annotated[str, Parameter(query="to", max_length=20)]
Day = Annotated[str, Parameter(query="day", max_length=20)]


@get("/subscribers/{subscriber_id:int}", guards=[guards.at_merchant])
async def subscriber_page(
    request: AnyRequest,
    actor: Actor,
    subscriber_id: RowId,
    *,
    clock: Clock,
    signer: Signer,
    to: To = "",
    day: Day = "",
) -> Response[str]:
    """How it stands; with `to` or `day`, what a change to that package or billing day would come to."""
    now, change, dayed = clock.now(), None, None
    shown = _Shown(request=request, actor=actor, id=subscriber_id, clock=clock, signer=signer)
    if to:
        change = await deciding.prorate(actor, subscriber_id, typed.row_id(to), now=now)
    if day:
        try:
            dayed = await changing.prorate_day(actor, subscriber_id, day, now=now)
        except Invalid as error:
            return await shown.page(status=422, wrong=error.fields, day_typed=day)
    return await shown.page(change=change, to=typed.row_id(to), dayed=dayed, day_typed=day)


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
            "dayed": None,
            "day_typed": "",
            "secret": "",
            "secret_name": "",
        } | more
        if isinstance(context["told"], PortalError):
            context["told"] = frame.language.say(context["told"].message, context["told"].params)
        answer = page(
            self.request, frame, "dashboard/subscriber.html", one=one, now=now, asked=await looks.last_asked(self.id),
            packages=[each for each in await offers.of(self.actor) if each.is_active],
            may_decide=rights.may_decide(self.actor), may_take=rights.may_take_money(self.actor),
            may_refund=rights.may_take_money(self.actor), routers=await opening.routers_of(self.actor), link=self.link(one),
            form_key=codes.hex_token(16),
            status_words=STATUS_WORDS, bill_words=BILL_WORDS, kinds=KIND_WORDS, asked_words=ASKED_WORDS,
            tabs=(), day=timedelta(days=1), **context,
        )  # fmt: skip
        answer.status_code = status
        return answer

    def link(self, one: Full) -> str:
        """The whole address of the customer's own page."""
        return guards.settings_of(self.request).base_url.rstrip("/") + links.path(
            one, self.signer, now=self.clock.now()
        )

    async def dialin(self, form: dict[str, str], *, vault: Vault) -> Response[Any]:
        """Another PPPoE name and password, shown this once."""
        try:
            secret = await changing.change_dialin(
                self.actor, self.id, user_name=form.get("user_name", ""), password=form.get("password", ""), vault=vault,
                now=self.clock.now(),
            )  # fmt: skip
        except Invalid as error:
            return await self.page(status=422, wrong=error.fields, typed=form)
        except Conflict as error:
            return await self.page(status=409, told=error)
        return await self.page(secret=secret, secret_name="password")  # noqa: S106  (the name of what is shown)

    async def give_back(self, form: dict[str, str]) -> Response[Any]:
        """The wallet's rest goes back; on to its refund."""
        rest = refunds.Rest(
            road=form.get("road", ""), why=form.get("refund_why", ""), phone=form.get("refund_phone", "")
        )
        try:
            made = await refunds.give_back(self.actor, self.id, rest, now=self.clock.now())
        except Invalid as error:
            return await self.page(status=422, wrong=error.fields, typed=form)
        except Conflict as error:
            return await self.page(status=409, told=error, typed=form)
        return see_other(self.request, f"/refunds/{made}")

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
    """Everything people do about it; secrets are shown this once."""
    form, now = await typed_in(request), clock.now()
    shown = _Shown(request=request, actor=actor, id=subscriber_id, clock=clock, signer=signer)
    if what == "secret":
        name, secret = await links.secret(actor, subscriber_id, reveal=batches.reveal_code, vault=vault, now=now)
        return await shown.page(secret=secret, secret_name=name)
    if what == "dialin":
        return await shown.dialin(form, vault=vault)
    if what == "give-back":
        return await shown.give_back(form)
    if what == "send-link":
        one = await looks.one(actor, subscriber_id, now=now)
        return await shown.after(
            links.send(actor, one, address=shown.link(one), form_key=form.get("form_key", ""), now=now), typed=form
        )
    deed = deed_of(actor, subscriber_id, what, form, vault=vault, now=now)
    return await shown.after(deed, typed=form)


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
