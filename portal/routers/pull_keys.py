"""What a router that asks us proves itself with, and what we prove ourselves to it with. Kept as a hash and sealed.

A script holds new ones; the old ones are good until the new ones are used, so a script nobody pastes harms nobody."""

import hashlib
import hmac
import re
import secrets

import msgspec
from asyncpg import Record

from portal.db import DB, Tx, atomic
from portal.errors import NotFound
from portal.routers.forms import PULL
from portal.vault import Vault

_SITE = re.compile(r"[0-9A-Za-z-]{1,32}", re.ASCII)
#: Compared with where there is nothing to compare with, so that both take equally long. Nobody knows what hashes to it.
_NOBODYS = secrets.token_bytes(32)


class PullKeys(msgspec.Struct, frozen=True):
    """Both secrets, for one script. Never logged, never shown again."""

    secret: str
    answer_key: str


class Caller(msgspec.Struct, frozen=True):
    """A router that has proved itself, and what it knows us by."""

    router_id: int
    answer_key: str


async def make(tx: Tx, router_id: int, *, vault: Vault) -> PullKeys:
    """New keys for a router's next script. They replace the present ones when the router first asks with them."""
    keys = PullKeys(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    pull_id = await tx.value(
        """INSERT INTO router_pulls (merchant_id, router_id, ask, given, waiting, profiles)
           SELECT merchant_id, id, '', 0, '[]', '[]' FROM routers WHERE id = $1
           ON CONFLICT (router_id) DO UPDATE SET router_id = excluded.router_id RETURNING id""",
        router_id,
    )
    await tx.execute(
        "UPDATE router_pulls SET next_secret_hash = $2, next_answer_sealed = $3 WHERE id = $1",
        pull_id,
        _digest(keys.secret),
        vault.seal("router_pulls", "next_answer_sealed", row_id=pull_id, plaintext=keys.answer_key),
    )
    return keys


async def caller(site: str, secret: str, *, vault: Vault) -> Caller:
    """Who asks; NotFound for everybody who does not prove it, whatever the reason. The comparison takes constant time."""
    row = None
    if _SITE.fullmatch(site):
        row = await DB.row(
            """SELECT r.id, r.pull_secret_hash, r.pull_answer_sealed, p.id AS pull_id, p.next_secret_hash, p.next_answer_sealed
               FROM routers r JOIN router_pulls p ON p.router_id = r.id
               WHERE r.site = $1 AND r.way = $2 AND r.status <> 'removed'""",
            site,
            PULL,
        )
    said = _digest(secret)
    is_known = hmac.compare_digest(said, _hash_in(row, "pull_secret_hash"))
    is_new = hmac.compare_digest(said, _hash_in(row, "next_secret_hash"))
    if row is None or not (is_known or is_new):
        raise NotFound
    if is_known:
        place, sealed = ("routers", "pull_answer_sealed"), row["pull_answer_sealed"]
        return Caller(row["id"], vault.open(*place, row_id=row["id"], sealed=sealed))
    place, sealed = ("router_pulls", "next_answer_sealed"), row["next_answer_sealed"]
    key = vault.open(*place, row_id=row["pull_id"], sealed=sealed)
    await _take_over(row["id"], said, vault.seal("routers", "pull_answer_sealed", row_id=row["id"], plaintext=key))
    return Caller(row["id"], key)


def _hash_in(row: Record | None, column: str) -> bytes:
    found: bytes | None = row[column] if row is not None else None
    return found or _NOBODYS


async def _take_over(router_id: int, secret_hash: bytes, answer_sealed: bytes) -> None:
    """The script was pasted: from now on only its keys count, and the conversation begins anew."""
    async with atomic() as tx:
        taken = await tx.value(
            """UPDATE router_pulls SET next_secret_hash = NULL, next_answer_sealed = NULL, seq = NULL, uptime_s = NULL, ask = '',
                      settings_due_at = NULL WHERE router_id = $1 AND next_secret_hash = $2 RETURNING id""",
            router_id,
            secret_hash,
        )
        if taken is not None:
            await tx.execute(
                "UPDATE routers SET pull_secret_hash = $2, pull_answer_sealed = $3 WHERE id = $1",
                router_id,
                secret_hash,
                answer_sealed,
            )


async def forget(tx: Tx, router_id: int) -> None:
    """The board is gone or is reached another way: its keys are void at once, and what it told is forgotten."""
    await tx.execute("UPDATE routers SET pull_secret_hash = NULL, pull_answer_sealed = NULL WHERE id = $1", router_id)
    await tx.execute(
        """UPDATE router_pulls SET next_secret_hash = NULL, next_answer_sealed = NULL, seq = NULL, uptime_s = NULL, ask = '',
                  waiting = '[]', visit = NULL, profiles = '[]', read_at = NULL, settings_due_at = NULL WHERE router_id = $1""",
        router_id,
    )
    await tx.execute("DELETE FROM pull_pages WHERE router_id = $1", router_id)


async def ask_settings(tx: Tx, router_id: int) -> None:
    """Have a router that asks us tell its settings the next time; nothing for one that is dialled."""
    await tx.execute("UPDATE router_pulls SET settings_due_at = NULL WHERE router_id = $1", router_id)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
