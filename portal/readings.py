"""From what a pass read on a router to what its customers used. A read that is not complete says nothing."""

from datetime import datetime

from portal import usage
from portal.db import atomic
from portal.sessions import Seen
from portal.usage import Reading, UserRow
from routeros.names import is_own_name, is_own_user
from routeros.reconcile import Observed
from routeros.values import HotspotUser

#: A router stops a session when a limit is reached; its counters may end a little short of it.
_NEARLY_S = 5


async def count(router_id: int, seen: Observed, *, uptime_s: int, now: datetime, actor: str) -> None:
    """Record what a pass read at `now`, and end what is used up, before the pass decides anything. An incomplete read is
    ignored: it ends nobody and counts nothing."""
    if not seen.complete:
        return
    async with atomic() as tx:
        recorded = await usage.record(tx, router_id, reading(seen, uptime_s=uptime_s), now=now, actor=actor)
    await usage.end_over(router_id, recorded, now=now, actor=actor)


def reading(seen: Observed, *, uptime_s: int) -> Reading:
    """A complete read in our own words: only what is ours, bytes as the device counts them."""
    return Reading(
        sessions=[
            Seen(
                user_name=row.user,
                mac=row.mac_address,
                ip=row.address,
                uptime_s=row.uptime,
                bytes_up=row.bytes_in,
                bytes_down=row.bytes_out,
            )
            for row in seen.active
            if is_own_name(row.user)
        ],
        users={row.name: _row(row) for row in seen.users if is_own_user(row)},
        devices={host.mac_address for host in seen.hosts},
        uptime_s=uptime_s,
    )


def _row(user: HotspotUser) -> UserRow:
    transferred = user.bytes_in + user.bytes_out
    return UserRow(
        uptime_s=user.uptime,
        bytes_up=user.bytes_in,
        bytes_down=user.bytes_out,
        is_disabled=user.is_disabled,
        is_spent=(user.limit_uptime is not None and user.uptime + _NEARLY_S >= user.limit_uptime)
        or (user.limit_bytes_total is not None and transferred >= user.limit_bytes_total),
    )
