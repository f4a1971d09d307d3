"""A forgotten password, and another address: by links mailed to whoever has the mailbox. Neither takes a second step away.

Asking for a reset is answered alike for every address, and in the same time: the page sees to that."""

import hashlib
from datetime import datetime

from portal import limits, passwords
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Conflict, Invalid, TooMany
from portal.identity import links
from portal.identity.accounts import read_email, set_password
from portal.identity.actors import Session, fold_email, named
from portal.identity.links import LinkOver, Purpose
from portal.identity.notices import mail, notice
from portal.identity.sessions import end_all
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

#: Mails asked for, by address of the browser and by mailbox. The second one is silent: it must not tell who has an account.
ASKED_FROM, ASKED_FOR = (10, 3600), (3, 3600)
TOO_MANY = N_("You have asked too often. Wait an hour and try again.")
SAME = N_("This is your address already.")


async def ask(email: str, *, address: str, settings: Settings, vault: Vault, now: datetime) -> None:
    """Mail a link to choose a new password by, if there is an account. TooMany by the browser's address only."""
    await count_asking(address, now=now)
    folded = fold_email(email)
    box = hashlib.sha256(folded.encode()).hexdigest()[:32]
    if not await limits.hit(f"mails:{box}", limit=ASKED_FOR[0], window_s=ASKED_FOR[1], now=now):
        return
    async with atomic() as tx:
        row = await tx.row("SELECT id, language FROM users WHERE email = $1", folded)
        if row is None:
            return
        await links.take_back(tx, Purpose.RESET, user_id=row["id"], now=now)
        made = await links.make(tx, Purpose.RESET, email=folded, user_id=row["id"], vault=vault, now=now)
        await mail(
            tx, Told.ACCOUNT_RESET, made.id, to=folded, language=row["language"], now=now,
            link=(made.id, f"{settings.base_url}/reset"), life=links.LIFE[Purpose.RESET],
        )  # fmt: skip
        await note(tx, "users", row["id"], "reset_asked", merchant_id=None, at=now)


async def count_asking(address: str, *, now: datetime) -> None:
    """Count one wish for a mail from an address; TooMany."""
    if not await limits.hit(f"mails-from:{address}", limit=ASKED_FROM[0], window_s=ASKED_FROM[1], now=now):
        raise TooMany(TOO_MANY, retry_after=ASKED_FROM[1])


async def reset(token: str, password: str, *, now: datetime) -> None:
    """Choose a new password by a mailed link: every session ends, second steps stay. LinkOver, Invalid."""
    row = await links.find(token, Purpose.RESET, now=now)
    hashed = await passwords.hash_password(password, about=(row["email"],))
    async with atomic() as tx:
        row = await links.use(tx, token, Purpose.RESET, now=now)
        user_id: int = row["user_id"]
        await tx.execute(
            "UPDATE users SET password_hash = $2, confirmed_at = coalesce(confirmed_at, $3) WHERE id = $1",
            user_id, hashed, now,
        )  # fmt: skip
        await end_all(tx, user_id)
        # Whatever else was mailed or begun before is over as well.
        await tx.execute(
            """UPDATE identity_links SET used_at = $2, token_sealed = NULL
               WHERE user_id = $1 AND used_at IS NULL AND purpose IN ('reset', 'second', 'email')""",
            user_id, now,
        )  # fmt: skip
        await note(tx, "users", user_id, "password_reset", merchant_id=None, at=now, actor=f"user:{user_id}")
        await notice(tx, Told.ACCOUNT_CHANGED, user_id, now=now, what=N_("a new password was chosen"))


async def change_password(session: Session, old: str, new: str, *, now: datetime) -> None:
    """Another password, with the old one typed: every other session ends. Invalid."""
    actor = session.actor
    stored = await DB.value("SELECT password_hash FROM users WHERE id = $1", actor.user_id)
    if not await limits.hit(f"old:{actor.user_id}", limit=10, window_s=900, now=now):
        raise TooMany(TOO_MANY, retry_after=900)
    if not await passwords.is_right(stored, old):
        raise Invalid({"old": N_("This is not your password.")})
    if passwords.is_common(new, about=(actor.email, actor.name)):
        raise Invalid({"password": passwords.COMMON})
    await set_password(actor.user_id, new, now=now, but=session.id, merchant_id=actor.merchant_id)
    async with atomic() as tx:
        await notice(tx, Told.ACCOUNT_CHANGED, actor.user_id, now=now, what=N_("a new password was chosen"))


async def ask_email(session: Session, typed: str, *, settings: Settings, vault: Vault, now: datetime) -> str:
    """Mail a link to the new address; the old one stays until it is opened. Returns the address. Invalid, TooMany.

    The answer is the same for an address that has an account: the mail then says so, to whoever has the mailbox."""
    email, actor = read_email(typed), session.actor
    if email == actor.email:
        raise Invalid({"email": SAME})
    await count_asking(f"user:{actor.user_id}", now=now)
    async with atomic() as tx:
        language = await tx.value("SELECT language FROM users WHERE id = $1", actor.user_id)
        await links.take_back(tx, Purpose.EMAIL, user_id=actor.user_id, now=now)
        if await tx.value("SELECT EXISTS (SELECT FROM users WHERE email = $1)", email):
            await mail(
                tx, Told.ACCOUNT_EXISTS, f"{actor.user_id}:{int(now.timestamp())}", to=email, language=language, now=now
            )
            return email
        made = await links.make(tx, Purpose.EMAIL, email=email, user_id=actor.user_id, vault=vault, now=now)
        await mail(
            tx, Told.ACCOUNT_EMAIL, made.id, to=email, language=language, now=now,
            link=(made.id, f"{settings.base_url}/account/email/confirm"), life=links.LIFE[Purpose.EMAIL],
        )  # fmt: skip
    return email


async def confirm_email(session: Session, token: str, *, now: datetime) -> None:
    """Use the new address from now on, and tell the old one. LinkOver (another person's too), Conflict: somebody was first."""
    actor = session.actor
    async with atomic() as tx:
        row = await links.use(tx, token, Purpose.EMAIL, now=now)
        if row["user_id"] != actor.user_id:
            raise LinkOver
        old = await tx.row("SELECT email, language FROM users WHERE id = $1 FOR UPDATE", actor.user_id)
        assert old is not None
        if await tx.value("SELECT EXISTS (SELECT FROM users WHERE email = $1)", row["email"]):
            raise Conflict(N_("There is an account with this e-mail already."))
        await tx.execute(
            "UPDATE users SET email = $2, confirmed_at = $3 WHERE id = $1", actor.user_id, row["email"], now
        )
        await links.take_back(tx, Purpose.RESET, user_id=actor.user_id, now=now)
        await note(
            tx, "users", actor.user_id, "email_changed", merchant_id=actor.merchant_id, at=now, actor=named(actor)
        )
        await mail(
            tx, Told.ACCOUNT_MOVED, f"{row['id']}", to=old["email"], language=old["language"], now=now,
            params={"new": _hidden(row["email"])},
        )  # fmt: skip


def _hidden(email: str) -> str:
    """ "a•••@example.com": enough to know one's own."""
    local, _, host = email.rpartition("@")
    return f"{local[:1]}•••@{host}"
