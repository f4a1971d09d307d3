"""Reports of weeks and months: the list, one to read and print, how the present one goes, and what is told by itself."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import charts, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, page
from portal.controllers.dashboard.money_tabs import money_page
from portal.errors import Forbidden, Invalid
from portal.identity import Actor
from portal.reports import choices, letters, looks
from portal.reports.looks import Report
from portal.reports.periods import Kind
from portal.routers.rights import may_change
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Chosen = Annotated[Kind | None, Parameter(query="kind")]
Saved = Annotated[bool, Parameter(query="saved")]


@get("/reports", guards=[guards.at_merchant])
async def reports_page(request: AnyRequest, actor: Actor, kind: Chosen = None, before: Before = None) -> Response[str]:
    """Every report that was kept, the newest first."""
    listed = await looks.kept(actor, kind=kind, before=before)
    frame = await frame_of(request, actor, here="reports")
    older = listed[-1].id if len(listed) == looks.PAGE else None
    return money_page(
        request, frame, "dashboard/reports.html", tab="reports", reports=listed, kind=kind, before=before, older=older,
        kinds=tuple(Kind), title_of=letters.title_of, compared=letters.compared, may_change=may_change(actor),
    )  # fmt: skip


@get("/reports/{report_id:int}", guards=[guards.at_merchant])
async def report_page(request: AnyRequest, actor: Actor, report_id: RowId) -> Response[str]:
    """One, as it stood."""
    report = await looks.one(actor, report_id)
    return _page(request, await frame_of(request, actor, here="reports"), report)


@get("/reports/now", guards=[guards.at_merchant])
async def now_page(request: AnyRequest, actor: Actor, clock: Clock, kind: Chosen = None) -> Response[str]:
    """The week or month that lasts, up to now."""
    frame = await frame_of(request, actor, here="reports")
    assert frame.merchant is not None
    report = await looks.so_far(
        actor, kind or Kind.MONTH, zone=frame.zone, currency=frame.merchant.currency, now=clock.now()
    )
    return _page(request, frame, report)


def _page(request: AnyRequest, frame: Frame, report: Report) -> Response[str]:
    found, span = report.figures, report.span
    by_clock = found.by_clock_cents
    # Both lines on one scale, or the eye compares what cannot be compared.
    both = charts.bars([*found.by_day_cents, *found.before_by_day_cents])
    days = len(found.by_day_cents)
    return money_page(
        request, frame, "dashboard/report.html", tab="reports", report=report, figures=found, span=span,
        title=letters.title_of(span, frame.language), change=letters.compared(found, span.kind, frame.language),
        days=[span.first + timedelta(days=n) for n in range(days)],
        day_chart=charts.Bars(ticks=both.ticks, heights=both.heights[:days]), before_heights=both.heights[days:][:days],
        clock_chart=charts.bars(by_clock), by_clock=by_clock, ways=letters.WAYS, size=letters.size,
        no_package=letters.NO_PACKAGE, no_router=letters.NO_ROUTER,
    )  # fmt: skip


@get("/settings/reports", guards=[guards.at_merchant])
async def choices_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """What is told by itself."""
    chosen = await choices.choices(actor)
    typed = {name: "yes" for name in ("morning", "weekly", "monthly") if getattr(chosen, name)}
    typed["morning_at"] = f"{chosen.morning_at // 60:02d}:{chosen.morning_at % 60:02d}"
    return await _choices(request, actor, typed=typed, is_saved=saved)


@post("/settings/reports", guards=[guards.at_merchant])
async def save(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep it; 422 with the form when something is wrong."""
    typed = {name: value[:40] for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        await choices.choose(actor, typed, now=clock.now())
    except Invalid as error:
        return await _choices(request, actor, typed=typed, error=error)
    return see_other(request, "/settings/reports?saved=true")


async def _choices(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], error: Invalid | None = None, is_saved: bool = False
) -> Response[str]:
    if not may_change(actor):
        raise Forbidden(choices.ONLY_MANAGERS)
    frame = await frame_of(request, actor, here="settings")
    answer = page(
        request,
        frame,
        "dashboard/report_choices.html",
        typed=typed,
        wrong=error.fields if error else {},
        is_saved=is_saved,
    )
    answer.status_code = error.status_code if error else 200
    return answer


ROUTES = [reports_page, now_page, report_page, choices_page, save]
