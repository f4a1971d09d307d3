"""The merchant's home: how we are doing now. Each part has its own address and asks for itself every few seconds."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import alerts, batch_pages, batches, charts, guards, reports, sales
from portal.clock import Clock
from portal.controllers.dashboard.alert_words import grouped
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.home_words import FIRST_WORDS, ways_of
from portal.controllers.dashboard.words import ROUTER_WORDS, SALE_WORDS
from portal.identity import Actor
from portal.payouts import plans, rights
from portal.reports import RouterLine, best, firsts
from portal.reports.firsts import First
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Days = Annotated[Literal[14, 30, 365], Parameter(query="days")]
Last = Annotated[int, Parameter(query="last", ge=0, le=2**63 - 1)]
#: How many sales the home shows, and how many months a year's bars are.
RECENT, MONTHS = 7, 12


@get("/")
async def root(request: AnyRequest, actor: Actor) -> Response[bytes]:
    """Everybody's own first page."""
    return see_other(request, "/home" if actor.merchant_id is not None else "/operator")


@get("/home", guards=[guards.at_merchant])
async def home(request: AnyRequest, actor: Actor, clock: Clock, days: Days = 14) -> Response[str]:
    """The page, with all its parts; the first steps instead of them for who has not sold anything yet."""
    frame, steps = await frame_of(request, actor, here="home"), await firsts.firsts(actor)
    lines = await reports.routers(actor)
    context = {
        # A router that is away is told by the note among the figures, which keeps itself up to date.
        "alert_groups": grouped([each for each in await alerts.open_of(actor) if each.kind != "router_away"]),
        "firsts": None if steps[First.SALE] else steps, "first_words": FIRST_WORDS,
        **await _figures(frame, clock, lines), **await _days(frame, clock, days=days), **await _sales(frame, clock),
        **await _making(frame), **await _best(frame, clock), "router_words": ROUTER_WORDS,
    }  # fmt: skip
    return page(request, frame, "dashboard/home.html", **context)


@get("/home/figures", guards=[guards.at_merchant])
async def figures_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The key figures, and the note when a router is offline."""
    frame = await frame_of(request, actor, here="home")
    lines = await reports.routers(actor)
    return part(request, frame, "dashboard/_figures.html", **await _figures(frame, clock, lines))


@get("/home/days", guards=[guards.at_merchant])
async def days_part(request: AnyRequest, actor: Actor, clock: Clock, days: Days = 14) -> Response[str]:
    """The bars."""
    frame = await frame_of(request, actor, here="home")
    return part(request, frame, "dashboard/_days.html", **await _days(frame, clock, days=days))


@get("/home/sales", guards=[guards.at_merchant])
async def sales_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The newest sales."""
    frame = await frame_of(request, actor, here="home")
    return part(request, frame, "dashboard/_sales.html", **await _sales(frame, clock))


@get("/home/routers", guards=[guards.at_merchant])
async def routers_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The routers."""
    frame, lines = await frame_of(request, actor, here="home"), await reports.routers(actor)
    return part(
        request, frame, "dashboard/_routers.html", routers=lines, router_words=ROUTER_WORDS, now=clock.now()
    )  # fmt: skip


@get("/home/making", guards=[guards.at_merchant])
async def making_part(request: AnyRequest, actor: Actor, last: Last = 0) -> Response[str]:
    """Vouchers that are being made; `last`: the batch that was, whose end is told once."""
    frame = await frame_of(request, actor, here="home")
    return part(request, frame, "dashboard/_making.html", **await _making(frame, last=last))


async def _figures(frame: Frame, clock: Clock, lines: list[RouterLine]) -> dict[str, object]:
    now = clock.now()
    figures = await reports.figures(frame.actor, zone=frame.zone, now=now)
    payout = None
    if rights.may_see(frame.actor):
        plan = await plans.plan_of(frame.actor.at_merchant())
        payout = (plan, plans.next_day(plan, now=now, zone=frame.zone))
    return {
        "figures": figures, "spark": charts.spark(figures.by_hour_cents), "routers": lines, "now": now, "payout": payout,
        "sold_ways": ways_of(figures, frame.language),
    }  # fmt: skip


async def _days(frame: Frame, clock: Clock, *, days: int) -> dict[str, object]:
    if days > 100:
        listed = await reports.takings_per_month(frame.actor, months=MONTHS, zone=frame.zone, now=clock.now())
    else:
        listed = await reports.takings_per_day(frame.actor, days=days, zone=frame.zone, now=clock.now())
    return {"days": listed, "period": days, "chart": charts.bars([day.cents for day in listed])}


async def _sales(frame: Frame, clock: Clock) -> dict[str, object]:
    now = clock.now()
    newest = await sales.latest(frame.actor, now=now, most=RECENT)
    return {"sales": newest.sales, "sale_words": SALE_WORDS, "now": now}


async def _best(frame: Frame, clock: Clock) -> dict[str, object]:
    return {"best": await best.most_sold(frame.actor, zone=frame.zone, now=clock.now())}


async def _making(frame: Frame, *, last: int = 0) -> dict[str, object]:
    making = await batches.making(frame.actor)
    made = await batch_pages.page_of(frame.actor, last) if last and not making else None
    return {"making": making, "made": made if made and not made.cancelled_at else None}


ROUTES = [root, home, figures_part, days_part, sales_part, routers_part, making_part]
