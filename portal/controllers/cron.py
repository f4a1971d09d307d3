"""The cron door: hosted schedulers ask here for jobs, with the secret as their only proof. A slot runs once, whoever asks.

Who may look at runs and pause jobs as a person: the page /jobs. What is not said here: the work itself is a worker's."""

import asyncio
import hashlib
import logging
import secrets
import time
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any

from litestar import HttpMethod, Request, Response, Router, get, route
from litestar.exceptions import HTTPException
from litestar.params import Dependency, Parameter

from portal import job_history, job_runs, limits
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.cron_problems import Problem, answer_http, answer_lost, answer_problem
from portal.errors import NotFound
from portal.headers import client_address
from portal.job_history import RunView
from portal.job_runs import Source
from portal.patience import LOST_DATABASE
from portal.timetables import Entry, Timetable

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
TheTimetable = Annotated[Timetable, Dependency(skip_validation=True)]
RunId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
PATH = "/api/cron"
#: Wrong secrets from one address, and right ones; tries within seconds. The right secret is never kept out by wrong ones.
WRONG, ASKED = (10, 60), (300, 60)
#: So long `?wait=1` waits for the end: schedulers give up after 30 s.
WAIT_S = 25.0
_LOOK_S = 0.25
#: One name for several jobs, as other systems call them. Those a version lacks are left out.
ALIASES = {
    "daily-maintenance": ("refresh-tokens", "reconcile-subscriptions", "clean-promos", "clean-devices"),
    "weekly-cleanup": ("maintain-database", "clean-storage", "clean-logs"),
    "expire-and-sync": ("expire-vouchers", "sync-routers"),
    "disconnect-expired-users": ("expire-vouchers", "disconnect-expired"),
    "send-expiry-notifications": ("warn-expiry",),
    "cleanup-inactive-devices": ("clean-devices",),
    "send-payment-reminders": ("remind-payments",),
    "generate-monthly-debits": ("bill-subscribers",),
    "check-router-status": ("check-routers",),
    "cleanup-old-logs": ("clean-logs",),
}


@route(
    "/{job:str}", http_method=[HttpMethod.POST, HttpMethod.GET], opt={"csrf": "none", "pages": "none"}, status_code=202
)
async def ask(
    request: AnyRequest, job: str, settings: TheSettings, *, clock: Clock, timetable: TheTimetable
) -> Response[Any]:
    """Ask for the latest slot of a job, or of the jobs an alias names. GET too: some schedulers can do nothing else.

    202 and where to look; with `?wait=1` the tally, if there is one within 25 s (500 when the job failed)."""
    address = await _let_in(request, settings, clock)
    entries = _entries(job, timetable)
    asked = [await _ask(entry, by=f"cron:{address}", clock=clock) for entry in entries]
    if request.query_params.get("wait", "") not in ("", "0", "false", "no"):
        asked = await _ended(asked)
    told = [_told(run, is_new=is_new) for run, is_new in asked]
    is_alias = job not in timetable.entries
    body = {"asked": told} if is_alias else told[0]
    headers = {"cache-control": "no-store"} | ({} if is_alias else {"location": told[0]["address"]})
    return Response(body, status_code=_status(asked), media_type="application/json", headers=headers)


@get("/{job:str}/runs/{run_id:int}", opt={"pages": "none"})
async def run(request: AnyRequest, job: str, run_id: RunId, *, settings: TheSettings, clock: Clock) -> Response[Any]:
    """How a run stands."""
    await _let_in(request, settings, clock)
    try:
        found = await job_history.run_of(run_id, job)
    except NotFound as error:
        raise Problem(404, "No such run", f"Job {job[:40]!r} has no run {run_id}.") from error
    return Response(_told(found), media_type="application/json", headers={"cache-control": "no-store"})


async def _let_in(request: AnyRequest, settings: Settings, clock: Clock) -> str:
    """Who may ask; the address asked from."""
    address, now = client_address(request, settings.trusted_proxies), clock.now()
    if settings.cron_secret is None:
        raise Problem(403, "The cron door is closed", "Set PORTAL_CRON_SECRET (32 characters or more) and start again.")
    if not _is_allowed(address, settings):
        log.warning("cron door: address not allowed", extra={"address": address})
        raise Problem(403, "Not from this address", "PORTAL_CRON_NETWORKS does not list the address you come from.")
    if not _is_secret(request.headers.get("authorization", ""), settings.cron_secret):
        most, window_s = WRONG
        log.warning("cron door: wrong secret", extra={"address": address})
        if not await limits.hit(f"cron:wrong:{address}", limit=most, window_s=window_s, now=now):
            raise Problem(429, "Too many wrong secrets", "Wait a minute.", headers={"retry-after": str(window_s)})
        raise Problem(
            401, "Wrong secret", "Send the header Authorization: Bearer, then the value of PORTAL_CRON_SECRET.",
            headers={"www-authenticate": 'Bearer realm="cron"'},
        )  # fmt: skip
    most, window_s = ASKED
    if not await limits.hit(f"cron:{address}", limit=most, window_s=window_s, now=now):
        raise Problem(429, "Too many requests", "Ask less often.", headers={"retry-after": str(window_s)})
    return address


def _is_allowed(address: str, settings: Settings) -> bool:
    if settings.cron_networks is None:
        return True
    if not address:
        return False
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in settings.cron_networks)


def _is_secret(header: str, secret: str) -> bool:
    """Compared by digests: then neither the length nor the beginning of the secret shows in the time it takes."""
    scheme, _, given = header.partition(" ")
    sent, right = (hashlib.sha256(text.encode()).digest() for text in (given.strip(), secret))
    return secrets.compare_digest(sent, right) and scheme.lower() == "bearer"


def _entries(job: str, timetable: Timetable) -> list[Entry]:
    known = timetable.entries
    found = [known[name] for name in ALIASES.get(job, (job,)) if name in known]
    if not found:
        raise Problem(
            404, "No such job", f"There is no job {job[:40]!r}. Ask for one of those below.",
            more={"jobs": timetable.names, "aliases": [a for a, named in ALIASES.items() if known.keys() & set(named)]},
        )  # fmt: skip
    return found


async def _ask(entry: Entry, *, by: str, clock: Clock) -> tuple[RunView, bool]:
    """The run of the latest slot, and whether it was us who asked first."""
    slot = entry.latest_slot(clock.now())
    run_id = await job_runs.request(entry.name, slot, source=Source.CRON, by=by)
    found = await job_history.run_of_slot(entry.name, slot)
    if found is None:
        raise Problem(
            409, "The job is paused", f"{entry.name} is paused. Resume it on the page /jobs, or by vocha jobs resume."
        )
    return found, run_id is not None


async def _ended(asked: list[tuple[RunView, bool]]) -> list[tuple[RunView, bool]]:
    """The same runs once they ended, or as they are when the time to wait is over."""
    ends = time.monotonic() + WAIT_S
    while any(found.is_open for found, _ in asked) and time.monotonic() < ends:
        await asyncio.sleep(_LOOK_S)
        asked = [(await job_history.run_of(found.id, found.job), is_new) for found, is_new in asked]
    return asked


def _status(asked: list[tuple[RunView, bool]]) -> int:
    if any(found.status in ("failed", "dead") for found, _ in asked):
        return 500
    return 202 if any(found.is_open for found, _ in asked) else 200


def _told(found: RunView, *, is_new: bool | None = None) -> dict[str, Any]:
    address = f"{PATH}/{found.job}/runs/{found.id}"
    return job_history.encode(found) | {"address": address} | ({} if is_new is None else {"is_new": is_new})


ROUTER = Router(
    path=PATH,
    route_handlers=[ask, run],
    exception_handlers={
        Problem: answer_problem,
        HTTPException: answer_http,
        **dict.fromkeys(LOST_DATABASE, answer_lost),
    },
)
