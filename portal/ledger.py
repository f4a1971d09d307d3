"""The ledger: double entry in whole cents. The database refuses a posting that does not sum to zero, and any edit.

Signs: money that came in is positive on a clearing account; what we owe somebody is negative on their account. Balances are
sums, never stored. A mistake is taken back by a posting of the opposite, never mended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from portal.db import DB, Tx


class Account(StrEnum):
    """Every account there is; the database knows the same list."""

    MPESA_CLEARING = "mpesa_clearing"  # money at the platform's shortcode
    AIRTEL_CLEARING = "airtel_clearing"
    PAYSTACK_CLEARING = "paystack_clearing"
    OWN_CLEARING = "own_clearing"  # money that came straight to the merchant: own shortcode, or by the owner's word
    CASH = "cash"  # notes in the merchant's drawer
    MERCHANT_PAYABLE = "merchant_payable"
    COMMISSION = "commission"
    SUSPENSE = "suspense"
    CUSTOMER_CREDIT = "customer_credit"
    REFUNDS = "refunds"  # on its way back to a payer
    PAYOUTS = "payouts"  # on its way to a merchant
    PAYOUT_FEES = "payout_fees"  # what the platform takes for payouts
    SMS_COST = "sms_cost"
    AGENTS = "agents"  # what an agent has taken for the merchant and not brought yet; negative: paid in advance
    AGENT_COMMISSION = "agent_commission"  # what agents keep of what they sold


#: Where money of a rail stands when it is at the platform's account there.
CLEARING = {
    "mpesa": Account.MPESA_CLEARING,
    "airtel": Account.AIRTEL_CLEARING,
    "paystack": Account.PAYSTACK_CLEARING,
    "cash": Account.CASH,
    "manual": Account.OWN_CLEARING,
}


class Kind(StrEnum):
    """Why a posting was made; the database knows the same list."""

    SALE = "sale"
    PART_PAYMENT = "part_payment"
    SUSPENSE = "suspense"
    EXTRA_PAYMENT = "extra_payment"
    RESOLUTION = "resolution"
    CREDIT_USE = "credit_use"
    REFUND = "refund"
    REFUND_DONE = "refund_done"
    PAYOUT = "payout"
    PAYOUT_DONE = "payout_done"
    SMS = "sms"
    CASH_UP = "cash_up"
    REVERSAL = "reversal"
    WALLET = "wallet"  # money into a subscriber's wallet
    BILL = "bill"  # a subscriber's wallet pays a bill
    BILL_RETURN = "bill_return"  # days of a bill that are not used go back into the wallet
    AGENT_SALE = "agent_sale"  # an agent sold it: has the cash, and a commission
    AGENT_MONEY = "agent_money"  # an agent brings money, or is given some


class Entry(msgspec.Struct, frozen=True):
    """One signed amount. `credit_id` names the customer's account on CUSTOMER_CREDIT, `agent_id` the agent's on AGENTS and
    AGENT_COMMISSION; `is_platform`: no merchant's."""

    account: Account
    cents: int
    credit_id: int | None = None
    is_platform: bool = False
    agent_id: int | None = None


async def post(
    tx: Tx, kind: str, entries: Mapping[str, int] | Sequence[Entry], *, merchant_id: int | None, payment_id: int | None,
    receipt: str | None, currency: str, now: datetime, note: str = "", reverses_id: int | None = None,
) -> bool:  # fmt: skip
    """Write one posting. False: this payment (or this receipt) already has one of this kind; nothing was written.

    ValueError: it does not balance, or names an account or kind that does not exist."""
    lines = _lines(entries)
    if sum(line.cents for line in lines) != 0:
        raise ValueError(f"posting {kind} does not balance: {lines}")
    posting_id = await tx.value(
        """INSERT INTO ledger_postings (merchant_id, payment_id, kind, receipt, note, reverses_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id""",
        merchant_id,
        payment_id,
        Kind(kind).value,
        receipt,
        note,
        reverses_id,
        now,
    )
    if posting_id is None:
        return False
    await tx.execute(
        """INSERT INTO ledger_entries (posting_id, merchant_id, account, amount_cents, credit_id, agent_id, currency)
           SELECT $1, CASE WHEN is_platform THEN NULL ELSE $2::bigint END, account, amount, credit, agent, $7
           FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bool[], $8::bigint[])
                AS line (account, amount, credit, is_platform, agent)""",
        posting_id,
        merchant_id,
        [line.account.value for line in lines],
        [line.cents for line in lines],
        [line.credit_id for line in lines],
        [line.is_platform for line in lines],
        currency,
        [line.agent_id for line in lines],
    )
    return True


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A posting about a subscriber's bill, to be written with others."""

    kind: Kind
    entries: Sequence[Entry]
    merchant_id: int
    bill_id: int
    currency: str
    note: str = ""


async def post_all(tx: Tx, postings: Sequence[Posting], *, now: datetime) -> None:
    """Write postings about bills, all in two statements. ValueError: one does not balance; a bill debited before breaks the
    database's unique key."""
    if not postings:
        return
    for posting in postings:
        if sum(entry.cents for entry in posting.entries) != 0:
            raise ValueError(f"posting {posting.kind} of bill {posting.bill_id} does not balance")
    ids = [
        row["id"]
        for row in await tx.fetch(
            """INSERT INTO ledger_postings (merchant_id, bill_id, kind, note, created_at)
               SELECT n.*, $5 FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS n RETURNING id""",
            [posting.merchant_id for posting in postings],
            [posting.bill_id for posting in postings],
            [posting.kind.value for posting in postings],
            [posting.note for posting in postings],
            now,
        )
    ]
    lines = [(each_id, of, line) for each_id, of in zip(ids, postings, strict=True) for line in of.entries]
    await tx.execute(
        """INSERT INTO ledger_entries (posting_id, merchant_id, account, amount_cents, credit_id, currency)
           SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])""",
        [each_id for each_id, _, _ in lines],
        [of.merchant_id for _, of, _ in lines],
        [line.account.value for _, _, line in lines],
        [line.cents for _, _, line in lines],
        [line.credit_id for _, _, line in lines],
        [of.currency for _, of, _ in lines],
    )


async def book(
    tx: Tx, kind: Kind, entries: Sequence[Entry], *, merchant_id: int | None, payment_id: int | None,
    receipt: str | None, currency: str, now: datetime, note: str = "",
) -> None:  # fmt: skip
    """Write one posting that must be new. RuntimeError: there is one already, so the caller is about to lose or double money."""
    posted = await post(
        tx, kind, entries, merchant_id=merchant_id, payment_id=payment_id, receipt=receipt, currency=currency, now=now,
        note=note,
    )  # fmt: skip
    if not posted:
        raise RuntimeError(f"a {kind} posting of payment {payment_id} is there already")


def _lines(entries: Mapping[str, int] | Sequence[Entry]) -> list[Entry]:
    if isinstance(entries, Mapping):
        entries = [Entry(Account(account), cents) for account, cents in entries.items()]
    return [entry for entry in entries if entry.cents]


async def reverse(tx: Tx, posting_id: int, *, why: str, now: datetime) -> bool:
    """Take a posting back, exactly and once, by its opposite. False: it was taken back before, or there is none."""
    found = await tx.row("SELECT merchant_id, payment_id FROM ledger_postings WHERE id = $1", posting_id)
    if found is None:
        return False
    lines = await tx.fetch(
        "SELECT account, amount_cents, credit_id, agent_id, merchant_id, currency FROM ledger_entries WHERE posting_id = $1",
        posting_id,
    )
    opposite = [
        Entry(
            Account(line["account"]), -line["amount_cents"], line["credit_id"], line["merchant_id"] is None, line["agent_id"]
        )
        for line in lines
    ]  # fmt: skip
    return await post(
        tx, Kind.REVERSAL, opposite, merchant_id=found["merchant_id"], payment_id=found["payment_id"], receipt=None,
        currency=lines[0]["currency"], now=now, note=why[:120], reverses_id=posting_id,
    )  # fmt: skip


async def balance(merchant_id: int, account: str) -> int:
    """The signed sum of one account of a merchant, in cents."""
    return await DB.value(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries WHERE merchant_id = $1 AND account = $2",
        merchant_id,
        account,
    )


#: What `owed` sums: what we owe a merchant, and what it holds itself, its agents for it, or has given up to them.
OWED_ACCOUNTS = "('merchant_payable', 'cash', 'own_clearing', 'agents', 'agent_commission')"
_OWED = f"""
SELECT coalesce(-sum(amount_cents), 0)::bigint FROM ledger_entries WHERE merchant_id = $1 AND account IN {OWED_ACCOUNTS}"""
_BEFORE = "AND posting_id IN (SELECT id FROM ledger_postings WHERE merchant_id = $1 AND created_at < $2)"


async def owed(merchant_id: int, *, before: datetime | None = None) -> int:
    """What we owe a merchant, in cents: its payable, less what it holds itself (cash, money at its own shortcode and with its agents).
    Negative: the merchant owes us commission. `before`: as it was at that moment."""
    return (
        await DB.value(_OWED, merchant_id)
        if before is None
        else await DB.value(f"{_OWED} {_BEFORE}", merchant_id, before)
    )


async def owed_now(tx: Tx, merchant_id: int) -> int:
    """`owed`, for whoever is about to take from it: the merchant's row stays locked until the transaction ends."""
    await tx.execute("SELECT FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
    return await tx.value(_OWED, merchant_id)
