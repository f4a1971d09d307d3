"""Shops with shelves full of vouchers, as `bench lists` wants them: made and sold over a year, by COPY. Rows only."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from bench import house
from portal import codes, passwords, voucher_lists
from portal.db import DB, atomic, copy_in
from portal.identity import Actor, Role
from portal.reports import hours
from portal.terms import Terms
from tests import factories

BATCH = 1000
#: How a thousand stand, a year on: so many of each in turn.
_STAND = (("unsold", 300), ("paid", 100), ("in_use", 10), ("expired", 550), ("revoked", 40))
#: Of those sold every so manieth has its payment, and that its postings.
_PAID_EVERY = 4
_EMAIL, _PASSWORD = "amina@bench.test", "correct horse battery"
_VOUCHER = (
    "id", "merchant_id", "package_id", "batch_id", "code_hash", "code_sealed", "payment_reference", "status", "price_cents",
    "terms", "created_at", "paid_at", "started_at", "ended_at", "ended_why",
)  # fmt: skip
_PAYMENT = (
    "id", "merchant_id", "voucher_id", "method", "status", "amount_cents", "received_cents", "phone", "account_reference",
    "callback_token", "receipt", "created_at", "paid_at",
)  # fmt: skip
_TERMS = Terms(name="1 day", duration_s=86_400).encode()
_PRICE = 5000
Row = tuple[object, ...]


class Shelf(msgspec.Struct, frozen=True):
    """The shop that is looked at: what to search for in it, and where in its list one comes to after half of it."""

    merchant_id: int
    code: str
    phone: str
    place: str


async def fill(*, merchants: int, vouchers: int) -> Shelf:
    """So many vouchers, spread evenly; the first merchant's shelf."""
    vault, now = house.vault(), datetime.now(UTC).replace(microsecond=0)
    ids = [await factories.merchant(f"Shop {n}") for n in range(merchants)]
    first = ids[0]
    for merchant in ids:
        await factories.router(vault, merchant)
    packages = {merchant: await factories.package(merchant) for merchant in ids}
    user = await factories.user(_EMAIL, first, password_hash=await passwords.hash_password(_PASSWORD))
    each = vouchers // merchants
    drawn = [await _shelf(merchant, packages[merchant], each, now=now) for merchant in ids]
    await DB.fetch("SELECT setval('vouchers_id_seq', (SELECT max(id) FROM vouchers))")
    await DB.fetch("SELECT setval('payments_id_seq', (SELECT max(id) FROM payments))")
    for merchant in ids:
        await hours.count(merchant, now=now)
    await DB.fetch("VACUUM ANALYZE")
    actor = Actor(user_id=user, merchant_id=first, role=Role.OWNER, is_operator=False, name="A", email=_EMAIL)
    page, place = await voucher_lists.look(actor, voucher_lists.Wanted(), most=min(each // 2, 5000)), ""
    place = page.older or place
    return Shelf(first, drawn[0], _phone(first * 7), place)


async def _shelf(merchant: int, package: int, count: int, *, now: datetime) -> str:
    """One merchant's vouchers, the batches they were made in, and what was paid for them; a code of them."""
    vault, start = house.vault(), 1 + (await DB.value("SELECT coalesce(max(id), 0) FROM vouchers"))
    drawn = codes.voucher_codes(count)
    hashes = vault.code_hash_all(drawn)
    batches = await _batches(merchant, package, count, now=now)
    rows: list[Row] = []
    sold: list[tuple[int, datetime]] = []
    for n in range(count):
        status, made = _stand(n), now - timedelta(days=365 * (count - n) // count, hours=1)
        paid = (
            min(made + timedelta(minutes=37 * (n % 97)), now - timedelta(minutes=n % 60))
            if status not in ("unsold", "revoked")
            else None
        )
        ended = paid + timedelta(days=1) if paid and status == "expired" else made if status == "revoked" else None
        why = {"expired": "usage", "revoked": "revoked"}.get(status)
        rows.append(
            (start + n, merchant, package, batches[n // BATCH], hashes[n], b"-", f"B{start + n:09d}", status, _PRICE, _TERMS,
             made, paid, paid if status == "in_use" else None, ended, why)
        )  # fmt: skip
        if paid and n % _PAID_EVERY == 0:
            sold.append((start + n, paid))
    async with atomic() as tx:
        await copy_in(tx, "vouchers", _VOUCHER, rows)
    await _payments(merchant, sold)
    return drawn[0]


def _stand(n: int) -> str:
    """Mixed, as they would be: 997 is prime to a thousand."""
    left = n * 997 % 1000
    for status, many in _STAND:
        if left < many:
            return status
        left -= many
    raise AssertionError("a thousand are told")


async def _batches(merchant: int, package: int, count: int, *, now: datetime) -> Sequence[int]:
    found: list[int] = []
    for n in range(-(-count // BATCH)):
        row_id: int = await DB.value(
            """INSERT INTO batches (merchant_id, package_id, kind, size, made, price_cents, terms, note, created_at, done_at)
               VALUES ($1, $2, 'cash', $3, $3, $4, $5::jsonb, $6, $7, $7) RETURNING id""",
            merchant, package, min(BATCH, count), _PRICE, _TERMS, f"Shelf {n}", now - timedelta(days=365),
        )  # fmt: skip
        found.append(row_id)
    return found


def _phone(n: int) -> str:
    return f"2547{n % 100_000_000:08d}"


async def _payments(merchant: int, sold: Sequence[tuple[int, datetime]]) -> None:
    """What was paid, in the order it was; the ledger has each sale at 20 %. Each phone pays four times."""
    start = 1 + (await DB.value("SELECT coalesce(max(id), 0) FROM payments"))
    paid: list[Row] = []
    postings: list[Row] = []
    entries: list[Row] = []
    for n, (voucher, at) in enumerate(sorted(sold, key=lambda each: each[1])):
        row_id = start + n
        paid.append(
            (row_id, merchant, voucher, "c2b", "paid", _PRICE, _PRICE, _phone(merchant * 7 + n // 4), f"P{row_id:09d}",
             f"t{row_id}", f"R{row_id:09d}", at, at)
        )  # fmt: skip
        postings.append((row_id, merchant, row_id, "sale", at))
        entries += [
            (row_id, merchant, account, cents)
            for account, cents in (("mpesa_clearing", _PRICE), ("merchant_payable", -4000), ("commission", -1000))
        ]
    async with atomic() as tx:
        await copy_in(tx, "payments", _PAYMENT, paid)
        await copy_in(tx, "ledger_postings", ("id", "merchant_id", "payment_id", "kind", "created_at"), postings)
        await copy_in(tx, "ledger_entries", ("posting_id", "merchant_id", "account", "amount_cents"), entries)


async def sign_in(browser: httpx.AsyncClient) -> None:
    """The owner, by the form."""
    page = await browser.get("/sign-in")
    token = page.text.split('name="_csrf" value="', 1)[1].split('"', 1)[0]
    answer = await browser.post("/sign-in", data={"_csrf": token, "email": _EMAIL, "password": _PASSWORD, "next": "/"})
    if answer.status_code != 303:
        raise RuntimeError(f"signing in answers {answer.status_code}")
