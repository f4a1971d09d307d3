"""People who sign in, what they may do where, and their sessions."""

from piccolo.columns import Boolean, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant


class User(Table, tablename="users", db=DB, help_text="a person who signs in"):
    id = key()
    email = word(254, "lower case", unique=True)
    name = word(80, "shown beside their actions")
    password_hash = word(200, "argon2id, with its parameters")
    is_operator = Boolean(default=False, help_text="runs the platform")
    created_at = moment("when the account was made", null=False)
    confirmed_at = moment(
        "when the address was known to be theirs: a link mailed there was opened; null: somebody vouched"
    )
    language = word(8, "language of mails about the account", default="en")
    totp_sealed = Bytea(
        null=True, default=None, help_text="secret of the authenticator app, AES-GCM, bound to this row"
    )
    totp_at = moment("since when the app is asked for; null: it is not")
    totp_step = number("last half minute whose code was taken: each is taken once")
    handle = Bytea(null=True, default=None, help_text="what authenticators know the account by: 32 random bytes")


class Membership(Table, tablename="memberships", db=DB, help_text="a user's role at a merchant"):
    id = key()
    merchant_id = link(Merchant, "where")
    user_id = link(User, "who", index=True)
    role = word(8, "owner, manager, cashier or viewer", default="viewer")
    membership_unique = Unique([merchant_id, user_id])


class UserSession(
    Table, tablename="user_sessions", db=DB, help_text="a signed-in browser; revoked by deleting the row"
):
    id = key()
    token_hash = Bytea(unique=True, help_text="SHA-256 of the cookie's 256-bit token")
    user_id = link(User, "who", index=True)
    merchant_id = link(Merchant, "the merchant being looked at; null: none chosen", null=True)
    created_at = moment("sign-in", null=False)
    last_seen_at = moment("last request, to the minute", null=False)
    expires_at = moment("absolute end", null=False)
    ip = word(45, "address at sign-in")
    user_agent = word(200, "browser at sign-in, cut")
    proved_at = moment("when the person last proved who they are; null: at sign-in")
    how = word(8, "by what: password, passkey, totp, recovery or link", default="password")
