"""Messages to people: an outbox. Rows are written with what they tell about; sending is the gateways' business."""

from piccolo.columns import JSONB

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class Message(Table, tablename="messages", db=DB, help_text="a message to somebody; at most one per reason"):
    id = key()
    merchant_id = link(Merchant, "in whose name; null: the platform's", null=True)
    kind = word(24, "what it tells, such as voucher_code")
    once = word(80, "the reason: a second message for the same reason is not written", unique=True)
    recipient = word(254, "digits of a phone; empty: the merchant's own people")
    language = word(8, "language to write in", default="en")
    body = text("catalogue sentence with %-placeholders", null=False)
    params = JSONB(
        default="{}", help_text="what fills the placeholders; a code is named by its voucher's id, never written"
    )
    status = word(8, "queued, sending, sent, failed or dropped", default="queued")
    tries = number("times tried")
    next_try_at = moment("when it is tried next")
    sent_at = moment("when the gateway took it")
    last_error = text("why the last try failed")
    created_at = moment("when it was written", null=False)
