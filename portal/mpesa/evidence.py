"""From Daraja's messages to evidence about a payment. Pure."""

from portal.evidence import Evidence, Inbound, Outcome, Road
from portal.mpesa.c2b import Confirmation, Payer
from portal.mpesa.messages import Malformed, QueryAnswer, StkResult, read_callback
from portal.mpesa.pull import PullRow
from portal.mpesa.result_codes import Meaning
from portal.mpesa.result_facts import Transaction

_OUTCOMES = {
    Meaning.PAID: Outcome.PAID,
    Meaning.FAILED_RETRY: Outcome.FAILED,
    Meaning.KEEP_WATCHING: Outcome.KEEP_WATCHING,
    Meaning.CONFIG: Outcome.FAILED,
    Meaning.PENDING: Outcome.OPEN,
    Meaning.UNKNOWN: Outcome.OPEN,
}


def of_callback(payment_id: int, body: bytes) -> Evidence | None:
    """What a stored STK callback says. None when it cannot be read, or claims success without receipt and exact amount:
    M-Pesa must be asked."""
    read: StkResult | Malformed = read_callback(body)
    if isinstance(read, Malformed) or (read.meaning is Meaning.PAID and not read.is_complete):
        return None
    return Evidence(
        road="stk_callback",
        payment_id=payment_id,
        outcome=_OUTCOMES[read.meaning],
        result_code=read.result_code,
        result_text=read.result_text,
        checkout_request_id=read.checkout_request_id,
        receipt=read.receipt,
        amount_cents=read.amount_cents,
    )


def of_query(payment_id: int, answer: QueryAnswer) -> Evidence:
    """What a status query says; never a receipt or an amount."""
    return Evidence(
        road="stk_query",
        payment_id=payment_id,
        outcome=_OUTCOMES[answer.meaning],
        result_code=answer.result_code,
        result_text=answer.result_text,
    )


def of_confirmation(account_id: int, confirmation: Confirmation, *, is_trusted: bool) -> Inbound | None:
    """Money a payer sent by hand to the account whose address was called. None when its amount is not one of whole cents.

    Where the confirmation names another shortcode than the account's, it is for the caller to refuse: see `Confirmation`."""
    if not confirmation.amount_cents:
        return None
    phone, hint = _told(confirmation.payer)
    return Inbound(
        road=Road.C2B,
        receipt=confirmation.receipt,
        amount_cents=confirmation.amount_cents,
        is_trusted=is_trusted,
        account_id=account_id,
        reference=confirmation.reference,
        phone=phone,
        payer_hint=hint,
        payer_name=confirmation.payer_name,
        happened_at=confirmation.paid_at,
    )


def of_pull_row(account_id: int, row: PullRow) -> Inbound | None:
    """Money of M-Pesa's own list: we asked for it over TLS, so it is trusted. None when its amount is not one of whole cents."""
    if not row.amount_cents:
        return None
    phone, hint = _told(row.payer)
    return Inbound(
        road=Road.PULL,
        receipt=row.receipt,
        amount_cents=row.amount_cents,
        is_trusted=True,
        account_id=account_id,
        reference=row.reference,
        phone=phone,
        payer_hint=hint,
        happened_at=row.paid_at,
    )


def of_status(account_id: int, found: Transaction, *, shortcodes: tuple[str, ...], is_trusted: bool) -> Inbound | None:
    """Money a transaction status proves to have come to one of our shortcodes; the typed reference is not told by this road.

    None unless it is completed, is clearly a person's payment to us, and names its receipt and an amount of whole cents."""
    cents = found.amount_cents
    if not (found.is_completed and found.receipt and cents and found.is_paid_to(shortcodes)):
        return None
    phone, hint = _told(found.debit[0].payer)
    return Inbound(
        road=Road.STATUS,
        receipt=found.receipt,
        amount_cents=cents,
        is_trusted=is_trusted,
        account_id=account_id,
        phone=phone,
        payer_hint=hint,
        payer_name=found.debit[0].name,
        happened_at=found.finalised_at or found.started_at,
    )


def _told(payer: Payer) -> tuple[str | None, str]:
    """The number in full, or else what there is of it."""
    return (payer.text, "") if payer.kind == "full" else (None, payer.text)
