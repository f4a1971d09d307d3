"""What money paid by hand is for, by the reference its payer typed. Reads only; a shortcode alone decides nothing.

A reference as printed decides; one slip is forgiven only when it can mean one live thing of just that price; else it is a
person's to decide. A till's confirmation has no reference at all: then only a customer's claim says what it is for."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import payers, references
from portal.db import Tx
from portal.evidence import Inbound

#: A guess may only mean an attempt this young.
GUESS_WITHIN = timedelta(hours=48)


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, a voucher, a subscriber or an agent the money is for; or why there is none. `is_guess`: one slip was forgiven."""

    payment_id: int | None = None
    voucher_id: int | None = None
    subscriber_id: int | None = None
    agent_id: int | None = None
    claim_id: int | None = None
    why: str = ""
    is_guess: bool = False

    @property
    def is_found(self) -> bool:
        """Whether it is for something."""
        return any(each is not None for each in (self.payment_id, self.voucher_id, self.subscriber_id, self.agent_id))


_FIND = """
SELECT 'payment' AS kind, p.id, p.merchant_id, p.amount_cents, p.phone,
       p.created_at > $2 AND p.status IN ('created', 'submitting', 'pending', 'unknown', 'failed') AS is_live
FROM payments p WHERE p.account_reference = ANY($1)
UNION ALL
SELECT 'voucher', v.id, v.merchant_id, v.price_cents, '', v.status = 'unsold' AND (v.expires_at IS NULL OR v.expires_at > $3)
FROM vouchers v WHERE v.payment_reference = ANY($1)
UNION ALL
SELECT 'subscriber', s.id, s.merchant_id, s.price_cents, s.phone, s.status <> 'closed'
FROM subscribers s WHERE s.account_number = ANY($1)
UNION ALL
SELECT 'agent', a.id, a.merchant_id, 0, a.phone, true FROM agents a WHERE a.account_number = ANY($1) AND a.status <> 'closed'
LIMIT 3"""


async def find(tx: Tx, inbound: Inbound, *, owner: int | None, now: datetime) -> Match:
    """Look for what the money is for. `owner`: the merchant at whose own account it came in; None: the platform's."""
    claimed = await _claimed(tx, inbound, owner=owner)
    read = references.readings(inbound.reference)
    exact = await _look(tx, read, now=now)
    if len(exact) == 1:
        return _match(exact[0], owner=owner, is_guess=False)
    if len(exact) > 1:
        return claimed or Match(why="ambiguous")
    if claimed is not None:
        return claimed
    close = await _look(tx, sorted(references.near(inbound.reference)), now=now)
    if len(close) > 1:
        return Match(why="ambiguous")
    if close and close[0]["is_live"] and _agrees(close[0], inbound):
        return _match(close[0], owner=owner, is_guess=True)
    return Match(why="no_match" if inbound.reference.strip() else "no_reference")


async def _look(tx: Tx, meant: list[str], *, now: datetime) -> list[Record]:
    return await tx.fetch(_FIND, meant, now - GUESS_WITHIN, now) if meant else []


def _match(row: Record, *, owner: int | None, is_guess: bool) -> Match:
    if owner is not None and row["merchant_id"] != owner:
        return Match(why="foreign")
    if row["kind"] == "payment":
        return Match(payment_id=row["id"], is_guess=is_guess)
    if row["kind"] == "subscriber":
        return Match(subscriber_id=row["id"], is_guess=is_guess)
    if row["kind"] == "agent":
        return Match(agent_id=row["id"], is_guess=is_guess)
    return Match(voucher_id=row["id"], is_guess=is_guess)


def _agrees(row: Record, inbound: Inbound) -> bool:
    """Whether what one slip may have meant is borne out by something else: its price, or for a subscriber or an agent, who
    may pay any amount, the telephone number."""
    if row["amount_cents"] == inbound.amount_cents:
        return True
    return row["kind"] in ("subscriber", "agent") and bool(
        row["phone"] and payers.agrees(row["phone"], inbound.phone, inbound.payer_hint)
    )


async def _claimed(tx: Tx, inbound: Inbound, *, owner: int | None) -> Match | None:
    """A customer said that this receipt pays for a checkout, and the payer the provider tells may be them."""
    rows = await tx.fetch(
        """SELECT c.id, c.merchant_id, o.phone,
                  (SELECT p.id FROM payments p WHERE p.checkout_id = o.id ORDER BY p.id DESC LIMIT 1) AS payment_id
           FROM claims c JOIN checkouts o ON o.id = c.checkout_id WHERE c.receipt = $1 AND c.status = 'open'""",
        inbound.receipt,
    )
    fitting = [row for row in rows if payers.agrees(row["phone"], inbound.phone, inbound.payer_hint)]
    if len(fitting) != 1 or fitting[0]["payment_id"] is None:
        return None
    if owner is not None and fitting[0]["merchant_id"] != owner:
        return None
    return Match(payment_id=fitting[0]["payment_id"], claim_id=fitting[0]["id"])
