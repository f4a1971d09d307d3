"""The demo shop's agents: Mary at the market, who pays later and signs in, and a kiosk that pays in advance. Made by the verbs the
pages use."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal import identity, passwords
from portal.agents import counter, moneys, people, stock
from portal.agents.people import Draft
from portal.db import DB, atomic
from portal.demo.cast import TIMEZONE, Person
from portal.demo.owner import find_owner
from portal.identity import Actor, Role
from portal.subscribers import calendar
from portal.vault import Vault

MARY = Person("Mary N.", "mary@kilimani.example", "mary-demo", "cashier")
_ZONE = ZoneInfo(TIMEZONE)
_SINCE_DAYS = 4
#: When Mary sells, every day.
_SELLS_AT = (time(9, 10), time(12, 40), time(16, 25), time(18, 50))
#: The newest sales of all are M-Pesa's.
_NOT_WITHIN = timedelta(minutes=25)


def moments(now: datetime) -> list[datetime]:
    """When Mary sold a card, the oldest first."""
    today = calendar.day_at(now, _ZONE)
    days = [today - timedelta(days=ago) for ago in range(_SINCE_DAYS - 1, -1, -1)]
    found = [calendar.moment(day, at, _ZONE) for day in days for at in _SELLS_AT]
    return [moment for moment in found if moment < now - _NOT_WITHIN]


def acts(vault: Vault, *, now: datetime) -> list[tuple[datetime, Callable[[datetime], Awaitable[None]]]]:
    """Two agents are sent out with cards, sell and bring money: what happens, with its moment."""

    async def sells(at: datetime) -> None:
        await _sell(vault, now=at)

    today = calendar.day_at(now, _ZONE)
    begin = calendar.moment(today - timedelta(days=_SINCE_DAYS), time(15, 30), _ZONE)
    pays = calendar.moment(today - timedelta(days=1), time(19, 30), _ZONE)
    return [(begin, _send_out), *((moment, sells) for moment in moments(now)), (min(pays, now), _bring)]


async def _send_out(now: datetime) -> None:
    """Nothing when there is an agent, or no batch to give from."""
    owner = await find_owner()
    if owner is None or await DB.value("SELECT EXISTS (SELECT FROM agents WHERE merchant_id = $1)", owner.merchant_id):
        return
    batch_id = await DB.value(
        "SELECT min(id) FROM batches WHERE merchant_id = $1 AND kind = 'cash' AND size >= 100", owner.merchant_id
    )
    if batch_id is None:
        return
    user_id, batch = await _hire(owner.at_merchant(), now=now), str(batch_id)
    draft = Draft(
        name="Mary, market stall", phone="0722345678", commission="10", terms="limit", limit="5000", user=str(user_id)
    )
    mary = await people.make(owner, draft, form_key=None, now=now)
    draft = Draft(name="Kiosk at the stage", phone="0733456789", commission="8", terms="advance")
    kiosk = await people.make(owner, draft, form_key=None, now=now)
    await moneys.take(
        owner, kiosk, how="cash", amount="1000", receipt="", note_text="For the first cards", form_key=None, now=now
    )
    await stock.allot(owner, mary, batch=batch, count="50", first="", form_key=None, now=now)
    await stock.allot(owner, kiosk, batch=batch, count="20", first="", form_key=None, now=now)


async def _mary() -> Actor | None:
    row = await DB.row(
        """SELECT u.id AS user_id, u.name, u.email, a.merchant_id, a.id AS agent_id FROM users u JOIN agents a ON a.user_id = u.id
           WHERE u.email = $1""",
        MARY.email,
    )
    return None if row is None else Actor(**dict(row), role=Role.CASHIER, is_operator=False)


async def _sell(vault: Vault, *, now: datetime) -> None:
    """One card, under the number the past has left free at that moment: lists of sales go by it."""
    mary = await _mary()
    if mary is None:
        return
    package_id = (await counter.stock_of(mary))[0].package_id
    before = await DB.row("SELECT last_value, is_called FROM payments_id_seq")
    assert before is not None  # a sequence has one row
    await DB.fetch(
        """SELECT setval('payments_id_seq', free, false) FROM (SELECT max(id) + 1 AS free FROM payments WHERE created_at <= $1) one
           WHERE free IS NOT NULL AND NOT EXISTS (SELECT FROM payments WHERE id = free)""",
        now,
    )
    try:
        await counter.sell(mary, package_id, form_key=f"demo {now:%d %H:%M}", vault=vault, now=now)
    finally:
        await DB.fetch("SELECT setval('payments_id_seq', $1, $2)", before["last_value"], before["is_called"])


async def _bring(now: datetime) -> None:
    owner, mary = await find_owner(), await _mary()
    if owner is not None and mary is not None and mary.agent_id is not None:
        await moneys.take(
            owner,
            mary.agent_id,
            how="cash",
            amount="400",
            receipt="",
            note_text="At the market",
            form_key=None,
            now=now,
        )


async def _hire(merchant_id: int, *, now: datetime) -> int:
    """Mary's sign-in."""
    hashed = await passwords.hash_password(MARY.password)
    async with atomic() as tx:
        user_id = await identity.add_user(tx, MARY.email, MARY.name, password_hash=hashed, now=now)
        await identity.join(tx, user_id, merchant_id, role=Role.CASHIER)
        return user_id
