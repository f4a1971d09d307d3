"""Every table says how long its rows are kept; what is cleaned by age goes, and what money, a sum or an open case needs stays."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from portal import upkeep_logs, upkeep_reports
from portal.clock import Clock
from portal.db import DB
from portal.reports import hours
from portal.upkeep_tables import ELSEWHERE, KEPT, LOGS
from portal.vault import Vault
from tests import factories
from tests.emptying import empty
from tests.portal.reports.test_hours import Shop

DOCS = Path(__file__).parents[2] / "docs" / "backups.md"


async def _clean(clock: Clock, **days: int) -> dict[str, int]:
    done = await upkeep_logs.clean(now=clock.now(), days=days, budget_s=60)
    assert (done.failed, done.is_whole) == ({}, True)
    return done.gone


async def _row(table: str, **columns: object) -> int:
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return await DB.value(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) RETURNING id", *columns.values()
    )


async def _ids(table: str) -> list[int]:
    return [row["id"] for row in await DB.fetch(f"SELECT id FROM {table} ORDER BY id")]


async def test_every_table_says_how_long_its_rows_are_kept(db: str) -> None:
    """Your table is named here? Give it a row in portal/upkeep_tables.py, and one in docs/backups.md if it is cleaned by age."""
    found = {
        row[0]
        for row in await DB.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    }
    told: Sequence[set[str]] = (set(LOGS), set(ELSEWHERE), set(KEPT))
    assert found - set.union(*told) == set(), "no retention is told for these"
    assert set.union(*told) - found == set(), "there are no such tables"
    assert sum(map(len, told)) == len(set.union(*told)), "told twice"


def test_the_papers_tell_the_same_days() -> None:
    told = {
        table: (int(days), int(least))
        for names, days, least in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d+) \| (\d+) \|", DOCS.read_text(), re.M)
        for table in re.findall(r"`(\w+)`", names)
    }
    assert told == {each.table: (each.days, each.least) for each in LOGS.values()}


async def test_questions_of_mpesa_go_after_half_a_year(db: str, clock: Clock, vault: Vault) -> None:
    account = await factories.mpesa_account(vault)
    for days in (181, 179):
        at = clock.now() - timedelta(days=days)
        await _row("c2b_questions", account_id=account, receipt="R", typed="", answer="0", why="known", asked_at=at)
    assert await _clean(clock) == {"c2b_questions": 1}


async def test_the_queues_own_history_goes_after_a_week(db: str, clock: Clock) -> None:
    for days in (8, 6):
        await DB.fetch(
            "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES ($1, 1, 'successful', 0, 'x')",
            clock.now() - timedelta(days=days),
        )
    before = await DB.value("SELECT count(*) FROM pgqueuer_log")
    assert (await _clean(clock))["pgqueuer_log"] == 1
    assert await DB.value("SELECT count(*) FROM pgqueuer_log") == before - 1
    await DB.fetch("DELETE FROM pgqueuer_log")


async def _comparison(
    account: int, at: datetime, *, source: str = "pull", status: str = "done", taken: str | None = None
) -> int:
    comparison = await _row(
        "comparisons", account_id=account, source=source, why="nightly", asked_by="x", status=status, created_at=at,
        file_hash=f"{source}{status}{taken}{at}",
    )  # fmt: skip
    return await _row(
        "comparison_lines", comparison_id=comparison, number=1, receipt=f"R{comparison}", kind="in", amount_cents=100,
        happened_at=at, verdict="matched", taken=taken,
    )  # fmt: skip


async def test_only_finished_rows_of_pull_go_and_every_comparison_stays(db: str, clock: Clock, vault: Vault) -> None:
    account = await factories.mpesa_account(vault)
    old, young = (clock.now() - timedelta(days=days) for days in (401, 399))
    gone = await _comparison(account, old)
    kept = [
        await _comparison(account, young),
        await _comparison(account, old, source="statement"),
        await _comparison(account, old, status="running"),
        await _comparison(account, old, taken="error"),
    ]
    assert await _clean(clock) == {"comparison_lines": 1}
    assert await _ids("comparison_lines") == kept
    assert gone not in kept
    assert await DB.value("SELECT count(*) FROM comparisons") == 5


async def test_reminders_go_when_the_end_they_told_of_is_long_past(db: str, clock: Clock, vault: Vault) -> None:
    merchant = await factories.merchant()
    package = await factories.package(merchant)
    voucher = await factories.voucher(vault, merchant, package)
    for days in (91, 89):
        end = clock.now() - timedelta(days=days)
        await _row("reminders", merchant_id=merchant, voucher_id=voucher, kind="hour", for_end=end, created_at=end)
    assert await _clean(clock) == {"reminders": 1}


async def test_a_question_about_a_transfer_stays_and_so_does_its_address(db: str, clock: Clock, vault: Vault) -> None:
    account, old = await factories.mpesa_account(vault), clock.now() - timedelta(days=401)
    asked = [
        await _row(
            "mpesa_enquiries", account_id=account, kind="balance", asked_by="x", created_at=old, answered_at=answered,
            next_try_at=old,
        )
        for answered in (old, old, None)
    ]  # fmt: skip
    for enquiry in asked:
        await _row(
            "callback_addresses", account_id=account, token=f"{enquiry:064d}", road="result", kind="balance",
            request_id=enquiry, created_at=old,
        )  # fmt: skip
    await _row("callback_addresses", account_id=account, token="c" * 64, road="c2b", created_at=old)
    merchant = await factories.merchant()
    receipt = await _row("receipts", merchant_id=merchant, account_id=account, receipt="QAB1CD2EF3", amount_cents=100)
    refund = await _row("refunds", merchant_id=merchant, receipt_id=receipt, amount_cents=100, scope="whole")
    await _row(
        "transfers", account_id=account, kind="b2c", our_id="x", phone="254700000000", amount_cents=100, refund_id=refund,
        enquiry_id=asked[1],
    )  # fmt: skip
    assert await _clean(clock) == {"mpesa_enquiries": 1, "callback_addresses": 1}
    assert await _ids("mpesa_enquiries") == asked[1:]
    assert await DB.value("SELECT count(*) FROM callback_addresses WHERE road = 'c2b'") == 1
    await empty("transfers", "refunds", "receipts")  # no money came for them


async def test_a_table_that_cannot_be_cleaned_stops_no_other(db: str, clock: Clock, vault: Vault) -> None:
    account, old = await factories.mpesa_account(vault), clock.now() - timedelta(days=800)
    for table in ("c2b_questions", "mornings"):
        columns = {"asked_at": old, "account_id": account, "answer": "0", "why": "known"} if table == "c2b_questions" else {
            "merchant_id": await factories.merchant(), "day": date(2024, 1, 1), "created_at": old,
        }  # fmt: skip
        await _row(table, **columns)
    await DB.fetch("CREATE RULE stuck AS ON DELETE TO c2b_questions DO INSTEAD SELECT 1/0")
    try:
        done = await upkeep_logs.clean(now=clock.now(), days={}, budget_s=60)
    finally:
        await DB.fetch("DROP RULE stuck ON c2b_questions")
    assert done.gone == {"mornings": 1}
    assert list(done.failed) == ["c2b_questions"]
    assert await DB.value("SELECT is_good FROM maintenance_reports") is False
    kept = await upkeep_reports.last(upkeep_reports.LogsReport)
    assert kept is not None
    assert kept.report == done


NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)


@pytest.fixture
async def shop(db: str, vault: Vault) -> Shop:
    """A shop with a session of two years ago and one of last week."""
    merchant = await factories.merchant(timezone="Africa/Nairobi")
    router = await factories.router(vault, merchant)
    shop = Shop(vault, router, await factories.package(merchant), "Africa/Nairobi")
    for days in (700, 7):
        await shop.session(NOW - timedelta(days=days), uptime_s=5400, up=1000, down=2000)
    return shop


async def test_sessions_go_only_when_their_hours_are_counted_and_the_sums_stay(shop: Shop) -> None:
    clock = Clock()
    clock.shift(NOW - clock.now())
    assert "hotspot_sessions" not in await _clean(clock)
    await shop.count()
    before = await shop.usage()
    assert len(before) >= 4
    assert (await _clean(clock))["hotspot_sessions"] == 1
    await shop.count(NOW + timedelta(days=1))
    assert await shop.usage() == before


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Kathmandu"])
async def test_a_new_zone_counts_nothing_anew_whose_sessions_are_gone(shop: Shop, zone: str) -> None:
    clock = Clock()
    clock.shift(NOW - clock.now())
    await shop.count()
    before = await shop.usage()
    await _clean(clock)
    await DB.fetch("UPDATE merchants SET timezone = $1", zone)
    await shop.count(NOW + timedelta(hours=1))
    after = await shop.usage()
    mark = await hours.mark_of(shop.merchant_id)
    assert mark is not None
    since = hours.hour_of(NOW - timedelta(days=400), "Africa/Nairobi")
    assert (mark.zone, mark.usage_from) == (zone, since)
    old = {hour: sums for hour, sums in before.items() if hour < since}
    assert old
    assert {hour: sums for hour, sums in after.items() if hour < since} == old
    assert sum(sums[1] for sums in after.values()) == sum(sums[1] for sums in before.values())


async def test_a_session_that_never_ended_wipes_no_sums_that_cannot_be_counted_anew(shop: Shop) -> None:
    """A look counts anew from the beginning of the oldest session that goes on: years, of which the others' are gone."""
    clock = Clock()
    clock.shift(NOW - clock.now())
    await shop.session(NOW - timedelta(days=710), uptime_s=100, up=1, down=1, is_over=False)
    await shop.count()
    before = await shop.usage()
    await _clean(clock)
    await DB.fetch("UPDATE hotspot_sessions SET seen_at = $1 WHERE ended_at IS NULL", NOW)
    await shop.count(NOW + timedelta(minutes=20))
    assert await shop.usage() == before
