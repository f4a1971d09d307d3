"""A look at how a router differs from what was sold. Reads only; `repair` is a complete pass."""

from jobs.desired import desired_state
from jobs.doors import Doors
from portal import access_grants, drift
from portal.drift import Finding, Online, Sight, UserSeen
from portal.errors import Unavailable
from portal.routers import RouterAccess
from routeros.apply import observe
from routeros.names import is_own_user
from routeros.reconcile import plan

#: Rows and sessions RouterOS makes by itself: the trial template, and trial users ("T-" and their MAC; manual, HotSpot trial).
_TRIAL_ROW, _TRIAL_PREFIX = "default-trial", "T-"


async def look(router: RouterAccess, doors: Doors) -> list[Finding]:
    """Read a router whole and compare it with what was sold. Raises RouterError when it does not answer, Unavailable when it
    did not show everything: half a read proves nothing."""
    client = await doors.routers.to(router)
    now = doors.clock.now()
    seen = await observe(client)
    if not seen.complete:
        raise Unavailable
    # The wishes are read after the router, as a pass does.
    wanted = plan(desired_state(await access_grants.all_of(router.id, vault=doors.vault), now=now), seen)
    sight = Sight(
        online=[
            Online(user_name=row.user, mac=row.mac_address, uptime_s=row.uptime)
            for row in seen.active
            if not row.user.startswith(_TRIAL_PREFIX)
        ],
        users=[
            UserSeen(name=row.name, uptime_s=row.uptime, is_ours=is_own_user(row))
            for row in seen.users
            if not row.is_dynamic and row.name != _TRIAL_ROW
        ],
        changed=wanted.drift.changed,
        bypassed={host.mac_address: host.uptime for host in seen.hosts if host.is_bypassed},
    )
    return drift.compare(sight, await drift.sold_on(router.id), await drift.prices_at(router.id), now=now)
