"""Merchants as the operator sees and keeps them: the list, one of them, its kind and commission, pausing, and notes.

A note is the operator's own: it stands in no merchant's history. What changes for a merchant does."""

from datetime import datetime
from typing import Any

import msgspec

from portal.db import DB, Tx, atomic
from portal.errors import Invalid, NotFound
from portal.identity import Actor
from portal.merchants import COMMISSION_BP
from portal.msgid import N_
from portal.platform.rights import operator
from portal.states import note

PAGE_SIZE = 50
WHY = N_("Write why, in a few words. The merchant sees it.")
WRITE_NOTE = N_("Write the note.")
WHICH_KIND = N_("Choose one of these.")
HOW_MUCH = N_("Write a number from 0 to 100 with at most two places, or leave it empty for the kind's own.")


class MerchantLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of the list. `commission_bp`: what applies; `week_cents`: takings of seven days."""

    id: int
    name: str
    kind: str
    currency: str
    is_active: bool
    commission_bp: int
    week_cents: int
    routers: int
    online: int
    last_sale_at: datetime | None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works there."""

    user_id: int
    name: str
    email: str
    role: str
    seen_at: datetime | None


class RouterLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of its routers."""

    id: int
    name: str
    status: str
    last_seen_at: datetime | None


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """An open alert."""

    kind: str
    subject: str
    opened_at: datetime


class PayoutLine(msgspec.Struct, frozen=True, kw_only=True):
    """A payout."""

    id: int
    amount_cents: int
    status: str
    created_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator wrote or did: `what` names the event, `text` says why."""

    at: datetime
    what: str
    text: str
    by: str


class MerchantPage(msgspec.Struct, frozen=True, kw_only=True):
    """One merchant. `own_bp`: its own commission, None: the kind's. `ways`: by what it is paid, in provider's words."""

    id: int
    name: str
    kind: str
    currency: str
    help_phone: str
    is_active: bool
    created_at: datetime
    own_bp: int | None
    commission_bp: int
    owed_cents: int
    week_cents: int
    ways: list[str]
    people: list[Person]
    routers: list[RouterLine]
    alerts: list[AlertLine]
    payouts: list[PayoutLine]
    entries: list[Entry]


_LIST = """
SELECT m.id, m.name, m.kind, m.currency, m.is_active, m.commission_bp,
       (SELECT coalesce(sum(p.received_cents), 0)::bigint FROM payments p WHERE p.merchant_id = m.id AND p.status = 'paid'
        AND p.paid_at > $1::timestamptz - interval '7 days') AS week_cents,
       (SELECT count(*) FROM routers r WHERE r.merchant_id = m.id AND r.status <> 'removed') AS routers,
       (SELECT count(*) FROM routers r WHERE r.merchant_id = m.id AND r.status = 'online') AS online,
       (SELECT max(p.paid_at) FROM payments p WHERE p.merchant_id = m.id AND p.status = 'paid') AS last_sale_at
FROM merchants m
WHERE ($2 = '' OR m.name ILIKE '%' || $2 || '%' OR m.help_phone LIKE '%' || $2 || '%' OR EXISTS (
        SELECT FROM memberships s JOIN users u ON u.id = s.user_id WHERE s.merchant_id = m.id AND u.email = lower($2)))
  AND ($3 = '' OR m.kind = $3) AND ($4 = '' OR m.is_active = ($4 = 'open'))
  AND ($5::bigint IS NULL OR (lower(m.name), m.id) > (SELECT lower(a.name), a.id FROM merchants a WHERE a.id = $5))
ORDER BY lower(m.name), m.id LIMIT $6"""


def _applies(kind: str, own: int | None) -> int:
    return COMMISSION_BP[kind] if own is None else own


async def listed(
    actor: Actor, *, now: datetime, q: str = "", kind: str = "", state: str = "", after: int | None = None,
    most: int = PAGE_SIZE,
) -> list[MerchantLine]:  # fmt: skip
    """Merchants by name behind the merchant `after`. `q`: part of the name or help number, or a whole address; `state`: open, paused."""
    operator(actor)
    like = q.strip()[:80].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await DB.fetch(_LIST, now, like, kind, state, after, most)
    lines: list[MerchantLine] = []
    for row in rows:
        columns: dict[str, Any] = dict(row)
        columns["commission_bp"] = _applies(row["kind"], row["commission_bp"])
        lines.append(MerchantLine(**columns))
    return lines


async def one(actor: Actor, merchant_id: int, *, now: datetime) -> MerchantPage:
    """One of them; NotFound."""
    operator(actor)
    row = await DB.row(
        """SELECT m.id, m.name, m.kind, m.currency, m.help_phone, m.is_active, m.created_at, m.commission_bp AS own_bp,
             (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e
              WHERE e.merchant_id = m.id AND e.account = 'merchant_payable') AS owed_cents,
             (SELECT coalesce(sum(p.received_cents), 0)::bigint FROM payments p WHERE p.merchant_id = m.id AND p.status = 'paid'
              AND p.paid_at > $2::timestamptz - interval '7 days') AS week_cents
           FROM merchants m WHERE m.id = $1""",
        merchant_id,
        now,
    )
    if row is None:
        raise NotFound
    return MerchantPage(
        **dict(row), commission_bp=_applies(row["kind"], row["own_bp"]), ways=await _ways(merchant_id),
        people=[Person(**dict(each)) for each in await DB.fetch(_PEOPLE, merchant_id)],
        routers=[RouterLine(**dict(each)) for each in await DB.fetch(_ROUTERS, merchant_id)],
        alerts=[AlertLine(**dict(each)) for each in await DB.fetch(_ALERTS, merchant_id)],
        payouts=[PayoutLine(**dict(each)) for each in await DB.fetch(_PAYOUTS, merchant_id)],
        entries=[Entry(**dict(each)) for each in await DB.fetch(_ENTRIES, merchant_id)],
    )  # fmt: skip


_PEOPLE = """
SELECT u.id AS user_id, u.name, u.email, m.role,
       (SELECT max(s.last_seen_at) FROM user_sessions s WHERE s.user_id = u.id) AS seen_at
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.merchant_id = $1
ORDER BY array_position(ARRAY['owner','manager','cashier','viewer'], m.role::text), u.name, u.id LIMIT 50"""
_ROUTERS = """
SELECT id, name, status, last_seen_at FROM routers WHERE merchant_id = $1 AND status <> 'removed' ORDER BY name, id LIMIT 100"""
_ALERTS = "SELECT kind, subject, opened_at FROM alerts WHERE merchant_id = $1 AND status = 'open' ORDER BY id LIMIT 20"
_PAYOUTS = "SELECT id, amount_cents, status, created_at FROM payouts WHERE merchant_id = $1 ORDER BY id DESC LIMIT 10"
_ENTRIES = """
SELECT e.at, e.name AS what, coalesce(e.data ->> 'text', e.data ->> 'why', '') AS text, coalesce(u.name, e.actor) AS by
FROM events e LEFT JOIN users u ON e.actor = 'user:' || u.id
WHERE e.entity = 'merchants' AND e.entity_id = $1 AND e.name IN ('noted', 'paused', 'resumed', 'terms') ORDER BY e.id DESC LIMIT 20"""


async def _ways(merchant_id: int) -> list[str]:
    rows = await DB.fetch(
        """SELECT 'M-PESA ' || shortcode AS way FROM mpesa_accounts WHERE merchant_id = $1
           UNION ALL SELECT initcap(rail) FROM rail_accounts WHERE merchant_id = $1""",
        merchant_id,
    )
    return [row["way"] for row in rows]


async def set_terms(actor: Actor, merchant_id: int, *, kind: str, commission: str, now: datetime) -> bool:
    """Another kind or commission, for sales from now on: those begun keep theirs. False: all was so. Invalid, NotFound."""
    by = operator(actor)
    wrong = {} if kind in COMMISSION_BP else {"kind": WHICH_KIND}
    own: int | None = None
    if commission.strip():
        own = _basis_points(commission)
        if own is None:
            wrong["commission"] = HOW_MUCH
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        row = await tx.row("SELECT kind, commission_bp FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        if row is None:
            raise NotFound
        if (row["kind"], row["commission_bp"]) == (kind, own):
            return False
        await tx.execute("UPDATE merchants SET kind = $2, commission_bp = $3 WHERE id = $1", merchant_id, kind, own)
        said = {"kind": [row["kind"], kind], "commission_bp": [row["commission_bp"], own]}
        text = f"{row['kind']} {_applies(row['kind'], row['commission_bp']) / 100:g} % → {kind} {_applies(kind, own) / 100:g} %"
        await note(
            tx, "merchants", merchant_id, "terms", merchant_id=merchant_id, at=now, actor=by, data=said | {"text": text}
        )
    return True


def _basis_points(text: str) -> int | None:
    """ "12.5" or "12,5" percent; None: no such number."""
    whole, _, part = text.strip().removesuffix("%").strip().replace(",", ".").partition(".")
    if (
        not (whole + part).isascii()
        or not whole.isdigit()
        or (part and not part.isdigit())
        or len(whole) > 3
        or len(part) > 2
    ):
        return None
    found = int(whole) * 100 + int(part.ljust(2, "0"))
    return found if found <= 10_000 else None


async def pause(actor: Actor, merchant_id: int, *, why: str, now: datetime) -> bool:
    """Let nothing be sold to customers there; who has paid keeps access. False: it was so. Invalid: no reason; NotFound."""
    return await _switch(actor, merchant_id, on=False, why=why, now=now)


async def resume(actor: Actor, merchant_id: int, *, why: str, now: datetime) -> bool:
    """Let it sell again. False: it does. NotFound."""
    return await _switch(actor, merchant_id, on=True, why=why, now=now)


async def _switch(actor: Actor, merchant_id: int, *, on: bool, why: str, now: datetime) -> bool:
    by = operator(actor)
    async with atomic() as tx:
        await _there(tx, merchant_id)
        if not on and len(why.strip()) < 3:
            raise Invalid({"why": WHY})
        changed = await tx.value(
            "UPDATE merchants SET is_active = $2 WHERE id = $1 AND is_active <> $2 RETURNING id", merchant_id, on
        )
        if changed is None:
            return False
        data = {"why": _line(why)}
        name = "resumed" if on else "paused"
        await note(tx, "merchants", merchant_id, name, merchant_id=merchant_id, at=now, actor=by, data=data)
    return True


def _line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]


async def write_note(actor: Actor, merchant_id: int, text: str, *, now: datetime) -> None:
    """A note of the operator's about a merchant, which the merchant does not see. Invalid: empty; NotFound."""
    by = operator(actor)
    async with atomic() as tx:
        await _there(tx, merchant_id)
        if not _line(text):
            raise Invalid({"note": WRITE_NOTE})
        await note(
            tx, "merchants", merchant_id, "noted", merchant_id=None, at=now, actor=by, data={"text": _line(text)}
        )


async def _there(tx: Tx, merchant_id: int) -> None:
    if await tx.value("SELECT id FROM merchants WHERE id = $1 FOR UPDATE", merchant_id) is None:
        raise NotFound
