"""The doctor's visit: sync a router, read its settings, judge them, keep what was found. Reads only; a person mends."""

import asyncio
import logging
from urllib.parse import urlsplit

from jobs.doors import Doors
from jobs.routers import sync_one
from jobs.tally import Tally
from portal import dialins, routers
from portal.errors import NotFound
from portal.routers import RouterAccess, checks
from portal.routers.forms import TUNNEL
from routeros.client import HotspotRouter
from routeros.doctor import (
    MENUS,
    PPPOE_MENUS,
    Expected,
    Finding,
    MenuRows,
    Severity,
    facts_from,
    findings_of,
    pppoe_findings,
    told,
)
from routeros.errors import Refused, RouterError
from routeros.troubles import trouble_of

log = logging.getLogger(__name__)

#: A router never seen is given this long to answer, all of it together.
VISIT_S = 60.0
#: The daily round is in no hurry: most of the worker's attention is for the routers' own work meanwhile.
AT_ONCE = 4


async def check(router_id: int, doors: Doors) -> int:
    """Sync one router, then look at it. Returns the number of findings that want mending; 0 when it is not there."""
    try:
        is_fine = await sync_one(router_id, doors)
        router = await routers.access_to(router_id, vault=doors.vault)
    except NotFound:
        return 0
    if router.status == "paused" or router.way == "pull":
        return 0
    findings = await (examine if is_fine else _look)(router, doors)
    return sum(finding.severity in (Severity.WARN, Severity.BAD) for finding in findings)


async def _look(router: RouterAccess, doors: Doors) -> list[Finding]:
    """Examine a router, unless it was not reached just now: to dial again would only take as long again."""
    if not router.tries:
        return await examine(router, doors)
    findings = [_trouble(router.last_error or "")]
    await checks.keep(router.id, findings, {}, now=doors.clock.now())
    return findings


async def examine(router: RouterAccess, doors: Doors) -> list[Finding]:
    """Look at a router and keep what was found. A router that cannot be reached is a finding too."""
    facts: dict[str, str] = {}
    customers = await dialins.customers_on(router.id)
    try:
        async with asyncio.timeout(VISIT_S):
            menus = await _read(await doors.routers.to(router), with_pppoe=customers > 0)
        seen = facts_from(menus, user=router.user)
        findings, facts = findings_of(seen, await _expected(router, doors)), told(seen)
        if dialling := pppoe_findings(menus, customers=customers):
            findings = [*dialling, *(each for each in findings if each.severity is not Severity.OK)]
        hosts = [name for server in seen.running for name in (server.address, server.dns_name)]
        await checks.learn_hosts(router.id, hosts)
    except RouterError as error:
        findings = [_trouble(error.text)]
    except (TimeoutError, ValueError):  # settings nobody can read: not a hotspot of RouterOS's making
        log.warning("router told nonsense or took too long", extra={"router": router.id})
        findings = [Finding("trouble_not_router", Severity.BAD)]
    await checks.keep(router.id, findings, facts, now=doors.clock.now())
    return findings


def _trouble(said: str) -> Finding:
    return Finding(f"trouble_{trouble_of(said)}", Severity.BAD)


async def _read(client: HotspotRouter, *, with_pppoe: bool) -> MenuRows:
    """Every menu the router lets us see. What it refuses (no such menu, no right) is left out; a lost line raises."""
    menus: dict[str, list[dict[str, str]]] = {}
    for path, shown in (await client.rows({**MENUS, **PPPOE_MENUS} if with_pppoe else MENUS)).items():
        if isinstance(shown, Refused):
            log.debug("menu not shown", extra={"menu": path, "said": shown.text})
        else:
            menus[path] = shown
    return menus


async def _expected(router: RouterAccess, doors: Doors) -> Expected:
    wishes = await checks.wishes_for(router.id)
    in_tunnel = router.way == TUNNEL and doors.settings.tunnel is not None
    tunnel = doors.settings.tunnel
    return Expected(
        now=doors.clock.now(),
        user=router.user,
        portal_host=urlsplit(doors.settings.base_url).hostname or "",
        server=tunnel.server if in_tunnel and tunnel else doors.settings.router_source,
        zone=wishes.zone,
        sold=wishes.sold,
        open_hosts=wishes.open_hosts,
        closed_hosts=wishes.closed_hosts,
        uses_tls=bool(router.tls_pin),
        in_tunnel=in_tunnel,
    )


async def check_all(doors: Doors) -> Tally:
    """The daily round: every router not looked at today. One that cannot be looked at does not stop the rest."""
    tally, gate = Tally(), asyncio.Semaphore(AT_ONCE)

    async def visit(router_id: int) -> None:
        async with gate:
            try:
                if await checks.to_examine(now=doors.clock.now(), router_id=router_id):  # nobody was quicker
                    await _look(await routers.access_to(router_id, vault=doors.vault), doors)
            except Exception:  # one router's trouble is not the others'
                log.exception("router not examined", extra={"router": router_id})
                tally.failed += 1
        tally.processed += 1

    async with asyncio.TaskGroup() as group:
        for router_id in await checks.to_examine(now=doors.clock.now()):
            group.create_task(visit(router_id))
    return tally
