"""Letting one device in: its user on the router, its login, its clock. Not whose turn it is, nor what becomes of a lost router."""

import logging
from datetime import datetime

from jobs.doors import Doors
from portal import access_grants, faults, sessions, vouchers
from portal.access_grants import Grant
from portal.db import atomic
from portal.desired import desired_user, limit_at_first, profile_of
from routeros.client import HotspotRouter
from routeros.errors import HostUnknown, Refused, TooManySessions
from routeros.names import comment_for
from routeros.values import HotspotUser

log = logging.getLogger(__name__)

ACTOR = "job:sync-routers"


async def admit(client: HotspotRouter, grant: Grant, doors: Doors) -> int:
    """Make the user, log the device in, start the clock. Refused: noted on the grant, tried again later; returns 0 then."""
    try:
        if grant.status == "wanted":
            await _make_user(client, grant, now=doors.clock.now())
            async with atomic() as tx:
                await access_grants.appeared(tx, [grant.id], now=doors.clock.now(), actor=ACTOR)
            faults.reach("login.user_added")
        if grant.is_login_wanted and grant.mac and grant.ip:
            await _log_in(client, grant)
            faults.reach("login.confirmed")
            await _confirmed(grant, doors)
    except Refused as refusal:
        async with atomic() as tx:
            await access_grants.failed(tx, grant, refusal.text, now=doors.clock.now())
        level = logging.INFO if isinstance(refusal, HostUnknown) else logging.WARNING
        log.log(level, "router refused a grant", extra={"grant": grant.id, "said": refusal.text})
        return 0
    return 1


async def _make_user(client: HotspotRouter, grant: Grant, *, now: datetime) -> None:
    profile = profile_of(grant.terms)
    await client.ensure_user_profile(profile)
    wanted = desired_user(grant, now=now)
    await client.ensure_user(
        HotspotUser(
            name=wanted.name,
            password=wanted.password,
            profile=wanted.profile,
            comment=comment_for(wanted.grant_id),
            limit_uptime=limit_at_first(wanted, grant),
            limit_bytes_total=wanted.limit_bytes_total,
        )
    )


async def _log_in(client: HotspotRouter, grant: Grant) -> None:
    """Log the device in, unless it is in already (an earlier attempt whose answer was lost); the newest device wins."""
    assert grant.ip
    assert grant.mac
    device = {"ip": grant.ip, "mac": grant.mac}
    try:
        await client.log_in(**device, user=grant.user_name, password=grant.password)
    except Refused as refusal:
        active = await client.active([grant.user_name])
        if any((session.mac_address, session.address) == (grant.mac, grant.ip) for session in active):
            return
        if not isinstance(refusal, TooManySessions) or not await client.make_room(grant.user_name, **device):
            raise
        await client.log_in(**device, user=grant.user_name, password=grant.password)


async def _confirmed(grant: Grant, doors: Doors) -> None:
    now = doors.clock.now()
    async with atomic() as tx:
        await access_grants.logged_in(tx, grant.id, now=now)
        if grant.mac and grant.ip:
            await sessions.began(
                tx, grant.id, grant.merchant_id, router_id=grant.router_id, mac=grant.mac, ip=grant.ip, now=now
            )
        await vouchers.start(tx, grant.voucher_id, at=now, actor=ACTOR)
    faults.reach("start.committed")
