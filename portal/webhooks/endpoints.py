"""A merchant's addresses: entered, changed, switched off and on, given a new secret, taken out; tested, and asked to hear again.

For owners and managers. Every change is an event with who made it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from asyncpg import Record

from portal import alerts, limits
from portal.api_tokens import manager
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound, TooMany
from portal.identity import Actor
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault
from portal.webhooks import kinds, outbox, signing
from portal.webhooks.door import may_be_told

MOST = 20
#: The secret before a new one signs so long, too.
OLD_SECRET_FOR = timedelta(hours=24)
#: Tests for one address within a minute.
_TESTS = (6, 60)
_LONGEST_NOTE = 80
BAD_URL = N_("Enter an address that begins with https:// and can be reached from the internet.")


async def add(
    actor: Actor, url: str, *, chosen: Sequence[str], note_text: str, form_key: str, settings: Settings, vault: Vault,
    now: datetime,
) -> int:  # fmt: skip
    """A new address; its row's id. The same form again is the same address. Invalid: the address, or nothing to hear."""
    merchant_id = manager(actor)
    address, names = _checked(url, chosen, settings)
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"webhook_endpoints {merchant_id}")
        before = await tx.value(
            """SELECT id FROM webhook_endpoints WHERE merchant_id = $1 AND url = $2 AND ended_at IS NULL
               AND created_by = $3 AND created_at > $4""",
            merchant_id,
            address,
            actor.user_id,
            now - timedelta(minutes=1),
        )
        if before is not None and form_key:  # a second tap
            return before
        if (
            await tx.value(
                "SELECT count(*) FROM webhook_endpoints WHERE merchant_id = $1 AND ended_at IS NULL", merchant_id
            )
            >= MOST
        ):
            raise Conflict(N_("There are too many addresses. Take out those nobody listens at."))
        endpoint_id: int = await tx.value("SELECT nextval('webhook_endpoints_id_seq')")
        await tx.execute(
            """INSERT INTO webhook_endpoints (id, merchant_id, url, note, kinds, sources, secret_sealed, created_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            endpoint_id,
            merchant_id,
            address,
            _plain(note_text),
            " ".join(names),
            kinds.sources_of(names),
            _sealed(endpoint_id, signing.new_secret(), vault),
            actor.user_id,
            now,
        )
        await _note(tx, actor, endpoint_id, "added", now=now, host=_host(address), kinds=names)
    return endpoint_id


async def change(
    actor: Actor,
    endpoint_id: int,
    url: str,
    *,
    chosen: Sequence[str],
    note_text: str,
    settings: Settings,
    now: datetime,
) -> None:
    """Another address, other things to hear, or another note. Invalid as for `add`."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        address, names = _checked(url, chosen, settings)
        await tx.execute(
            "UPDATE webhook_endpoints SET url = $2, note = $3, kinds = $4, sources = $5 WHERE id = $1",
            row["id"],
            address,
            _plain(note_text),
            " ".join(names),
            kinds.sources_of(names),
        )
        await _note(tx, actor, row["id"], "changed", now=now, host=_host(address), kinds=names)


async def switch(actor: Actor, endpoint_id: int, *, on: bool, now: datetime) -> None:
    """Send nothing more, or send again from now on. Repeatable."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        if on is (row["off_at"] is None):
            return
        if not on:
            await outbox.switch_off(tx, row, "person", now=now, actor=f"user:{actor.user_id}")
            return
        await tx.execute(
            """UPDATE webhook_endpoints SET off_at = NULL, off_why = NULL, faults = 0, failing_since = NULL, free_at = NULL
               WHERE id = $1""",
            row["id"],
        )
        await alerts.end(tx, "webhook_off", f"webhook:{row['id']}", now=now)
        await _note(tx, actor, row["id"], "on", now=now)


async def rotate(actor: Actor, endpoint_id: int, *, vault: Vault, now: datetime) -> None:
    """A new secret; the one before signs for a day more, so that receivers can change over. Conflict: it was changed a minute ago."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        until = row["old_secret_until"]
        if until is not None and until > now + OLD_SECRET_FOR - timedelta(minutes=1):  # a second tap
            raise Conflict(N_("There is a new secret already. Look at it below."))
        old = vault.open("webhook_endpoints", "secret_sealed", row_id=row["id"], sealed=row["secret_sealed"])
        await tx.execute(
            """UPDATE webhook_endpoints SET secret_sealed = $2, old_secret_sealed = $3, old_secret_until = $4 WHERE id = $1""",
            row["id"],
            _sealed(row["id"], signing.new_secret(), vault),
            vault.seal("webhook_endpoints", "old_secret_sealed", row_id=row["id"], plaintext=old),
            now + OLD_SECRET_FOR,
        )
        await _note(tx, actor, row["id"], "secret_changed", now=now)


async def show_secret(actor: Actor, endpoint_id: int, *, vault: Vault, now: datetime) -> str:
    """The secret that signs, for whoever sets the receiver up; each look is kept."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        await _note(tx, actor, row["id"], "secret_shown", now=now)
    return vault.open("webhook_endpoints", "secret_sealed", row_id=row["id"], sealed=row["secret_sealed"])


async def remove(actor: Actor, endpoint_id: int, *, now: datetime) -> None:
    """Take an address out: nothing more is sent or kept for it."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        await tx.execute("UPDATE webhook_endpoints SET ended_at = $2, free_at = NULL WHERE id = $1", row["id"], now)
        await tx.execute(
            "UPDATE webhook_messages SET next_try_at = NULL WHERE endpoint_id = $1 AND next_try_at IS NOT NULL",
            row["id"],
        )
        await alerts.end(tx, "webhook_off", f"webhook:{row['id']}", now=now)
        await _note(tx, actor, row["id"], "removed", now=now)


async def test(actor: Actor, endpoint_id: int, *, now: datetime) -> int:
    """Send a test; its message's id. Conflict while it is off."""
    manager(actor)
    most, window_s = _TESTS
    if not await limits.hit(f"webhook-test:{actor.merchant_id}:{endpoint_id}", limit=most, window_s=window_s, now=now):
        raise TooMany(retry_after=window_s)
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        _is_on(row)
        return await tx.value(
            """INSERT INTO webhook_messages (merchant_id, endpoint_id, event_id, kind, at, tries, next_try_at)
               VALUES ($1, $2, 0, $3, $4, 0, $4) RETURNING id""",
            row["merchant_id"],
            row["id"],
            kinds.TEST,
            now,
        )


async def again(actor: Actor, message_id: int, *, now: datetime) -> int:
    """Send one message again, under the same id; returns its address's. NotFound: another merchant's."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await tx.row(
            "SELECT id, endpoint_id, lease_until FROM webhook_messages WHERE id = $1 AND merchant_id = $2 FOR UPDATE",
            message_id,
            merchant_id,
        )
        if row is None:
            raise NotFound
        endpoint = await own(tx, actor, row["endpoint_id"])
        _is_on(endpoint)
        if row["lease_until"] is None:  # else it is on its way this moment
            await tx.execute(_AGAIN + " WHERE m.id = $2", now, row["id"])
            await _note(tx, actor, endpoint["id"], "replayed", now=now, message=row["id"])
        await tx.execute("UPDATE webhook_endpoints SET free_at = NULL WHERE id = $1", endpoint["id"])
    return endpoint["id"]


async def again_since(actor: Actor, endpoint_id: int, since: datetime, *, missed_only: bool, now: datetime) -> int:
    """Send everything that happened since a moment again, or only what never arrived; returns how many."""
    async with atomic() as tx:
        row = await own(tx, actor, endpoint_id)
        _is_on(row)
        tag = await tx.execute(
            _AGAIN
            + """ WHERE m.endpoint_id = $2 AND m.at >= $3 AND m.lease_until IS NULL
                         AND (m.next_try_at IS NULL OR m.next_try_at > $1) AND (NOT $4::bool OR m.sent_at IS NULL)""",
            now,
            row["id"],
            since,
            missed_only,
        )
        count = int(tag.rpartition(" ")[2])
        await tx.execute("UPDATE webhook_endpoints SET free_at = NULL WHERE id = $1", row["id"])
        await _note(tx, actor, row["id"], "replayed", now=now, since=since.isoformat(), count=count)
    return count


_AGAIN = "UPDATE webhook_messages m SET tries = 0, next_try_at = $1, given_up_at = NULL"


async def freshen() -> int:
    """Let every address hear what its kinds stand for in this version; returns how many heard something else before."""
    rows = await DB.fetch("SELECT DISTINCT kinds, sources FROM webhook_endpoints WHERE ended_at IS NULL")
    stale = [row for row in rows if row["sources"] != kinds.sources_of(row["kinds"].split())]
    for row in stale:
        await DB.fetch(
            "UPDATE webhook_endpoints SET sources = $3 WHERE kinds = $1 AND sources = $2",
            row["kinds"],
            row["sources"],
            kinds.sources_of(row["kinds"].split()),
        )
    return len(stale)


async def own(tx: Tx, actor: Actor, endpoint_id: int) -> Record:
    """An address's row, locked. NotFound: another merchant's, or taken out. Forbidden: who may not."""
    row = await tx.row(
        "SELECT * FROM webhook_endpoints WHERE id = $1 AND merchant_id = $2 AND ended_at IS NULL FOR NO KEY UPDATE",
        endpoint_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    manager(actor)
    return row


def _is_on(row: Record) -> None:
    if row["off_at"] is not None:
        raise Conflict(N_("Nothing is sent to this address now. Switch it on first."))


def _checked(url: str, chosen: Sequence[str], settings: Settings) -> tuple[str, list[str]]:
    address, names, wrong = url.strip(), kinds.known(chosen), dict[str, str]()
    if not may_be_told(address, settings):
        wrong["url"] = BAD_URL
    if not names:
        wrong["kinds"] = N_("Choose at least one thing to hear of.")
    if wrong:
        raise Invalid(wrong)
    return address, names


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_NOTE]


def _host(url: str) -> str:
    """Where an address leads, without the path: that may hold a secret, and events are read by many."""
    return url.split("/")[2][:120]


def _sealed(endpoint_id: int, secret: str, vault: Vault) -> bytes:
    return vault.seal("webhook_endpoints", "secret_sealed", row_id=endpoint_id, plaintext=secret)


async def _note(tx: Tx, actor: Actor, endpoint_id: int, name: str, *, now: datetime, **data: Any) -> None:
    await note(
        tx, "webhook_endpoints", endpoint_id, name, merchant_id=actor.merchant_id, at=now, actor=f"user:{actor.user_id}",
        data=data,
    )  # fmt: skip
