"""The filled world obeys the house's rules: money balances, statuses have what they need, nobody is online twice."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import identity
from portal.db import DB
from portal.demo import fill
from portal.demo.cast import CASHIER, OPERATOR, OWNER
from portal.demo.history import History, Shop
from portal.demo.past import Attempt, Buyer, attempts
from portal.states import MACHINES
from portal.vault import Vault
from tests.emptying import empty_all

NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)
DAYS = 4


@pytest.fixture(scope="module")
async def filled(pool: str) -> None:
    """Filled once: the tests here only read."""
    await empty_all()
    assert not await fill.is_filled()
    await fill.fill(Vault((("test", bytes(range(32))),)), now=NOW, days=DAYS)


async def test_the_ledger_sums_to_zero_and_a_fifth_is_commission(filled: None) -> None:
    sums = {row["account"]: int(row["cents"]) for row in await DB.fetch(
        """SELECT e.account, sum(e.amount_cents) AS cents FROM ledger_entries e
           JOIN ledger_postings p ON p.id = e.posting_id WHERE p.kind = 'sale' GROUP BY 1"""
    )}  # fmt: skip
    assert sum(sums.values()) == 0
    assert sums["mpesa_clearing"] == await DB.value("SELECT sum(received_cents) FROM payments WHERE status = 'paid'")
    assert sums["commission"] * 5 == -sums["mpesa_clearing"]
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries") == 0
    unbalanced = "SELECT posting_id FROM ledger_entries GROUP BY 1 HAVING sum(amount_cents) <> 0"
    assert await DB.fetch(unbalanced) == []


async def test_every_paid_payment_has_its_voucher_grant_and_posting(filled: None) -> None:
    paid = await DB.value("SELECT count(*) FROM payments WHERE status = 'paid'")
    complete = await DB.value(
        """SELECT count(*) FROM payments p JOIN checkouts c ON c.id = p.checkout_id JOIN vouchers v ON v.id = c.voucher_id
           JOIN access_grants g ON g.voucher_id = v.id JOIN ledger_postings l ON l.payment_id = p.id
           WHERE p.status = 'paid' AND p.receipt IS NOT NULL"""
    )
    assert paid == complete > 100
    assert await DB.value("SELECT count(*) FROM checkouts c JOIN payments p ON p.checkout_id = c.id "
                          "WHERE p.status = 'failed' AND c.voucher_id IS NOT NULL") == 0  # fmt: skip
    assert {row["status"] for row in await DB.fetch("SELECT DISTINCT status FROM vouchers")} == {
        "paid", "in_use", "expired",
    }  # fmt: skip


async def test_every_event_is_an_arrow_of_the_house_and_leads_to_the_status_the_row_has(filled: None) -> None:
    rows = await DB.fetch("SELECT DISTINCT entity, was, name, became FROM events")
    assert rows
    for row in rows:
        assert MACHINES[row["entity"]][row["was"], row["name"]] == row["became"]
    for table in ("vouchers", "payments", "access_grants"):
        wrong = await DB.fetch(
            f"""SELECT t.id FROM {table} t JOIN LATERAL (SELECT became FROM events e WHERE e.entity = '{table}'
                AND e.entity_id = t.id ORDER BY e.id DESC LIMIT 1) last ON true WHERE last.became <> t.status"""
        )
        assert wrong == []


async def test_nobody_is_online_twice_or_after_their_time(filled: None) -> None:
    online = await DB.fetch(
        """SELECT s.mac, s.ip, s.router_id, v.expires_at, v.status, r.status AS router FROM hotspot_sessions s
           JOIN access_grants g ON g.id = s.grant_id JOIN vouchers v ON v.id = g.voucher_id
           JOIN routers r ON r.id = s.router_id WHERE s.ended_at IS NULL"""
    )
    assert len(online) >= 10
    assert len({row["mac"] for row in online}) == len({(row["router_id"], row["ip"]) for row in online}) == len(online)
    assert all(row["status"] == "in_use" and row["expires_at"] > NOW and row["router"] == "online" for row in online)


async def test_everybody_of_the_cast_signs_in(filled: None, settings) -> None:
    browser = identity.Browser(address="127.0.0.1", user_agent="test")
    for person in (OWNER, CASHIER, OPERATOR):
        opened = await identity.sign_in(person.email, person.password, browser=browser, settings=settings, now=NOW)
        session = await identity.session_of(opened.token, settings=settings, now=NOW)
        assert session is not None
        assert session.actor.is_operator == (person is OPERATOR)
        assert session.actor.role == person.role


async def test_codes_of_the_past_open_and_are_found_by_their_hash(filled: None, vault: Vault) -> None:
    row = await DB.row("SELECT id, code_sealed, code_hash FROM vouchers WHERE status = 'in_use' LIMIT 1")
    assert row is not None
    code = vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
    assert row["code_hash"] == vault.code_hash(code)


def test_the_same_rows_come_out_every_time_but_for_what_is_sealed(vault: Vault) -> None:
    past, shop = attempts(now=NOW, days=2), Shop(1, 1, 2000, [1, 2, 3, 4, 5], [1, 2, 3])
    first, second = (History(shop, vault, NOW).write(past) for _ in range(2))
    for table in first:
        assert [_plain(row) for row in first[table]] == [_plain(row) for row in second[table]]


def _plain(row: tuple[object, ...]) -> list[object]:
    return [value for value in row if not isinstance(value, bytes) or len(value) == 32]


def test_somebody_who_bought_twice_is_online_once(vault: Vault) -> None:
    buyer = Buyer("254712345678", "02:00:00:00:00:01")
    bought = [
        Attempt(NOW - timedelta(minutes=ago), buyer, 2, 0, None, timedelta(seconds=8), 0.9, 0.1) for ago in (90, 40)
    ]
    sessions = History(Shop(1, 1, 2000, [1, 2, 3, 4, 5], [1, 2, 3]), vault, NOW).write(bought)["hotspot_sessions"]
    assert [row[8] is None for row in sessions] == [True, False]
