"""From what a pass read on a router to what its customers used. A read that is not complete says nothing."""

from datetime import datetime, timedelta

from portal import usage
from portal.db import Tx
from portal.sessions import Seen
from portal.usage import Reading, Recorded, UserRow
from routeros.names import is_own_name, is_own_user
from routeros.reconcile import Observed
from routeros.values import HotspotUser

#: A router stops a session when a limit is reached; its counters may end a little short of it.
_NEARLY_S = 5
#: So much less uptime than time passed means that it was started in between.
_REBOOT_SLACK = timedelta(seconds=60)

NOTHING = Recorded(0, [])


async def note(tx: Tx, router_id: int, seen: Observed, *, uptime_s: int, now: datetime, actor: str) -> Recorded:
    """Record a pass's read, in the pass's own transaction and before its answer is noted on the router. An incomplete read
    is ignored: it ends nobody and counts nothing."""
    if not seen.complete:
        return NOTHING
    before = await tx.row("SELECT uptime_s, reconciled_at FROM routers WHERE id = $1", router_id)
    has_rebooted = (
        before is not None
        and before["uptime_s"] is not None
        and (uptime_s < before["uptime_s"] or _began_since(before["reconciled_at"], uptime_s, now))
    )
    return await usage.record(tx, router_id, reading(seen, has_rebooted=has_rebooted), now=now, actor=actor)


def _began_since(last: datetime | None, uptime_s: int, now: datetime) -> bool:
    return last is not None and timedelta(seconds=uptime_s) + _REBOOT_SLACK < now - last


def reading(seen: Observed, *, has_rebooted: bool = False) -> Reading:
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
        has_rebooted=has_rebooted,
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
