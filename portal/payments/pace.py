"""How fast an M-Pesa account may be asked: one question at a time over all processes, slower when M-Pesa says so, faster again
when it answers, and hardly at all while it is away. Whom to ask about is `enquire`'s business.

Limit: five in 60 s, one at a time, seen on the sandbox (the gateway's 429); that of production is not published."""

import logging
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.errors import MpesaBusy, MpesaError, MpesaUnknown
from portal.states import note

log = logging.getLogger(__name__)

#: Whoever takes a turn and dies holds the account up no longer than a question may take (30 s) and some.
TURN = timedelta(seconds=40)
#: Beyond the exact period, for clocks and lines that are not.
MARGIN_MS = 250
SLOWEST_MS = 120_000
SLOWER, FASTER = 1.5, 0.9
#: So many answers in a row make it faster by a step.
ANSWERS_FOR_A_STEP = 5
#: M-Pesa is away after so many unanswered requests in a row over at least so long: one lost line is not an outage.
MISSES_TO_BE_AWAY = 4
SILENT_TO_BE_AWAY = timedelta(seconds=45)
FIRST_PROBE, LONGEST_PROBE = timedelta(seconds=30), timedelta(minutes=5)
AWAY = "mpesa_down"
#: Parts of codes by which M-Pesa, awake, asks for patience. Everything else that is no answer is silence.
_SLOW_WORDS = ("ratelimit", "http 429", "500.003.02", "500.003.03", "quota")


class Turn(msgspec.Struct, frozen=True):
    """An account whose turn it is, and which turn that is."""

    account_id: int
    number: int


#: Accounts of one Daraja app share its limit, so they share a turn. An account whose app is not known yet is alone.
_APP = "coalesce(encode(a.app_hash, 'hex'), a.id::text)"
_TAKE = f"""
WITH wished AS (
  SELECT DISTINCT ON ({_APP}) a.id, {_APP} AS app FROM mpesa_accounts a LEFT JOIN mpesa_paces p ON p.account_id = a.id
  WHERE a.id = ANY($1) AND (p.down_since IS NULL OR p.probe_at <= $2) ORDER BY {_APP}, coalesce(p.turns, 0), a.id
), locked AS (
  SELECT a.id, {_APP} AS app, a.query_free_at FROM mpesa_accounts a WHERE {_APP} IN (SELECT app FROM wished)
  ORDER BY a.id FOR UPDATE SKIP LOCKED
), free AS (
  SELECT app FROM locked GROUP BY app HAVING bool_and(query_free_at IS NULL OR query_free_at <= $2)
  AND count(*) = (SELECT count(*) FROM mpesa_accounts a WHERE {_APP} = locked.app)
), taken AS (
  UPDATE mpesa_accounts SET query_free_at = $3 WHERE id IN (SELECT id FROM locked JOIN free USING (app))
)
INSERT INTO mpesa_paces (account_id, turns) SELECT id, 1 FROM wished JOIN free USING (app)
ON CONFLICT (account_id) DO UPDATE SET turns = mpesa_paces.turns + 1 RETURNING account_id, turns"""
#: All accounts of the app of account $1.
_OF_APP = """(SELECT a.id FROM mpesa_accounts a JOIN mpesa_accounts this ON this.id = $1
              WHERE a.id = this.id OR a.app_hash = this.app_hash ORDER BY a.id FOR UPDATE OF a)"""


async def take_turns(tx: Tx, account_ids: list[int], *, now: datetime) -> list[Turn]:
    """Take the turn of those accounts that may ask now, of each app the one that had the fewest. Nobody else gets it before
    `ended` or `give_back`, or before TURN is over."""
    rows = await tx.fetch(_TAKE, account_ids, now, now + TURN)
    return [Turn(row["account_id"], row["turns"]) for row in rows]


async def give_back(tx: Tx, account_id: int, *, at: datetime) -> None:
    """The next question by this account, or another of its app, may be asked from `at` on."""
    await tx.execute(f"UPDATE mpesa_accounts SET query_free_at = $2 WHERE id IN {_OF_APP}", account_id, at)


async def ended(account_id: int, error: MpesaError | None, *, took: timedelta, now: datetime) -> None:
    """A question that began at `now` was answered after `took`, or came to `error`: learn from it and give the turn back."""
    free_in_s = await heard(account_id, error, now=now + took, is_question=True)
    async with atomic() as tx:
        await give_back(tx, account_id, at=now + took + timedelta(seconds=free_in_s))


async def heard(account_id: int, error: MpesaError | None, *, now: datetime, is_question: bool = False) -> float:
    """Any request's end tells whether M-Pesa is there; only a question's tells how fast questions may go.

    Returns the seconds until the next question."""
    if error is None and not is_question and not await _is_failing(account_id):
        return 0.0  # nothing to learn, and no row to be locked by every push
    async with atomic() as tx:
        await tx.execute("INSERT INTO mpesa_paces (account_id) VALUES ($1) ON CONFLICT DO NOTHING", account_id)
        row = await tx.row("SELECT * FROM mpesa_paces WHERE account_id = $1 FOR UPDATE", account_id)
        assert row is not None  # made a line above, and never deleted
        if error is not None and _is_silence(error):
            await _missed(tx, row, now=now)
            gap_ms = row["gap_ms"]
        else:
            await _is_there(tx, row, now=now)
            gap_ms = await _learn(tx, row, error) if is_question else row["gap_ms"]
    told = error.retry_after if isinstance(error, MpesaBusy) and _is_slow_down(error) else 0.0
    return max(gap_ms / 1000, told)


async def _is_failing(account_id: int) -> bool:
    return await DB.value(
        "SELECT EXISTS (SELECT FROM mpesa_paces WHERE account_id = $1 AND failing_since IS NOT NULL)", account_id
    )


def _is_slow_down(error: MpesaError) -> bool:
    words = f"{error.code} {error.provider_message}".lower()
    return isinstance(error, MpesaBusy) and any(word in words for word in _SLOW_WORDS)


def _is_silence(error: MpesaError) -> bool:
    """No answer at all, or one that is not M-Pesa's own. A token others fight over says nothing about M-Pesa."""
    return isinstance(error, MpesaBusy | MpesaUnknown) and error.code != "token" and not _is_slow_down(error)


async def _learn(tx: Tx, row: Record, error: MpesaError | None) -> int:
    fastest = 60_000 // row["most_per_minute"] + MARGIN_MS
    gap, answers, slowed = max(row["gap_ms"], fastest), row["answers"] + 1, row["slowed"]
    if error is not None and _is_slow_down(error):
        gap, answers, slowed = min(round(gap * SLOWER), max(SLOWEST_MS, fastest)), 0, slowed + 1
    elif answers >= ANSWERS_FOR_A_STEP:
        gap, answers = max(round(gap * FASTER), fastest), 0
    await tx.execute(
        f"""INSERT INTO mpesa_paces (account_id, gap_ms, answers, slowed) SELECT id, $2, $3, $4 FROM {_OF_APP} app
            ON CONFLICT (account_id) DO UPDATE SET gap_ms = excluded.gap_ms, answers = excluded.answers, slowed = excluded.slowed""",
        row["account_id"],
        gap,
        answers,
        slowed,
    )
    return gap


async def _missed(tx: Tx, row: Record, *, now: datetime) -> None:
    misses, since = row["misses"] + 1, row["failing_since"] or now
    is_away = row["down_since"] is not None or (misses >= MISSES_TO_BE_AWAY and now - since >= SILENT_TO_BE_AWAY)
    doublings = min(misses - MISSES_TO_BE_AWAY, 8) if is_away else 0
    probe_at = now + min(FIRST_PROBE * 2 ** max(doublings, 0), LONGEST_PROBE) if is_away else None
    await tx.execute(
        "UPDATE mpesa_paces SET misses = $2, failing_since = $3, down_since = $4, probe_at = $5 WHERE id = $1",
        row["id"],
        misses,
        since,
        (row["down_since"] or since) if is_away else None,
        probe_at,
    )
    if is_away and row["down_since"] is None:
        merchant_id = await _merchant_of(tx, row["account_id"])
        data = {"since": since.isoformat(), "misses": misses}
        await alerts.begin(tx, AWAY, _subject(row["account_id"]), now=now, merchant_id=merchant_id, data=data)
        log.warning("M-Pesa does not answer; payments are paused", extra={"account": row["account_id"]})


async def _is_there(tx: Tx, row: Record, *, now: datetime) -> None:
    if row["failing_since"] is None:
        return
    await tx.execute(
        "UPDATE mpesa_paces SET misses = 0, failing_since = NULL, down_since = NULL, probe_at = NULL WHERE id = $1",
        row["id"],
    )
    if row["down_since"] is not None:
        merchant_id, since = await _merchant_of(tx, row["account_id"]), row["down_since"]
        await alerts.end(tx, AWAY, _subject(row["account_id"]), now=now)
        data = {"since": since.isoformat(), "seconds": round((now - since).total_seconds())}
        await note(
            tx,
            "mpesa_accounts",
            row["account_id"],
            "mpesa_back",
            merchant_id=merchant_id,
            at=now,
            actor="mpesa",
            data=data,
        )


async def is_away(merchant_id: int, *, now: datetime) -> bool:
    """Whether the account a merchant collects by is known not to answer, and it is not yet time to try it again.

    When it is time, one customer may try: their request is a probe like any other."""
    return bool(
        await DB.value(
            """SELECT p.down_since IS NOT NULL AND p.probe_at > $2 FROM mpesa_accounts a
               LEFT JOIN mpesa_paces p ON p.account_id = a.id WHERE a.merchant_id = $1 OR a.merchant_id IS NULL
               ORDER BY a.merchant_id NULLS LAST, a.id LIMIT 1""",
            merchant_id,
            now,
        )
    )


async def limit(account_id: int, *, most_per_minute: int) -> None:
    """Say how many questions a minute an account's app allows at most. It gets there by itself, step by step."""
    async with atomic() as tx:
        await tx.execute(
            f"""INSERT INTO mpesa_paces (account_id, most_per_minute) SELECT id, $2 FROM {_OF_APP} app
                ON CONFLICT (account_id) DO UPDATE SET most_per_minute = excluded.most_per_minute""",
            account_id,
            most_per_minute,
        )


async def _merchant_of(tx: Tx, account_id: int) -> int | None:
    return await tx.value("SELECT merchant_id FROM mpesa_accounts WHERE id = $1", account_id)


def _subject(account_id: int) -> str:
    return f"mpesa_accounts:{account_id}"
