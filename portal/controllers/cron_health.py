"""`/api/cron/health`: whether the jobs run, for uptime watchers. Names jobs, never merchants; asks for no secret."""

import asyncio
import logging
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import Dependency

from portal import health, limits
from portal.clock import Clock
from portal.config import Settings
from portal.headers import client_address
from portal.health import CronHealth, Expected
from portal.timetables import Timetable

log = logging.getLogger(__name__)

TheTimetable = Annotated[Timetable, Dependency(skip_validation=True)]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
AnyRequest = Request[Any, Any, Any]
_PATIENCE_S = 3.0
#: Looks from one address within so many seconds; watchers look once or twice a minute, from several places.
MOST = (60, 60)


@get("/health", opt={"csrf": "none", "pages": "none"})
async def cron_health(
    request: AnyRequest, timetable: TheTimetable, settings: TheSettings, *, clock: Clock
) -> Response[CronHealth] | Response[dict[str, str]]:
    """200 when nothing critical is wrong (status healthy or degraded), 503 otherwise, or when the database does not answer.
    429 for who asks without end; with the database away nobody is counted, and the answer stays the same."""
    expected = [
        Expected(entry.name, overdue_s=entry.overdue_s, is_critical=entry.is_critical)
        for entry in timetable.entries.values()
    ]
    headers = {"cache-control": "no-store"}
    try:
        async with asyncio.timeout(_PATIENCE_S):
            source = client_address(request, settings.trusted_proxies)
            if not await limits.hit(f"cron-health:{source}", limit=MOST[0], window_s=MOST[1], now=clock.now()):
                body = {"status": "unknown", "what": "asked too often, ask once a minute"}
                return Response(body, status_code=429, headers=headers | {"retry-after": str(MOST[1])})
            said = await health.cron(expected)
    except Exception:  # whatever it is, the answer to the one question asked here is "no"
        log.exception("health of jobs not known")
        return Response({"status": "unknown", "what": "the database does not answer"}, status_code=503, headers=headers)
    return Response(said, status_code=503 if said.status == "unhealthy" else 200, headers=headers)


ROUTER = Router(path="/api/cron", route_handlers=[cron_health])
