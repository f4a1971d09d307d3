"""All sales in one list, narrowed by address and found by one box, as a file too; and one payment with all that is known of it."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Stream

from portal import guards, phones, reports, sales, searches, spreadsheets, suspense, timeline
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.rail_words import facts_of
from portal.controllers.dashboard.timeline_words import ACCOUNT_WORDS, BY_WORDS, KIND_WORDS, METHOD_WORDS, REFUSAL_WORDS
from portal.controllers.dashboard.voucher_words import VOUCHER_WORDS
from portal.controllers.dashboard.words import SALE_WORDS
from portal.identity import Actor
from portal.msgid import N_
from portal.sales import Group, Sale, Wanted
from portal.vault import Vault

AnyRequest = Request[Any, Any, Any]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Show = Annotated[Literal["", "paid", "waiting", "failed", "held", "refunds"], Parameter(query="show")]
Way = Annotated[Literal["", "stk", "c2b", "cash", "manual", "airtel", "paystack", "credit"], Parameter(query="way")]
Day = Annotated[str, Parameter(max_length=10)]
Query = Annotated[str, Parameter(query="q", max_length=500)]

GROUP_WORDS = {
    "": N_("All"),
    "paid": N_("Paid"),
    "waiting": N_("Waiting"),
    "failed": N_("Not paid"),
    "held": N_("Held"),
    "refunds": N_("Refunds"),
}
_HEAD = (
    N_("Time"), N_("Customer"), N_("Package"), N_("Amount"), N_("Currency"), N_("Way"), N_("M-Pesa code"),
    N_("Reference"), N_("Router"), N_("Status"),
)  # fmt: skip
_BATCH = 500


def provide_wanted(show: Show = "", way: Way = "", since: Day = "", until: Day = "") -> dict[str, str]:
    """Dependency `chosen`: the filters as the address names them."""
    return {"show": show, "way": way, "since": since, "until": until}


def wanted_of(chosen: dict[str, str], frame: Frame) -> Wanted:
    """The filters as the noun takes them; a day nobody can read does not count."""
    since, until = _day(chosen["since"]), _day(chosen["until"])
    return Wanted(
        group=Group(chosen["show"]) if chosen["show"] else None,
        method=chosen["way"] or None,
        since=reports.day_start(since, frame.zone) if since else None,
        until=reports.day_start(until + timedelta(days=1), frame.zone) if until and until < date.max else None,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@get("/sales", guards=[guards.at_merchant], dependencies={"chosen": Provide(provide_wanted, sync_to_thread=False)})
async def sales_list(
    request: AnyRequest, actor: Actor, chosen: dict[str, str], *, clock: Clock, vault: Vault, before: Before = None,
    q: Query = "",
) -> Response[str]:  # fmt: skip
    """One page of sales, those below the id `before`; or what the box finds."""
    frame = await frame_of(request, actor, here="sales")
    wanted, hits, held = wanted_of(chosen, frame), None, []
    if q.strip():
        hits = await searches.find(actor, q, vault=vault)
        wanted = msgspec.structs.replace(wanted, ids=hits.payment_ids)
        held = await suspense.some(actor, hits.suspense_ids)
    found = await sales.latest(actor, now=clock.now(), before=before, wanted=wanted)
    return money_page(
        request, frame, "dashboard/payments.html", tab="sales", sales=found.sales, older=found.older, before=before,
        now=clock.now(), chosen=chosen, q=q.strip(), hits=hits, held=held, sale_words=SALE_WORDS, groups=GROUP_WORDS,
        methods=METHOD_WORDS, voucher_words=VOUCHER_WORDS, refusal_words=REFUSAL_WORDS,
    )  # fmt: skip


@get("/sales.csv", guards=[guards.at_merchant], dependencies={"chosen": Provide(provide_wanted, sync_to_thread=False)})
async def sales_file(request: AnyRequest, actor: Actor, chosen: dict[str, str], *, clock: Clock) -> Stream:
    """All sales that fit the filters as a file, made while it is sent."""
    frame = await frame_of(request, actor, here="sales")
    lines = _lines(actor, frame, wanted_of(chosen, frame), now=clock.now())
    headers = {"content-disposition": 'attachment; filename="sales.csv"', "cache-control": "no-store"}
    return Stream(lines, media_type="text/csv", headers=headers)


async def _lines(actor: Actor, frame: Frame, wanted: Wanted, *, now: datetime) -> AsyncIterator[str]:
    yield spreadsheets.MARK + spreadsheets.row([frame.language.gettext(name) for name in _HEAD])
    before: int | None = None
    while True:
        found = await sales.latest(actor, now=now, most=_BATCH, before=before, wanted=wanted)
        yield "".join(_line(actor, frame, sale) for sale in found.sales)
        if (before := found.older) is None:
            return


def _line(actor: Actor, frame: Frame, sale: Sale) -> str:
    phone = sale.phone if timeline.sees_all(actor) else phones.mask(sale.phone) if sale.phone else ""
    say = frame.language.gettext
    return spreadsheets.row(
        [
            f"{sale.at.astimezone(frame.zone):%Y-%m-%d %H:%M:%S}", phone, sale.package, f"{sale.cents / 100:.2f}",
            sale.currency, say(METHOD_WORDS.get(sale.method, sale.method)), sale.receipt or "", sale.reference,
            sale.router, say(SALE_WORDS[sale.state][1]),
        ]
    )  # fmt: skip


@get("/payments/{payment_id:int}", guards=[guards.at_merchant])
async def payment_page(request: AnyRequest, actor: Actor, clock: Clock, payment_id: RowId) -> Response[str]:
    """One payment and its timeline."""
    frame, now = await frame_of(request, actor, here="sales"), clock.now()
    told = await timeline.of_payment(actor, payment_id)
    listed = await sales.latest(actor, now=now, most=1, wanted=Wanted(ids=[payment_id]))
    return money_page(
        request, frame, "dashboard/payment.html", tab="sales", payment=told, sale=listed.sales[0], now=now,
        sale_words=SALE_WORDS, methods=METHOD_WORDS, **timeline_context(told.method),
    )  # fmt: skip


def timeline_context(method: str = "c2b") -> dict[str, Any]:
    """The words every page with a timeline needs; `method`: how the payment was made."""
    return {
        "fact_words": facts_of(method),
        "by_words": BY_WORDS,
        "kind_words": KIND_WORDS,
        "account_words": ACCOUNT_WORDS,
    }


ROUTES = [sales_list, sales_file, payment_page]
