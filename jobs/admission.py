"""Letting devices in, many at a time: their users on the router, their logins, their clocks. Not whose turn it is, nor what
becomes of a lost router."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jobs.doors import Doors
from portal import access_grants, faults, sessions, vouchers
from portal.access_grants import Grant
from portal.db import atomic
from portal.desired import new_user, profile_of
from routeros.client import HotspotRouter
from routeros.errors import HostUnknown, Refused, RouterError, TooManySessions
from routeros.values import LogIn

log = logging.getLogger(__name__)

ACTOR = "job:sync-routers"
#: What became of grants by their id: nothing in the way, or what was.
Results = Mapping[int, RouterError | None]


class Admitted(NamedTuple):
    """How many are done; and if the router was lost, by what, and the grants that are not dealt with."""

    done: int
    lost: RouterError | None = None
    left: Sequence[Grant] = ()


async def admit(client: HotspotRouter, grants: Sequence[Grant], doors: Doors) -> Admitted:
    """Make the users, log the devices in, start the clocks: two flights for all where nothing is in the way. What the router
    refuses is noted on its grant and tried again later; it holds up nobody else."""
    results = await _make_users(client, [grant for grant in grants if grant.status == "wanted"], doors)
    lost = _lost(results)
    phones = [grant for grant in grants if _wants_login(grant) and results.get(grant.id) is None]
    results |= {grant.id: lost for grant in phones} if lost else await _log_in(client, phones)
    for grant in phones:
        if results[grant.id] is None:
            faults.reach("login.confirmed")
            await _confirmed(grant, doors)
    refused = await _note_refusals(grants, results, doors)
    lost = _lost(results)
    left = [grant for grant in grants if (error := results.get(grant.id)) and not isinstance(error, Refused)]
    return Admitted(len(grants) - refused - len(left), lost, left)


def _wants_login(grant: Grant) -> bool:
    return bool(grant.is_login_wanted and grant.mac and grant.ip)


def _lost(results: Results) -> RouterError | None:
    return next((error for error in results.values() if error and not isinstance(error, Refused)), None)


async def _make_users(client: HotspotRouter, grants: Sequence[Grant], doors: Doors) -> dict[int, RouterError | None]:
    if not grants:
        return {}
    now = doors.clock.now()
    profiles = {profile.name: profile for profile in (profile_of(grant.terms) for grant in grants)}
    made = await client.ensure_users([new_user(grant, now=now) for grant in grants], list(profiles.values()))
    results = {grant.id: result.error for grant, result in zip(grants, made, strict=True)}
    there = [grant_id for grant_id, error in results.items() if error is None]
    if there:
        async with atomic() as tx:
            await access_grants.appeared(tx, there, now=doors.clock.now(), actor=ACTOR)
        faults.reach("login.user_added")
    return results


async def _log_in(client: HotspotRouter, grants: Sequence[Grant]) -> dict[int, RouterError | None]:
    """Log devices in, unless they are in already (an earlier attempt whose answer was lost); the newest device wins."""
    answers = await client.log_in_each([_phone(grant) for grant in grants])
    results = {grant.id: answer.error for grant, answer in zip(grants, answers, strict=True)}
    refused = [grant for grant in grants if isinstance(results[grant.id], Refused)]
    if not refused or _lost(results):
        return results
    try:
        active = await client.active([grant.user_name for grant in refused])
        online = {(session.user, session.mac_address, session.address) for session in active}
        results |= {each.id: None for each in refused if (each.user_name, each.mac, each.ip) in online}
        for grant in refused:
            if isinstance(results[grant.id], TooManySessions):
                results[grant.id] = await _take_over(client, grant, results[grant.id])
    except RouterError as error:
        results |= {grant.id: error for grant in refused if results[grant.id]}
    return results


async def _take_over(client: HotspotRouter, grant: Grant, refusal: RouterError | None) -> RouterError | None:
    """Log a device in where an older one of its owner's is. What is still in the way, None if nothing; raises if it is lost."""
    phone = _phone(grant)
    if not await client.make_room(phone.user, ip=phone.ip, mac=phone.mac):
        return refusal
    [answer] = await client.log_in_each([phone])
    return answer.error


def _phone(grant: Grant) -> LogIn:
    return LogIn(ip=grant.ip or "", mac=grant.mac or "", user=grant.user_name, password=grant.password)


async def _note_refusals(grants: Sequence[Grant], results: Results, doors: Doors) -> int:
    """Note on each grant what the router refused; returns how many those are."""
    refused = [(grant, error) for grant in grants if isinstance(error := results.get(grant.id), Refused)]
    if refused:
        now = doors.clock.now()
        async with atomic() as tx:
            for grant, error in refused:
                await access_grants.failed(tx, grant, error.text, now=now)
    for grant, error in refused:
        level = logging.INFO if isinstance(error, HostUnknown) else logging.WARNING
        log.log(level, "router refused a grant", extra={"grant": grant.id, "said": error.text})
    return len(refused)


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
