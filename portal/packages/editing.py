"""Making and changing packages. What was sold keeps the terms and the price it was sold with: they are copied there, never read here.

Nothing is deleted: a package that is no longer sold is archived, and what was sold of it goes on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.packages.drafts import Draft, read
from portal.packages.rights import changer
from portal.states import note

#: So many fit on the page of a phone, and are chosen from; more is a mistake.
MOST_ON_SALE = 60
TOO_MANY = N_("You have 60 packages on sale. Archive one first.")
NOT_YOURS = N_("Choose from your routers.")
_MINE = "id = $1 AND merchant_id = $2 AND period = 'once'"


async def make(
    actor: Actor, form: Mapping[str, str], lists: Mapping[str, Sequence[str]], *, zone: ZoneInfo, form_key: str,
    now: datetime,
) -> int:  # fmt: skip
    """Make a package of what was typed, last in the order; its id. The same form again is the same package. Invalid, by field;
    Forbidden."""
    merchant_id = changer(actor)
    draft = read(form, lists, zone=zone)
    columns = columns_of(draft)
    names = ", ".join(columns)
    marks = ", ".join(f"${number}" for number in range(4, 4 + len(columns)))
    async with atomic() as tx:
        await _own_routers(tx, merchant_id, draft)
        await _has_room(tx, merchant_id)
        once = f"{merchant_id}:{form_key}"[:64]
        package_id = await tx.value(
            f"""INSERT INTO packages (merchant_id, form_key, created_at, position, {names})
                VALUES ($1, $2, $3, (SELECT coalesce(max(position), 0) + 1 FROM packages WHERE merchant_id = $1), {marks})
                ON CONFLICT (form_key) DO NOTHING RETURNING id""",
            merchant_id,
            once,
            now,
            *columns.values(),
        )
        if package_id is None:  # a second tap: the first one's package
            return await tx.value("SELECT id FROM packages WHERE form_key = $1", once)
        await _note(tx, actor, package_id, "made", now=now, data=columns)
    return package_id


async def rewrite(
    actor: Actor, package_id: int, form: Mapping[str, str], lists: Mapping[str, Sequence[str]], *, zone: ZoneInfo,
    now: datetime,
) -> bool:  # fmt: skip
    """Change a package from now on; False when nothing differs. Invalid, by field; NotFound; Forbidden."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await _own(tx, actor, package_id)
        draft = read(form, lists, zone=zone)
        await _own_routers(tx, merchant_id, draft)
        new = columns_of(draft)
        changed = {name: value for name, value in new.items() if row[name] != value}
        if not changed:
            return False
        settings = ", ".join(f"{name} = ${number}" for number, name in enumerate(changed, start=2))
        await tx.execute(f"UPDATE packages SET {settings} WHERE id = $1", package_id, *changed.values())
        said = {name: {"from": row[name], "to": value} for name, value in changed.items()}
        await _note(tx, actor, package_id, "changed", now=now, data=said)
    return True


async def duplicate(actor: Actor, package_id: int, *, form_key: str, now: datetime) -> int:
    """A copy, archived so that nobody buys it before it was changed; its id. The same form again is the same copy."""
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        row = await _own(tx, actor, package_id)
        once = f"{merchant_id}:{form_key}"[:64]
        copied = {name: value for name, value in row.items() if name not in _NOT_COPIED}
        copied["name"] = copied["name"][:54] + " (2)"
        names = ", ".join(copied)
        marks = ", ".join(f"${number}" for number in range(4, 4 + len(copied)))
        copy_id = await tx.value(
            f"""INSERT INTO packages (form_key, created_at, position, is_active, {names}) VALUES ($1, $2, $3, false, {marks})
                ON CONFLICT (form_key) DO NOTHING RETURNING id""",
            once,
            now,
            row["position"],
            *copied.values(),
        )
        if copy_id is None:
            return await tx.value("SELECT id FROM packages WHERE form_key = $1", once)
        await _note(tx, actor, copy_id, "copied", now=now, data={"from": package_id})
    return copy_id


_NOT_COPIED = frozenset({"id", "form_key", "created_at", "position", "is_active"})


async def archive(actor: Actor, package_id: int, *, now: datetime) -> None:
    """It is no longer sold; what was sold goes on. Repeatable. NotFound; Forbidden."""
    await _switch(actor, package_id, "archived", "is_active", now=now)


async def restore(actor: Actor, package_id: int, *, now: datetime) -> None:
    """It is sold again, as it is. Repeatable. Conflict: too many are on sale."""
    await _switch(actor, package_id, "restored", "NOT is_active", now=now)


async def move_up(actor: Actor, package_id: int, *, now: datetime) -> None:
    """One place earlier in the order customers see."""
    await _move(actor, package_id, -1, now=now)


async def move_down(actor: Actor, package_id: int, *, now: datetime) -> None:
    """One place later."""
    await _move(actor, package_id, 1, now=now)


async def _switch(actor: Actor, package_id: int, event: str, if_so: str, *, now: datetime) -> None:
    async with atomic() as tx:
        await _own(tx, actor, package_id)
        if event == "restored":
            await _has_room(tx, actor.at_merchant())
        changed = await tx.value(
            f"UPDATE packages SET is_active = NOT is_active WHERE id = $1 AND {if_so} RETURNING id", package_id
        )
        if changed is not None:
            await _note(tx, actor, package_id, event, now=now)


async def _move(actor: Actor, package_id: int, by: int, *, now: datetime) -> None:
    """Places are dealt out anew, so that packages that shared one no longer do."""
    async with atomic() as tx:
        await _own(tx, actor, package_id)
        rows = await tx.fetch(
            """SELECT id FROM packages WHERE merchant_id = $1 AND period = 'once' AND (is_active OR id = $2)
               ORDER BY position, price_cents, id FOR NO KEY UPDATE""",
            actor.at_merchant(),
            package_id,
        )
        ids = [row["id"] for row in rows]
        place = ids.index(package_id)
        other = place + by
        if not 0 <= other < len(ids):
            return
        ids[place], ids[other] = ids[other], ids[place]
        await tx.execute(
            """UPDATE packages p SET position = n.place FROM unnest($1::bigint[]) WITH ORDINALITY AS n (id, place)
               WHERE p.id = n.id AND p.position <> n.place""",
            ids,
        )
        await _note(tx, actor, package_id, "moved", now=now, data={"to": other + 1})


async def _own(tx: Tx, actor: Actor, package_id: int) -> Record:
    """The package, locked until the transaction ends. NotFound for a stranger's, then Forbidden for who may not change any."""
    row = await tx.row(f"SELECT * FROM packages WHERE {_MINE} FOR UPDATE", package_id, actor.at_merchant())
    if row is None:
        raise NotFound
    changer(actor)
    return row


async def _has_room(tx: Tx, merchant_id: int) -> None:
    count = await tx.value(
        "SELECT count(*) FROM packages WHERE merchant_id = $1 AND is_active AND period = 'once'", merchant_id
    )
    if count >= MOST_ON_SALE:
        raise Conflict(TOO_MANY)


async def _own_routers(tx: Tx, merchant_id: int, draft: Draft) -> None:
    """Routers that are gone may stay named; another merchant's may not."""
    own = await tx.value(
        "SELECT count(*) FROM routers WHERE merchant_id = $1 AND id = ANY($2)", merchant_id, list(draft.router_ids)
    )
    if own != len(draft.router_ids):
        raise Invalid({"routers": NOT_YOURS})


def columns_of(draft: Draft) -> dict[str, Any]:
    """A draft as columns of the table."""
    terms = msgspec.structs.asdict(draft.terms)
    del terms["zone"]
    return terms | {
        "price_cents": draft.price_cents, "description": draft.description, "sell_days": draft.sell_hours.days,
        "sell_from_min": draft.sell_hours.from_min, "sell_until_min": draft.sell_hours.until_min,
        "router_ids": list(draft.router_ids), "promo_cents": draft.promo_cents, "promo_from": draft.promo_from,
        "promo_until": draft.promo_until, "trials_a_day": draft.trials_a_day,
    }  # fmt: skip


async def _note(
    tx: Tx, actor: Actor, package_id: int, name: str, *, now: datetime, data: Mapping[str, Any] | None = None
) -> None:
    merchant_id, by = actor.at_merchant(), f"user:{actor.user_id}"
    said = msgspec.to_builtins(data or {})
    await note(tx, "packages", package_id, name, merchant_id=merchant_id, at=now, actor=by, data=said)
