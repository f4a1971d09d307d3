"""What stored callbacks mean: each is handled once, in one transaction, by the road it came. Address and payload are hints: what
nobody vouches for is believed only after M-Pesa was asked."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from asyncpg import Record

from portal import faults, payments
from portal.access_grants import wait_before
from portal.callbacks import proof
from portal.callbacks.results import HANDLERS, Result
from portal.callbacks.store import CallbackRoad
from portal.db import DB, Tx, atomic
from portal.evidence import Outcome
from portal.mpesa import evidence
from portal.mpesa.c2b import Confirmation, read_confirmation
from portal.payments import Settled
from portal.rails import hearing
from portal.states import note
from portal.vault import Vault

GIVE_UP_AFTER = 20
_UNREADABLE = "unreadable"


async def handle(callback_id: int, *, vault: Vault, now: datetime) -> str | None:
    """Handle a stored callback, once. Returns its outcome; None when it was handled before, or is being handled by another."""
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM callbacks WHERE id = $1 FOR UPDATE SKIP LOCKED", callback_id)
        if row is None or row["handled_at"] is not None:
            return None
        outcome = await _ROADS[CallbackRoad(row["road"])](tx, row, vault, now)
        if row["is_cut"]:
            await _alarm(tx, row, "callback_too_large", now=now)
        await tx.execute(
            "UPDATE callbacks SET handled_at = $2, outcome = $3, next_try_at = NULL WHERE id = $1",
            callback_id,
            now,
            outcome[:24],
        )
        faults.reach("settle.inside")
    faults.reach("settle.committed")
    return outcome


async def _stk(tx: Tx, row: Record, vault: Vault, now: datetime) -> str:
    found = evidence.of_callback(row["payment_id"], row["body"])
    if found is None:
        await _alarm(tx, row, "callback_unreadable", now=now)
        await proof.ask(tx, row["payment_id"], now=now)
        return _UNREADABLE
    if found.outcome is Outcome.OPEN:
        await _alarm(tx, row, "unknown_result_code", now=now, data={"code": found.result_code})
        await proof.ask(tx, row["payment_id"], now=now)
    is_hearsay = found.outcome is Outcome.PAID or row["road"] == CallbackRoad.WEBHOOK
    if is_hearsay and not row["is_trusted"]:
        return await proof.wait(tx, row, found, now=now)
    settled = await payments.settle_in(tx, found, vault=vault, now=now)
    if settled is Settled.RECEIPT_USED:
        await _alarm(tx, row, "receipt_used_again", now=now, data={"receipt": found.receipt})
    elif found.outcome is Outcome.PAID and settled is not Settled.WRONG_REQUEST:
        await proof.confirm(tx, row["payment_id"], now=now)
    return str(settled)


async def _c2b(tx: Tx, row: Record, vault: Vault, now: datetime) -> str:
    said = read_confirmation(row["body"])
    inbound = None
    if isinstance(said, Confirmation):
        inbound = evidence.of_confirmation(row["account_id"], said, is_trusted=row["is_trusted"])
    if not isinstance(said, Confirmation) or inbound is None:
        await _alarm(tx, row, "callback_unreadable", now=now)
        return _UNREADABLE
    account = await tx.row("SELECT shortcode, party_b FROM mpesa_accounts WHERE id = $1", row["account_id"])
    if account is None or said.shortcode not in (account["shortcode"], account["party_b"]):
        await _alarm(tx, row, "wrong_shortcode", now=now, data={"shortcode": said.shortcode, "receipt": said.receipt})
        return "wrong_shortcode"
    taken = await payments.take(tx, inbound, vault=vault, now=now)
    if taken.payment_id is not None:
        await tx.execute("UPDATE callbacks SET payment_id = $2 WHERE id = $1", row["id"], taken.payment_id)
        if row["is_trusted"]:
            await proof.confirm(tx, taken.payment_id, now=now)
    if taken.settled is Settled.TO_VERIFY:
        await _alarm(tx, row, "payment_unproved", now=now, data={"receipt": said.receipt})
    return str(taken.settled)


async def _result(tx: Tx, row: Record, vault: Vault, now: datetime) -> str:
    del vault
    address = await tx.row("SELECT kind, request_id FROM callback_addresses WHERE id = $1", row["address_id"])
    assert address is not None  # rows of callbacks keep their address from going
    handler = HANDLERS.get(address["kind"])
    if handler is None:
        await _alarm(tx, row, "result_unclaimed", now=now, data={"kind": address["kind"]})
        return "unclaimed"
    result = Result(
        kind=address["kind"],
        request_id=address["request_id"],
        body=row["body"],
        is_timeout=row["road"] == CallbackRoad.TIMEOUT,
        is_trusted=row["is_trusted"],
        callback_id=row["id"],
        account_id=row["account_id"],
        merchant_id=row["merchant_id"],
    )
    return await handler(tx, result)


_ROADS: dict[CallbackRoad, Callable[[Tx, Record, Vault, datetime], Awaitable[str]]] = {
    CallbackRoad.STK: _stk,
    CallbackRoad.WEBHOOK: _stk,
    CallbackRoad.C2B: _c2b,
    CallbackRoad.RESULT: _result,
    CallbackRoad.TIMEOUT: _result,
    CallbackRoad.AIRTEL: hearing.hear,
    CallbackRoad.PAYSTACK: hearing.hear,
}


async def _alarm(tx: Tx, row: Record, name: str, *, now: datetime, data: Mapping[str, object] | None = None) -> None:
    """Tell that a person should look at a message; it is kept as it came."""
    await note(
        tx, "callbacks", row["id"], name, merchant_id=row["merchant_id"], at=now, actor=row["road"],
        data={"payment_id": row["payment_id"], **(data or {})},
    )  # fmt: skip


async def failed(callback_id: int, error: str, *, now: datetime) -> None:
    """Handling failed: remember why and when to try again; after many tries it stays, shown, for a person."""
    async with atomic() as tx:
        row = await tx.row(
            """UPDATE callbacks SET tries = tries + 1, last_error = $2 WHERE id = $1 AND handled_at IS NULL
               RETURNING id, merchant_id, payment_id, road, tries""",
            callback_id,
            error[:500],
        )
        if row is None:
            return
        again = now + wait_before(row["tries"]) if row["tries"] < GIVE_UP_AFTER else None
        await tx.execute("UPDATE callbacks SET next_try_at = $2 WHERE id = $1", callback_id, again)
        if again is None:
            await _alarm(tx, row, "callback_given_up", now=now, data={"error": error[:200]})


async def waiting(*, now: datetime, limit: int = 500) -> list[int]:
    """Stored callbacks nobody handled yet, the oldest first: what a lost wake-up would have left lying."""
    rows = await DB.fetch(
        "SELECT id FROM callbacks WHERE handled_at IS NULL AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2",
        now,
        limit,
    )
    return [row["id"] for row in rows]
