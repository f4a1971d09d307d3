"""Jobs: how all of them stand, one of them, and the buttons of the operator. A merchant sees in words what works for him."""

import contextlib
from datetime import timedelta
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.params import Dependency, Parameter

from portal import alerts, charts, guards, job_history, job_runs
from portal.clock import Clock
from portal.controllers.dashboard import job_words as words
from portal.controllers.dashboard.alert_words import grouped
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.errors import Conflict, Invalid, NotFound, PortalError
from portal.identity import Actor
from portal.job_history import Filter, Standing
from portal.job_runs import Source
from portal.timetables import Entry, Timetable
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
TheTimetable = Annotated[Timetable, Dependency(skip_validation=True)]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Only = Annotated[Literal["", "troubled", "hand"], Parameter(query="only")]
#: Hours in the picture of the last slots, and runs in the chart of durations.
HOURS, CHARTED = 24, 40
_WORDS: dict[str, Any] = {
    "job_words": words.JOB_WORDS, "run_words": words.RUN_WORDS, "source_words": words.SOURCE_WORDS, "took": words.took,
    "since": words.since, "title_of": words.title_of,
}  # fmt: skip
_FILTERS = {
    "": Filter(),
    "troubled": Filter(statuses=("retry", "failed", "dead", "discarded")),
    "hand": Filter(source="hand"),
}


@get("/jobs")
async def jobs_page(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, before: Before = None
) -> Response[str]:
    """All jobs: whole for the operator, in words for a merchant."""
    if not actor.is_operator:
        return await _shop_page(request, actor, clock, timetable)
    frame, now = await frame_of(request, actor, here="jobs"), clock.now()
    until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    began = until - timedelta(hours=HOURS)
    troubles = await job_history.troubles(before=before)
    context = {
        **await _list(timetable, clock), "troubles": troubles, "before": before,
        "older": troubles[-1].run.id if len(troubles) == job_history.TROUBLES else None,
        "heat": await job_history.heat(timetable.names, since=began, until=until, pieces=HOURS), "began": began,
        "hours": HOURS, "alert_groups": grouped(await alerts.open_of(actor)),
    }  # fmt: skip
    return page(request, frame, "dashboard/jobs.html", **context)


async def _shop_page(request: AnyRequest, actor: Actor, clock: Clock, timetable: Timetable) -> Response[str]:
    now = clock.now()
    deeds = await job_history.deeds(actor, now=now)
    frame = await frame_of(request, actor, here="jobs")
    names = [name for name in words.SHOP_JOBS if name in timetable.entries]
    standings = await job_history.standings(names)
    lines = [(name, standings[name], words.shop_state(timetable.entries[name], standings[name], now)) for name in names]
    groups = grouped(await alerts.open_of(actor))
    return page(
        request, frame, "dashboard/jobs_shop.html", lines=lines, deeds=deeds, now=now, alert_groups=groups, **_WORDS
    )


@get("/jobs/list", guards=[guards.operator_only])
async def list_part(request: AnyRequest, actor: Actor, clock: Clock, timetable: TheTimetable) -> Response[str]:
    """The list, as it asks for itself while something runs."""
    frame = await frame_of(request, actor, here="jobs")
    return part(request, frame, "dashboard/_job_list.html", **await _list(timetable, clock))


async def _list(timetable: Timetable, clock: Clock) -> dict[str, Any]:
    now = clock.now()
    standings = await job_history.standings(timetable.names)
    lines = [
        (entry, standings[name], words.state_of(entry, standings[name], now), entry.next_slot(now))
        for name, entry in timetable.entries.items()
    ]
    return {"lines": lines, "now": now, **_WORDS}


@get("/jobs/{name:str}", guards=[guards.operator_only])
async def job_page(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str, before: Before = None,
    only: Only = "",
) -> Response[str]:  # fmt: skip
    """One job: how it stands, how long it takes, and its history."""
    return await _job(request, actor, clock, _entry(timetable, name), before=before, only=only)


async def _job(
    request: AnyRequest, actor: Actor, clock: Clock, entry: Entry, *, before: int | None = None, only: str = "",
    error: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="jobs")
    wanted = _FILTERS[only]
    runs = await job_history.history(
        Filter(job=entry.name, statuses=wanted.statuses, source=wanted.source, before=before)
    )
    charted = await job_history.durations(entry.name, most=CHARTED)
    chart = charts.bars([round((run.seconds or 0) * 1000) * 100 for run in charted])
    answer = page(
        request, frame, "dashboard/job.html", **await _one(entry, clock), runs=runs, before=before, only=only,
        older=runs[-1].id if len(runs) == job_history.PAGE_SIZE else None, charted=charted, chart=chart,
        found_at=words.FOUND_AT.get(entry.name), told=_said(frame, error), wrong=error.fields if isinstance(error, Invalid) else {},
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


def _said(frame: Frame, error: PortalError | None) -> str:
    return frame.language.say(error.message, error.params) if error and not isinstance(error, Invalid) else ""


@get("/jobs/{name:str}/standing", guards=[guards.operator_only])
async def standing_part(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str
) -> Response[str]:
    """How it stands, as it asks for itself while it runs."""
    frame = await frame_of(request, actor, here="jobs")
    return part(request, frame, "dashboard/_job_standing.html", **await _one(_entry(timetable, name), clock))


async def _one(entry: Entry, clock: Clock) -> dict[str, Any]:
    now = clock.now()
    standing: Standing = (await job_history.standings([entry.name]))[entry.name]
    state, upcoming = words.state_of(entry, standing, now), entry.next_slot(now)
    return {"entry": entry, "standing": standing, "state": state, "upcoming": upcoming, "now": now, **_WORDS}


def _entry(timetable: Timetable, name: str) -> Entry:
    if name not in timetable.entries:
        raise NotFound
    return timetable.entries[name]


@post("/jobs/{name:str}/run", guards=[guards.operator_only])
async def run_now(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str
) -> Response[Any]:
    """Ask for a run now; pressed twice within a second it is one."""
    slot = clock.now().replace(microsecond=0)
    await job_runs.request(_entry(timetable, name).name, slot, source=Source.HAND, by=_by(actor))
    return see_other(request, f"/jobs/{name}")


@post("/jobs/{name:str}/pause", guards=[guards.operator_only])
async def pause(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str
) -> Response[Any]:
    """Leave it out until somebody resumes it; a reason is needed."""
    entry, why = _entry(timetable, name), str((await request.form()).get("why", "")).strip()
    if not why:
        return await _job(request, actor, clock, entry, error=Invalid({"why": words.NO_REASON}))
    await job_runs.pause(entry.name, _by(actor), why=why)
    return see_other(request, f"/jobs/{name}")


@post("/jobs/{name:str}/resume", guards=[guards.operator_only])
async def resume(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str
) -> Response[bytes]:
    """Let the clock have it again, and make up at once for what it missed."""
    entry = _entry(timetable, name)
    if await job_runs.resume(entry.name, _by(actor)):
        await job_runs.request(entry.name, entry.latest_slot(clock.now()), source=Source.START, by=_by(actor))
    return see_other(request, f"/jobs/{name}")


@post("/jobs/{name:str}/runs/{run_id:int}/{verb:str}", guards=[guards.operator_only])
async def decide(
    request: AnyRequest, actor: Actor, clock: Clock, *, timetable: TheTimetable, name: str, run_id: RowId, verb: str
) -> Response[Any]:
    """Try a run again that failed, or leave it undone for good."""
    act = {"retry": job_runs.retry, "discard": job_runs.discard}.get(verb)
    found = await job_history.run_of(run_id, name)
    if act is None:
        raise NotFound
    try:
        await act(found.id, _by(actor))
    except Conflict as error:
        return await _job(request, actor, clock, _entry(timetable, name), error=error)
    return see_other(request, f"/jobs/{name}" if verb == "retry" else "/jobs")


@post("/jobs/discard-over", guards=[guards.operator_only])
async def discard_over(request: AnyRequest, actor: Actor) -> Response[bytes]:
    """Leave undone all failed runs whose job has run well since."""
    for run_id in await job_history.over():
        with contextlib.suppress(Conflict):  # somebody else decided about this one meanwhile
            await job_runs.discard(run_id, _by(actor))
    return see_other(request, "/jobs")


def _by(actor: Actor) -> str:
    return f"user:{actor.user_id}"


ROUTES = [jobs_page, list_part, job_page, standing_part, run_now, pause, resume, decide, discard_over]
