"""Who is asking: accounts, signing in and out, sessions of browsers, the actor behind a session. No cookies here: portal.guards.

A session is a row found by the SHA-256 of the cookie's 256-bit token; it ends by itself, at sign-out, or with its row. Beside it:
`second` and `passkeys` (the second step), `links` (what is mailed), `resets`, `teams` and `roles`, `sign_ups`, `history`."""

from portal.identity.accounts import add_user, join, set_password
from portal.identity.actors import Actor, Browser, How, NewSession, Role, Session, digest_of, fold_email, named
from portal.identity.links import LinkOver
from portal.identity.sessions import session_of, sign_out, sweep
from portal.identity.signing_in import SecondStepNeeded, sign_in

__all__ = [
    "Actor",
    "Browser",
    "How",
    "LinkOver",
    "NewSession",
    "Role",
    "SecondStepNeeded",
    "Session",
    "add_user",
    "digest_of",
    "fold_email",
    "join",
    "named",
    "session_of",
    "set_password",
    "sign_in",
    "sign_out",
    "sweep",
]
