"""Agents' accounts as pages show them: who owes what, what is in whose hands, a month's statement. Reads only.

Each query takes a merchant's agents, and of a cashier who is an agent only that one."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from portal.agents import people
from portal.db import DB
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor
from portal.merchants import profile
from portal.msgid import N_

PAGE_SIZE = 50
MOST_LINES = 5000
NO_MONTH = N_("There is no such month.")


class AgentLine(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in the list. `owes_cents` negative: paid in advance; `cards` unsold in hand, worth `in_hand_cents` less commission."""

    id: int
    name: str
    phone: str
    status: str
    owes_cents: int
    cards: int
    in_hand_cents: int


class AgentPage(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `sold`, `sold_cents`, `earned_cents`: all cards so far, and the commission on them. `user`: who signs in."""

    id: int
    name: str
    phone: str
    account_number: str
    status: str
    commission_bp: int
    credit_cents: int | None
    note: str
    user_id: int | None
    user: str
    created_at: datetime
    owes_cents: int
    cards: int
    in_hand_cents: int
    sold: int
    earned_cents: int

    @property
    def free_cents(self) -> int | None:
        """How much more stock the agent may have, less commission; None: no limit. Never below zero."""
        return None if self.credit_cents is None else max(0, self.credit_cents - self.owes_cents - self.in_hand_cents)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An allotment: given, and what became of the cards. `gone`: lost, revoked or ended unsold."""

    id: int
    at: datetime
    batch_id: int
    batch_note: str
    package: str
    kind: str
    price_cents: int
    commission_bp: int
    size: int
    left: int
    sold: int
    gone: int

    @property
    def back(self) -> int:
        """How many were brought back."""
        return self.size - self.left - self.sold - self.gone


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a statement; `cents` signed: what is owed grows or shrinks, to `balance_cents`. `how`: sale, or the money's way."""

    at: datetime
    how: str
    what: str
    cents: int
    balance_cents: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A month of an agent: `opening_cents` and the lines make `closing_cents`. `is_cut`: there were more lines than are told."""

    month: date
    opening_cents: int
    lines: Sequence[Line]
    closing_cents: int
    is_cut: bool


_STANDS = """
SELECT a.id, a.name, a.phone, a.status, a.account_number, a.commission_bp, a.credit_cents, a.note, a.user_id, a.created_at,
       coalesce(u.name, '') AS user, coalesce(l.owes, 0)::bigint AS owes_cents, coalesce(l.earned, 0)::bigint AS earned_cents,
       coalesce(s.cards, 0)::bigint AS cards, coalesce(s.sold, 0)::bigint AS sold, coalesce(s.worth, 0)::bigint AS in_hand_cents
FROM agents a LEFT JOIN users u ON u.id = a.user_id
LEFT JOIN LATERAL (
  SELECT sum(amount_cents) FILTER (WHERE account = 'agents') AS owes,
         sum(amount_cents) FILTER (WHERE account = 'agent_commission') AS earned
  FROM ledger_entries WHERE agent_id = a.id) l ON true
LEFT JOIN LATERAL (
  SELECT sum(n.left) AS cards, sum(n.sold) AS sold,
         sum(n.left * (t.price_cents - round(t.price_cents * t.commission_bp / 10000.0))) FILTER (WHERE b.kind = 'cash') AS worth
  FROM agent_allotments t JOIN batches b ON b.id = t.batch_id
  CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE v.status = 'unsold') AS left, count(*) FILTER (WHERE v.paid_at IS NOT NULL) AS sold
                      FROM vouchers v WHERE v.allotment_id = t.id) n
  WHERE t.agent_id = a.id) s ON true
WHERE a.merchant_id = $1"""


async def agents(actor: Actor, *, closed: bool = False) -> list[AgentLine]:
    """The merchant's agents, who owes most first. Forbidden."""
    rows = await DB.fetch(
        f"{_STANDS} AND (a.status = 'closed') = $2 ORDER BY owes_cents DESC, lower(a.name), a.id LIMIT 500",
        people.manager(actor), closed,
    )  # fmt: skip
    return [AgentLine(**{name: row[name] for name in AgentLine.__struct_fields__}) for row in rows]


async def agent(actor: Actor, agent_id: int) -> AgentPage:
    """One agent. Forbidden; NotFound: another merchant's."""
    row = await DB.row(f"{_STANDS} AND a.id = $2", _reader(actor, agent_id), agent_id)
    if row is None:
        raise NotFound
    return AgentPage(**{name: row[name] for name in AgentPage.__struct_fields__})


def _reader(actor: Actor, agent_id: int) -> int:
    """The merchant: for owners and managers, and for the agent itself."""
    if actor.agent_id is None:
        return people.manager(actor)
    if actor.agent_id != agent_id:
        raise Forbidden(people.ONLY_MANAGERS)
    return actor.at_merchant()


async def rates(actor: Actor, agent_id: int) -> dict[int, int]:
    """Package → the agent's own commission on it, in basis points."""
    merchant_id = _reader(actor, agent_id)
    rows = await DB.fetch(
        "SELECT package_id, commission_bp FROM agent_rates WHERE agent_id = $1 AND merchant_id = $2",
        agent_id,
        merchant_id,
    )
    return {row["package_id"]: row["commission_bp"] for row in rows}


async def held(actor: Actor, agent_id: int, *, before: int | None = None, most: int = 20) -> list[Held]:
    """What an agent was given, the newest first, from below the id `before` on."""
    rows = await DB.fetch(
        """SELECT t.id, t.created_at AS at, t.batch_id, b.note AS batch_note, coalesce(b.terms ->> 'name', p.name) AS package, b.kind,
                  t.price_cents, t.commission_bp, t.size, n.left, n.sold, n.gone
           FROM agent_allotments t JOIN batches b ON b.id = t.batch_id JOIN packages p ON p.id = t.package_id
           CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE status = 'unsold') AS left, count(*) FILTER (WHERE paid_at IS NOT NULL) AS sold,
                    count(*) FILTER (WHERE paid_at IS NULL AND status <> 'unsold') AS gone
             FROM vouchers v WHERE v.allotment_id = t.id) n
           WHERE t.agent_id = $2 AND t.merchant_id = $1 AND t.id < $3 ORDER BY t.id DESC LIMIT $4""",
        _reader(actor, agent_id), agent_id, before or 2**63 - 1, most,
    )  # fmt: skip
    return [Held(**dict(row)) for row in rows]


async def cards_of(actor: Actor, agent_id: int, allotment_id: int, *, most: int) -> tuple[int, list[int]]:
    """The batch of an allotment, and its unsold cards, to be printed. Forbidden; NotFound: not this agent's."""
    merchant_id = people.manager(actor)
    batch_id = await DB.value(
        "SELECT batch_id FROM agent_allotments WHERE id = $1 AND agent_id = $2 AND merchant_id = $3",
        allotment_id, agent_id, merchant_id,
    )  # fmt: skip
    if batch_id is None:
        raise NotFound
    rows = await DB.fetch(
        "SELECT id FROM vouchers WHERE allotment_id = $1 AND status = 'unsold' ORDER BY id LIMIT $2", allotment_id, most
    )
    return batch_id, [row["id"] for row in rows]


async def batches_to_give(actor: Actor) -> list[tuple[int, str, int]]:
    """Batches with unsold cards nobody has, cards for cash first, then the newest: id, what they are, how many."""
    rows = await DB.fetch(
        """SELECT b.id, coalesce(b.terms ->> 'name', p.name) AS package, b.note, n.left
           FROM batches b JOIN packages p ON p.id = b.package_id
           CROSS JOIN LATERAL (SELECT count(*) AS left FROM vouchers v WHERE v.batch_id = b.id AND v.status = 'unsold'
                               AND v.allotment_id IS NULL) n
           WHERE b.merchant_id = $1 AND b.done_at IS NOT NULL AND b.cancelled_at IS NULL AND n.left > 0
           ORDER BY b.kind = 'cash' DESC, b.id DESC LIMIT 50""",
        people.manager(actor),
    )
    return [(row["id"], f"#{row['id']} {row['package']} {row['note']}".strip(), row["left"]) for row in rows]


_ENTRIES = """FROM ledger_entries e JOIN ledger_postings l ON l.id = e.posting_id
WHERE e.agent_id = $1 AND e.merchant_id = $2 AND e.account = 'agents'"""


async def statement(actor: Actor, agent_id: int, month: str, *, now: datetime) -> Statement:
    """The statement of "2026-11", "" for this month, in the merchant's own days. Forbidden; NotFound; Invalid: no month."""
    merchant_id = _reader(actor, agent_id)
    zone = ZoneInfo((await profile(merchant_id)).timezone)
    first = _month(month) if month else now.astimezone(zone).date().replace(day=1)
    begin = datetime(first.year, first.month, 1, tzinfo=zone)
    end = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=zone)
    opening: int = await DB.value(
        f"SELECT coalesce(sum(e.amount_cents), 0)::bigint {_ENTRIES} AND l.created_at < $3",
        agent_id,
        merchant_id,
        begin,
    )
    rows = await DB.fetch(
        f"""SELECT l.created_at AS at, CASE l.kind WHEN 'agent_money' THEN l.note ELSE l.kind END AS how, e.amount_cents AS cents,
                   coalesce((SELECT v.terms ->> 'name' FROM payments p JOIN vouchers v ON v.id = p.voucher_id WHERE p.id = l.payment_id),
                            l.receipt, '') AS what {_ENTRIES} AND l.created_at >= $3 AND l.created_at < $4 ORDER BY l.id LIMIT $5""",
        agent_id, merchant_id, begin, end, MOST_LINES + 1,
    )  # fmt: skip
    lines: list[Line] = []
    balance = opening
    for row in rows[:MOST_LINES]:
        balance += row["cents"]
        lines.append(Line(**dict(row), balance_cents=balance))
    return Statement(
        month=first, opening_cents=opening, lines=lines, closing_cents=balance, is_cut=len(rows) > MOST_LINES
    )


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise Invalid({"month": NO_MONTH}) from error


def months(created_at: datetime, *, now: datetime, zone: ZoneInfo) -> list[date]:
    """The months an agent has been with the shop, the newest first, two years at most."""
    here, began = now.astimezone(zone).date().replace(day=1), created_at.astimezone(zone).date().replace(day=1)
    count = min(24, (here.year - began.year) * 12 + here.month - began.month + 1)
    numbers = [here.year * 12 + here.month - 1 - back for back in range(max(1, count))]
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]
