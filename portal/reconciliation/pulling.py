"""Pull: M-Pesa's own list of the last 48 hours, page by page, taken in like any other road; and what we have that it has not.

A wish is a row; whoever carries it out may die, and the next run begins it again: everything here may be repeated."""

import logging
from datetime import datetime, timedelta

import msgspec

from portal import payments
from portal.clock import Clock
from portal.db import DB, Tx, atomic
from portal.errors import MpesaBusy, MpesaError, MpesaRefused
from portal.evidence import Inbound, Road
from portal.mpesa import evidence
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.pull import WINDOW, PullPage, PullRow
from portal.payments import Settled
from portal.reconciliation import lists
from portal.reconciliation.lists import Held, Row
from portal.states import E, move, note
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Inside M-Pesa's 48 hours with some seconds for the way there.
REACH = WINDOW - timedelta(minutes=2)
#: Each look begins so much before the last one ended: rows appear late.
OVERLAP = timedelta(hours=2)
MOST_PAGES = 5_000
#: A busy M-Pesa is asked again by every run for so long.
GIVE_UP_AFTER = timedelta(hours=6)
#: Without a look for so long, we were away ourselves (or come from a backup): look at everything M-Pesa still has.
GAP = timedelta(minutes=15)
_ACTOR = "job:pull-transactions"
_NEWS = {s.value for s in Settled} - {Settled.KNOWN, Settled.RECEIPT_USED, Settled.TO_VERIFY}


class Pulled(msgspec.Struct, kw_only=True):
    """What a look came to, counted while it goes."""

    rows: int = 0
    matched: int = 0
    differing: int = 0
    only_theirs: int = 0
    only_ours: int = 0
    unreadable: int = 0
    taken: int = 0
    in_cents: int = 0


async def want(
    tx: Tx, account_id: int, *, why: str, asked_by: str, now: datetime, since: datetime | None = None
) -> int | None:
    """Wish for a look at M-Pesa's list, from `since` (two days ago at most) until now. None: one is under way that reaches as far."""
    begin = max(since or now - REACH, now - REACH)
    return await tx.value(
        """INSERT INTO comparisons (merchant_id, account_id, source, why, asked_by, since, until, created_at)
           SELECT a.merchant_id, a.id, 'pull', $2, $3, $4::timestamptz, $5::timestamptz, $5::timestamptz FROM mpesa_accounts a
           WHERE a.id = $1 AND NOT EXISTS (
             SELECT FROM comparisons c WHERE c.account_id = a.id AND c.source = 'pull' AND c.status = 'running'
             AND c.since <= $4 AND c.until > $5 - interval '1 minute') RETURNING id""",
        account_id,
        why,
        asked_by,
        begin,
        now,
    )


async def wish(account_id: int, *, asked_by: str, now: datetime) -> int | None:
    """Somebody wants M-Pesa's list of the last 48 hours looked at. None: a look is under way."""
    async with atomic() as tx:
        return await want(tx, account_id, why="demand", asked_by=asked_by, now=now)


async def want_due(*, now: datetime, nightly_at: datetime) -> int:
    """Wish for what is due: every account once since `nightly_at`, and from when M-Pesa went away since it is back, and from
    when we last looked if that is long ago. Returns how many wishes were made."""
    async with atomic() as tx:
        accounts = await tx.fetch(
            """SELECT a.id, a.pull_registered_at,
                      (SELECT max(c.until) FROM comparisons c WHERE c.account_id = a.id AND c.source = 'pull'
                       AND c.status IN ('running', 'done')) AS looked_until,
                      (SELECT max(c.created_at) FROM comparisons c WHERE c.account_id = a.id AND c.source = 'pull'
                       AND c.why = 'nightly' AND c.status <> 'failed') AS nightly,
                      (SELECT (e.data->>'since')::timestamptz FROM events e WHERE e.entity = 'mpesa_accounts'
                       AND e.entity_id = a.id AND e.name = 'mpesa_back' AND e.at > $1::timestamptz - interval '1 hour'
                       AND NOT EXISTS (SELECT FROM comparisons c WHERE c.account_id = a.id AND c.source = 'pull'
                                       AND c.until >= e.at) ORDER BY e.id DESC LIMIT 1) AS away_since,
                      (SELECT max(r.ended_at) FROM job_runs r WHERE r.job = 'pull-transactions' AND r.status = 'done')
                       AS last_run
               FROM mpesa_accounts a WHERE a.pull_registered_at IS NOT NULL ORDER BY a.id""",
            now,
        )
        made = 0
        for account in accounts:
            why, since = None, None
            if account["away_since"] is not None:
                why, since = "outage", account["away_since"] - OVERLAP
            elif account["last_run"] is not None and now - account["last_run"] > GAP:
                why, since = "outage", account["last_run"] - OVERLAP
            elif account["nightly"] is None or account["nightly"] < nightly_at:
                why = "nightly"
            if why is not None:
                made += await want(tx, account["id"], why=why, asked_by=_ACTOR, now=now, since=since) is not None
        return made


async def wanted() -> list[int]:
    """Wishes that are still to be carried out, the oldest first."""
    rows = await DB.fetch("SELECT id FROM comparisons WHERE source = 'pull' AND status = 'running' ORDER BY id")
    return [row["id"] for row in rows]


async def look(comparison_id: int, doors: MpesaDoors, *, vault: Vault, clock: Clock) -> Pulled | None:
    """Carry one wish out. None: it is done, or M-Pesa is busy and it stays wished for. Repeatable."""
    wish = await DB.row(
        "SELECT id, account_id, since, until, created_at FROM comparisons WHERE id = $1 AND status = 'running'",
        comparison_id,
    )
    if wish is None:
        return None
    tally, listed, notable = Pulled(), set[str](), list[Held]()
    since = max(wish["since"], clock.now() - REACH)
    try:
        if since >= wish["until"]:
            raise MpesaRefused("window", "what was to be looked at is older than 48 hours")
        daraja = await doors.for_account(wish["account_id"])
        offset: int | None = 0
        for _ in range(MOST_PAGES):
            page = await daraja.pull(since=since, until=wish["until"], offset=offset)
            notable += await _take_page(
                wish["account_id"], page, offset, tally=tally, listed=listed, vault=vault, now=clock.now()
            )
            offset = page.next_offset
            if offset is None:
                break
    except MpesaError as error:
        return await _failed(comparison_id, error, wished_at=wish["created_at"], now=clock.now())
    notable += await lists.only_ours(
        wish["account_id"], since=since + lists.NOT_YET, until=wish["until"] - lists.NOT_YET, listed=listed
    )
    tally.only_ours = sum(one.verdict == "only_ours" for one in notable)
    await _done(comparison_id, tally, notable, since=since, now=clock.now())
    return tally


async def _take_page(
    account_id: int, page: PullPage, offset: int, *, tally: Pulled, listed: set[str], vault: Vault, now: datetime
) -> list[Held]:
    """Take a page's payments in, each in a transaction of its own; what is worth keeping comes back."""
    rows, inbounds = list[Row](), dict[str, Inbound]()
    for number, found in enumerate(page.rows, start=offset + 1):
        inbound = evidence.of_pull_row(account_id, found)
        if inbound is None:
            tally.unreadable += 1
        elif found.receipt not in listed:  # pages shift while rows appear: the same row may come twice
            listed.add(found.receipt)
            inbounds[found.receipt] = inbound
            rows.append(_row(number, found, inbound))
    tally.rows += len(page.rows) + page.unreadable
    tally.unreadable += page.unreadable
    kept: list[Held] = []
    for held in await lists.hold(rows, road=Road.PULL.value):
        tally.in_cents += held.row.amount_cents
        said = await _take(inbounds[held.row.receipt], vault=vault, now=now) if held.is_open else None
        tally.taken += said in _NEWS
        tally.matched += held.verdict == "matched"
        tally.differing += held.verdict == "differs"
        tally.only_theirs += held.verdict == "only_theirs"
        if held.verdict != "matched" or said in _NEWS:
            kept.append(msgspec.structs.replace(held, taken=said))
    return kept


def _row(number: int, found: PullRow, inbound: Inbound) -> Row:
    return Row(
        number=number, receipt=found.receipt, kind="in", amount_cents=inbound.amount_cents, happened_at=found.paid_at,
        reference=found.reference, phone=inbound.phone, payer_hint=inbound.payer_hint, details=found.kind,
    )  # fmt: skip


async def _take(inbound: Inbound, *, vault: Vault, now: datetime) -> str:
    """One payment; one that cannot be taken stops no other, and stays in the list for a person."""
    try:
        async with atomic() as tx:
            return (await payments.take(tx, inbound, vault=vault, now=now)).settled.value
    except Exception:
        log.exception("payment of M-Pesa's list not taken in", extra={"receipt": inbound.receipt})
        return "error"


async def _failed(comparison_id: int, error: MpesaError, *, wished_at: datetime, now: datetime) -> None:
    log.warning("pull not answered", extra={"comparison": comparison_id, "said": str(error)})
    async with atomic() as tx:
        if isinstance(error, MpesaBusy) and now - wished_at < GIVE_UP_AFTER:
            await tx.execute("UPDATE comparisons SET error = $2 WHERE id = $1", comparison_id, str(error)[:500])
            return
        await move(
            tx, "comparisons", comparison_id, E.FAIL, at=now, actor=_ACTOR, data={"said": str(error)[:500]},
            error=str(error)[:500], ended_at=now,
        )  # fmt: skip


async def _done(comparison_id: int, tally: Pulled, notable: list[Held], *, since: datetime, now: datetime) -> None:
    async with atomic() as tx:
        figures = msgspec.structs.asdict(tally)
        if not await move(
            tx, "comparisons", comparison_id, E.CLOSE, at=now, actor=_ACTOR, data=figures, since=since, ended_at=now,
            error="", **figures,
        ):  # fmt: skip
            return
        await lists.keep(tx, comparison_id, notable)
        if tally.only_ours or tally.differing:
            merchant_id = await tx.value("SELECT merchant_id FROM comparisons WHERE id = $1", comparison_id)
            await note(
                tx, "comparisons", comparison_id, "pull_differs", merchant_id=merchant_id, at=now, actor=_ACTOR,
                data={"only_ours": tally.only_ours, "differing": tally.differing},
            )  # fmt: skip
