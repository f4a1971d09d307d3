"""`/api/cron/health`: whether the jobs run, for uptime watchers. Names jobs, never merchants; asks for no secret."""

import asyncio
import logging
from typing import Annotated

from litestar import Response, Router, get
from litestar.params import Dependency

from portal import health
from portal.health import CronHealth, Expected
from portal.timetables import Timetable

log = logging.getLogger(__name__)

TheTimetable = Annotated[Timetable, Dependency(skip_validation=True)]
_PATIENCE_S = 3.0


@get("/health", opt={"csrf": "none", "pages": "none"})
async def cron_health(timetable: TheTimetable) -> Response[CronHealth] | Response[dict[str, str]]:
    """200 when nothing critical is wrong (status healthy or degraded), 503 otherwise, or when the database does not answer."""
    expected = [
        Expected(entry.name, overdue_s=entry.overdue_s, is_critical=entry.is_critical)
        for entry in timetable.entries.values()
    ]
    headers = {"cache-control": "no-store"}
    try:
        async with asyncio.timeout(_PATIENCE_S):
            said = await health.cron(expected)
    except Exception:  # whatever it is, the answer to the one question asked here is "no"
        log.exception("health of jobs not known")
        return Response({"status": "unknown", "what": "the database does not answer"}, status_code=503, headers=headers)
    return Response(said, status_code=503 if said.status == "unhealthy" else 200, headers=headers)


ROUTER = Router(path="/api/cron", route_handlers=[cron_health])
