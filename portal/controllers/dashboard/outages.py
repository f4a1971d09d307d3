"""Outages: how long routers were away, who got how much time back, and the button that gives it."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, merchant_settings, outages
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.voucher_words import VOUCHER_WORDS
from portal.identity import Actor
from portal.routers import looks, rights
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Cursor = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]
DAYS, PAGE, PEOPLE = 30, 20, 50


@get("/outages", guards=[guards.at_merchant])
async def outages_page(request: AnyRequest, actor: Actor, clock: Clock, before: Cursor = None) -> Response[str]:
    """All routers: how long each was away, and every outage."""
    frame = await frame_of(request, actor, here="routers")
    now = clock.now()
    listed = await outages.of_merchant(actor, before=before, most=PAGE)
    context = {
        "outages": listed, "older": listed[-1].id if len(listed) == PAGE else None, "before": before, "now": now,
        "downtimes": await outages.downtimes(actor, days=DAYS, now=now), "days": DAYS,
        "chosen": await merchant_settings.choices(actor), "may_change": rights.may_change(actor),
    }  # fmt: skip
    return page(request, frame, "dashboard/outages.html", **context)


@get("/routers/{router_id:int}/outages", guards=[guards.at_merchant])
async def router_outages(
    request: AnyRequest, actor: Actor, clock: Clock, router_id: RowId, before: Cursor = None
) -> Response[str]:
    """One router's."""
    frame = await frame_of(request, actor, here="routers")
    router, now = await looks.page_of(actor, router_id), clock.now()
    listed = await outages.of_merchant(actor, router_id=router_id, before=before, most=PAGE)
    downtimes = [each for each in await outages.downtimes(actor, days=DAYS, now=now) if each.router_id == router_id]
    context = {
        "router": router, "outages": listed, "older": listed[-1].id if len(listed) == PAGE else None, "before": before,
        "downtimes": downtimes, "days": DAYS, "now": now, "may_change": rights.may_change(actor),
        "chosen": await merchant_settings.choices(actor),
    }  # fmt: skip
    return page(request, frame, "dashboard/router_outages.html", **context)


@get("/outages/{outage_id:int}", guards=[guards.at_merchant])
async def outage_page(
    request: AnyRequest, actor: Actor, clock: Clock, outage_id: RowId, after: Cursor = None
) -> Response[str]:
    """One outage: who got how much, or who would."""
    frame = await frame_of(request, actor, here="routers")
    outage = await outages.one(actor, outage_id)
    people = await outages.credits_of(actor, outage_id, after=after, most=PEOPLE)
    context = {
        "outage": outage, "people": people, "more": people[-1].id if len(people) == PEOPLE else None, "after": after,
        "now": clock.now(), "chosen": await merchant_settings.choices(actor), "voucher_words": VOUCHER_WORDS,
        "foretold": await outages.foretell(outage_id, merchant_id=actor.at_merchant()),
        "may_change": rights.may_change(actor),
    }  # fmt: skip
    return page(request, frame, "dashboard/outage.html", **context)


@post("/outages/{outage_id:int}/credit", guards=[guards.at_merchant])
async def give_back(request: AnyRequest, actor: Actor, clock: Clock, outage_id: RowId) -> Response[bytes]:
    """Give its lost time back."""
    await outages.one(actor, outage_id)
    await outages.credit(actor, outage_id, now=clock.now())
    return see_other(request, f"/outages/{outage_id}")


ROUTES = [outages_page, router_outages, outage_page, give_back]
