"""From a complete read of a router to findings: read by us, or told by a router that asks us for work."""

from collections.abc import Sequence
from datetime import datetime

from portal import access_grants, dialins
from portal.db import DB, atomic
from portal.desired import desired_state
from portal.drift.compare import Finding, Kind, Online, Sight, UserSeen, compare, prices_at, sold_on
from portal.drift.looks import EVERY, Look, Wish, finish, open_at, stored
from portal.vault import Vault
from routeros.dialins import ObservedDialins, plan_dialins
from routeros.names import is_own_user
from routeros.reconcile import Observed, plan

#: Rows and sessions RouterOS makes by itself: the trial template, and trial users ("T-" and their MAC; manual, HotSpot trial).
_TRIAL_ROW, _TRIAL_PREFIX = "default-trial", "T-"


async def findings(router_id: int, seen: Observed, *, vault: Vault, now: datetime) -> list[Finding]:
    """Every difference between a complete read and what was sold, the dearest first. The wishes are read after the router, as a
    pass does."""
    wanted = plan(desired_state(await access_grants.all_of(router_id, vault=vault), now=now), seen)
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
    return compare(sight, await sold_on(router_id), await prices_at(router_id), now=now)


async def dialin_findings(router_id: int, seen: ObservedDialins, *, vault: Vault) -> list[Finding]:
    """Every difference between a complete read of the PPP menus and what PPPoE customers should have. No money is counted: they
    pay by the month."""
    told = plan_dialins(await dialins.desired(router_id, vault=vault), seen).drift
    kinds = (
        (Kind.DIALIN_FREE, told.online),
        (Kind.DIALIN_MISSING, told.missing),
        (Kind.DIALIN_CHANGED, tuple(name for name in told.changed if name not in told.online)),
        (Kind.DIALIN_SURPLUS, (*told.ended, *told.surplus)),
        (Kind.FOREIGN_DIALIN, told.foreign),
    )
    return [Finding(kind=kind, who=name[:120], at_stake_cents=0) for kind, names in kinds for name in names]


async def heard(router_id: int, seen: Observed, *, vault: Vault, actor: str, now: datetime) -> None:
    """A router that asks us for work told everything: answer the look that waits for it, or look because the hour is over. A
    repair or a removal is told by the second read: between the two is what was wanted."""
    asked = await open_at(router_id)
    if asked is None and not await is_due(router_id, now=now):
        return
    found = await findings(router_id, seen, vault=vault, now=now)
    if asked is None:
        await _note(router_id, found, actor=actor, now=now)
    elif not asked.before and _is_to_be_changed(asked, found):
        async with atomic() as tx:
            await tx.execute("UPDATE drift_looks SET before = $2::jsonb WHERE id = $1", asked.id, stored(found))
    else:
        await finish(asked.id, before=asked.before or found, after=found, now=now)


def _is_to_be_changed(asked: Look, found: Sequence[Finding]) -> bool:
    if asked.wish is Wish.REMOVE and asked.target:
        return any((finding.kind, finding.who) == (asked.target.kind, asked.target.who) for finding in found)
    return asked.wish is Wish.REPAIR and any(finding.is_mendable for finding in found)


async def is_asked(router_id: int) -> bool:
    """Whether a look at the router waits to be answered."""
    return await open_at(router_id) is not None


async def is_due(router_id: int, *, now: datetime) -> bool:
    """Whether it was not looked at for most of an hour."""
    last = await DB.value("SELECT max(asked_at) FROM drift_looks WHERE router_id = $1", router_id)
    return last is None or now - last >= EVERY


async def _note(router_id: int, found: list[Finding], *, actor: str, now: datetime) -> None:
    look_id = None
    async with atomic() as tx:
        look_id = await tx.value(
            """INSERT INTO drift_looks (merchant_id, router_id, asked_by, asked_at) SELECT merchant_id, id, $2, $3 FROM routers
               WHERE id = $1 ON CONFLICT (router_id) WHERE done_at IS NULL DO NOTHING RETURNING id""",
            router_id,
            actor,
            now,
        )
    if look_id is not None:
        await finish(look_id, before=found, after=found, now=now)
