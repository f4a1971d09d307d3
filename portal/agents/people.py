"""Agents themselves: made, changed, paused, closed; who signs in as one; and the commission on each package."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

import msgspec
from asyncpg import Record, UniqueViolationError

from portal import codes, money, phones
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.states import E, move, note

#: What an agent keeps at the most; more is a slip of the pen.
MOST_COMMISSION_BP = 5000
ONLY_MANAGERS = N_("Only the owner or a manager can look after agents.")
WHAT_NAME = N_("Write the agent's name.")
WHAT_COMMISSION = N_("Write the commission in percent, 0 to 50, for example 10.")
WHAT_LIMIT = N_("Write the limit as a number, for example 5000.")
WHICH_TERMS = N_("Choose how the agent pays.")
WHICH_USER = N_("Choose a cashier of your team who is no agent yet.")
IS_CLOSED = N_("This agent was closed.")
OWES_STILL = N_("Settle first: there is money or stock between you.")
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as typed. `terms`: advance, limit (then `limit` is an amount) or open; `rates`: package id → percent, "" for none of
    its own; `user`: id of the cashier who signs in as this agent, "" for nobody."""

    name: str
    phone: str = ""
    commission: str = ""
    terms: str = "advance"
    limit: str = ""
    note: str = ""
    user: str = ""
    rates: Mapping[int, str] = {}


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phone: str
    commission_bp: int
    credit_cents: int | None
    note: str
    user_id: int | None
    rates: dict[int, int]


def manager(actor: Actor) -> int:
    """The merchant whose agents the actor looks after; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if actor.role not in _MANAGERS:
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def make(actor: Actor, draft: Draft, *, form_key: str | None, now: datetime) -> int:
    """A new agent's id; the same form again is the same agent. Forbidden; Invalid by field."""
    merchant_id, read = manager(actor), _read(draft)
    once = f"{merchant_id}:{form_key}"[:64] if form_key else None
    try:
        async with atomic() as tx:
            await _own_user(tx, merchant_id, read.user_id, agent_id=None)
            agent_id = await tx.value(
                """INSERT INTO agents (merchant_id, user_id, name, phone, account_number, commission_bp, credit_cents, note, created_by,
                                       created_at, form_key)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (form_key) DO NOTHING RETURNING id""",
                merchant_id, read.user_id, read.name, read.phone, codes.payment_reference(), read.commission_bp,
                read.credit_cents, read.note, actor.user_id, now, once,
            )  # fmt: skip
            if agent_id is None:
                return await tx.value("SELECT id FROM agents WHERE form_key = $1", once)
            await _keep_rates(tx, merchant_id, agent_id, read.rates)
            await _note(tx, actor, agent_id, "made", _data(read), now=now)
            return agent_id
    except UniqueViolationError as error:
        raise Invalid({"user": WHICH_USER}) from error


async def rewrite(actor: Actor, agent_id: int, draft: Draft, *, now: datetime) -> None:
    """Change an agent; what was given out keeps its commission. Forbidden; NotFound; Invalid; Conflict: closed."""
    merchant_id, read = manager(actor), _read(draft)
    try:
        async with atomic() as tx:
            row = await own(tx, merchant_id, agent_id)
            if row["status"] == "closed":
                raise Conflict(IS_CLOSED)
            await _own_user(tx, merchant_id, read.user_id, agent_id=agent_id)
            await tx.execute(
                """UPDATE agents SET user_id = $2, name = $3, phone = $4, commission_bp = $5, credit_cents = $6, note = $7
                   WHERE id = $1""",
                agent_id, read.user_id, read.name, read.phone, read.commission_bp, read.credit_cents, read.note,
            )  # fmt: skip
            await _keep_rates(tx, merchant_id, agent_id, read.rates)
            await _note(tx, actor, agent_id, "changed", _data(read), now=now)
    except UniqueViolationError as error:
        raise Invalid({"user": WHICH_USER}) from error


async def pause(actor: Actor, agent_id: int, *, now: datetime) -> None:
    """Give nothing more to an agent, and let nobody sell as it. Repeatable. Forbidden; NotFound."""
    await _moved(actor, agent_id, E.PAUSE, now=now)


async def resume(actor: Actor, agent_id: int, *, now: datetime) -> None:
    """The other way round."""
    await _moved(actor, agent_id, E.RESUME, now=now)


async def close(actor: Actor, agent_id: int, *, now: datetime) -> None:
    """End with an agent. Conflict: there is money or stock between them."""
    merchant_id = manager(actor)
    async with atomic() as tx:
        await own(tx, merchant_id, agent_id)
        if await balance(tx, agent_id) or await _has_stock(tx, agent_id):
            raise Conflict(OWES_STILL)
        if await move(tx, "agents", agent_id, E.CLOSE, at=now, actor=f"user:{actor.user_id}"):
            await tx.execute("UPDATE agents SET user_id = NULL WHERE id = $1", agent_id)


async def _has_stock(tx: Tx, agent_id: int) -> bool:
    return await tx.value(
        """SELECT EXISTS (SELECT FROM vouchers v JOIN agent_allotments a ON a.id = v.allotment_id
                          WHERE a.agent_id = $1 AND v.status = 'unsold')""",
        agent_id,
    )


async def _moved(actor: Actor, agent_id: int, event: E, *, now: datetime) -> None:
    merchant_id = manager(actor)
    async with atomic() as tx:
        await own(tx, merchant_id, agent_id)
        await move(tx, "agents", agent_id, event, at=now, actor=f"user:{actor.user_id}")


async def own(tx: Tx, merchant_id: int, agent_id: int) -> Record:
    """An agent of this merchant, locked against others who look after it, not against sales, which name the agent in the ledger while
    they hold a card. NotFound."""
    row = await tx.row(
        "SELECT * FROM agents WHERE id = $1 AND merchant_id = $2 FOR NO KEY UPDATE", agent_id, merchant_id
    )
    if row is None:
        raise NotFound
    return row


async def balance(tx: Tx, agent_id: int) -> int:
    """What an agent owes, in cents; negative: paid in advance. Whoever is about to rely on it holds the agent's row."""
    return await tx.value(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries WHERE agent_id = $1 AND account = 'agents'",
        agent_id,
    )


#: What unsold cards in an agent's hands come to, less the agent's commission on each. Slips that customers pay by M-Pesa are no money
#: of the agent's.
_IN_HAND = """
SELECT coalesce(sum(n * (price_cents - round(price_cents * commission_bp / 10000.0))), 0)::bigint FROM (
  SELECT a.price_cents, a.commission_bp, (SELECT count(*) FROM vouchers v WHERE v.allotment_id = a.id AND v.status = 'unsold') AS n
  FROM agent_allotments a JOIN batches b ON b.id = a.batch_id WHERE a.agent_id = $1 AND b.kind = 'cash') held"""


async def in_hand(tx: Tx, agent_id: int) -> int:
    """What an agent will owe once all stock is sold, in cents."""
    return await tx.value(_IN_HAND, agent_id)


async def rate(tx: Tx, agent: Record, package_id: int) -> int:
    """An agent's commission on a package today, in basis points."""
    own_rate = await tx.value(
        "SELECT commission_bp FROM agent_rates WHERE agent_id = $1 AND package_id = $2", agent["id"], package_id
    )
    return agent["commission_bp"] if own_rate is None else own_rate


async def free_cashiers(actor: Actor, *, agent_id: int | None = None) -> list[tuple[int, str]]:
    """Cashiers of the team who may sign in as an agent: id and name."""
    rows = await DB.fetch(
        """SELECT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id
           WHERE m.merchant_id = $1 AND m.role = 'cashier' AND NOT EXISTS (
             SELECT FROM agents a WHERE a.merchant_id = $1 AND a.user_id = u.id AND a.status <> 'closed'
             AND a.id IS DISTINCT FROM $2::bigint) ORDER BY lower(u.name), u.id LIMIT 100""",
        manager(actor), agent_id,
    )  # fmt: skip
    return [(row["id"], row["name"]) for row in rows]


async def _own_user(tx: Tx, merchant_id: int, user_id: int | None, *, agent_id: int | None) -> None:
    if user_id is None:
        return
    is_free = await tx.value(
        """SELECT EXISTS (SELECT FROM memberships WHERE merchant_id = $1 AND user_id = $2 AND role = 'cashier') AND NOT EXISTS (
             SELECT FROM agents WHERE merchant_id = $1 AND user_id = $2 AND status <> 'closed' AND id IS DISTINCT FROM $3::bigint)""",
        merchant_id, user_id, agent_id,
    )  # fmt: skip
    if not is_free:
        raise Invalid({"user": WHICH_USER})


async def _keep_rates(tx: Tx, merchant_id: int, agent_id: int, rates: Mapping[int, int]) -> None:
    await tx.execute("DELETE FROM agent_rates WHERE agent_id = $1", agent_id)
    await tx.execute(
        """INSERT INTO agent_rates (merchant_id, agent_id, package_id, commission_bp)
           SELECT $1, $2, p.id, r.bp FROM unnest($3::bigint[], $4::bigint[]) AS r (package_id, bp)
           JOIN packages p ON p.id = r.package_id AND p.merchant_id = $1""",
        merchant_id, agent_id, list(rates), list(rates.values()),
    )  # fmt: skip


def _read(draft: Draft) -> _Read:
    wrong: dict[str, str] = {}
    name = _printable(draft.name)
    if not name:
        wrong["name"] = WHAT_NAME
    phone = ""
    try:
        phone = phones.parse_phone(draft.phone) if draft.phone.strip() else ""
    except phones.PhoneError as error:
        wrong["phone"] = str(error)
    rates = {package: _percent(text, "rates", wrong) for package, text in draft.rates.items() if text.strip()}
    commission = _percent(draft.commission or "0", "commission", wrong)
    credit = _limit(draft, wrong)
    if draft.user and not (draft.user.isascii() and draft.user.isdecimal() and len(draft.user) < 19):
        wrong["user"] = WHICH_USER
    if wrong:
        raise Invalid(wrong)
    return _Read(
        name=name[:80], phone=phone, commission_bp=commission, credit_cents=credit, note=_printable(draft.note)[:200],
        user_id=int(draft.user) if draft.user else None, rates=rates,
    )  # fmt: skip


def _limit(draft: Draft, wrong: dict[str, str]) -> int | None:
    if draft.terms == "advance":
        return 0
    if draft.terms == "limit":
        try:
            return money.parse_amount(draft.limit.strip())
        except money.AmountError:
            wrong["limit"] = WHAT_LIMIT
    elif draft.terms != "open":
        wrong["terms"] = WHICH_TERMS
    return None


def _percent(text: str, field: str, wrong: dict[str, str]) -> int:
    try:
        basis = Decimal(text.strip().rstrip("%").strip()[:8] or "x") * 100
    except InvalidOperation:
        basis = Decimal(-1)
    if not basis.is_finite() or basis != basis.to_integral_value() or not 0 <= basis <= MOST_COMMISSION_BP:
        wrong[field] = WHAT_COMMISSION
        return 0
    return int(basis)


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()


def _data(read: _Read) -> dict[str, object]:
    return {
        "name": read.name, "commission_bp": read.commission_bp, "credit_cents": read.credit_cents,
        "signs_in": read.user_id, "rates": {str(package): bp for package, bp in read.rates.items()},
    }  # fmt: skip


async def _note(tx: Tx, actor: Actor, agent_id: int, name: str, data: Mapping[str, object], *, now: datetime) -> None:
    await note(
        tx, "agents", agent_id, name, merchant_id=actor.merchant_id, at=now, actor=f"user:{actor.user_id}", data=data
    )
