"""Tokens programs come in with, and the answers kept so that a request sent twice is done once."""

from piccolo.columns import Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class ApiToken(Table, tablename="api_tokens", db=DB, help_text="what a program proves itself with; shown once"):
    id = key()
    merchant_id = link(Merchant, "whose rows it opens", index=True)
    user_id = link(User, "who made it: it may never do more than this person may")
    name = word(60, "what it is for")
    token_hash = Bytea(unique=True, help_text="SHA-256 of the token, which has 256 bits")
    hint = word(8, "its last letters, to tell one from another")
    scopes = word(400, "what it may do: words with spaces between")
    created_at = moment("when", null=False)
    expires_at = moment("good until; null: until it is revoked")
    last_used_at = moment("when it was last used, to the minute")
    last_used_from = word(45, "the address it was last used from")
    revoked_at = moment("when somebody ended it")
    revoked_by = link(User, "who ended it", null=True)


class ApiAnswer(
    Table, tablename="api_answers", db=DB, help_text="what a request with an Idempotency-Key was answered; kept a day"
):
    id = key()
    token_id = link(ApiToken, "whose request")
    name = word(255, "the Idempotency-Key")
    request_hash = Bytea(help_text="SHA-256 of method, path, query and body: the same key goes with the same request")
    began_at = moment("when it came", null=False)
    status = number("HTTP status of the answer; null: being worked on", null=True)
    answer_sealed = Bytea(
        null=True, default=None, help_text="headers and body, AES-GCM, bound to this row: they may hold codes"
    )
    api_answer_once = Unique([token_id, name])
