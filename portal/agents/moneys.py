"""Money between an agent and the merchant: brought in cash or by M-Pesa, sent to the paybill, handed out, or set right.

Each is a row and a posting in one transaction. Cash is taken by owners and managers and is in no cashier's drawer."""

from datetime import datetime

from portal import ledger, money
from portal.agents import people
from portal.db import Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid
from portal.identity import Actor, Role
from portal.ledger import Account, Entry, Kind
from portal.msgid import N_
from portal.states import note

HOW_MUCH = N_("Write the amount as a number, for example 500.")
WHICH_WAY = N_("Choose how the money came.")
WHICH_CODE = N_("Write the M-Pesa code, for example SKL4H7T2QX.")
KNOWN_CODE = N_("This M-Pesa code is in the books already.")
NOT_SO_MUCH = N_("You do not owe the agent so much.")
SAY_WHY = N_("Write why, in a few words.")
ONLY_OWNER = N_("Only the owner can set an account right.")
_FROM = {"cash": Account.CASH, "mpesa": Account.OWN_CLEARING}


async def take(
    actor: Actor, agent_id: int, *, how: str, amount: str, receipt: str, note_text: str, form_key: str | None, now: datetime
) -> int:  # fmt: skip
    """The agent brings money, in cash or by M-Pesa to the merchant's own number; more than is owed is paid in advance. The same form
    again is the same money. Forbidden; NotFound; Invalid by field; Conflict: the code is known."""
    merchant_id = people.manager(actor)
    cents = _cents(amount)
    if how not in _FROM:
        raise Invalid({"how": WHICH_WAY})
    code = receipt.strip().upper() if how == "mpesa" else ""
    if how == "mpesa" and not (8 <= len(code) <= 12 and code.isascii() and code.isalnum()):
        raise Invalid({"receipt": WHICH_CODE})
    async with atomic() as tx:
        await people.own(tx, merchant_id, agent_id)
        if (before := await _before(tx, merchant_id, form_key)) is not None:
            return before
        if code and await _is_known(tx, merchant_id, code):
            raise Invalid({"receipt": KNOWN_CODE})
        entries = [Entry(_FROM[how], cents), Entry(Account.AGENTS, -cents, agent_id=agent_id)]
        return await _book(
            tx,
            actor,
            agent_id,
            how,
            cents,
            entries=entries,
            receipt=code or None,
            why=note_text,
            form_key=form_key,
            now=now,
        )


async def hand_out(
    actor: Actor, agent_id: int, *, amount: str, note_text: str, form_key: str | None, now: datetime
) -> int:
    """Give an agent in cash what the merchant owes: commission on what customers paid by M-Pesa, or what was paid in advance. Forbidden;
    NotFound; Invalid: no amount; Conflict: more than is owed."""
    merchant_id = people.manager(actor)
    cents = _cents(amount)
    async with atomic() as tx:
        await people.own(tx, merchant_id, agent_id)
        if (before := await _before(tx, merchant_id, form_key)) is not None:
            return before
        if cents > -await people.balance(tx, agent_id):
            raise Conflict(NOT_SO_MUCH)
        entries = [Entry(Account.CASH, -cents), Entry(Account.AGENTS, cents, agent_id=agent_id)]
        return await _book(
            tx,
            actor,
            agent_id,
            "paid_out",
            -cents,
            entries=entries,
            receipt=None,
            why=note_text,
            form_key=form_key,
            now=now,
        )


async def set_right(
    actor: Actor, agent_id: int, *, amount: str, owes_more: bool, why: str, form_key: str | None, now: datetime
) -> int:
    """Change what an agent owes without money, against the commission: a bonus, or lost cards that are to be paid for. Only by the
    owner, with a word about it."""
    merchant_id = people.manager(actor)
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    cents = -_cents(amount) if owes_more else _cents(amount)
    if len(why.strip()) < 3:
        raise Invalid({"why": SAY_WHY})
    async with atomic() as tx:
        await people.own(tx, merchant_id, agent_id)
        if (before := await _before(tx, merchant_id, form_key)) is not None:
            return before
        entries = [
            Entry(Account.AGENT_COMMISSION, cents, agent_id=agent_id), Entry(Account.AGENTS, -cents, agent_id=agent_id)
        ]  # fmt: skip
        return await _book(
            tx, actor, agent_id, "correction", cents, entries=entries, receipt=None, why=why, form_key=form_key, now=now
        )


async def arrived(
    tx: Tx, agent_id: int, source: Entry, *, receipt: str, road: str, currency: str, now: datetime
) -> int:
    """A step: money with an agent's account number came to the paybill; the merchant's id. `source`: where it stands in the books."""
    agent = await tx.row("SELECT id, merchant_id FROM agents WHERE id = $1 FOR NO KEY UPDATE", agent_id)
    assert agent is not None  # the caller has just found it
    merchant_id = agent["merchant_id"]
    money_id = await tx.value(
        """INSERT INTO agent_moneys (merchant_id, agent_id, how, amount_cents, receipt, at) VALUES ($1, $2, 'paybill', $3, $4, $5)
           RETURNING id""",
        merchant_id, agent_id, source.cents, receipt, now,
    )  # fmt: skip
    await ledger.book(
        tx, Kind.AGENT_MONEY, [source, Entry(Account.AGENTS, -source.cents, agent_id=agent_id)], merchant_id=merchant_id,
        payment_id=None, receipt=receipt, currency=currency, now=now, note="paybill",
    )  # fmt: skip
    data = {"money": money_id, "amount_cents": source.cents, "receipt": receipt}
    await note(tx, "agents", agent_id, "paid", merchant_id=merchant_id, at=now, actor=road, data=data)
    return merchant_id


async def _book(
    tx: Tx, actor: Actor, agent_id: int, how: str, cents: int, *, entries: list[Entry], receipt: str | None, why: str,
    form_key: str | None, now: datetime,
) -> int:  # fmt: skip
    """The row, its posting and its event. `cents` as the agent sees it: brought is positive."""
    merchant_id = actor.at_merchant()
    said = "".join(char for char in why if char.isprintable()).strip()[:200]
    money_id = await tx.value(
        """INSERT INTO agent_moneys (merchant_id, agent_id, how, amount_cents, receipt, note, by, at, form_key)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id""",
        merchant_id, agent_id, how, cents, receipt, said, actor.user_id, now, _once(merchant_id, form_key),
    )  # fmt: skip
    await ledger.book(
        tx, Kind.AGENT_MONEY, entries, merchant_id=merchant_id, payment_id=None, receipt=None, now=now, note=how,
        currency=await tx.value("SELECT currency FROM merchants WHERE id = $1", merchant_id),
    )  # fmt: skip
    data = {"money": money_id, "amount_cents": cents, "how": how} | ({"why": said} if said else {})
    await note(
        tx, "agents", agent_id, "settled", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}", data=data
    )
    return money_id


def _once(merchant_id: int, form_key: str | None) -> str | None:
    return f"{merchant_id}:{form_key}"[:64] if form_key else None


async def _before(tx: Tx, merchant_id: int, form_key: str | None) -> int | None:
    """What the same form has booked; whoever asks holds the agent's row."""
    once = _once(merchant_id, form_key)
    return await tx.value("SELECT id FROM agent_moneys WHERE form_key = $1", once) if once else None


async def _is_known(tx: Tx, merchant_id: int, code: str) -> bool:
    return await tx.value(
        """SELECT EXISTS (SELECT FROM receipts WHERE rail = 'mpesa' AND receipt = $2)
           OR EXISTS (SELECT FROM agent_moneys WHERE merchant_id = $1 AND receipt = $2)""",
        merchant_id, code,
    )  # fmt: skip


def _cents(text: str) -> int:
    try:
        cents = money.parse_amount(text.strip())
    except money.AmountError as error:
        raise Invalid({"amount": HOW_MUCH}) from error
    if cents <= 0:
        raise Invalid({"amount": HOW_MUCH})
    return cents
