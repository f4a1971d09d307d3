"""Leaks and differences: how routers differ from what was sold, what that is worth, and the buttons that mend it."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import drift, guards, reports
from portal.clock import Clock
from portal.controllers.dashboard.drift_words import KIND_WORDS, WISH_WORDS, why_failed
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.drift import Kind, Standing, Target
from portal.errors import NotFound
from portal.identity import Actor
from portal.routers import held_why, looks, rights
from portal.states import RouterStatus
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RouterId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@get("/drift", guards=[guards.at_merchant])
async def overview(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """All routers of the merchant, and what is at stake on them together."""
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/drift.html", **await _overview(frame, clock))


@get("/drift/list", guards=[guards.at_merchant])
async def overview_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The same, as it asks for itself while looks are under way."""
    frame = await frame_of(request, actor, here="routers")
    return part(request, frame, "dashboard/_drift_list.html", **await _overview(frame, clock))


@post("/drift/repair", guards=[guards.at_merchant])
async def repair_all(request: AnyRequest, actor: Actor, clock: Clock) -> Response[bytes]:
    """Repair every router that has something to mend; one that is being looked at is left to its look."""
    rights.changer(actor)
    found, awake = await drift.reports(actor), await _awake(actor)
    for router_id, report in found.items():
        if report.mendable and router_id in awake and report.standing.open is None:
            await drift.repair(actor, router_id, now=clock.now())
    return see_other(request, "/drift")


@post("/drift/look", guards=[guards.at_merchant])
async def look_at_all(request: AnyRequest, actor: Actor, clock: Clock) -> Response[bytes]:
    """Look at every router now."""
    rights.changer(actor)
    for router_id in await _awake(actor):
        await drift.ask(actor, router_id, now=clock.now())
    return see_other(request, "/drift")


@get("/routers/{router_id:int}/drift", guards=[guards.at_merchant])
async def drift_page(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """One router."""
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/router_drift.html", **await report_context(frame, clock, router_id))


@get("/routers/{router_id:int}/drift/report", guards=[guards.at_merchant])
async def drift_part(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """Its report, as it asks for itself while a look is under way."""
    frame = await frame_of(request, actor, here="routers")
    return part(request, frame, "dashboard/_router_drift.html", **await report_context(frame, clock, router_id))


@post("/routers/{router_id:int}/drift/look", guards=[guards.at_merchant])
async def look(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Look now."""
    await drift.ask(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}/drift")


@post("/routers/{router_id:int}/drift/repair", guards=[guards.at_merchant])
async def repair(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """Make what is ours as it was sold."""
    await drift.repair(actor, router_id, now=clock.now())
    return see_other(request, f"/routers/{router_id}/drift")


@get("/routers/{router_id:int}/drift/remove", guards=[guards.at_merchant])
async def remove_page(
    request: AnyRequest, actor: Actor, router_id: RouterId, *, kind: str = "", who: str = ""
) -> Response[str]:
    """The one row, and what removing it means."""
    router = await looks.page_of(actor, router_id)
    rights.changer(actor)
    found = await drift.target_seen(actor, router_id, _target({"kind": kind, "who": who}))
    frame = await frame_of(request, actor, here="routers")
    return page(
        request, frame, "dashboard/router_drift_remove.html", router=router, finding=found, kind_words=KIND_WORDS
    )


@post("/routers/{router_id:int}/drift/remove", guards=[guards.at_merchant])
async def remove(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """The person's word for that row."""
    await looks.page_of(actor, router_id)
    await drift.remove(actor, router_id, await _typed_target(request, actor), now=clock.now())
    return see_other(request, f"/routers/{router_id}/drift")


@post("/routers/{router_id:int}/drift/vouch", guards=[guards.at_merchant])
async def vouch(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """This one is meant to be there."""
    await looks.page_of(actor, router_id)
    await drift.vouch(actor, router_id, await _typed_target(request, actor), now=clock.now())
    return see_other(request, f"/routers/{router_id}/drift")


@post("/routers/{router_id:int}/drift/doubt", guards=[guards.at_merchant])
async def doubt(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[bytes]:
    """It is not, after all."""
    await looks.page_of(actor, router_id)
    await drift.doubt(actor, router_id, await _typed_target(request, actor), now=clock.now())
    return see_other(request, f"/routers/{router_id}/drift")


async def _typed_target(request: AnyRequest, actor: Actor) -> Target:
    rights.changer(actor)
    return _target({name: value for name, value in (await request.form()).items() if isinstance(value, str)})


def _target(form: Mapping[str, str]) -> Target:
    kind, who = form.get("kind", ""), form.get("who", "")
    if kind not in list(Kind) or not who:
        raise NotFound
    return Target(Kind(kind), who)


async def _awake(actor: Actor) -> list[int]:
    return [line.id for line in await reports.routers(actor) if line.status != RouterStatus.PAUSED]


async def report_context(frame: Frame, clock: Clock, router_id: int) -> dict[str, object]:
    """What the report of one router shows; NotFound for a stranger's."""
    router, report = await looks.page_of(frame.actor, router_id), await drift.report(frame.actor, router_id)
    return {
        "router": router, "report": report, "bought": await drift.vouchers_of(frame.actor, report),
        "why_failed": why_failed(report.standing), "kind_words": KIND_WORDS, "wish_words": WISH_WORDS,
        "may_change": rights.may_change(frame.actor), "held": await held_why(router_id), "now": clock.now(),
    }  # fmt: skip


async def _overview(frame: Frame, clock: Clock) -> dict[str, object]:
    found = await drift.reports(frame.actor)
    lines = [
        (router, found.get(router.id, drift.report_of(Standing(), set())))
        for router in await reports.routers(frame.actor)
    ]
    lines.sort(key=lambda line: -line[1].cents)
    return {
        "lines": lines, "wish_words": WISH_WORDS, "may_change": rights.may_change(frame.actor), "now": clock.now(),
        "why_failed": {router.id: why_failed(report.standing) for router, report in lines},
    }  # fmt: skip


ROUTES = [
    overview, overview_part, repair_all, look_at_all, drift_page, drift_part, look, repair, remove_page, remove, vouch, doubt,
]  # fmt: skip
