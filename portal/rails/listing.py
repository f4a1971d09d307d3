"""Comparing a rail's own list of payments with ours, once a night: what was paid and never told is settled by the list.

A rail that lists nothing is asked once more about what nobody knows the outcome of. Listed payments that are none of ours stay
unnoticed: the account may serve other programs too."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from portal.db import DB, atomic
from portal.evidence import Outcome
from portal.rails import accounts, hearing
from portal.rails.doors import RailDoors
from portal.rails.errors import RailConfig
from portal.rails.interface import Observation, Rail
from portal.states import note
from portal.vault import Vault

log = logging.getLogger(__name__)

EVERY = timedelta(hours=20)
#: Nothing older is looked for: by then the questions of two days have been asked as well.
_MOST_BACK = timedelta(days=3)
#: Lists are by when a payment was begun, and a page may be paid on for a day after.
_OVERLAP = timedelta(hours=24)
_STEP = timedelta(hours=6)


class Look(msgspec.Struct, frozen=True):
    """An account whose list is due, from when on."""

    account_id: int
    since: datetime


async def due(*, now: datetime) -> list[Look]:
    """Accounts whose lists nobody compared for most of a day; ended ones for as long as something may come of their payments."""
    rows = await DB.fetch(
        """SELECT id, listed_at FROM rail_accounts WHERE (listed_at IS NULL OR listed_at <= $1)
           AND created_at <= $1 AND (ended_at IS NULL OR ended_at > $2) ORDER BY id""",
        now - EVERY,
        now - _MOST_BACK,
    )
    oldest = now - _MOST_BACK
    return [Look(row["id"], max(oldest, (row["listed_at"] or oldest) - _OVERLAP)) for row in rows]


async def look(wanted: Look, doors: RailDoors, *, vault: Vault, now: datetime) -> int:
    """Compare one account's list; how many payments it settled. RailBusy: it stays due; repeatable."""
    try:
        rail = await doors.for_account(wanted.account_id)
        found = await _settle_listed(wanted, rail, vault=vault, now=now)
    except LookupError:
        found = await _ask_again(wanted, now=now)
    except RailConfig as error:
        await accounts.note_trouble(wanted.account_id, error.code, error.message, now=now)
        raise
    await DB.fetch("UPDATE rail_accounts SET listed_at = $2 WHERE id = $1", wanted.account_id, now)
    return found


async def _settle_listed(wanted: Look, rail: Rail, *, vault: Vault, now: datetime) -> int:
    found, since = 0, wanted.since
    while since < now:
        until = min(since + _STEP, now)
        listed = await rail.list_window(since, until)
        for seen in await _unknown_here(wanted.account_id, listed):
            found += await _settle(wanted.account_id, seen, vault=vault, now=now)
        since = until
    return found


async def _unknown_here(account_id: int, listed: Sequence[Observation]) -> list[Observation]:
    """Those that were paid, and ours, and not paid as far as we know."""
    paid = {seen.reference: seen for seen in listed if seen.outcome is Outcome.PAID}
    rows = await DB.fetch(
        """SELECT account_reference FROM payments WHERE rail_account_id = $1 AND account_reference = ANY($2)
           AND status IN ('created', 'submitting', 'pending', 'unknown', 'failed')""",
        account_id,
        list(paid),
    )
    return [paid[row["account_reference"]] for row in rows]


async def _settle(account_id: int, seen: Observation, *, vault: Vault, now: datetime) -> bool:
    async with atomic() as tx:
        payment = await tx.row(
            "SELECT * FROM payments WHERE rail_account_id = $1 AND account_reference = $2 FOR UPDATE",
            account_id,
            seen.reference,
        )
        assert payment is not None  # payments are never deleted
        said = await hearing.settle(tx, payment, seen, vault=vault, now=now)
        await note(
            tx, "payments", payment["id"], "found_in_list", merchant_id=payment["merchant_id"], at=now,
            actor=payment["method"], data={"receipt": seen.receipt, "outcome": said},
        )  # fmt: skip
    log.warning("a payment nobody told us of", extra={"payment": payment["id"], "outcome": said})
    return True


async def _ask_again(wanted: Look, *, now: datetime) -> int:
    """One more question about each payment whose questions have ended without an answer. None counts as found yet."""
    await DB.fetch(
        """UPDATE payments SET next_query_at = $2 WHERE rail_account_id = $1 AND next_query_at IS NULL AND created_at >= $3
           AND status IN ('pending', 'unknown', 'failed') AND submitted_at IS NOT NULL""",
        wanted.account_id,
        now,
        wanted.since,
    )
    return 0
