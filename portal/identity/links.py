"""Secrets given to one person for one purpose: mailed links, and the short-lived ones between two steps of a sign-in.

256 bits, found by their SHA-256, used once, soon over. What is mailed is sealed in its row until then, and written into the mail at
the last moment (`portal.messages.wording`): a copy of the database opens nothing."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from asyncpg import Record

from portal.db import DB, Tx
from portal.errors import PortalError
from portal.identity.actors import Role, digest_of
from portal.msgid import N_
from portal.vault import Vault

_TABLE = "identity_links"
#: A link of ours has 43 characters.
_LONGEST = 64


class Purpose(StrEnum):
    """What a link is for."""

    SIGN_UP = "signup"
    SHOP = "shop"  # an invitation to sign up
    TEAM = "team"  # an invitation into a team
    RESET = "reset"
    EMAIL = "email"
    SECOND = "second"  # between the password and the second step
    PASSKEY = "passkey"  # a challenge


LIFE: Mapping[Purpose, timedelta] = {
    Purpose.SIGN_UP: timedelta(days=1),
    Purpose.SHOP: timedelta(days=7),
    Purpose.TEAM: timedelta(days=7),
    Purpose.RESET: timedelta(minutes=30),
    Purpose.EMAIL: timedelta(hours=1),
    Purpose.SECOND: timedelta(minutes=5),
    Purpose.PASSKEY: timedelta(minutes=5),
}


class LinkOver(PortalError):  # noqa: N818
    """Used, too old, taken back, or never was: the answer is the same."""

    default = N_("This link does not work any more. Ask for a new one.")
    status_code = 410


class Made(NamedTuple):
    """A new link: its row, and the secret, which is nowhere else."""

    id: int
    token: str


async def make(
    tx: Tx, purpose: Purpose, *, email: str = "", user_id: int | None = None, merchant_id: int | None = None,
    role: Role | None = None, data: Mapping[str, Any] | None = None, made_by: int | None = None, vault: Vault | None = None,
    life: timedelta | None = None, now: datetime,
) -> Made:  # fmt: skip
    """A new link. With a `vault` it can be mailed."""
    link_id, token = await tx.value("SELECT nextval('identity_links_id_seq')"), secrets.token_urlsafe(32)
    sealed = vault.seal(_TABLE, "token_sealed", row_id=link_id, plaintext=token) if vault else None
    await tx.execute(
        """INSERT INTO identity_links (id, purpose, token_hash, token_sealed, email, user_id, merchant_id, role, data, made_by,
                                       created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12)""",
        link_id, purpose.value, digest_of(token), sealed, email, user_id, merchant_id, role.value if role else None,
        msgspec.json.encode(data or {}).decode(), made_by, now, now + (life or LIFE[purpose]),
    )  # fmt: skip
    return Made(link_id, token)


async def find(token: str, purpose: Purpose, *, now: datetime) -> Record:
    """The link as it stands; it is not used by this. LinkOver."""
    row = await DB.row(
        """SELECT * FROM identity_links WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3""",
        digest_of(token[:_LONGEST]), purpose.value, now,
    )  # fmt: skip
    if row is None:
        raise LinkOver
    return row


async def use(tx: Tx, token: str, purpose: Purpose, *, now: datetime) -> Record:
    """Use it up, with what was typed when it was made; LinkOver for the second one who tries."""
    row = await tx.row(
        """UPDATE identity_links SET used_at = $3, token_sealed = NULL, data = '{}'
           WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 RETURNING *""",
        digest_of(token[:_LONGEST]), purpose.value, now,
    )  # fmt: skip
    if row is None:
        raise LinkOver
    return row


async def take_back(tx: Tx, purpose: Purpose, *, now: datetime, email: str = "", user_id: int | None = None) -> int:
    """Make earlier ones of this purpose worthless, of an address or an account; returns how many there were."""
    rows = await tx.fetch(
        """UPDATE identity_links SET used_at = $4, token_sealed = NULL, data = '{}'
           WHERE purpose = $1 AND used_at IS NULL AND (email = $2 AND $2 <> '' OR user_id = $3) RETURNING id""",
        purpose.value, email, user_id, now,
    )  # fmt: skip
    return len(rows)


def data_of(row: Record) -> dict[str, Any]:
    """What was typed when it was made."""
    return msgspec.json.decode(row["data"])


async def reveal(link_id: int, *, vault: Vault) -> str | None:
    """The secret of a link that is to be mailed; None when it is of no use any more."""
    row = await DB.row("SELECT token_sealed FROM identity_links WHERE id = $1 AND used_at IS NULL", link_id)
    if row is None or row["token_sealed"] is None:
        return None
    return vault.open(_TABLE, "token_sealed", row_id=link_id, sealed=row["token_sealed"])
