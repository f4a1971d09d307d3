"""The merchant's home: how we are doing now. Each part has its own address and asks for itself every few seconds."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import alerts, charts, guards, reports, sales
from portal.clock import Clock
from portal.controllers.dashboard.alert_words import grouped
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.words import ROUTER_WORDS, SALE_WORDS
from portal.identity import Actor
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Days = Annotated[Literal[14, 30], Parameter(query="days")]
#: How many sales the home shows.
RECENT = 7


@get("/")
async def root(request: AnyRequest, actor: Actor) -> Response[bytes]:
    """Everybody's own first page."""
    return see_other(request, "/home" if actor.merchant_id is not None else "/operator")


@get("/home", guards=[guards.at_merchant])
async def home(request: AnyRequest, actor: Actor, clock: Clock, days: Days = 14) -> Response[str]:
    """The page, with all its parts."""
    frame = await frame_of(request, actor, here="home")
    context = {
        # A router that is away is told by the note among the figures, which keeps itself up to date.
        "alert_groups": grouped([each for each in await alerts.open_of(actor) if each.kind != "router_away"]),
        **await _figures(frame, clock),
        **await _days(frame, clock, days=days),
        **await _sales(frame, clock),
        **await _routers(frame, clock),
    }
    return page(request, frame, "dashboard/home.html", **context)


@get("/home/figures", guards=[guards.at_merchant])
async def figures_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The key figures, and the note when a router is offline."""
    frame = await frame_of(request, actor, here="home")
    return part(request, frame, "dashboard/_figures.html", **await _figures(frame, clock))


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
    frame = await frame_of(request, actor, here="home")
    return part(request, frame, "dashboard/_routers.html", **await _routers(frame, clock))


async def _figures(frame: Frame, clock: Clock) -> dict[str, object]:
    now = clock.now()
    figures = await reports.figures(frame.actor, zone=frame.zone, now=now)
    lines = await reports.routers(frame.actor)
    return {"figures": figures, "spark": charts.spark(figures.by_hour_cents), "routers": lines, "now": now}


async def _days(frame: Frame, clock: Clock, *, days: int) -> dict[str, object]:
    listed = await reports.takings_per_day(frame.actor, days=days, zone=frame.zone, now=clock.now())
    return {"days": listed, "period": days, "chart": charts.bars([day.cents for day in listed])}


async def _sales(frame: Frame, clock: Clock) -> dict[str, object]:
    now = clock.now()
    newest = await sales.latest(frame.actor, now=now, most=RECENT)
    return {"sales": newest.sales, "sale_words": SALE_WORDS, "now": now}


async def _routers(frame: Frame, clock: Clock) -> dict[str, object]:
    return {"routers": await reports.routers(frame.actor), "router_words": ROUTER_WORDS, "now": clock.now()}


ROUTES = [root, home, figures_part, days_part, sales_part, routers_part]
