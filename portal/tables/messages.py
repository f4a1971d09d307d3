"""Messages to people: an outbox, what is chosen about sending, by what gateways, and who wants none. Sending: `portal.messages`."""

from piccolo.columns import JSONB, Boolean, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class MessageGateway(
    Table, tablename="message_gateways", db=DB, help_text="a way messages go out by; replaced keys are a new row"
):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's, for merchants without their own", null=True, index=True)
    channel = word(8, "sms, email, telegram or webhook")
    kind = word(16, "africastalking, http, smtp, telegram, webhook or console")
    user_name = word(120, "its public name: user at the gateway or the mail server")
    sender = word(254, "sender id or short code, or the address mail comes from")
    options = JSONB(default="{}", help_text="what else it needs and is no secret: address, method, template, port")
    secret_sealed = Bytea(
        null=True, default=None, help_text="AES-GCM, bound to this row: API key, password, bot token or signing key"
    )
    token = word(64, "unguessable part of the address its reports come to, hex", unique=True)
    is_charged = Boolean(default=True, help_text="of the platform's: merchants pay what the gateway takes")
    has_inbox = Boolean(default=False, help_text="people can answer to its sender: STOP is offered")
    free_at = moment("nothing is sent by it before this: it was busy, away or without credit")
    faults = number("times in a row it could not be used")
    trouble = word(24, "what is wrong with it, such as no_credit; null: nothing is known to be", null=True)
    trouble_text = text("the gateway's own words about it")
    trouble_at = moment("since when")
    created_at = moment("when it was entered", null=False)
    ended_at = moment("when it was replaced or taken out")


class Message(Table, tablename="messages", db=DB, help_text="a message to somebody; at most one per reason"):
    id = key()
    merchant_id = link(Merchant, "in whose name; null: the platform's", null=True)
    kind = word(24, "what it tells, such as voucher_code")
    once = word(80, "the reason: a second message for the same reason is not written", unique=True)
    recipient = word(
        254, "phone digits, mail address or chat; empty: the merchant's own people, or the webhook's address"
    )
    language = word(8, "language to write in", default="en")
    body = text("catalogue sentence with %-placeholders", null=False)
    params = JSONB(
        default="{}", help_text="what fills the placeholders; a code is named by its voucher's id, never written"
    )
    status = word(
        10, "queued, sending, sent, delivered, unknown, split, failed or dropped: see portal.message_machine",
        default="queued",
    )  # fmt: skip
    tries = number("times tried")
    next_try_at = moment("when it is tried next")
    sent_at = moment("when the gateway took it")
    last_error = text("why the last try failed")
    created_at = moment("when it was written", null=False)
    channel = word(8, "sms, email, telegram or webhook; empty: by whatever the merchant's people chose", default="sms")
    is_urgent = Boolean(default=False, help_text="goes out in quiet hours too, and is not held back by the daily cap")
    not_after = moment("of no use after this; null: a day after it was written")
    parent_id = number("the message to the merchant's people this is a copy of", null=True)
    gateway_id = link(MessageGateway, "by what it went out", null=True)
    provider_id = word(120, "its name at the gateway", null=True)
    parts = number("SMS parts it took")
    cost_cents = cents("what the gateway took for it, rounded to cents; null: not told", null=True)
    cost_currency = word(3, "ISO 4217 of the cost", null=True)
    claimed_at = moment("when the last try began")
    lease_until = moment("while it is being sent: whoever began is dead after this")
    delivered_at = moment("when the recipient had it, as the gateway tells")
    why = word(24, "why it failed, waits or was dropped: a word of portal.gateways.interface", null=True)
    subject = text("of a letter: its subject line")
    html = text("of a letter: its page; the body is its plain text")
    file_name = word(80, "of a letter: name of the file that goes with it", null=True)
    file_text = text("of a letter: what is in that file, CSV")


class MessageSetting(Table, tablename="message_settings", db=DB, help_text="what a merchant chose about messages"):
    id = key()
    merchant_id = link(Merchant, "whose")
    quiet_from = number("minute of the merchant's day from which people are left in peace", default=21 * 60)
    quiet_until = number("minute of the day from which they are not; equal: no quiet hours", default=7 * 60)
    daily_cap = number("SMS a day at most, urgent ones beside", default=500)
    number_cap = number("SMS a day to one number at most, urgent ones beside", default=5)
    shop_phone = word(15, "where the merchant's people get SMS, digits with country code")
    shop_email = word(254, "where they get mail")
    shop_chat = word(32, "where they get Telegram messages: the chat's number")
    changed_at = moment("when it was last changed", null=False)
    message_setting_unique = Unique([merchant_id])


class MessageTemplate(
    Table, tablename="message_templates", db=DB, help_text="a merchant's own wording of a message; none: ours"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    kind = word(24, "of which message")
    language = word(8, "in which language")
    body = text("the sentence, with placeholders in braces", null=False)
    changed_at = moment("when", null=False)
    message_template_unique = Unique([merchant_id, kind, language])


class MessageStop(
    Table, tablename="message_stops", db=DB, help_text="a number that wants no messages but those about its own money"
):
    id = key()
    merchant_id = link(
        Merchant, "from whom; null: from anybody who sends by the platform's gateway", null=True, index=True
    )
    phone = word(15, "digits with country code")
    how = word(8, "reply, gateway or person", default="reply")
    stopped_at = moment("since when", null=False)
    ended_at = moment("when it wanted messages again")


class MessageReport(
    Table, tablename="message_reports", db=DB, help_text="what a gateway told us: stored first, handled second"
):
    id = key()
    gateway_id = link(MessageGateway, "which, by the address it came to", index=True)
    road = word(8, "delivery or inbound")
    body = Bytea(help_text="as it came, at most 8 KiB")
    body_hash = Bytea(help_text="SHA-256 of the body: a repeat is the same row")
    received_at = moment("when", null=False)
    repeats = number("how often the same came again")
    handled_at = moment("when it was handled")
    outcome = word(24, "what came of it", null=True)
    report_unique = Unique([gateway_id, road, body_hash])
