"""A customer that is erased is nowhere any more; what is open keeps one; another shop's rows are not touched."""

import hashlib
from datetime import timedelta

import pytest

from portal import customer_credits, states
from portal.clock import Clock
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid
from portal.identity import Actor, Role
from portal.invariants import audit
from portal.privacy import customers, erasing
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories

PHONE, NAME, MAC = factories.PHONE, "Wanjiku Njoroge", "02:11:22:33:44:55"
DIGITS = PHONE[3:]


async def owner_of(merchant_id: int, role: Role = Role.OWNER, *, email: str = "a@shop.test") -> Actor:
    """Somebody with this role there."""
    user = await factories.user(email, merchant_id=merchant_id, role=role)
    return Actor(user_id=user, merchant_id=merchant_id, role=role, name="Amina", email=email, is_operator=False)


async def _insert(table: str, **columns: object) -> int:
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return await DB.value(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) RETURNING id", *columns.values()
    )


async def _bought(vault: Vault, clock: Clock, router: RouterView, package: int) -> int:
    """A customer who bought, went online, was written to, and whom M-Pesa named in every way it has."""
    merchant, now = router.merchant_id, clock.now()
    voucher = await factories.voucher(vault, merchant, package, status="expired", ended_at=now)
    checkout = await factories.checkout(router, package, voucher_id=voucher, mac=MAC)
    payment = await factories.payment(
        merchant,
        status="paid",
        checkout_id=checkout,
        voucher_id=voucher,
        receipt="SKL4H7T2QX",
        result_text=f"from {PHONE}",
        checkout_request_id=f"ws_CO_20112026141500{DIGITS}",
    )
    receipt = await factories.receipt(
        merchant, payment_id=payment, phone=PHONE, payer_name=NAME, receipt="SKL4H7T2QX", typed=f"0{DIGITS}",
        payer_hint=hashlib.sha256(PHONE.encode()).hexdigest(),
    )  # fmt: skip
    await _insert(
        "callbacks", merchant_id=merchant, payment_id=payment, road="stk", named_id=payment, body=f'{{"P":{PHONE},"N":"{NAME}"}}'.encode(),
        body_hash=b"h" * 32, source="127.0.0.1", received_at=now, handled_at=now,
    )  # fmt: skip
    await factories.message(merchant, status="sent", params=f'{{"name": "{NAME}", "voucher_id": {voucher}}}')
    await _insert("message_stops", merchant_id=merchant, phone=PHONE, how="person", stopped_at=now)
    await factories.suspense(receipt, status="resolved", note=f"Called 0{DIGITS[:3]} {DIGITS[3:6]} {DIGITS[6:]}")
    device = await _insert("devices", merchant_id=merchant, mac=MAC, first_seen_at=now, last_seen_at=now)
    await _insert(
        "device_vouchers", merchant_id=merchant, device_id=device, voucher_id=voucher, first_at=now, last_at=now
    )
    await _insert("credits", merchant_id=merchant, holder=customer_credits.of_phone(PHONE), created_at=now)
    await _insert(
        "alerts",
        merchant_id=merchant,
        kind="x",
        subject="s",
        status="closed",
        data=f'{{"n": {PHONE}}}',
        opened_at=now,
        closed_at=now,
    )
    async with atomic() as tx:
        await states.note(
            tx, "payments", payment, "looked", merchant_id=merchant, at=now, data={"phone": "0712 ••• 678"}
        )
    return voucher


async def _places(*wanted: str) -> list[str]:
    """Every column of the whole database in which one of these stands."""
    columns = await DB.fetch(
        """SELECT c.table_name AS t, c.column_name AS c, c.data_type AS kind FROM information_schema.columns c
           JOIN information_schema.tables b USING (table_schema, table_name)
           WHERE c.table_schema = 'public' AND b.table_type = 'BASE TABLE'
             AND c.data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'bigint', 'ARRAY')"""
    )
    found: list[str] = []
    for row in columns:
        text = f"encode({row['c']}, 'escape')" if row["kind"] == "bytea" else f"{row['c']}::text"
        squeezed = f"translate({text}, ' .-', '')"
        for each in wanted:
            sql = f"SELECT EXISTS (SELECT FROM {row['t']} WHERE position($1 IN {squeezed}) > 0 OR position($1 IN {text}) > 0)"
            if await DB.value(sql, each):
                found.append(f"{row['t']}.{row['c']}: {each}")
    return found


@pytest.fixture
async def shop(db: str, vault: Vault, clock: Clock) -> tuple[RouterView, int]:
    merchant = await factories.merchant()
    router, package = await factories.router(vault, merchant), await factories.package(merchant)
    return router, package


async def test_after_it_number_name_and_device_are_nowhere_in_the_whole_database(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock
) -> None:
    router, package = shop
    await _bought(vault, clock, router, package)
    actor = await owner_of(router.merchant_id)
    hashed = hashlib.sha256(PHONE.encode()).hexdigest()
    assert len(await _places(DIGITS, NAME, MAC, hashed)) > 10
    had = await erasing.erase(actor, f"0{DIGITS}", f"+{PHONE}", vault=vault, now=clock.now())
    assert (had["payments"], had["receipts"], had["messages"]) == (1, 1, 1)
    assert await _places(DIGITS, NAME, MAC, hashed) == []
    row = await DB.row("SELECT receipt, amount_cents FROM receipts")
    assert row is not None
    assert tuple(row) == ("SKL4H7T2QX", 1000)


async def test_history_stays_sealed_as_it_was(shop: tuple[RouterView, int], vault: Vault, clock: Clock) -> None:
    router, package = shop
    await _bought(vault, clock, router, package)
    await audit.seal()
    sealed = await audit.seal()
    assert sealed > 0
    await erasing.erase(await owner_of(router.merchant_id), PHONE, PHONE, vault=vault, now=clock.now())
    assert await audit.broken(whole=True) == []
    kept = await DB.row("SELECT name, data::text AS data FROM events WHERE entity = 'erasures'")
    assert kept is not None
    assert kept["name"] == "erased"
    assert DIGITS not in kept["data"]


async def test_another_shops_customer_of_the_same_number_stays(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock
) -> None:
    router, package = shop
    await _bought(vault, clock, router, package)
    other = await factories.merchant("Rival")
    kept = await factories.payment(other, status="failed")
    await erasing.erase(await owner_of(router.merchant_id), PHONE, PHONE, vault=vault, now=clock.now())
    assert await DB.value("SELECT phone FROM payments WHERE id = $1", kept) == PHONE


async def test_it_can_be_done_again_when_the_customer_came_back(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock
) -> None:
    router, package = shop
    actor = await owner_of(router.merchant_id)
    await _bought(vault, clock, router, package)
    await erasing.erase(actor, PHONE, PHONE, vault=vault, now=clock.now())
    await factories.payment(router.merchant_id, status="failed")
    await _insert(
        "credits", merchant_id=router.merchant_id, holder=customer_credits.of_phone(PHONE), created_at=clock.now()
    )
    await erasing.erase(actor, PHONE, PHONE, vault=vault, now=clock.now() + timedelta(days=1))
    assert await _places(DIGITS) == []
    hashes = [row[0] for row in await DB.fetch("SELECT number_hash FROM erasures")]
    assert len(hashes) == 2
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("payment", "/payments/"),
        ("voucher", "/vouchers/"),
        ("suspense", "/suspense"),
        ("refund", "/refunds/"),
        ("message", "/messages"),
        ("own", "/settings"),
    ],
)
async def test_what_is_open_keeps_a_customer_and_says_where_it_is_settled(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock, what: str, path: str
) -> None:
    router, package = shop
    merchant = router.merchant_id
    if what == "payment":
        await factories.payment(merchant, status="pending")
    elif what == "voucher":
        voucher = await factories.voucher(vault, merchant, package, status="in_use")
        await factories.payment(merchant, status="paid", voucher_id=voucher)
    elif what in ("suspense", "refund"):
        receipt = await factories.receipt(merchant, phone=PHONE)
        await (factories.suspense(receipt) if what == "suspense" else factories.refund(receipt))
    elif what == "message":
        await factories.message(merchant)
    else:
        await DB.fetch("UPDATE merchants SET help_phone = $2 WHERE id = $1", merchant, PHONE)
    found = await customers.hindrances(await customers.person_of(merchant, PHONE))
    assert [each.path.startswith(path) for each in found] == [True]
    before = await _places(DIGITS)
    with pytest.raises(Conflict):
        await erasing.erase(await owner_of(merchant), PHONE, PHONE, vault=vault, now=clock.now())
    assert await _places(DIGITS) == before
    assert await DB.value("SELECT count(*) FROM erasures") == 0


async def test_another_number_the_second_time_changes_nothing(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock
) -> None:
    router, package = shop
    await _bought(vault, clock, router, package)
    before = await _places(DIGITS)
    with pytest.raises(Invalid):
        await erasing.erase(await owner_of(router.merchant_id), PHONE, "0712 000 000", vault=vault, now=clock.now())
    assert await _places(DIGITS) == before


async def test_a_manager_erases_nobody(shop: tuple[RouterView, int], vault: Vault, clock: Clock) -> None:
    router, _ = shop
    with pytest.raises(Forbidden):
        await erasing.erase(
            await owner_of(router.merchant_id, Role.MANAGER), PHONE, PHONE, vault=vault, now=clock.now()
        )


async def test_the_file_holds_what_is_kept_of_this_customer_and_of_no_other(
    shop: tuple[RouterView, int], vault: Vault, clock: Clock
) -> None:
    router, package = shop
    await _bought(vault, clock, router, package)
    await factories.payment(router.merchant_id, status="failed", phone="254722000111")
    text = await customers.file(await customers.person_of(router.merchant_id, PHONE))
    assert NAME in text
    assert MAC in text
    assert "SKL4H7T2QX" in text
    assert "254722000111" not in text
    assert "callback_token" not in text
