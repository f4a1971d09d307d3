"""Webhooks: where a merchant's programs want to hear what happens, what they are to hear, and each try to tell them."""

from piccolo.columns import Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class WebhookEndpoint(Table, tablename="webhook_endpoints", db=DB, help_text="an address that hears of events"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    url = word(500, "the address")
    note = word(80, "for the merchant")
    kinds = text("what it hears, words such as voucher.paid with spaces between", null=False)
    sources = text("the same as events: a line each of entity:name, or entity:name@was, a space, the kind", null=False)
    secret_sealed = Bytea(help_text="AES-GCM, bound to this row: what messages are signed with")
    old_secret_sealed = Bytea(null=True, default=None, help_text="the secret before: signs too, until old_secret_until")
    old_secret_until = moment("until when the secret before signs, too")
    created_by = link(User, "who entered it", null=True)
    created_at = moment("when", null=False)
    off_at = moment("since when nothing is sent; null: it is sent to")
    off_why = word(8, "person, failing or gone: why nothing is sent", null=True)
    failing_since = moment("the first of the failures in a row; null: the last try went well")
    faults = number("tries in a row that failed")
    free_at = moment("nothing is sent before this: it failed a moment ago")
    ended_at = moment("when it was taken out")


class WebhookMessage(
    Table, tablename="webhook_messages", db=DB, help_text="one event for one address; written with the event itself"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    endpoint_id = link(WebhookEndpoint, "for whom")
    event_id = number("the event it tells; 0: a test")
    kind = word(32, "what it tells, such as voucher.paid")
    at = moment("when that happened", null=False)
    body = text("what is sent, the same at every try; null: not made yet")
    tries = number("times tried")
    next_try_at = moment("when it is tried next; null: it is not")
    lease_until = moment("while it is being sent: whoever began is dead after this")
    sent_at = moment("when the far side took it")
    given_up_at = moment("when the last of the tries had failed")


class WebhookAttempt(Table, tablename="webhook_attempts", db=DB, help_text="one try to tell one message"):
    id = key()
    merchant_id = link(Merchant, "whose")
    endpoint_id = number("to whom")
    message_id = number("what")
    at = moment("when it began", null=False)
    took_ms = number("how long, in milliseconds")
    status = number("HTTP status of the answer; 0: none came")
    why = word(16, "what went wrong without an answer: refused, unreachable, timeout or lost; empty: nothing")
    answer = text("the beginning of the answer", null=False)
