"""Messages to people, written into an outbox in the transaction that makes them true. Sending is not here.

A message names its sentence and what fills it; a voucher's code is named by the voucher's id, never written down."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from portal.db import Tx
from portal.msgid import N_


class Told(StrEnum):
    """What a message tells."""

    VOUCHER_CODE = "voucher_code"
    PART_PAYMENT = "part_payment"
    TIME_ADDED = "time_added"
    MONEY_KEPT = "money_kept"
    NOT_MATCHED = "not_matched"
    SHOP_PART_PAYMENT = "shop_part_payment"
    SHOP_EXTRA = "shop_extra"
    SHOP_NOT_MATCHED = "shop_not_matched"


#: The sentence of each, short enough for one SMS. `code` and `package` are filled in from the voucher when it is sent.
SENTENCES = {
    Told.VOUCHER_CODE: N_("%(shop)s: %(amount)s received. Your Wi-Fi code is %(code)s for %(package)s."),
    Told.PART_PAYMENT: N_(
        "%(shop)s: %(amount)s received. Pay %(rest)s more to account %(reference)s, then your code comes."
    ),
    Told.TIME_ADDED: N_("%(shop)s: %(amount)s received. %(package)s was added to your Wi-Fi."),
    Told.MONEY_KEPT: N_("%(shop)s: %(amount)s received and kept for you. Ask at the shop to use it or get it back."),
    Told.NOT_MATCHED: N_(
        "%(amount)s received, but the account number is not known. Show M-Pesa code %(receipt)s at the shop."
    ),
    Told.SHOP_PART_PAYMENT: N_("%(amount)s came for %(reference)s, %(rest)s is missing. Nothing was given out yet."),
    Told.SHOP_EXTRA: N_("%(amount)s came for something already paid, receipt %(receipt)s. See the sale."),
    Told.SHOP_NOT_MATCHED: N_("%(amount)s came in that fits nothing, receipt %(receipt)s. Decide what it is for."),
}
_TO_SHOP = frozenset({Told.SHOP_PART_PAYMENT, Told.SHOP_EXTRA, Told.SHOP_NOT_MATCHED})


async def write(
    tx: Tx, told: Told, once: str, *, merchant_id: int | None, phone: str | None, params: Mapping[str, object],
    now: datetime,
) -> bool:  # fmt: skip
    """Put a message into the outbox, once per `told` and `once`. To the shop's own people for what is theirs, else to the phone
    (E.164 digits). False: it was there before, or there is nobody to write to."""
    if told not in _TO_SHOP and not phone:
        return False
    tag = await tx.execute(
        """INSERT INTO messages (merchant_id, kind, once, recipient, language, body, params, next_try_at, created_at)
           VALUES ($1, $2, $3, $4, coalesce((SELECT language FROM merchants WHERE id = $1), 'en'), $5, $6::jsonb, $7, $7)
           ON CONFLICT (once) DO NOTHING""",
        merchant_id,
        told.value,
        f"{told}:{once}",
        "" if told in _TO_SHOP else phone,
        SENTENCES[told],
        msgspec.json.encode(params).decode(),
        now,
    )
    return tag == "INSERT 0 1"
