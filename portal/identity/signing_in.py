"""Signing in: the password, then the second step where there is one; both throttled so that nobody can be locked out.

No rule counts an account alone: wrong passwords count by account and address, and a browser that has signed in before has a counter
of its own, which nobody else can fill (OWASP Authentication Cheat Sheet, device cookies)."""

import hashlib
import logging
import secrets
from datetime import datetime

from asyncpg import Record

from portal import limits, passwords
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Invalid, PortalError, TooMany
from portal.identity import links, second
from portal.identity.actors import Browser, How, NewSession, digest_of, fold_email, printable
from portal.identity.links import Purpose
from portal.identity.notices import notice
from portal.identity.sessions import open_in
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Wrong passwords for one account from one address (or known browser), and sign-ins from one address.
TRIES_PER_ACCOUNT = (5, 300)
TRIES_PER_ADDRESS = (60, 300)
WRONG = N_("E-mail or password is wrong.")
TOO_MANY = N_("Too many tries. Wait five minutes and try again.")


class SecondStepNeeded(PortalError):  # noqa: N818  (no error: the way goes on)
    """The password was right; now the second step. `token` stands for that, for five minutes."""

    default = N_("Type the code of your app to sign in.")
    status_code = 401

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


async def sign_in(email: str, password: str, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """Open a session under a new token. Invalid, in the same words and time, for a wrong password and for no account; TooMany after
    five wrong passwords from one address within five minutes; SecondStepNeeded for who has a second step."""
    folded = fold_email(email)
    counter = await _throttle(folded, browser, now=now)
    row = await DB.row(
        """SELECT id, password_hash, totp_at IS NOT NULL OR EXISTS (SELECT FROM passkeys WHERE user_id = u.id) AS has_second
           FROM users u WHERE email = $1""",
        folded,
    )
    right = await passwords.is_right(row["password_hash"] if row else None, password)
    if row is None or not right:
        log.info("sign-in refused", extra={"address": browser.address})
        raise Invalid({"password": WRONG})
    if passwords.is_outdated(row["password_hash"]):
        await DB.fetch("UPDATE users SET password_hash = $2 WHERE id = $1", row["id"], await passwords.rehash(password))
    await limits.forget(counter)
    if row["has_second"]:
        async with atomic() as tx:
            made = await links.make(tx, Purpose.SECOND, user_id=row["id"], now=now)
        raise SecondStepNeeded(made.token)
    return await open_known(row["id"], browser=browser, how=How.PASSWORD, settings=settings, now=now)


async def _throttle(email: str, browser: Browser, *, now: datetime) -> str:
    address = browser.address
    account = f"sign-in:{hashlib.sha256(email.encode()).hexdigest()[:32]}"
    if await _is_known(email, browser):
        rules = ((f"{account}:{digest_of(browser.known_token or '').hex()[:32]}", TRIES_PER_ACCOUNT),)
    else:
        rules = ((f"{account}:{address}", TRIES_PER_ACCOUNT), (f"sign-in:{address}", TRIES_PER_ADDRESS))
    for name, (most, window_s) in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            log.warning("sign-in throttled", extra={"address": address})
            raise TooMany(TOO_MANY, retry_after=window_s)
    return rules[0][0]


async def _is_known(email: str, browser: Browser) -> bool:
    """Whether this account has been opened in this browser before."""
    if not browser.known_token:
        return False
    return await DB.value(
        """SELECT EXISTS (SELECT FROM known_browsers k JOIN users u ON u.id = k.user_id
                          WHERE u.email = $1 AND k.token_hash = $2)""",
        email, digest_of(browser.known_token),
    )  # fmt: skip


async def waiting(token: str, *, now: datetime) -> Record:
    """Whose second step this is: a row with `user_id`. LinkOver."""
    return await links.find(token, Purpose.SECOND, now=now)


async def finish(
    token: str, typed: str, *, browser: Browser, settings: Settings, vault: Vault, now: datetime
) -> NewSession:
    """The second step: a code of the app, or a recovery code. Invalid: wrong or used; TooMany; LinkOver: begin again."""
    row = await waiting(token, now=now)
    user_id: int = row["user_id"]
    email: str = await DB.value("SELECT email FROM users WHERE id = $1", user_id)
    is_known = await _is_known(email, browser)
    source = digest_of(browser.known_token or "").hex()[:32] if is_known else browser.address
    try:
        await second.count_try(user_id, source, now=now, is_known=is_known)
    except TooMany:
        async with atomic() as tx:
            await notice(tx, Told.ACCOUNT_GUESSED, user_id, now=now, once=f"{user_id}:{now:%Y%m%d}")
        raise
    async with atomic() as tx:
        how = await second.take(tx, user_id, typed, vault=vault, now=now)
        if how is None:
            raise Invalid({"code": second.WRONG})
        await links.use(tx, token, Purpose.SECOND, now=now)
        if how == How.RECOVERY:
            await notice(
                tx, Told.ACCOUNT_CHANGED, user_id, now=now, what=N_("a recovery code was used to sign in"),
            )  # fmt: skip
        opened = await open_known_in(tx, user_id, browser=browser, how=How(how), settings=settings, now=now)
    await limits.forget(f"second:{user_id}:{source}"[:120])
    return opened


async def open_known(user_id: int, *, browser: Browser, how: How, settings: Settings, now: datetime) -> NewSession:
    """A session, and the browser is known from now on."""
    async with atomic() as tx:
        return await open_known_in(tx, user_id, browser=browser, how=how, settings=settings, now=now)


async def open_known_in(
    tx: Tx, user_id: int, *, browser: Browser, how: How, settings: Settings, now: datetime, merchant_id: int | None = None
) -> NewSession:  # fmt: skip
    """The step of `open_known`. A browser that is new to an account that was opened elsewhere before is told by mail."""
    opened = await open_in(tx, user_id, browser=browser, how=how, settings=settings, now=now, merchant_id=merchant_id)
    known = browser.known_token
    if known and await tx.value(
        "UPDATE known_browsers SET seen_at = $3 WHERE user_id = $1 AND token_hash = $2 RETURNING id",
        user_id, digest_of(known), now,
    ):  # fmt: skip
        return opened
    is_first = not await tx.value("SELECT EXISTS (SELECT FROM known_browsers WHERE user_id = $1)", user_id)
    # A shop's computer keeps its token for all who use it; one that we never gave is not taken over.
    is_ours = known and await tx.value(
        "SELECT EXISTS (SELECT FROM known_browsers WHERE token_hash = $1)", digest_of(known)
    )
    given = known if known and is_ours else secrets.token_urlsafe(32)
    await tx.execute(
        "INSERT INTO known_browsers (user_id, token_hash, created_at, seen_at) VALUES ($1, $2, $3, $3)",
        user_id, digest_of(given), now,
    )  # fmt: skip
    if not is_first:
        params = {"browser": name_of(browser.user_agent), "address": browser.address or "?"}
        await notice(tx, Told.ACCOUNT_BROWSER, user_id, now=now, params=params)
    return NewSession(token=opened.token, expires_at=opened.expires_at, browser_token="" if given == known else given)


#: What a user agent names, the more special first.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("UCBrowser", "UC Browser"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("vocha", "Vocha"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


def name_of(user_agent: str) -> str:
    """ "Chrome, Android": a hint for people, as browsers may claim what they like."""
    agent = printable(user_agent)
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or agent[:40] or "?"
