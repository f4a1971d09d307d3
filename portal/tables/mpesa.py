"""What is shared by those who speak to M-Pesa: the token of an app, and questions whose answer comes later."""

from piccolo.columns import JSONB, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant, MpesaAccount


class MpesaToken(
    Table, tablename="mpesa_tokens", db=DB, help_text="the one OAuth token of a Daraja app; a new one kills the old"
):
    id = key()
    app_hash = Bytea(
        unique=True, help_text="SHA-256 of the app's address and consumer key: shortcodes of one app share"
    )
    token_sealed = Bytea(null=True, default=None, help_text="AES-GCM, bound to this row")
    expires_at = moment("end of the token's life")
    lease_until = moment("who fetches a new token holds this until it has stored it")
    refused = number("tokens M-Pesa turned down before their time, since `refused_since`")
    refused_since = moment("beginning of that count")


class MpesaEnquiry(
    Table,
    tablename="mpesa_enquiries",
    db=DB,
    help_text="a question to M-Pesa whose answer is a callback: status or balance",
):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True, index=True)
    account_id = link(MpesaAccount, "by which M-Pesa account", index=True)
    kind = word(8, "status or balance")
    about = word(64, "of a status: the receipt, or the OriginatorConversationID", default="")
    asked_by = word(60, "who: user:7, job:daily-close, command")
    created_at = moment("when somebody wanted to know", null=False)
    next_try_at = moment("when it is asked, or asked again; null: not again")
    tries = number("times asked")
    last_error = text("why M-Pesa did not take the question")
    asked_at = moment("when M-Pesa took the question, the last time")
    originator_conversation_id = word(64, "M-Pesa's", null=True)
    conversation_id = word(64, "M-Pesa's", null=True)
    answered_at = moment("when the result came")
    verdict = word(12, "done, failed, setup, busy or unknown", null=True)
    result = JSONB(null=True, default=None, help_text="what the answer says; no full phone numbers")
