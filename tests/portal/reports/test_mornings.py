"""The morning's message: in the morning only, once, with what needs a look, short where it costs."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs import reports as job
from portal import gsm7
from portal.db import DB
from portal.drift import Kind as Leak
from portal.i18n import language
from portal.reports import mornings
from portal.reports.mornings import Away, Low, Seen
from tests import factories
from tests.portal.messages.office import Office
from tests.portal.web import rows

#: Friday the 20th of November, 08:00 in Nairobi.
EIGHT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def _sold(office: Office, *, at: datetime, cents: int = 5000) -> None:
    router = await factories.router(office.vault, office.merchant_id, name=f"R{at:%d%H}")
    await rows.payment(router, await factories.package(office.merchant_id), at=at, cents=cents)


async def _at(office: Office, moment: datetime) -> int:
    office.clock.shift(moment - office.clock.now())
    return (await job.morning(office.doors)).processed


async def _bodies(office: Office, channel: str) -> list[str]:
    await office.turn(3)
    return [letter.text for letter in office.arrived(channel)]


async def test_it_is_told_at_the_chosen_minute_and_once(office: Office) -> None:
    await _sold(office, at=EIGHT - timedelta(hours=20))
    await office.choose(shop_phone="254711000111")
    assert await _at(office, EIGHT - 2 * SECOND) == 0
    assert await _at(office, EIGHT) == 1
    assert await _at(office, EIGHT + timedelta(minutes=5)) == 0
    assert await _bodies(office, "sms") == ["Kilimani Corner, Thursday: KES 50 (1 sold)."]


async def test_after_downtime_it_is_told_before_noon_and_never_in_the_evening(office: Office) -> None:
    await _sold(office, at=EIGHT - timedelta(hours=20))
    await _sold(office, at=EIGHT + timedelta(hours=20) - timedelta(hours=10))
    assert await _at(office, EIGHT + timedelta(hours=4)) == 0
    assert await _at(office, EIGHT + timedelta(hours=11)) == 0
    assert await DB.value("SELECT count(*) FROM mornings") == 0
    assert await _at(office, EIGHT + timedelta(days=1, hours=3, minutes=59)) == 1
    assert await DB.value("SELECT not_after FROM messages") == EIGHT + timedelta(days=1, hours=4)


async def test_the_time_is_the_merchants_own(office: Office) -> None:
    await _sold(office, at=EIGHT - timedelta(hours=20))
    await DB.fetch("UPDATE merchants SET timezone = 'Asia/Kathmandu'")
    await DB.fetch("INSERT INTO report_choices (merchant_id, morning_at) VALUES ($1, 390)", office.merchant_id)
    half_past_six = datetime(2026, 11, 20, 0, 45, tzinfo=UTC)
    assert await _at(office, half_past_six - 2 * SECOND) == 0
    assert await _at(office, half_past_six) == 1


async def test_who_opted_out_or_has_nothing_to_hear_gets_none(office: Office) -> None:
    assert await _at(office, EIGHT) == 0
    assert await DB.value("SELECT is_told FROM mornings") is False, "looked at once, and left in peace"
    await DB.fetch("TRUNCATE mornings")
    await _sold(office, at=EIGHT - timedelta(hours=20))
    await DB.fetch("INSERT INTO report_choices (merchant_id, morning) VALUES ($1, false)", office.merchant_id)
    assert await _at(office, EIGHT) == 0
    assert await DB.value("SELECT count(*) FROM messages") == 0


async def test_it_names_dead_routers_leaks_and_low_stock(office: Office) -> None:
    await office.choose(shop_email="shop@k.test", shop_chat="42", shop_phone="254711000111")
    await _sold(office, at=EIGHT - timedelta(hours=20), cents=6000)
    await _sold(office, at=EIGHT - timedelta(days=7, hours=20), cents=5000)
    dead = await factories.router(
        office.vault, office.merchant_id, name="Roof", status="offline", offline_since=EIGHT - timedelta(hours=3)
    )
    found = json.dumps([{"kind": Leak.FREE.value, "who": "vocha-1", "at_stake_cents": 5000},
                        {"kind": Leak.SURPLUS.value, "who": "vocha-2", "at_stake_cents": 5000}])  # fmt: skip
    await DB.fetch(
        """INSERT INTO drift_looks (merchant_id, router_id, wish, target, asked_by, asked_at, done_at, error, before, after)
           VALUES ($1, $2, 'look', '{}', 'job', $3, $3, '', $4::jsonb, $4::jsonb)""",
        office.merchant_id, dead.id, EIGHT, found,
    )  # fmt: skip
    await _stock(office, unsold=2, sold=5)
    assert await _at(office, EIGHT) == 1
    notes = "Router Roof is away (3 h). 1 device is online without paying. Day pass: only 2 vouchers left."
    assert await _bodies(office, "sms") == [
        "Kilimani Corner, Thursday: KES 60 (1 sold), 20% more than the Thursday before. Router Roof is away (3 h). "
        "1 device is online without paying. And 1 more."
    ]
    assert [text.split("\n")[1:] for text in [one.text for one in office.arrived("telegram")]] == [
        notes.replace(". ", ".\n").split("\n")
    ]
    [mail] = office.arrived("email")
    for words in ("20% more than the Thursday before", "Router Roof is away (3 h).", "only 2 vouchers left", "/home"):
        assert words in mail.text, words


async def _stock(office: Office, *, unsold: int, sold: int) -> None:
    package = await factories.package(office.merchant_id, name="Day pass")
    batch = await DB.value(
        "INSERT INTO batches (merchant_id, package_id, size, done_at) VALUES ($1, $2, 9, now()) RETURNING id",
        office.merchant_id,
        package,
    )
    for n in range(unsold + sold):
        status = "unsold" if n < unsold else "expired"
        paid = None if n < unsold else EIGHT - timedelta(days=2)
        await factories.voucher(office.vault, office.merchant_id, package, status=status, batch_id=batch, paid_at=paid)


@pytest.mark.parametrize(("unsold", "sold", "is_low"), [(2, 5, True), (3, 7, False), (0, 1, True), (0, 0, False)])
async def test_stock_is_low_when_it_lasts_less_than_three_days(
    office: Office,
    unsold: int,
    sold: int,
    is_low: bool,
) -> None:
    await _stock(office, unsold=unsold, sold=sold)
    [wanted] = await mornings.due(now=EIGHT)
    seen = await mornings.look(wanted, now=EIGHT)
    assert seen.low == ([Low("Day pass", unsold)] if is_low else [])


@pytest.mark.parametrize("code", ["en", "sw"])
def test_an_sms_stays_one_sms_however_much_there_is_to_say(code: str) -> None:
    spoken = language(code)
    seen = Seen(
        day=date(2026, 11, 19), cents=1_234_500, sold=321, before_cents=900_000, leaks=12,
        away=[Away(f"Router number {n}", EIGHT - timedelta(hours=n)) for n in range(9)], low=[Low("Weekly bundle", 3)],
    )  # fmt: skip
    params: dict[str, object] = {"day": spoken.weekday(seen.day), "amount": "KES 12,345", "sold": 321, "compared": ""}
    notes = mornings.notes_of(seen, spoken, now=EIGHT)
    assert len(notes) == 11
    text = mornings.short(notes, params, shop="Kilimani Corner", spoken=spoken)
    whole = mornings.fill(
        mornings.ours(mornings.Told.SHOP_MORNING, code), {"shop": "Kilimani Corner"} | params | {"notes": text}
    )
    assert gsm7.measure(gsm7.fold(whole)).parts == 1
    assert text.startswith(f" {notes[0]}")


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [(120, 100, "20% more than the Thursday before"), (50, 100, "50% less than the Thursday before"),
     (100, 100, "as much as the Thursday before"), (100, 0, "")],
)  # fmt: skip
def test_it_is_compared_with_the_same_weekday(now: int, before: int, words: str) -> None:
    seen = Seen(day=date(2026, 11, 19), cents=now, sold=1, before_cents=before)
    assert mornings.compared(seen, language("en")) == words
