"""For machines that watch us: `/healthz` says the process answers, `/readyz` that it can work."""

import asyncio
import logging
from typing import Any

from litestar import Request, Response, get

from portal import health, invariants, migrations
from portal.callbacks import Intake

log = logging.getLogger(__name__)

_PATIENCE_S = 2.0


@get("/healthz", sync_to_thread=False)
def healthz() -> Response[str]:
    """This process is alive. Asks nothing of anybody else."""
    return _say("ok", 200)


@get("/readyz")
async def readyz(request: Request[Any, Any, Any]) -> Response[str]:
    """The database answers and has the shape this version needs, callbacks could be spooled, and a worker gave a sign of life in
    the last 30 seconds; 503 and the reason otherwise.

    An invariant that is broken is told after "ok"; so is that no worker has been started yet."""
    intake: Intake = request.app.state["intake"]
    trouble = await asyncio.to_thread(intake.spool.trouble) or intake.trouble
    if trouble:
        log.error("not ready", extra={"error": trouble})
        return _say(trouble, 503)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            is_current = await migrations.is_current()
            broken = await invariants.broken_now() if is_current else []
            silent_s = await health.silent_worker_s() if is_current else None
    except Exception:
        # Whatever kind of failure it is, the answer to the one question asked here is "no".
        log.exception("readiness check failed")
        return _say("the database does not answer", 503)
    if not is_current:
        return _say("the database needs a migration", 503)
    if silent_s is not None and silent_s > health.WORKER_SILENT_S:
        return _say(f"no worker has given a sign of life for {silent_s:.0f} s", 503)
    # Selling goes on: what is broken is for a person, and taking us out of service would break more.
    notes = [] if silent_s is not None else ["no worker has been seen"]
    return _say("\n".join(["ok", *notes, *(f"broken: {alert.subject}" for alert in broken)]), 200)


def _say(text: str, status: int) -> Response[str]:
    return Response(text + "\n", status_code=status, media_type="text/plain", headers={"cache-control": "no-store"})


ROUTES = [healthz, readyz]
