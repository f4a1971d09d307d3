"""The merchant's routers to look at: the list, and one router with its parts, each of which asks for itself."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import drift, guards, outages, reports
from portal.clock import Clock
from portal.controllers.dashboard import snapshot_words
from portal.controllers.dashboard.drift_words import why_failed
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.router_words import (
    GRANT_WORDS,
    HAPPENINGS,
    SEVERITY_WORDS,
    STRIP_WORDS,
    WAYS,
)
from portal.controllers.dashboard.words import ROUTER_WORDS
from portal.identity import Actor
from portal.routers import checks, endings, held_why, looks, rights
from portal.routers.findings import SENTENCES, sentence_of

AnyRequest = Request[Any, Any, Any]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
RouterId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@get("/routers", guards=[guards.at_merchant])
async def routers_list(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """All routers, the ones in trouble first."""
    frame = await frame_of(request, actor, here="routers")
    return page(request, frame, "dashboard/routers.html", **await _list(frame, clock))


@get("/routers/list", guards=[guards.at_merchant])
async def list_part(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The list alone."""
    frame = await frame_of(request, actor, here="routers")
    return part(request, frame, "dashboard/_router_list.html", **await _list(frame, clock))


@get("/routers/{router_id:int}", guards=[guards.at_merchant])
async def router_page(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """One router, with all its parts."""
    frame = await frame_of(request, actor, here="routers")
    context = {**await _state(frame, clock, router_id), **await _people(frame, clock, router_id)}
    context |= {**await _doctor(frame, clock, router_id), **await _history(frame, router_id)}
    context |= {"users": await looks.users_on(actor, router_id), "grant_words": GRANT_WORDS, "sentence_of": sentence_of}
    report = await drift.report(actor, router_id)
    context |= {"report": report, "drift_failed": why_failed(report.standing)}
    context |= {"outages": await outages.of_router(actor, router_id, limit=3)}
    context |= {"endings": await endings.endings_of(actor, router_id, zone=frame.zone, now=clock.now())}
    return page(request, frame, "dashboard/router.html", **context)


@get("/routers/{router_id:int}/state", guards=[guards.at_merchant])
async def state_part(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """How it is doing."""
    frame = await frame_of(request, actor, here="routers")
    return part(request, frame, "dashboard/_router_state.html", **await _state(frame, clock, router_id))


@get("/routers/{router_id:int}/people", guards=[guards.at_merchant])
async def people_part(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """Who is online."""
    frame = await frame_of(request, actor, here="routers")
    router = {"router": await looks.page_of(actor, router_id)}
    return part(request, frame, "dashboard/_router_people.html", **router, **await _people(frame, clock, router_id))


@get("/routers/{router_id:int}/doctor", guards=[guards.at_merchant])
async def doctor_part(request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId) -> Response[str]:
    """What the doctor found."""
    frame = await frame_of(request, actor, here="routers")
    router = {"router": await looks.page_of(actor, router_id), "may_change": rights.may_change(actor)}
    return part(request, frame, "dashboard/_router_doctor.html", **router, **await _doctor(frame, clock, router_id))


@get("/routers/{router_id:int}/history", guards=[guards.at_merchant])
async def history_page(
    request: AnyRequest, actor: Actor, clock: Clock, router_id: RouterId, before: Before = None
) -> Response[str]:
    """What happened to it, page by page."""
    frame = await frame_of(request, actor, here="routers")
    router = {"router": await looks.page_of(actor, router_id), "now": clock.now(), "before": before}
    return page(
        request, frame, "dashboard/router_history.html", **router, **await _history(frame, router_id, before=before)
    )


async def _list(frame: Frame, clock: Clock) -> dict[str, object]:
    now = clock.now()
    return {
        "routers": await reports.routers(frame.actor), "strips": await looks.strips(frame.actor, now=now),
        "worst": await checks.worst_of(frame.actor), "router_words": ROUTER_WORDS, "strip_words": STRIP_WORDS,
        "severity_words": SEVERITY_WORDS, "may_change": rights.may_change(frame.actor), "now": now,
        "to_decide": await outages.waiting(frame.actor),
    }  # fmt: skip


async def _state(frame: Frame, clock: Clock, router_id: int) -> dict[str, object]:
    now, router = clock.now(), await looks.page_of(frame.actor, router_id)
    trouble = sentence_of(router.last_error) if router.last_error else ""
    return {
        "router": router, "strip": (await looks.strips(frame.actor, now=now)).get(router_id, []), "trouble": trouble,
        "router_words": ROUTER_WORDS, "strip_words": STRIP_WORDS, "ways": WAYS,
        "may_change": rights.may_change(frame.actor), "now": now, "held": await held_why(router_id),
    }  # fmt: skip


async def _people(frame: Frame, clock: Clock, router_id: int) -> dict[str, object]:
    return {"people": await looks.online_on(frame.actor, router_id), "now": clock.now()}


async def _doctor(frame: Frame, clock: Clock, router_id: int) -> dict[str, object]:
    check = await checks.newest(frame.actor, router_id, zone=frame.zone)
    return {
        "check": check, "sentences": SENTENCES, "severity_words": SEVERITY_WORDS, "setting_words": snapshot_words,
        "now": clock.now(),
    }  # fmt: skip


async def _history(frame: Frame, router_id: int, *, before: int | None = None) -> dict[str, object]:
    most = 8 if before is None else 50
    happenings = await looks.history_of(frame.actor, router_id, before=before, most=most)
    older = happenings[-1].id if len(happenings) == most else None
    return {"happenings": happenings, "older": older, "happening_words": HAPPENINGS}


ROUTES = [routers_list, list_part, router_page, state_part, people_part, doctor_part, history_page]
