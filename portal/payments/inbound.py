"""Money that came by itself, by any road: found its payment or voucher by the reference its payer typed, or held in suspense."""

from datetime import datetime

from portal import codes
from portal.db import Tx
from portal.evidence import Evidence, Inbound, Outcome
from portal.payments.outcomes import Settled, Taken
from portal.payments.settle import settle_in
from portal.vault import Vault


async def take(tx: Tx, inbound: Inbound, *, vault: Vault, now: datetime) -> Taken:
    """Take money in, once per receipt, inside the caller's transaction. Repeatable: a replay says KNOWN and changes nothing.

    An untrusted message credits nothing: it queues a question to the provider and says TO_VERIFY."""
    known = await tx.value("SELECT id FROM payments WHERE receipt = $1", inbound.receipt)
    if known is not None:
        return Taken(settled=Settled.KNOWN, payment_id=known)
    if not inbound.is_trusted:
        return Taken(settled=Settled.TO_VERIFY)
    try:
        reference = codes.fold_reference(inbound.reference)
    except codes.CodeError:
        return Taken(settled=Settled.SUSPENSE)
    payment_id = await tx.value("SELECT id FROM payments WHERE account_reference = $1", reference)
    if payment_id is None:
        return Taken(settled=Settled.SUSPENSE)
    evidence = Evidence(
        road=inbound.road, payment_id=payment_id, outcome=Outcome.PAID, result_code="0", receipt=inbound.receipt,
        amount_cents=inbound.amount_cents,
    )  # fmt: skip
    settled = await settle_in(tx, evidence, vault=vault, now=now)
    return Taken(settled=settled, payment_id=payment_id)
