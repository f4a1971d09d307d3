"""What upkeep found: the database, the data folder, old records and backups, each with the next step. For the operator."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Dependency

from portal import guards, upkeep_reports
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.job_words import took
from portal.identity import Actor
from portal.upkeep_reports import DatabaseReport, LogsReport, StorageReport
from portal.upkeep_tables import LOGS

TheSettings = Annotated[Settings, Dependency(skip_validation=True)]


@get("/operator/upkeep", guards=[guards.operator_only])
async def upkeep_page(
    request: Request[Any, Any, Any], actor: Actor, clock: Clock, settings: TheSettings
) -> Response[str]:
    """The last report of each kind."""
    frame = await frame_of(request, actor, here="jobs")
    context = {
        "database": await upkeep_reports.last(DatabaseReport), "storage": await upkeep_reports.last(StorageReport),
        "logs": await upkeep_reports.last(LogsReport), "backups": await upkeep_reports.backups(), "now": clock.now(),
        "kept": LOGS, "days": settings.backups.keep_days, "took": took,
    }  # fmt: skip
    return page(request, frame, "dashboard/upkeep.html", **context)


ROUTES = [upkeep_page]
