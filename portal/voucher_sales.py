"""Selling one voucher that waits: for cash, or by a request to the customer's phone; and another package on top of one in use.

Whose drawer the cash goes into: `portal.floats`. What happens when the money is there: `portal.payments`."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import UniqueViolationError

from portal import floats, ledger, limits, packages, phones, vouchers
from portal.checkouts import PUSHES_PER_PHONE
from portal.collecting import MPESA, ask_for_money, collector
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound, TooMany
from portal.evidence import Road
from portal.identity import Actor
from portal.ledger import Entry, Kind
from portal.merchants import profile
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import booking, receipts, targets
from portal.payments.counter import SOLD_BEFORE, Sold
from portal.payments.receipts import Money
from portal.states import note
from portal.vault import Vault
from portal.voucher_deeds import HAS_ENDED, own, seller, usable

#: A request to a phone stands so long; until then another tap joins it.
STANDS_FOR = timedelta(seconds=90)
_PER_VOUCHER = (4, 600)
WAIT = N_("M-Pesa asks us to wait before we send another request.")
#: Prices in other currencies than these whole units cannot be asked for by M-Pesa.
NOT_WHOLE = N_("M-Pesa moves whole shillings only. Sell this one for cash.")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The newest request for a voucher's money: where it stands, and to which number it went."""

    payment_id: int
    status: str
    result_code: str
    phone: str
    at: datetime

    @property
    def is_open(self) -> bool:
        """Whether its answer is still to come."""
        return self.status in ("created", "submitting", "pending")


async def sell_for_cash(actor: Actor, voucher_id: int, *, form_key: str, vault: Vault, now: datetime) -> Sold:
    """Sell it into the actor's own open drawer; the same form again is the same sale. Forbidden; NotFound; Conflict: no drawer is
    open, or it is not unsold."""
    seller(actor)
    async with atomic() as tx:
        row = await own(tx, actor, voucher_id)
        if row["status"] == "unsold" and row["expires_at"] is not None and row["expires_at"] <= now:
            raise Conflict(HAS_ENDED)
    return await floats.sell(actor, voucher_id=voucher_id, form_key=form_key, vault=vault, now=now)


async def ask_phone(actor: Actor, voucher_id: int, *, phone: str, form_key: str, now: datetime) -> int:
    """Ask a customer's phone for the price by M-Pesa; the payment's id. The code goes to that phone once it has paid. The same
    form, and another while the request stands, is the same request.

    Forbidden; NotFound; Invalid: no number; Conflict: not unsold; TooMany; Unavailable: M-Pesa takes none now."""
    merchant_id = seller(actor)
    try:
        number = phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    once = f"ask:{floats.once_of(merchant_id, form_key)}"
    async with atomic() as tx:
        price_cents = await _unsold(tx, actor, voucher_id, now=now)
    if (known := await _known(voucher_id, once, now=now)) is not None:
        return known
    await _throttle(voucher_id, number, now=now)
    by, merchant = await collector(merchant_id, MPESA, now=now), await profile(merchant_id)
    try:
        async with atomic() as tx:
            await _unsold(tx, actor, voucher_id, now=now)
            payment_id = await ask_for_money(
                tx, None, by, price_cents=price_cents, merchant=merchant, phone=number, email="", voucher_id=voucher_id, now=now
            )  # fmt: skip
            await tx.execute("UPDATE payments SET form_key = $2 WHERE id = $1", payment_id, once)
            await note(
                tx, "vouchers", voucher_id, "asked", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
                data={"phone": phones.mask(number)},
            )  # fmt: skip
            return payment_id
    except UniqueViolationError:
        if (known := await _known(voucher_id, once, now=now)) is None:
            raise
        return known


async def _unsold(tx: Tx, actor: Actor, voucher_id: int, *, now: datetime) -> int:
    """The price of a voucher that may be sold, locked."""
    row = await own(tx, actor, voucher_id)
    if row["status"] != "unsold":
        raise Conflict(SOLD_BEFORE)
    if row["expires_at"] is not None and row["expires_at"] <= now:
        raise Conflict(HAS_ENDED)
    if row["price_cents"] % 100:
        raise Conflict(NOT_WHOLE)
    return row["price_cents"]


async def _known(voucher_id: int, once: str, *, now: datetime) -> int | None:
    return await DB.value(
        """SELECT id FROM payments WHERE form_key = $1 OR (voucher_id = $2 AND method = 'stk' AND created_at > $3
             AND status IN ('created', 'submitting', 'pending')) ORDER BY form_key = $1 DESC NULLS LAST, id DESC LIMIT 1""",
        once,
        voucher_id,
        now - STANDS_FOR,
    )


async def _throttle(voucher_id: int, phone: str, *, now: datetime) -> None:
    rules = [(f"push:phone:{phone}:{window_s}", most, window_s) for most, window_s in PUSHES_PER_PHONE]
    rules.append((f"push:voucher:{voucher_id}", *_PER_VOUCHER))
    for name, most, window_s in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(WAIT, retry_after=min(window_s, 600))


async def asked(actor: Actor, voucher_id: int) -> Asked | None:
    """The newest request for a voucher; None: nobody was asked. NotFound: another merchant's."""
    row = await DB.row(
        """SELECT p.id AS payment_id, p.status, coalesce(p.result_code, '') AS result_code, p.phone, p.created_at AS at
           FROM vouchers v LEFT JOIN payments p ON p.voucher_id = v.id AND p.method = 'stk' AND p.checkout_id IS NULL
           WHERE v.id = $1 AND v.merchant_id = $2 ORDER BY p.id DESC LIMIT 1""",
        voucher_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    return None if row["payment_id"] is None else Asked(**dict(row))


async def stack(actor: Actor, voucher_id: int, package_id: int, *, form_key: str, now: datetime) -> Sold:
    """Sell another package on top of a voucher that works, for cash into the actor's drawer: its time and limits grow by that
    package's. The same form again is the same sale. Forbidden; NotFound; Conflict: no drawer, not sold, or over."""
    merchant_id = seller(actor)
    once = floats.once_of(merchant_id, form_key)
    package = await packages.one_on_sale(merchant_id, package_id, now=now)
    if (before := await floats.sold_before(once)) is not None:
        return before
    try:
        async with atomic() as tx:
            usable(await own(tx, actor, voucher_id), now=now)
            payment_id = await _sell_on_top(tx, actor, voucher_id, package, now=now)
            await floats.put_in(tx, actor, payment_id, once=once)
            return Sold(payment_id, voucher_id)
    except UniqueViolationError:
        if (before := await floats.sold_before(once)) is None:
            raise
        return before


async def _sell_on_top(tx: Tx, actor: Actor, voucher_id: int, package: PackageView, *, now: datetime) -> int:
    merchant_id, cents, by = actor.at_merchant(), package.price_cents, f"user:{actor.user_id}"
    currency = await tx.value("SELECT currency FROM merchants WHERE id = $1", merchant_id)
    payment = await targets.new_payment(
        tx, merchant_id=merchant_id, method=Road.CASH.value, amount_cents=cents, currency=currency, voucher_id=voucher_id,
        commission=await targets.commission_bp(tx, merchant_id), now=now,
    )  # fmt: skip
    name = f"CASH-{payment['id']}"
    seen = await receipts.see(
        tx, rail="cash", receipt=name, amount_cents=cents, currency=currency, road=Road.CASH, merchant_id=merchant_id,
        account_id=None, payment_id=payment["id"], now=now,
    )  # fmt: skip
    paid = Money(
        road=Road.CASH, rail="cash", amount_cents=cents, currency=currency, receipt=name, receipt_id=seen["id"], account_id=None,
        phone=None, payer_hint="", source=Entry(ledger.Account.CASH, cents), reason=package.name, is_decided=True,
    )  # fmt: skip
    target = await targets.load(tx, payment)
    await booking.mark_paid(tx, target, paid, received_cents=cents, voucher_id=voucher_id, now=now)
    if not await vouchers.extend(tx, voucher_id, package.terms, now=now, actor=by, data={"package": package.name}):
        raise Conflict(HAS_ENDED)
    await ledger.book(
        tx, Kind.SALE, [paid.source, *booking.sale_entries(target)], merchant_id=merchant_id, payment_id=payment["id"],
        receipt=None, currency=currency, now=now, note="another package on top",
    )  # fmt: skip
    data = {"amount_cents": cents, "reason": package.name}
    await note(tx, "payments", payment["id"], "taken_by_cash", merchant_id=merchant_id, at=now, actor=by, data=data)
    return payment["id"]
