"""The sell screen's verbs: a package over the counter, for cash or by a request to the customer's phone, and how that sale stands.

Whose drawer the cash goes into: `portal.floats`; out of an agent's own stock: `portal.agents.counter`; a voucher that exists
already: `portal.voucher_sales`."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import UniqueViolationError

from portal import floats, limits, packages, phones, voucher_deeds, voucher_sales, vouchers
from portal.agents import counter
from portal.checkouts import PUSHES_PER_PHONE
from portal.collecting import MPESA, ask_for_money, collector
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Actor
from portal.merchants import profile
from portal.messages import Told
from portal.msgid import N_
from portal.packages import PackageView
from portal.states import note
from portal.terms import Terms, decode_terms
from portal.vault import Vault
from portal.voucher_sales import NOT_WHOLE, WAIT

#: A voucher made for a request that nobody pays ends by itself; the money of a late PIN still finds it until then.
ASKED_KEEPS = timedelta(hours=24)
#: So long after it was sold, its seller's page shows the code without being asked.
SHOWN_FOR = timedelta(minutes=15)
#: The form key of the message that goes out with a cash sale: one per voucher.
_WITH_SALE = "sell"
CHOOSE = N_("Choose a package.")
WHICH_NUMBER = N_("Write the customer's number: the request goes to it.")
AGENTS_CASH = N_("Agents sell for cash. Customers can pay by M-Pesa on the Wi-Fi page.")
CHANGED = N_("This package has changed since you opened the page. Look at the price, then sell.")


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """A sale over the counter as its page shows it. `status` is the voucher's, `asked` the newest request's ("" for none), `phone` to
    be masked; `sent_to`: where the code went by SMS. `is_fresh`: its seller may see the code now."""

    voucher_id: int
    terms: Terms
    price_cents: int
    currency: str
    status: str
    asked: str
    result_code: str
    phone: str
    sent_to: str
    payment_id: int | None
    sold_at: datetime | None
    asked_at: datetime | None
    is_by_cash: bool
    is_fresh: bool

    @property
    def is_sold(self) -> bool:
        """Whether there is a code to hand over."""
        return self.status in ("paid", "in_use")

    @property
    def is_open(self) -> bool:
        """Whether the phone's answer is still to come."""
        return self.status == "unsold" and self.asked in ("created", "submitting", "pending", "unknown")


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """What one has sold since midnight. `cash_cents` of it is in the drawer, or with the agent."""

    sales: int
    cents: int
    cash_cents: int


async def for_cash(
    actor: Actor, chosen: str, *, phone: str, form_key: str, vault: Vault, now: datetime
) -> tuple[int, bool]:
    """Sell a package for cash: the voucher, and whether this very form had sold it before. With a number, its code goes there by SMS.

    Forbidden; NotFound; Invalid by field; Conflict: no drawer is open, no card is left, or the package has changed."""
    voucher_deeds.seller(actor)
    package_id, number = _package(chosen), _phone(phone) if phone.strip() else ""
    key = _key(form_key, package_id)
    if (before := await _before(actor, key)) is not None:
        return before, True
    if actor.agent_id is not None:
        sold = await counter.sell(actor, package_id, form_key=key, vault=vault, now=now)
    else:
        await _unchanged(actor, chosen, package_id, now=now)
        sold = await floats.sell(actor, package_id, form_key=key, vault=vault, now=now)
    if number:
        await _send(actor, sold.voucher_id, number, now=now)
    return sold.voucher_id, False


async def _send(actor: Actor, voucher_id: int, number: str, *, now: datetime) -> None:
    try:
        await voucher_deeds.send_code(actor, voucher_id, phone=number, form_key=_WITH_SALE, now=now)
    except TooMany:
        return  # sold all the same: the page shows the code, and that nothing was sent


async def ask(actor: Actor, chosen: str, *, phone: str, form_key: str, vault: Vault, now: datetime) -> int:
    """Ask a customer's phone for a package's price by M-Pesa; the voucher that waits for it. The same form again is the same request.

    Forbidden; NotFound; Invalid by field; Conflict: not in whole shillings; TooMany; Unavailable: M-Pesa takes none now."""
    merchant_id = voucher_deeds.seller(actor)
    if actor.agent_id is not None:
        raise Forbidden(AGENTS_CASH)
    package_id = _package(chosen)
    if not phone.strip():
        raise Invalid({"phone": WHICH_NUMBER})
    number = _phone(phone)
    once = f"ask:{floats.once_of(merchant_id, _key(form_key, package_id))}"
    if (known := await _asked_before(once)) is not None:
        return known
    package = await _unchanged(actor, chosen, package_id, now=now)
    if package.price_cents % 100:
        raise Conflict(NOT_WHOLE)
    for most, window_s in PUSHES_PER_PHONE:
        if not await limits.hit(f"push:phone:{number}:{window_s}", limit=most, window_s=window_s, now=now):
            raise TooMany(WAIT, retry_after=min(window_s, 600))
    try:
        return await _ask(actor, package, number, once=once, vault=vault, now=now)
    except UniqueViolationError:
        if (known := await _asked_before(once)) is None:
            raise
        return known


async def _ask(actor: Actor, package: PackageView, number: str, *, once: str, vault: Vault, now: datetime) -> int:
    merchant_id = actor.at_merchant()
    by, merchant = await collector(merchant_id, MPESA, now=now), await profile(merchant_id)
    async with atomic() as tx:
        made = await vouchers.issue_unsold(
            tx, package.terms, merchant_id=merchant_id, package_id=package.id, price_cents=package.price_cents, count=1,
            batch_id=None, vault=vault, now=now,
        )  # fmt: skip
        voucher_id = made[0].id
        await tx.execute(
            "UPDATE vouchers SET expires_at = least(expires_at, $2::timestamptz) WHERE id = $1",
            voucher_id,
            now + ASKED_KEEPS,
        )
        payment_id = await ask_for_money(
            tx, None, by, price_cents=package.price_cents, merchant=merchant, phone=number, email="", voucher_id=voucher_id, now=now
        )  # fmt: skip
        await _mark(tx, actor, payment_id, once=once)
        await note(
            tx, "vouchers", voucher_id, "asked", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"phone": phones.mask(number)},
        )  # fmt: skip
        return voucher_id


async def _mark(tx: Tx, actor: Actor, payment_id: int, *, once: str) -> None:
    await tx.execute("UPDATE payments SET form_key = $2, sold_by = $3 WHERE id = $1", payment_id, once, actor.user_id)


async def ask_again(actor: Actor, voucher_id: int, *, form_key: str, now: datetime) -> None:
    """Ask the same phone once more. NotFound: nobody was asked, or another merchant's; Conflict: paid or ended; TooMany; Unavailable."""
    asked = await voucher_sales.asked(actor, voucher_id)
    if asked is None:
        raise NotFound
    payment_id = await voucher_sales.ask_phone(actor, voucher_id, phone=asked.phone, form_key=form_key, now=now)
    await DB.fetch("UPDATE payments SET sold_by = $2 WHERE id = $1 AND sold_by IS NULL", payment_id, actor.user_id)


_STANDING = """
SELECT v.id AS voucher_id, v.terms, v.price_cents, m.currency, v.status, coalesce(a.status, '') AS asked, a.created_at AS asked_at,
       coalesce(a.result_code, '') AS result_code, coalesce(p.phone, a.phone, '') AS phone, p.id AS payment_id, p.paid_at AS sold_at,
       coalesce(p.receipt LIKE 'CASH-%', false) AS is_by_cash, coalesce(g.recipient, '') AS sent_to,
       coalesce(p.sold_by = $3 AND p.paid_at > $4, false) AS is_fresh
FROM vouchers v JOIN merchants m ON m.id = v.merchant_id
LEFT JOIN LATERAL (SELECT * FROM payments WHERE voucher_id = v.id AND method = 'stk' ORDER BY id DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (SELECT * FROM payments WHERE voucher_id = v.id AND status = 'paid' ORDER BY id LIMIT 1) p ON true
LEFT JOIN messages g ON g.once = $5
WHERE v.id = $1 AND v.merchant_id = $2
AND ($6::bigint IS NULL OR v.allotment_id IN (SELECT id FROM agent_allotments WHERE agent_id = $6))"""


async def standing(actor: Actor, voucher_id: int, *, now: datetime) -> Sale:
    """How a sale stands. Forbidden for viewers; NotFound: another merchant's, or for an agent not out of its own stock."""
    merchant_id = voucher_deeds.seller(actor)
    row = await DB.row(
        _STANDING, voucher_id, merchant_id, actor.user_id, now - SHOWN_FOR, f"{Told.VOUCHER_GIFT}:{voucher_id}:{_WITH_SALE}",
        actor.agent_id,
    )  # fmt: skip
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row) | {"terms": decode_terms(row["terms"])}, Sale)


async def today(actor: Actor, *, since: datetime) -> Today:
    """What the actor has sold since a moment."""
    row = await DB.row(
        """SELECT count(*) AS sales, coalesce(sum(coalesce(received_cents, amount_cents)), 0)::bigint AS cents,
                  coalesce(sum(amount_cents) FILTER (WHERE receipt LIKE 'CASH-%'), 0)::bigint AS cash_cents
           FROM payments WHERE merchant_id = $1 AND sold_by = $2 AND created_at >= $3 AND status = 'paid'""",
        actor.at_merchant(), actor.user_id, since,
    )  # fmt: skip
    assert row is not None  # a sum always has one row
    return Today(**dict(row))


async def _unchanged(actor: Actor, chosen: str, package_id: int, *, now: datetime) -> PackageView:
    """The package, if it still is what the page showed; NotFound, Conflict."""
    package = await packages.one_on_sale(actor.at_merchant(), package_id, now=now)
    seen = chosen.partition(".")[2]
    if seen and seen != package.mark:
        raise Conflict(CHANGED)
    return package


async def _before(actor: Actor, key: str) -> int | None:
    once = floats.once_of(actor.at_merchant(), key) if actor.agent_id is None else f"agent:{actor.agent_id}:{key}"
    sold = await floats.sold_before(once)
    return sold.voucher_id if sold else None


async def _asked_before(once: str) -> int | None:
    return await DB.value("SELECT voucher_id FROM payments WHERE form_key = $1", once)


def _key(form_key: str, package_id: int) -> str:
    """One form sells one of each package: who goes back and chooses another one sells another."""
    return f"{form_key[:32]}{package_id}"[:40] if form_key else ""


def _package(chosen: str) -> int:
    """The package's id out of "12" or "12.mark"."""
    text = chosen.partition(".")[0]
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 19):
        raise Invalid({"package": CHOOSE})
    return int(text)


def _phone(text: str) -> str:
    try:
        return phones.parse_phone(text)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
