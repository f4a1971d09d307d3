"""Cash drawers: a cashier opens one with change in it, sells for cash out of it, and hands it in counted. What is missing or too
much is written down, told to the owner, and changes no books: the money is the shop's own."""

from datetime import datetime

import msgspec
from asyncpg import Record, UniqueViolationError

from portal import money
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.payments.counter import Sold, sell_cash
from portal.states import E, move, note
from portal.vault import Vault

_CASHIERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})
_MANAGERS = frozenset({Role.OWNER, Role.MANAGER})
NOT_SELLING = N_("You may look, but not sell. Ask the owner.")
OPEN_FIRST = N_("Open your drawer first: say how much change is in it.")
OPEN_ALREADY = N_("Your drawer is open already.")
CLOSED_ALREADY = N_("This drawer was handed in already.")
NOT_YOURS = N_("This is somebody else's drawer. Ask the owner or a manager.")
WRITE_AMOUNT = N_("Write the amount as a number, for example 500.")
OLD_PAGE = N_("This page is too old to sell from. Open it again.")
SAY_WHY = N_("The count differs. Write a word about why, then hand in again.")


class Drawer(msgspec.Struct, frozen=True, kw_only=True):
    """A drawer. While it is open `sold_cents` grows with each sale; `difference_cents` is what was counted less what should be."""

    id: int
    user_id: int
    cashier: str
    is_open: bool
    currency: str
    float_cents: int
    sold_cents: int
    sales: int
    counted_cents: int | None
    note: str
    opened_at: datetime
    closed_at: datetime | None

    @property
    def expected_cents(self) -> int:
        """What should be in it."""
        return self.float_cents + self.sold_cents

    @property
    def difference_cents(self) -> int | None:
        """None until it was counted; negative: something is missing."""
        return None if self.counted_cents is None else self.counted_cents - self.expected_cents


def _cashier(actor: Actor) -> int:
    merchant_id = actor.at_merchant()
    if actor.role not in _CASHIERS:
        raise Forbidden(NOT_SELLING)
    return merchant_id


def _amount(text: str, field: str) -> int:
    try:
        return money.parse_amount(text.strip())
    except money.AmountError as error:
        raise Invalid({field: WRITE_AMOUNT}) from error


async def open_drawer(actor: Actor, float_text: str, *, now: datetime) -> int:
    """Begin to sell for cash with so much change; the drawer's id. Invalid: no amount; Conflict: one is open already."""
    merchant_id, cents = _cashier(actor), _amount(float_text, "float")
    async with atomic() as tx:
        drawer_id = await tx.value(
            """INSERT INTO floats (merchant_id, user_id, currency, float_cents, opened_at)
               SELECT id, $2, currency, $3, $4 FROM merchants WHERE id = $1
               ON CONFLICT (merchant_id, user_id) WHERE status = 'open' DO NOTHING RETURNING id""",
            merchant_id,
            actor.user_id,
            cents,
            now,
        )
        if drawer_id is None:
            raise Conflict(OPEN_ALREADY)
        await note(
            tx, "floats", drawer_id, "opened", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"float_cents": cents},
        )  # fmt: skip
    return drawer_id


async def sell(
    actor: Actor,
    package_id: int | None = None,
    *,
    form_key: str,
    vault: Vault,
    now: datetime,
    voucher_id: int | None = None,
) -> Sold:
    """Sell a new voucher of a package, or one that waits to be sold, for cash into the actor's own open drawer. The same form
    again, by a second tap or a reload, is the same sale. Conflict: none is open, a form without its key, or the voucher is sold;
    NotFound: not this merchant's."""
    merchant_id = _cashier(actor)
    once = once_of(merchant_id, form_key)

    async def into(tx: Tx, payment_id: int) -> None:
        await put_in(tx, actor, payment_id, once=once)

    if (before := await sold_before(once)) is not None:
        return before
    try:
        return await sell_cash(actor, vault=vault, now=now, package_id=package_id, voucher_id=voucher_id, within=into)
    except UniqueViolationError:
        if (before := await sold_before(once)) is None:
            raise
        return before


def once_of(merchant_id: int, form_key: str) -> str:
    """What makes a form's sale happen once; Conflict for a form without its key."""
    if not form_key:
        raise Conflict(OLD_PAGE)
    return f"cash:{merchant_id}:{form_key[:40]}"


async def sold_before(once: str) -> Sold | None:
    """What the same form has sold already."""
    row = await DB.row("SELECT id, voucher_id FROM payments WHERE form_key = $1", once)
    return Sold(row["id"], row["voucher_id"]) if row else None


async def put_in(tx: Tx, actor: Actor, payment_id: int, *, once: str) -> None:
    """A cash payment goes into the actor's own open drawer. Conflict: none is open, or it was handed in a moment ago: this sale
    would be in no count."""
    drawer_id = await tx.value(
        "SELECT id FROM floats WHERE merchant_id = $1 AND user_id = $2 AND status = 'open' FOR SHARE",
        actor.at_merchant(),
        actor.user_id,
    )
    if drawer_id is None:
        raise Conflict(OPEN_FIRST)
    await tx.execute(
        "UPDATE payments SET float_id = $2, form_key = $3, sold_by = $4 WHERE id = $1",
        payment_id,
        drawer_id,
        once,
        actor.user_id,
    )


async def hand_in(actor: Actor, drawer_id: int, counted_text: str, *, note_text: str, now: datetime) -> Drawer:
    """Count a drawer and close it, one's own or, for owners and managers, anybody's. A difference wants a word about it.

    Invalid: no amount, or a difference without a word; Conflict: handed in already; NotFound: another merchant's."""
    merchant_id, counted = _cashier(actor), _amount(counted_text, "counted")
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM floats WHERE id = $1 AND merchant_id = $2 FOR UPDATE", drawer_id, merchant_id)
        if row is None:
            raise NotFound
        if row["user_id"] != actor.user_id and actor.role not in _MANAGERS:
            raise Forbidden(NOT_YOURS)
        sold = await tx.value(_SOLD, drawer_id)
        difference = counted - row["float_cents"] - sold
        if row["status"] == "open" and difference and not note_text.strip():
            raise Invalid({"note": SAY_WHY})
        moved = await move(
            tx, "floats", drawer_id, E.CLOSE, at=now, actor=f"user:{actor.user_id}", closed_at=now, closed_by=actor.user_id,
            sold_cents=sold, counted_cents=counted, note=note_text.strip()[:200],
            data={"sold_cents": sold, "counted_cents": counted, "difference_cents": difference},
        )  # fmt: skip
        if not moved:
            raise Conflict(CLOSED_ALREADY)
    return await one(actor, drawer_id)


_SOLD = """SELECT coalesce(sum(amount_cents), 0)::bigint FROM payments
           WHERE float_id = $1 AND status IN ('paid', 'refund_pending', 'refunded')"""
_LOOK = """
SELECT f.*, u.name AS cashier,
       coalesce(f.sold_cents, (SELECT sum(p.amount_cents) FROM payments p WHERE p.float_id = f.id
                               AND p.status IN ('paid', 'refund_pending', 'refunded')), 0)::bigint AS sold,
       (SELECT count(*) FROM payments p WHERE p.float_id = f.id) AS sales
FROM floats f JOIN users u ON u.id = f.user_id WHERE f.merchant_id = $1"""


async def one(actor: Actor, drawer_id: int) -> Drawer:
    """A drawer of the actor's merchant: a cashier's own only. NotFound otherwise."""
    row = await DB.row(f"{_LOOK} AND f.id = $2 AND (f.user_id = $3 OR $4)", *_asked(actor, drawer_id))
    if row is None:
        raise NotFound
    return _drawer(row)


async def mine(actor: Actor) -> Drawer | None:
    """The actor's own open drawer."""
    row = await DB.row(f"{_LOOK} AND f.user_id = $2 AND f.status = 'open'", actor.at_merchant(), actor.user_id)
    return _drawer(row) if row else None


async def latest(actor: Actor, *, most: int = 20) -> list[Drawer]:
    """Drawers, open ones first, then the newest: a cashier sees its own, others see all."""
    rows = await DB.fetch(
        f"{_LOOK} AND (f.user_id = $3 OR $4) ORDER BY f.status = 'open' DESC, f.id DESC LIMIT $2", *_asked(actor, most)
    )
    return [_drawer(row) for row in rows]


def _asked(actor: Actor, second: int) -> tuple[int, int, int, bool]:
    return actor.at_merchant(), second, actor.user_id, actor.role is not Role.CASHIER


def may_sell(actor: Actor) -> bool:
    """Whether the actor may open a drawer."""
    return actor.merchant_id is not None and actor.role in _CASHIERS


def _drawer(row: Record) -> Drawer:
    return Drawer(
        id=row["id"],
        user_id=row["user_id"],
        cashier=row["cashier"],
        is_open=row["status"] == "open",
        currency=row["currency"],
        float_cents=row["float_cents"],
        sold_cents=row["sold"],
        sales=row["sales"],
        counted_cents=row["counted_cents"],
        note=row["note"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
    )
