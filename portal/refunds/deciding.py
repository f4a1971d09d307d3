"""Deciding about a refund that waits or has failed: approve, drop, try again or another way, say that cash was given."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from asyncpg import Record

from portal import ledger, payers, transfers
from portal.confirming import is_confirmed
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.refunds import books, carrying, rights
from portal.refunds.asking import OTHER_PHONE
from portal.refunds.rights import Asked, Say
from portal.states import E, move

DECIDED = N_("Somebody has decided about this refund already.")
PASSWORD = N_("Nobody else can approve this. Confirm with your password.")
NOTE = N_("Write who got the money, and when.")
KEEP_IT = N_("This money bought nothing. Keep it as the customer's credit instead.")
VOUCHER_GONE = N_("The voucher was taken back. Give the money back another way.")
OTHER_WAY = N_("It was asked for more than once to take this payment back. Another way is possible a day later.")
SHOWN = N_("Choose what the portal shows.")
LOOKED = N_("Write what you saw in the payment service's portal, and when.")
ONLY_OPERATOR = N_("Only whoever runs the platform can see this in the payment service's portal.")
NOT_BACK = N_("The payment service's portal shows that it was not given back. Try again, or give it back another way.")
HOW = N_("Choose how the money goes back.")
PHONE = N_("Write the customer's M-Pesa number.")
#: After a reversal that was sent more than once, another road is closed for so long: an answer may still be on its way.
SETTLES_IN = timedelta(hours=24)


async def approve(actor: Actor, refund_id: int, *, now: datetime, password: str = "") -> None:
    """Let a refund go. Forbidden, NotFound; Conflict: decided already, or the voucher was used meanwhile; Invalid: the password
    is needed, as nobody else could approve."""
    confirmed = await is_confirmed(actor, password, now=now)

    async def step(tx: Tx, row: Record) -> None:
        if row["status"] != "wanted":
            raise Conflict(DECIDED)
        await _judged(tx, actor, row, confirmed=confirmed)
        await carrying.approved(tx, row, by=f"user:{actor.user_id}", now=now)

    await _decide(actor, refund_id, step)


async def _judged(tx: Tx, actor: Actor, row: Record, *, confirmed: bool) -> None:
    asked = Asked(merchant_id=row["merchant_id"], cents=row["amount_cents"], wanted_by=row["wanted_by"])
    if await rights.judge(tx, actor, asked) is Say.PASSWORD and not confirmed:
        raise Invalid({"password": PASSWORD})


async def drop(actor: Actor, refund_id: int, *, now: datetime) -> None:
    """Give nothing back after all: the books are as before. Whoever asked may, while it waits, and whoever decides.

    Conflict: sent already; the voucher is gone; the money never bought anything."""

    async def step(tx: Tx, row: Record) -> None:
        by = f"user:{actor.user_id}"
        if row["status"] != "wanted" or row["wanted_by"] != by:
            rights.decider(actor)
        if not await transfers.take_back(tx, refund_id=refund_id, now=now, actor=by):
            raise Conflict(carrying.SENT_BEFORE)
        posting_id, is_straight = await books.posting_of(tx, row)
        if is_straight and row["suspense_id"] is None:
            raise Conflict(KEEP_IT)
        if row["status"] != "wanted" and row["scope"] == "whole" and await _is_voucher_gone(tx, row):
            raise Conflict(VOUCHER_GONE)
        if not await move(tx, "refunds", refund_id, E.DROP, at=now, actor=by):
            raise Conflict(DECIDED)
        await ledger.reverse(tx, posting_id, why="refund dropped", now=now)
        if row["payment_id"] is not None:
            await move(tx, "payments", row["payment_id"], E.CANCEL, at=now, actor=by)
        if row["suspense_id"] is not None:
            await move(
                tx, "suspense", row["suspense_id"], E.REOPEN, at=now, actor=by, resolved_at=None, resolution=None,
                resolved_by=None,
            )  # fmt: skip

    await _decide(actor, refund_id, step)


async def _is_voucher_gone(tx: Tx, row: Record) -> bool:
    return await tx.value(
        """SELECT EXISTS (SELECT FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
                          JOIN vouchers v ON v.id = coalesce(p.voucher_id, c.voucher_id)
                          WHERE p.id = $1 AND v.status = 'revoked')""",
        row["payment_id"],
    )


async def retry(actor: Actor, refund_id: int, *, now: datetime, road: str = "", phone: str = "") -> None:
    """Send a failed refund again, by its road or another ("reversal", "b2c", "credit", "cash"); `phone` in E.164 digits.

    Conflict: it may be on its way; an answer of the old road may still come."""

    async def step(tx: Tx, row: Record) -> None:
        rights.decider(actor)
        if row["status"] != "failed":
            raise Conflict(DECIDED)
        chosen = road or row["road"]
        if chosen != row["road"]:
            await _may_change(tx, row, chosen, now=now)
        if chosen in ("b2c", "credit"):
            await _check_phone(tx, actor, row, phone or row["phone"])
        await tx.execute(
            "UPDATE refunds SET road = $2, phone = CASE WHEN $3 = '' THEN phone ELSE $3 END, note = $4 WHERE id = $1",
            refund_id,
            chosen,
            phone,
            f"again by user:{actor.user_id}",
        )
        await carrying.set_out(tx, refund_id, now=now)

    await _decide(actor, refund_id, step)


async def _check_phone(tx: Tx, actor: Actor, row: Record, phone: str) -> None:
    """Invalid: no number, or another than the one that paid or was approved, which is for the owner to choose."""
    if not phone:
        raise Invalid({"phone": PHONE})
    if phone == row["phone"] or actor.merchant_id is None or actor.role is Role.OWNER:
        return
    paid = await tx.row(
        """SELECT r.payer_hint, coalesce(nullif(r.phone, ''), nullif(p.phone, '')) AS phone FROM receipts r
           LEFT JOIN payments p ON p.id = r.payment_id WHERE r.id = $1""",
        row["receipt_id"],
    )
    if paid is not None and payers.agrees(phone, paid["phone"], paid["payer_hint"]) is False:
        raise Invalid({"phone": OTHER_PHONE})


async def _may_change(tx: Tx, row: Record, chosen: str, *, now: datetime) -> None:
    """Invalid: no such road for this money; Conflict: an answer of the old road may still come."""
    came = await tx.value("SELECT amount_cents FROM receipts WHERE id = $1", row["receipt_id"])
    if chosen not in ("b2c", "credit", "cash") and not (chosen == "reversal" and came == row["amount_cents"]):
        raise Invalid({"road": HOW})
    if chosen == "credit" and row["merchant_id"] is None:
        raise Invalid({"road": HOW})
    last = await tx.row(
        "SELECT kind, tries, ended_at FROM transfers WHERE refund_id = $1 ORDER BY id DESC LIMIT 1", row["id"]
    )
    if last and last["kind"] == "reversal" and last["tries"] > 1 and last["ended_at"] > now - SETTLES_IN:
        raise Conflict(OTHER_WAY)


async def given(actor: Actor, refund_id: int, *, note_text: str, now: datetime) -> None:
    """Somebody of the merchant gave the cash back; the note says who got it. Conflict: not approved, not cash, or given before."""

    async def step(tx: Tx, row: Record) -> None:
        if not rights.may_ask(actor):
            rights.decider(actor)
        if len(note_text.strip()) < 3:
            raise Invalid({"note": NOTE})
        if row["road"] != "cash" or row["status"] not in ("approved", "failed"):
            raise Conflict(DECIDED)
        to = books.from_drawer(row)
        await carrying.finish(tx, row, to, by=f"user:{actor.user_id}", now=now, words=note_text.strip())

    await _decide(actor, refund_id, step)


async def seen(actor: Actor, refund_id: int, *, is_back: bool | None, note_text: str, now: datetime) -> None:
    """Somebody looked at the portal of a rail that does not tell what became of a refund: the money is back, or it is not (None:
    not chosen, Invalid).

    Forbidden: the account is the platform's, and the actor no operator. Conflict: it is known, or M-Pesa's, which tells."""

    async def step(tx: Tx, row: Record) -> None:
        if not actor.is_operator:
            rights.decider(actor)
        found = await tx.row(
            """SELECT t.id, a.merchant_id AS owner_id FROM transfers t JOIN rail_accounts a ON a.id = t.rail_account_id
               WHERE t.refund_id = $1 AND t.status = 'unknown'""",
            refund_id,
        )
        if row["status"] != "unknown" or found is None:
            raise Conflict(DECIDED)
        if found["owner_id"] is None and not actor.is_operator:
            raise Forbidden(ONLY_OPERATOR)
        if is_back is None:
            raise Invalid({"is_back": SHOWN})
        if len(note_text.strip()) < 3:
            raise Invalid({"note": LOOKED})
        by, transfer = f"user:{actor.user_id}", await transfers.locked(tx, found["id"])
        if is_back:
            await transfers.done(tx, transfer, receipt=None, now=now, actor=by, code="seen", said=note_text.strip())
        else:
            await transfers.failed(tx, transfer, code="seen", said=note_text.strip(), words=NOT_BACK, now=now, actor=by)
        await tx.execute("UPDATE refunds SET note = $2 WHERE id = $1", refund_id, note_text.strip()[:200])

    await _decide(actor, refund_id, step)


async def _decide(actor: Actor, refund_id: int, step: Callable[[Tx, Record], Awaitable[None]]) -> None:
    """Run a step on the actor's own refund, locked."""
    merchant_id = rights.whose(actor)
    async with atomic() as tx:
        row = await carrying.locked(tx, refund_id)
        if row is None or row["merchant_id"] != merchant_id:
            raise NotFound
        await step(tx, row)
