"""Figures of sales for any days: the page with its plots, and each of them as a file for a spreadsheet."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import Parameter

from portal import charts, guards, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.figure_words import HEADS, WAY_WORDS, WITHOUT_NAME, step_name, stretch_name
from portal.controllers.dashboard.frame import Frame, frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.i18n import SHORT_WEEKDAYS, WEEKDAYS
from portal.identity import Actor
from portal.reports import sales, stretches
from portal.reports.sales import Line, SalesFigures
from portal.reports.stretches import LENGTHS, Stretch

AnyRequest = Request[Any, Any, Any]
Days = Annotated[Literal[1, 7, 14, 30, 365], Parameter(query="days")]
Day = Annotated[str, Parameter(max_length=10)]
What = Annotated[Literal["time", "packages", "routers", "sellers", "ways", "heat"], Parameter(query="what")]
DEFAULT = 30


def provide_asked(days: Days = DEFAULT, since: Day = "", until: Day = "") -> dict[str, Any]:
    """Dependency `asked`: the days as the address names them."""
    return {"days": days, "since": since, "until": until}


def stretch_of(asked: dict[str, Any], frame: Frame, clock: Clock) -> tuple[Stretch, bool]:
    """The days that are asked for; whether they could be read. The last thirty instead of days that cannot."""
    today = clock.now().astimezone(frame.zone).date()
    if not (asked["since"] or asked["until"]):
        return stretches.of_last(asked["days"], today=today), True
    chosen = stretches.of_days(asked["since"], asked["until"], today=today)
    return chosen or stretches.of_last(DEFAULT, today=today), chosen is not None


@get(
    "/reports/sales", guards=[guards.at_merchant], dependencies={"asked": Provide(provide_asked, sync_to_thread=False)}
)
async def figures_page(request: AnyRequest, actor: Actor, asked: dict[str, Any], clock: Clock) -> Response[str]:
    """The page; 422 with the days as typed when they cannot be read."""
    frame, now = await frame_of(request, actor, here="reports"), clock.now()
    stretch, is_read = stretch_of(asked, frame, clock)
    found = await sales.figures(actor, stretch, zone=frame.zone, now=now)
    both = charts.bars([*(step.cents for step in found.steps), *(step.before_cents for step in found.steps)])
    many = len(found.steps)
    return money_page(
        request, frame, "dashboard/sales_figures.html", tab="reports", status=200 if is_read else 422, figures=found, stretch=stretch,
        asked=asked, is_read=is_read, lengths=LENGTHS, title=stretch_name(stretch, frame.language), now=now, way_words=WAY_WORDS,
        before_title=stretch_name(stretch.before, frame.language), without=WITHOUT_NAME, names=_step_names(found, frame),
        chart=charts.Bars(ticks=both.ticks, heights=both.heights[:many]), before_heights=both.heights[many:],
        heat=charts.shades(found.heat), weekdays=WEEKDAYS, short_weekdays=SHORT_WEEKDAYS, most_days=stretches.MOST_DAYS,
    )  # fmt: skip


@get(
    "/reports/sales.csv",
    guards=[guards.at_merchant],
    dependencies={"asked": Provide(provide_asked, sync_to_thread=False)},
)
async def figures_file(
    request: AnyRequest, actor: Actor, asked: dict[str, Any], clock: Clock, what: What = "time"
) -> Response[str]:
    """One plot's figures, to go on counting with."""
    frame = await frame_of(request, actor, here="reports")
    stretch, _ = stretch_of(asked, frame, clock)
    found = await sales.figures(actor, stretch, zone=frame.zone, now=clock.now())
    text = spreadsheets.MARK + spreadsheets.table(_table(what, found, frame))
    name = f"{what}-{stretch.first:%Y-%m-%d}-{stretch.last:%Y-%m-%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _step_names(found: SalesFigures, frame: Frame) -> list[str]:
    return [step_name(step.at, found.step, frame.language) for step in found.steps]


def _table(what: str, found: SalesFigures, frame: Frame) -> list[Sequence[object]]:
    say = frame.language.gettext
    head = [say(name) for name in HEADS[what]]
    if what == "heat":
        days = [[say(day), *(_plain(cents) for cents in row)] for day, row in zip(WEEKDAYS, found.heat, strict=True)]
        return [[head[0], *(f"{hour:02d}:00" for hour in range(24))], *days]
    if what == "time":
        times = [
            [f"{step.at:%Y-%m-%d %H:%M}", step.sold, _plain(step.cents), _plain(step.before_cents)]
            for step in found.steps
        ]
        return [head, *times]
    lines: Sequence[Line] = getattr(found, what)
    words = WAY_WORDS if what == "ways" else {}
    return [
        head,
        *([say(words.get(line.name, line.name) or WITHOUT_NAME[what]), line.sold, _plain(line.cents), _plain(line.before_cents)]
          for line in lines),
    ]  # fmt: skip


def _plain(cents: int) -> str:
    """A number as spreadsheets take it."""
    return f"{cents / 100:.2f}"


ROUTES = [figures_page, figures_file]
