"""Writing a message into the outbox, in the transaction that makes it true. Sending is not here.

A message names its sentence and what fills it; a voucher's code is named by the voucher's id, never written down."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import Tx
from portal.messages.kinds import SENTENCES, TO_SHOP, URGENT, Channel, Told


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that is made already: its subject, its text, its page in HTML ("" for none), and the CSV that goes with it, by its name
    ("" for none). No codes in it."""

    subject: str
    text: str
    html: str = ""
    file_name: str = ""
    file_text: str = ""


_WRITE = """
INSERT INTO messages (merchant_id, kind, once, recipient, language, body, params, next_try_at, created_at, channel, is_urgent,
                      not_after, subject, html, file_name, file_text)
VALUES ($1, $2, $3, $4, coalesce($5, (SELECT language FROM merchants WHERE id = $1), 'en'), $6, $7::jsonb, $8, $9, $10, $11,
        $12, $13, $14, $15, $16)
ON CONFLICT (once) DO NOTHING"""


async def write(
    tx: Tx, told: Told, once: str, *, merchant_id: int | None, phone: str | None, params: Mapping[str, object],
    now: datetime, channel: Channel | None = None, to: str | None = None, is_urgent: bool | None = None,
    not_before: datetime | None = None, not_after: datetime | None = None, language: str | None = None,
    letter: Letter | None = None,
) -> bool:  # fmt: skip
    """Put a message into the outbox, once per `told` and `once`. False: it was there before, or there is nobody to write to.

    A `SHOP_…` kind goes to the merchant's own people, by every way they chose, or only by `channel`. Others go to `phone` (E.164
    digits), or with a `channel` to the mail address or chat `to`. `is_urgent`: also in quiet hours (None: as the kind says).
    `not_before` holds it back; `not_after` makes it useless (None: a day after now). `letter` makes a mail of it (channel EMAIL)."""
    is_ours = told in TO_SHOP and to is None
    recipient = "" if is_ours else (to or phone or "")
    if not is_ours and not recipient:
        return False
    by = channel.value if channel else "email" if letter and not is_ours else "" if is_ours else Channel.SMS.value
    tag = await tx.execute(
        _WRITE,
        merchant_id,
        told.value,
        f"{told}:{once}",
        recipient,
        language,
        letter.text if letter else SENTENCES[told],
        msgspec.json.encode(params).decode(),
        max(now, not_before) if not_before else now,
        now,
        by,
        told in URGENT if is_urgent is None else is_urgent,
        not_after,
        letter.subject if letter else None,
        letter.html if letter else None,
        (letter.file_name or None) if letter else None,
        (letter.file_text or None) if letter else None,
    )
    return tag == "INSERT 0 1"
