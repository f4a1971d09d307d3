"""The one box of the merchant's search: a phone number, an M-Pesa code, a payment reference, a subscriber's account number
or a voucher code, folded as people type them. Finds rows of the actor's merchant only; it changes nothing."""

import re
from collections.abc import Sequence

import msgspec

from portal import c2b_questions, codes, phones, references
from portal.c2b_questions import Question
from portal.db import DB
from portal.identity import Actor
from portal.imports import entering
from portal.mpesa import sms_text
from portal.vault import Vault
from portal.voucher_entry import prefixes

_MOST = 200
_RECEIPT = re.compile(r"[A-Z0-9_-]{6,32}")


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: payments, newest first; money in suspense; vouchers, as (id, reference, status); payments by hand we had
    M-Pesa refuse; subscribers, as (id, name, account number)."""

    payment_ids: Sequence[int]
    suspense_ids: Sequence[int]
    vouchers: Sequence[tuple[int, str, str]]
    refused: Sequence[Question] = ()
    subscribers: Sequence[tuple[int, str, str]] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.payment_ids or self.suspense_ids or self.vouchers or self.refused or self.subscribers)


class _Meant(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that what was typed may mean."""

    phone: str
    receipt: str
    references: list[str]
    code_hashes: list[bytes]


def _meant(typed: str, vault: Vault, *, printed: Sequence[str]) -> _Meant:
    try:
        phone = phones.parse_phone(typed)
    except phones.PhoneError:
        phone = ""
    pasted = sms_text.read(typed)
    plain = typed.strip().upper()
    receipt = pasted.receipt if pasted else plain if _RECEIPT.fullmatch(plain) and not phone else ""
    try:
        hashes = vault.code_hashes(codes.fold_prefixed(typed, printed))
    except codes.CodeError:
        hashes = []
    return _Meant(phone=phone, receipt=receipt, references=references.readings(typed), code_hashes=hashes)


_VOUCHERS = """
SELECT id, payment_reference, status FROM vouchers WHERE merchant_id = $1 AND payment_reference = ANY($2)
UNION SELECT id, payment_reference, status FROM vouchers WHERE merchant_id = $1 AND code_hash = ANY($3)"""
_PAYMENTS = """
SELECT id FROM (
  SELECT id FROM payments WHERE merchant_id = $1 AND phone = $2 AND $2 <> ''
  UNION SELECT payment_id FROM receipts WHERE merchant_id = $1 AND payment_id IS NOT NULL AND phone = $2 AND $2 <> ''
  UNION SELECT payment_id FROM receipts WHERE merchant_id = $1 AND payment_id IS NOT NULL AND receipt = $3
  UNION SELECT id FROM payments WHERE merchant_id = $1 AND receipt = $3
  UNION SELECT id FROM payments WHERE merchant_id = $1 AND account_reference = ANY($4)
  UNION SELECT id FROM payments WHERE merchant_id = $1 AND voucher_id = ANY($5)
  UNION SELECT id FROM payments WHERE merchant_id = $1 AND subscriber_id = ANY($7)
  UNION SELECT p.id FROM checkouts c JOIN payments p ON p.checkout_id = c.id WHERE c.merchant_id = $1 AND c.voucher_id = ANY($5)
) found ORDER BY id DESC LIMIT $6"""
_SUBSCRIBERS = """
SELECT id, name, account_number FROM subscribers
WHERE merchant_id = $1 AND (account_number = ANY($2) OR (phone = $3 AND $3 <> '')) ORDER BY id DESC LIMIT $4"""
_SUSPENSE = """
SELECT s.id FROM suspense s JOIN receipts r ON r.id = s.receipt_id
WHERE s.merchant_id = $1 AND (r.receipt = $3 OR (r.phone = $2 AND $2 <> '') OR upper(r.typed) = $4)
ORDER BY s.id DESC LIMIT $5"""


async def find(actor: Actor, typed: str, *, vault: Vault) -> Hits:
    """Everything of the merchant's that what was typed may mean."""
    merchant_id, typed = actor.at_merchant(), typed[:500].replace("\0", "")  # which no text of the database holds
    meant = _meant(typed, vault, printed=await prefixes(merchant_id))
    hashes = [*meant.code_hashes, *await entering.find(merchant_id, typed, vault=vault)]
    vouchers = await DB.fetch(_VOUCHERS, merchant_id, meant.references, hashes)
    people = await DB.fetch(_SUBSCRIBERS, merchant_id, meant.references, meant.phone, _MOST)
    accounts = [row["id"] for row in people if row["account_number"] in meant.references]
    payments = await DB.fetch(
        _PAYMENTS, merchant_id, meant.phone, meant.receipt, meant.references, [row["id"] for row in vouchers], _MOST,
        accounts,
    )  # fmt: skip
    held = await DB.fetch(_SUSPENSE, merchant_id, meant.phone, meant.receipt, typed.strip().upper()[:40], _MOST)
    return Hits(
        payment_ids=[row["id"] for row in payments],
        suspense_ids=[row["id"] for row in held],
        vouchers=[(row["id"], row["payment_reference"], row["status"]) for row in vouchers],
        refused=await c2b_questions.refused(merchant_id, receipt=meant.receipt, typed=typed),
        subscribers=[(row["id"], row["name"], row["account_number"]) for row in people],
    )
