"""What providers of other rails tell us: each stored callback is read once, in the transaction that marks it handled.

The address says whose account it is; our reference in the message says which payment, if it is one of that account. What is not
signed changes nothing: it has the provider asked. A wrong signature is told to a person as well."""

from datetime import datetime

from asyncpg import Record

from portal import payments
from portal.airtel.messages import read_callback
from portal.db import Tx
from portal.evidence import Evidence, Inbound, Outcome, Road
from portal.payments import Settled
from portal.paystack.messages import read_webhook, refund_told
from portal.rails.interface import Observation, Proof
from portal.states import note
from portal.vault import Vault


async def hear(tx: Tx, row: Record, vault: Vault, now: datetime) -> str:
    """Handle one callback of another rail; its outcome."""
    account = await tx.row(
        "SELECT a.* FROM rail_accounts a JOIN callback_addresses c ON c.rail_account_id = a.id WHERE c.id = $1",
        row["address_id"],
    )
    assert account is not None  # rows of callbacks keep their address from going, and that its account
    about = refund_told(row["body"]) if account["rail"] == "paystack" else ""
    if about:
        return await _ask_of_refund(tx, account["id"], about, now=now)
    seen = _read(row, account, vault)
    if not seen:
        return "unreadable"
    outcomes = [await _one(tx, row, account, one, vault=vault, now=now) for one in seen]
    return outcomes[-1]


async def _ask_of_refund(tx: Tx, account_id: int, reference: str, *, now: datetime) -> str:
    """Something became of a refund: the provider is asked what, whoever says so. Not for what is known already."""
    found = await tx.fetch(
        """UPDATE transfers t SET next_try_at = $3 FROM refunds f JOIN payments p ON p.id = f.payment_id
           WHERE t.refund_id = f.id AND t.rail_account_id = $1 AND p.account_reference = $2
           AND t.status IN ('sent', 'unknown') RETURNING t.id""",
        account_id,
        reference,
        now,
    )
    return str(Settled.TO_VERIFY) if found else "not_ours"


def _read(row: Record, account: Record, vault: Vault) -> list[Observation]:
    def secret(column: str) -> str:
        sealed = account[column]
        return vault.open("rail_accounts", column, row_id=account["id"], sealed=sealed) if sealed is not None else ""

    if account["rail"] == "airtel":
        return read_callback(row["body"], key=secret("signing_sealed"))
    return read_webhook(row["body"], row["signature"], key=secret("secret_sealed"))


async def _one(tx: Tx, row: Record, account: Record, seen: Observation, *, vault: Vault, now: datetime) -> str:
    payment = await tx.row(
        "SELECT * FROM payments WHERE account_reference = $1 AND rail_account_id = $2 FOR UPDATE",
        seen.reference,
        account["id"],
    )
    if payment is None:  # the account may serve other programs too: their payments are none of ours
        return "not_ours"
    await tx.execute("UPDATE callbacks SET payment_id = $2 WHERE id = $1", row["id"], payment["id"])
    if seen.proof is Proof.FORGED:
        await note(
            tx, "callbacks", row["id"], "signature_wrong", merchant_id=payment["merchant_id"], at=now, actor=account["rail"],
            data={"payment_id": payment["id"], "source": row["source"]},
        )  # fmt: skip
    if seen.proof in (Proof.FORGED, Proof.NONE):
        await _ask(tx, payment["id"], now=now)
        return str(Settled.TO_VERIFY)
    await tx.execute("UPDATE callbacks SET is_trusted = true WHERE id = $1", row["id"])
    return await settle(tx, payment, seen, vault=vault, now=now)


async def _ask(tx: Tx, payment_id: int, *, now: datetime) -> None:
    """Have the provider asked as soon as may be. Not for what is paid: a forged message must not keep us busy."""
    await tx.execute(
        "UPDATE payments SET next_query_at = $2 WHERE id = $1 AND status IN ('pending', 'unknown', 'failed')",
        payment_id,
        now,
    )


async def settle(tx: Tx, payment: Record, seen: Observation, *, vault: Vault, now: datetime) -> str:
    """Take what is proved into account, by the one verb for it. Money of another currency than was asked for is held."""
    is_other = seen.currency not in ("", payment["currency"])
    if seen.outcome is Outcome.PAID and is_other:
        return await _other_money(tx, payment, seen, vault=vault, now=now)
    if seen.outcome is Outcome.OPEN:
        return str(Settled.OPEN)  # nothing new is known of it; the next question is due anyway
    if seen.outcome is not Outcome.PAID and payment["status"] == "failed":
        return str(Settled.KNOWN)
    found = Evidence(
        road=payment["method"],
        payment_id=payment["id"],
        outcome=seen.outcome,
        result_code="0" if seen.outcome is Outcome.PAID else seen.why.value,
        result_text=seen.said,
        receipt=seen.receipt,
        amount_cents=seen.amount_cents,
    )
    settled = await payments.settle_in(tx, found, vault=vault, now=now)
    if settled is Settled.RECEIPT_USED:
        await note(
            tx, "payments", payment["id"], "receipt_used_again", merchant_id=payment["merchant_id"], at=now,
            actor=payment["method"], data={"receipt": seen.receipt},
        )  # fmt: skip
    return str(settled)


async def _other_money(tx: Tx, payment: Record, seen: Observation, *, vault: Vault, now: datetime) -> str:
    owner = await tx.value("SELECT merchant_id FROM rail_accounts WHERE id = $1", payment["rail_account_id"])
    inbound = Inbound(
        road=Road(payment["method"]), receipt=seen.receipt or "", amount_cents=seen.amount_cents or 0, is_trusted=True,
        merchant_id=owner, currency=seen.currency, reference=payment["account_reference"], happened_at=seen.happened_at,
    )  # fmt: skip
    taken = await payments.take(tx, inbound, vault=vault, now=now)
    return str(taken.settled)
