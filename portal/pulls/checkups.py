"""The doctor at routers that ask us: their settings are asked for once a day, when a person wants to know, and after set-up; judged
and kept as those of every other router."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Unavailable
from portal.msgid import N_
from portal.pulls import conversation, pages, work
from portal.pulls.conversation import Talk, Visit
from portal.routers import checks, pull_keys
from routeros.doctor import Expected, Finding, Severity, facts_from, findings_of, told
from routeros.script.pull_settings import menus_from
from routeros.script.pull_values import PullJob, Report, SettingRow, StateKind

log = logging.getLogger(__name__)

EVERY = timedelta(hours=24)
#: Settings that were asked for and did not come, because the line broke, are asked for again after this.
AGAIN_AFTER = timedelta(minutes=10)
_KIND = StateKind.SETTINGS.value
SILENT = N_(
    "The router has not asked. Look whether it has power and internet; when it asks again, its settings are looked at."
)


def is_look(visit: Visit) -> bool:
    """Whether the router was asked for its settings, not for a complete read."""
    return _KIND in visit.numbers


async def ask(talk: Talk, *, now: datetime) -> tuple[PullJob, ...]:
    """Ask for the settings if they are due; nothing else may be under way."""
    if talk.settings_due_at is not None and talk.settings_due_at > now:
        return ()
    async with atomic() as tx:
        await _next(tx, talk, now + AGAIN_AFTER)
    jobs = work.numbered(talk, [work.Task(Report(StateKind.SETTINGS))])
    talk.visit = Visit(numbers={_KIND: jobs[0].number}, asked_at=now)
    return jobs


async def _next(tx: Tx, talk: Talk, at: datetime) -> None:
    """Unless a person asked for a look in the meantime: then that one is still to come."""
    await tx.execute(
        """UPDATE router_pulls SET settings_due_at = $2 WHERE router_id = $1 AND settings_due_at IS NOT DISTINCT FROM $3""",
        talk.router_id,
        at,
        talk.settings_due_at,
    )
    talk.settings_due_at = at


async def to_its_end(talk: Talk, *, has_page: bool, settings: Settings, now: datetime) -> bool:
    """Whether the look is over: judged and kept, refused, or lost on the way. False: further pages follow."""
    visit = talk.visit
    assert visit is not None
    findings: Sequence[Finding] = ()
    words: dict[str, str] = {}
    rows = await pages.settings(talk)
    if f"report:{_KIND}" in visit.failed:
        findings = [Finding("agent_old", Severity.NOTE)]
    elif rows is not None:
        findings, words = await _judged(talk.router_id, rows, settings=settings, now=visit.seen_at or now)
    elif has_page:
        return False
    talk.visit = None
    if findings:
        await checks.keep(talk.router_id, findings, words, now=now)
    async with atomic() as tx:
        await pages.drop(tx, talk.router_id)
        if findings:
            await _next(tx, talk, now + EVERY)
    return True


async def _judged(
    router_id: int, rows: Sequence[SettingRow], *, settings: Settings, now: datetime
) -> tuple[list[Finding], dict[str, str]]:
    wishes = await checks.wishes_for(router_id)
    expected = Expected(
        now=now,
        user="",
        portal_host=urlsplit(settings.base_url).hostname or "",
        server=settings.router_source,
        zone=wishes.zone,
        sold=wishes.sold,
        open_hosts=wishes.open_hosts,
        closed_hosts=wishes.closed_hosts,
        uses_tls=False,
        in_tunnel=False,
        asks_us=True,
    )
    try:
        seen = facts_from(menus_from(rows), user="")
    except ValueError:  # settings nobody can read: not a hotspot of RouterOS's making
        log.warning("router told nonsense", extra={"router": router_id})
        return [Finding("trouble_not_router", Severity.BAD)], {}
    await checks.learn_hosts(router_id, [name for server in seen.running for name in (server.address, server.dns_name)])
    return findings_of(seen, expected), told(seen)


async def interval_of(router_id: int) -> int:
    """How often the router asks, in seconds; NotFound for one that was never given a script."""
    return (await conversation.of_router(router_id)).interval_s


async def look_now(router_id: int) -> int:
    """Have the settings asked for when the router asks next. Returns the number of the newest look there is by now."""
    async with atomic() as tx:
        await pull_keys.ask_settings(tx, router_id)
    return await DB.value("SELECT coalesce(max(id), 0) FROM router_checks WHERE router_id = $1", router_id)


async def wait_for(router_id: int, *, after: int, patience_s: float) -> list[Finding]:
    """The findings of the first look after the one with number `after`. Unavailable when the router does not ask in time."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                found = await DB.value(
                    "SELECT findings FROM router_checks WHERE router_id = $1 AND id > $2 ORDER BY id LIMIT 1",
                    router_id,
                    after,
                )
                if found is not None:
                    return msgspec.json.decode(found, type=list[Finding])
                await asyncio.sleep(0.25)
    except TimeoutError as silent:
        raise Unavailable(SILENT) from silent
