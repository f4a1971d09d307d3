"""Weeks and months: made once when they are over where the merchant is, caught up, sent in time only, and right in figures."""

import csv
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest

from jobs import reports as job
from portal.db import DB
from portal.reports import making, periods
from portal.reports.periods import Kind, span_of
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories
from tests.portal.messages.office import Office
from tests.portal.web import rows

#: Monday the 2nd of November, 04:00 in Nairobi.
MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
FIRST = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def _shop(
    vault: Vault, *, began: datetime = MONDAY - timedelta(days=60), zone: str = "Africa/Nairobi"
) -> tuple[RouterView, int]:
    merchant = await factories.merchant(created_at=began, timezone=zone)
    router = await factories.router(vault, merchant)
    return router, await factories.package(merchant, name="1 day")


async def _made(kind: Kind, now: datetime) -> list[date]:
    """What is due now, made; the first days of what was new."""
    found: list[date] = []
    for wanted in await making.due(kind, now=now):
        if await making.make(wanted, base_url="http://portal.test", now=now):
            found.append(wanted.span.first)
    return found


@pytest.mark.parametrize(
    ("kind", "on", "first", "last"),
    [
        (Kind.WEEK, date(2026, 11, 20), date(2026, 11, 16), date(2026, 11, 22)),
        (Kind.WEEK, date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (Kind.MONTH, date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
        (Kind.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_periods_begin_and_end_as_the_calendar_says(kind: Kind, on: date, first: date, last: date) -> None:
    span = span_of(kind, on)
    assert (span.first, span.last) == (first, last)
    assert span.before.last == first - timedelta(days=1)
    assert span.following.first == last + timedelta(days=1)
    assert span.before.following == span


async def test_a_week_is_due_on_monday_at_four_by_the_merchants_clock(db: str, vault: Vault) -> None:
    await _shop(vault, began=MONDAY - timedelta(days=3))
    assert await making.due(Kind.WEEK, now=MONDAY - SECOND) == []
    assert await _made(Kind.WEEK, MONDAY) == [date(2026, 10, 26)]
    assert await _made(Kind.WEEK, MONDAY + timedelta(days=6)) == []
    assert await _made(Kind.WEEK, MONDAY + timedelta(days=7)) == [date(2026, 11, 2)]


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", "Africa/Nairobi", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]
)
async def test_a_month_is_due_on_its_first_at_four_everywhere(db: str, vault: Vault, zone: str) -> None:
    await _shop(vault, began=datetime(2026, 10, 5, tzinfo=UTC), zone=zone)
    four = datetime(2026, 11, 1, 4, 0, tzinfo=ZoneInfo(zone))
    assert await making.due(Kind.MONTH, now=four.astimezone(UTC) - SECOND) == []
    assert [due.span.first for due in await making.due(Kind.MONTH, now=four.astimezone(UTC))] == [date(2026, 10, 1)]


async def test_what_was_missed_is_made_later_oldest_first_and_only_the_latest_is_told(db: str, vault: Vault) -> None:
    await _shop(vault)
    assert len(await _made(Kind.WEEK, MONDAY)) == 8
    later = MONDAY + timedelta(days=23)  # three Mondays were missed; it is Wednesday
    due = await making.due(Kind.WEEK, now=later)
    assert [(each.span.first, each.is_told) for each in due] == [
        (date(2026, 11, 2), False), (date(2026, 11, 9), False), (date(2026, 11, 16), True),
    ]  # fmt: skip
    late = await making.due(Kind.WEEK, now=MONDAY + timedelta(days=7 + 4))
    assert [each.is_told for each in late] == [False], "on Friday the week before is no news"


async def test_figures_are_what_was_sold_beside_the_period_before(db: str, vault: Vault) -> None:
    router, package = await _shop(vault)
    other = await factories.package(router.merchant_id, name="1 week")
    monday = datetime(2026, 10, 26, 0, 0, tzinfo=ZoneInfo("Africa/Nairobi")).astimezone(UTC)
    await rows.payment(router, package, at=monday, cents=5000, phone="254700000001")
    await rows.payment(
        router, package, at=monday + timedelta(hours=30), cents=5000, phone="254700000001", method="cash"
    )
    await rows.payment(router, other, at=monday + timedelta(days=7) - SECOND, cents=20_000, phone="254700000002")
    await rows.payment(router, other, at=monday - SECOND, cents=10_000, phone="254700000002")  # the week before
    await rows.payment(router, other, at=monday + timedelta(days=7), cents=99_000)  # the week after
    assert await _made(Kind.WEEK, MONDAY) != []
    stored = await DB.value("SELECT data FROM reports WHERE starts_on = '2026-10-26'")
    found = await periods.figures(
        router.merchant_id, span_of(Kind.WEEK, date(2026, 10, 26)), zone=ZoneInfo("Africa/Nairobi"), currency="KES"
    )
    assert (found.cents, found.sold, found.before_cents, found.before_sold) == (30_000, 3, 10_000, 1)
    assert found.by_day_cents == [5000, 5000, 0, 0, 0, 0, 20_000]
    assert found.before_by_day_cents == [0, 0, 0, 0, 0, 0, 10_000]
    assert (found.by_clock_cents[0], found.by_clock_cents[6], found.by_clock_cents[23]) == (5000, 5000, 20_000)
    assert found.by_way_cents == {"mpesa": 25_000, "cash": 5000}
    assert [(line.name, line.sold, line.cents, line.before_cents) for line in found.packages] == [
        ("1 week", 1, 20_000, 10_000), ("1 day", 2, 10_000, 0),
    ]  # fmt: skip
    assert (found.customers, found.new_customers, found.change_percent) == (2, 1, 200)
    assert (found.commission_cents, found.owed_cents) == (6000, 8000 * 4)
    assert '"cents": 30000' in stored


async def test_a_report_stays_as_it_stood(db: str, vault: Vault) -> None:
    router, package = await _shop(vault)
    sale = await rows.payment(router, package, at=MONDAY - timedelta(days=2), cents=5000)
    await _made(Kind.WEEK, MONDAY)
    await DB.fetch("UPDATE payments SET status = 'refunded' WHERE id = $1", sale)
    assert await _made(Kind.WEEK, MONDAY + timedelta(hours=1)) == []
    assert '"cents": 5000' in await DB.value("SELECT data FROM reports WHERE starts_on = '2026-10-26'")


async def test_of_a_period_that_lasts_only_so_much_of_the_one_before_counts(db: str, vault: Vault) -> None:
    router, package = await _shop(vault)
    now = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)  # noon of the tenth
    for at in (now - timedelta(hours=1), datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 10, 10, 12, tzinfo=UTC)):
        await rows.payment(router, package, at=at, cents=1000)
    wanted = making.Due(
        merchant_id=router.merchant_id, shop="", zone="Africa/Nairobi", currency="KES", language="en",
        span=span_of(Kind.MONTH, date(2026, 10, 1)), is_told=False,
    )  # fmt: skip
    await making.make(wanted, base_url="", now=now)
    found = await periods.figures(
        router.merchant_id,
        span_of(Kind.MONTH, date(2026, 11, 10)),
        zone=ZoneInfo("Africa/Nairobi"),
        currency="KES",
        now=now,
    )
    assert (found.cents, found.before_cents, len(found.by_day_cents)) == (1000, 1000, 10)


async def test_the_month_is_sent_once_as_a_mail_with_bars_every_reader_shows(office: Office) -> None:
    router = await factories.router(office.vault, office.merchant_id)
    package = await factories.package(office.merchant_id, name="1 day <b>")
    await office.choose(
        shop_phone="254711000111", shop_email="shop@k.test", shop_chat="42", quiet_from=0, quiet_until=0
    )
    began = datetime(2026, 9, 1, tzinfo=UTC)
    await DB.fetch("UPDATE merchants SET created_at = $1, name = 'Kilimani & Sons'", began)
    for day in range(1, 31):
        await rows.payment(router, package, at=datetime(2026, 10, day, 9, tzinfo=UTC), cents=day * 1000)
    await rows.payment(router, package, at=datetime(2026, 9, 9, tzinfo=UTC), cents=100_000)
    office.clock.shift(FIRST + timedelta(hours=5) - office.clock.now())
    assert (await job.monthly(office.doors)).processed == 2  # September was never made, and is only kept
    assert (await job.monthly(office.doors)).processed == 0
    await office.turn(3)
    [mail] = office.arrived("email")
    assert mail.subject.strip() == "Kilimani & Sons: KES 4,650, 365% more than the month before (October 2026)"
    report_id = await DB.value("SELECT id FROM reports WHERE starts_on = '2026-10-01'")
    assert f"/reports/{report_id}" in mail.text
    for words in ("KES 4,650", "30 Oct: KES 300", "Commission: KES 930", "October 2026"):
        assert words in mail.text.replace("\xa0", " "), words
    assert office.arrived("sms") == [], "an SMS costs, and the mail has arrived"
    [short] = office.arrived("telegram")
    assert short.text == "Kilimani & Sons, October 2026: KES 4,650 (30 sold), 365% more than the month before."


async def test_the_months_figures_go_with_the_mail_as_a_file_that_adds_up(office: Office) -> None:
    router = await factories.router(office.vault, office.merchant_id, name="=HYPERLINK(1)")
    package = await factories.package(office.merchant_id, name="1 day, kila siku")
    await office.choose(shop_email="shop@k.test", shop_chat="42", quiet_from=0, quiet_until=0)
    await DB.fetch("UPDATE merchants SET created_at = $1", datetime(2026, 10, 1, tzinfo=UTC))
    for day in range(1, 31):
        await rows.payment(router, package, at=datetime(2026, 10, day, 9, tzinfo=UTC), cents=day * 1000 + 50)
    office.clock.shift(FIRST + timedelta(hours=5) - office.clock.now())
    await job.monthly(office.doors)
    await office.turn(3)
    [raw] = office.mail.raw
    [file] = message_from_bytes(raw, policy=policy.default).iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("vocha-month-2026-10-01.csv", "text/csv")
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    lines = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert lines[0] == ["of", "name", "amount KES", "count", "bytes"]
    days = [line for line in lines if line[0] == "day"]
    assert (len(days), days[29][1:3]) == (31, ["2026-10-30", "300.5"])
    assert sum(float(line[2]) for line in days) == 4665.0
    assert ["sum", "takings", "4665.0", "", ""] in lines
    assert ["package", "1 day, kila siku", "4665.0", "30", ""] in lines
    assert "'=HYPERLINK(1)" in [line[1] for line in lines if line[0] == "router"], "nothing a spreadsheet would run"
    files = await DB.fetch(
        "SELECT DISTINCT channel FROM messages WHERE file_text IS NOT NULL AND parent_id IS NOT NULL"
    )
    assert [row["channel"] for row in files] == ["email"]


async def test_the_mails_page_is_plain_tables_and_escapes_names(office: Office) -> None:
    router = await factories.router(office.vault, office.merchant_id, name="<i>roof</i>")
    package = await factories.package(office.merchant_id, name="1 day <b>")
    await office.choose(shop_email="shop@k.test")
    await DB.fetch("UPDATE merchants SET created_at = $1", MONDAY - timedelta(days=5))
    await rows.payment(router, package, at=MONDAY - timedelta(days=1), cents=5000)
    office.clock.shift(MONDAY - office.clock.now())
    assert (await job.weekly(office.doors)).processed == 1
    html = await DB.value("SELECT html FROM messages WHERE kind = 'shop_week'")
    assert "1 day &lt;b&gt;" in html
    assert "&lt;i&gt;roof&lt;/i&gt;" in html
    for never in ("<svg", "<img", "<script", "data:", "<b>&lt;", "<i>"):
        assert never not in html, never
    assert 'bgcolor="#0b6b4f"' in html


@pytest.mark.parametrize(("sold", "chosen"), [(False, True), (True, False)])
async def test_who_sold_nothing_or_chose_not_to_hear_is_not_written_to(
    office: Office, sold: bool, chosen: bool
) -> None:
    await DB.fetch("UPDATE merchants SET created_at = $1", MONDAY - timedelta(days=5))
    if sold:
        router = await factories.router(office.vault, office.merchant_id)
        await rows.payment(router, await factories.package(office.merchant_id), at=MONDAY - timedelta(days=1))
    await DB.fetch("INSERT INTO report_choices (merchant_id, weekly) VALUES ($1, $2)", office.merchant_id, chosen)
    office.clock.shift(MONDAY - office.clock.now())
    assert (await job.weekly(office.doors)).processed == 1
    assert await DB.value("SELECT count(*) FROM reports") == 1, "it is kept all the same"
    assert await DB.value("SELECT count(*) FROM messages") == 0


async def test_without_mail_and_telegram_a_week_is_one_sms(office: Office) -> None:
    router = await factories.router(office.vault, office.merchant_id)
    await rows.payment(router, await factories.package(office.merchant_id), at=MONDAY - timedelta(days=1))
    await office.choose(shop_phone="254711000111")
    await DB.fetch("UPDATE merchants SET created_at = $1, language = 'sw'", MONDAY - timedelta(days=5))
    office.clock.shift(MONDAY - office.clock.now())
    await job.weekly(office.doors)
    assert await DB.value("SELECT array_agg(channel || language) FROM messages") == ["smssw"]


async def test_one_merchants_trouble_is_not_the_others(office: Office) -> None:
    other = await factories.merchant("Other", created_at=MONDAY - timedelta(days=5))
    await DB.fetch("UPDATE merchants SET created_at = $1", MONDAY - timedelta(days=5))
    # A row that no code of ours writes, and that no calendar can read.
    await DB.fetch(
        "INSERT INTO hour_marks (merchant_id, zone, counted_at, checked_at) VALUES ($1, 'Africa/Nairobi', 'infinity', 'infinity')",
        office.merchant_id,
    )
    office.clock.shift(MONDAY - office.clock.now())
    tally = await job.weekly(office.doors)
    assert (tally.processed, tally.failed) == (1, 1)
    assert await DB.value("SELECT merchant_id FROM reports") == other
