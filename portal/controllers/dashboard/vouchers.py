"""All vouchers in one list, narrowed by address and found by one box; and one voucher: what it is, what happened, what can be done."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter

from portal import (
    batch_pages,
    batches,
    codes,
    devices,
    floats,
    guards,
    reports,
    voucher_lists,
    voucher_pages,
    voucher_sales,
)
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, part
from portal.controllers.dashboard.voucher_deed_forms import DONE_WORDS, deed_of
from portal.controllers.dashboard.voucher_frame import MANAGERS, SELLERS, choices, typed_in, voucher_page
from portal.controllers.dashboard.voucher_words import ASKED_WORDS, MOVE_WORDS, PROOF_WORDS, SHOW_WORDS, WHY_ENDED
from portal.errors import Conflict, Invalid, PortalError, TooMany, Unavailable
from portal.identity import Actor
from portal.vault import Vault
from portal.voucher_deeds import UNITS
from portal.voucher_lists import Show, Wanted
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Id = Annotated[int, Parameter(ge=0, le=2**63 - 1)]
Day = Annotated[str, Parameter(max_length=10)]
Place = Annotated[str, Parameter(max_length=40)]
Query = Annotated[str, Parameter(query="q", max_length=100)]
ShowName = Annotated[Literal["", "unsold", "paid", "in_use", "ended", "revoked"], Parameter(query="show")]
#: What stands in the list's address, besides the place in it.
_FILTERS = ("show", "package", "batch", "router", "since", "until", "ended_since", "ended_until")
_MORE = ("package", "router", "since", "until", "ended_since", "ended_until")


def provide_chosen(
    *, show: ShowName = "", package: Id = 0, batch: Id = 0, router: Id = 0, since: Day = "", until: Day = "",
    ended_since: Day = "", ended_until: Day = "",
) -> dict[str, str]:  # fmt: skip
    """Dependency `chosen`: the filters as the address names them; "" for what does not matter."""
    sent = (show, package, batch, router, since, until, ended_since, ended_until)
    return {name: str(value or "") for name, value in zip(_FILTERS, sent, strict=True)}


def wanted_of(chosen: dict[str, str], frame: Frame) -> Wanted:
    """The filters as the noun takes them; a day nobody can read does not count."""
    return Wanted(
        show=Show(chosen["show"]) if chosen["show"] else None,
        package_id=int(chosen["package"]) if chosen["package"] else None,
        batch_id=int(chosen["batch"]) if chosen["batch"] else None,
        router_id=int(chosen["router"]) if chosen["router"] else None,
        made_since=_start(chosen["since"], frame), made_until=_start(chosen["until"], frame, days=1),
        ended_since=_start(chosen["ended_since"], frame), ended_until=_start(chosen["ended_until"], frame, days=1),
    )  # fmt: skip


def _start(text: str, frame: Frame, *, days: int = 0) -> datetime | None:
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return reports.day_start(day, frame.zone) if date.min < day < date.max else None


@get("/vouchers", guards=[guards.at_merchant], dependencies={"chosen": Provide(provide_chosen, sync_to_thread=False)})
async def voucher_list(
    request: AnyRequest, actor: Actor, chosen: dict[str, str], *, clock: Clock, vault: Vault, before: Place = "",
    after: Place = "", q: Query = "",
) -> Response[str]:  # fmt: skip
    """The list, or what the box found."""
    frame = await frame_of(request, actor, here="vouchers")
    found = (
        voucher_lists.VoucherList(lines=await voucher_lists.find(actor, q, vault=vault), newer=None, older=None)
        if q.strip()
        else await voucher_lists.look(actor, wanted_of(chosen, frame), before=before, after=after)
    )
    return voucher_page(
        request, frame, "dashboard/vouchers.html", found=found, chosen=chosen, q=q, now=clock.now(), shows=SHOW_WORDS,
        packages=await batch_pages.packages_of(actor), routers=await batch_pages.routers_of(actor), is_on=bool(before or after),
        making=await batches.making(actor), is_narrowed=any(chosen[name] for name in _MORE), is_any=any(chosen.values()),
    )  # fmt: skip


@get("/vouchers/{voucher_id:int}", guards=[guards.at_merchant])
async def one_voucher(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, voucher_id: RowId, done: Place = ""
) -> Response[str]:
    """Its history and what can be done with it. `done`: what has just been done."""
    return await _One(request, actor, voucher_id, vault=vault, clock=clock).page(done=DONE_WORDS.get(done, ""))


@get("/vouchers/{voucher_id:int}/asked", guards=[guards.at_merchant])
async def asked_part(request: AnyRequest, actor: Actor, voucher_id: RowId) -> Response[str]:
    """How the request to a phone stands, as the page asks while it is open; then the page is loaded anew."""
    frame, asked = await frame_of(request, actor, here="vouchers"), await voucher_sales.asked(actor, voucher_id)
    answer = part(
        request, frame, "dashboard/_voucher_asked.html", asked=asked, asked_words=ASKED_WORDS, voucher_id=voucher_id
    )
    if asked is None or not asked.is_open:
        answer.headers["hx-refresh"] = "true"
    return answer


@post("/vouchers/{voucher_id:int}/code", guards=[guards.at_merchant], status_code=200)
async def show_code(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, voucher_id: RowId
) -> Response[str]:
    """A paid voucher's code on the shop's screen; it stands in no address, and each look is kept."""
    return await _One(request, actor, voucher_id, vault=vault, clock=clock).reveal()


@post("/vouchers/{voucher_id:int}/cash", guards=[guards.at_merchant], status_code=200)
async def sell_for_cash(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, voucher_id: RowId
) -> Response[str]:
    """Sell it into one's own drawer and show its code; a reload is the same sale."""
    one, form = _One(request, actor, voucher_id, vault=vault, clock=clock), await typed_in(request)
    try:
        await voucher_sales.sell_for_cash(
            actor, voucher_id, form_key=form.get("form_key", ""), vault=vault, now=clock.now()
        )
    except Conflict as error:
        return await one.page(error=error)
    return await one.reveal()


@post("/vouchers/{voucher_id:int}/{what:str}", guards=[guards.at_merchant])
async def act(
    request: AnyRequest, actor: Actor, voucher_id: RowId, what: str, *, vault: Vault, clock: Clock
) -> Response[Any]:
    """Everything else people do with it."""
    one, form = _One(request, actor, voucher_id, vault=vault, clock=clock), await typed_in(request)
    try:
        await deed_of(actor, voucher_id, what, form, now=clock.now())
    except (Invalid, Conflict, TooMany, Unavailable) as error:
        return await one.page(error=error, typed=form, deed=what)
    return see_other(request, f"/vouchers/{voucher_id}?done={what}")


@dataclass(slots=True)
class _One:
    """The page of one voucher, again and again the same but for what went wrong or is shown this once."""

    request: AnyRequest
    actor: Actor
    id: int
    vault: Vault
    clock: Clock

    async def reveal(self) -> Response[str]:
        """With its code."""
        code = await batches.reveal_code(self.actor, self.id, vault=self.vault, now=self.clock.now())
        return await self.page(shown=codes.print_code(code))

    async def page(
        self, *, shown: str = "", done: str = "", error: PortalError | None = None, typed: dict[str, str] | None = None,
        deed: str = "",
    ) -> Response[str]:  # fmt: skip
        """Render it."""
        frame, actor = await frame_of(self.request, self.actor, here="vouchers"), self.actor
        wrong = error.fields if isinstance(error, Invalid) else {}
        told = frame.language.say(error.message, error.params) if error is not None and not wrong else ""
        return voucher_page(
            self.request, frame, "dashboard/voucher.html", status=error.status_code if error else 200, shown=shown, done=done,
            wrong=wrong, told=told, typed=typed or {}, deed=deed, form_key=codes.hex_token(16), now=self.clock.now(),
            voucher=await voucher_pages.page_of(actor, self.id, vault=self.vault),
            moves=await voucher_pages.moves_of(actor, self.id), stays=await voucher_pages.stays_of(actor, self.id),
            holders=await devices.of_voucher(actor, self.id), proof_words=PROOF_WORDS, why_ended=WHY_ENDED,
            move_words=MOVE_WORDS, asked=await voucher_sales.asked(actor, self.id), asked_words=ASKED_WORDS,
            drawer=await floats.mine(actor) if actor.role in SELLERS else None, units=tuple(UNITS),
            choices=await choices(actor, frame), may_refund=actor.role in MANAGERS, voucher_id=self.id,
        )  # fmt: skip


ROUTES = [voucher_list, one_voucher, asked_part, show_code, sell_for_cash, act]
