"""Plain sentences about packages, in both languages, and what is told of packages that are probably a mistake."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from portal import package_words, packages
from portal.hours import Hours
from portal.i18n import language
from portal.packages import Draft
from portal.packages import doubts as advising
from portal.packages.drafts import read
from portal.terms import Terms

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAIROBI = ZoneInfo("Africa/Nairobi")
EN, SW = language("en"), language("sw")
FORM = {"name": "3 hours", "price": "25", "length": "3", "length_unit": "hour", "devices": "1", "clock": "first_use"}


def draft(**fields: object) -> Draft:
    lists = {name: value for name, value in fields.items() if isinstance(value, list)}
    texts = {name: str(value) for name, value in fields.items() if not isinstance(value, list)}
    return read({**FORM, **texts}, lists, zone=NAIROBI)


def promise(*, code: str = "en", **fields: object) -> str:
    found = draft(**fields)
    said = package_words.promise(found.terms, found.price_cents, "KES", language(code))
    return " ".join(said).replace("\u00a0", " ")


def small(**fields: object) -> str:
    return " ".join(package_words.small_print(draft(**fields), ["Main shop"], "KES", EN, zone=NAIROBI)).replace(
        "\u00a0", " "
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"down": "5", "purchase_days": "30"},
            "For KES 25, one device is online for 3 hours from its first minute. Its speed is up to 5 Mbps. If it is not used"
            " within 30 days after payment, it ends.",
        ),
        (
            {"devices": "2", "clock": "purchase", "length_unit": "day", "length": "7", "purchase_days": "30"},
            "For KES 25, 2 devices are online together for 7 days from the payment, used or not. It is as fast as the line.",
        ),
        (
            {"price": "0", "down": "1", "up": "0.5", "purchase_days": "30"},
            "For nothing, one device is online for 3 hours from its first minute. Its speed is up to 1 Mbps for downloads and"
            " 500 kbps for uploads.",
        ),
        (
            {
                "down": "5",
                "burst_down": "10",
                "uptime": "90",
                "uptime_unit": "minute",
                "data": "1.5",
                "data_unit": "GB",
            },
            "For KES 25, one device is online for 3 hours from its first minute. Its speed is up to 5 Mbps. After a pause it is"
            " faster for about 4 seconds, up to 10 Mbps. Of that time it may be online for 1 hour 30 minutes in all. It ends"
            " earlier when 1.5 GB of data are used.",
        ),
        (
            {"purchase_days": "1", "use_from": "22:00", "use_until": "06:00", "use_day": ["4", "5"]},
            "For KES 25, one device is online for 3 hours from its first minute. It is as fast as the line. If it is not used"
            " within 1 day after payment, it ends. Hours of use: Friday and Saturday, 22:00\u201306:00. It ends when they end.",
        ),
    ],
)
def test_what_customers_get_is_said_in_plain_words(fields: dict[str, object], expected: str) -> None:
    assert promise(**fields) == expected


def test_what_the_merchant_should_know_is_said_besides() -> None:
    said = small(
        sell_from="13:00", sell_until="16:00", sell_day=["0", "1", "2", "3", "4"], where="some", routers=["1"], promo="20",
        promo_from="2026-12-01T08:00", promo_until="2026-12-05T00:00", activation_days="1",
    )  # fmt: skip
    assert said == (
        "Hours of sale: Monday to Friday, 13:00\u201316:00. Sold only at: Main shop. From 1 Dec, 08:00 until 4 Dec, 24:00 it"
        " costs KES 20. Printed vouchers nobody has paid for end 1 day after they were made."
    )
    assert (
        small(price="0", trials_a_day="20")
        == "Each device gets it once a day; each router gives it 20 times a day at most."
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0b1111111, "every day"), (0b0011111, "Monday to Friday"), (0b1100000, "Saturday and Sunday"), (0b0000001, "Monday"),
     (0b1010101, "Monday, Wednesday, Friday and Sunday")],
)  # fmt: skip
def test_days_are_said_as_people_do(days: int, expected: str) -> None:
    assert package_words.hours(Hours(days=days), EN) == expected


def test_swahili_has_every_sentence_and_its_own_plurals() -> None:
    fields: dict[str, str] = {
        "down": "5", "up": "2", "burst_down": "10", "uptime": "1", "uptime_unit": "hour", "data": "1", "data_unit": "GB",
        "purchase_days": "30", "use_from": "22:00", "use_until": "06:00",
    }  # fmt: skip
    english, swahili = promise(**fields), promise(code="sw", **fields)
    for sentence in english.split(". "):
        assert sentence not in swahili, sentence
    one, two = promise(code="sw", devices="1"), promise(code="sw", devices="2")
    assert "kifaa" in one
    assert "vifaa" in two
    assert "saa 3" in one


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"uptime": "3", "uptime_unit": "hour"}, advising.UPTIME_LONGER),
        ({"data": "1", "data_unit": "MB"}, advising.LITTLE_DATA),
        ({"price": "1"}, advising.SMALL_PRICE),
        ({"price": "300000"}, advising.LARGE_PRICE),
        ({"down": "0.1"}, advising.SLOW),
        ({"price": "0", "down": "1"}, advising.FREE_LONG),
        ({"price": "0", "length": "10", "length_unit": "minute"}, advising.FREE_UNLIMITED),
        ({"down": "5", "burst_down": "20", "burst_time": "2"}, advising.BURST_SHORT),
        ({"use_from": "22:00", "use_until": "23:00"}, advising.HOURS_SHORT),
        ({"use_from": "22:00", "use_until": "06:00", "sell_from": "08:00", "sell_until": "20:00"}, advising.NEVER_SOLD),
        ({"promo": "20", "promo_until": "2026-11-01T00:00"}, advising.PROMO_OVER),
    ],
)
def test_what_is_probably_a_mistake_is_told(fields: dict[str, object], told: str) -> None:
    assert told in packages.advice(draft(**fields), now=NOW)


def test_of_an_ordinary_package_nothing_is_told() -> None:
    for fields in (
        {"down": "5"},
        {"price": "0", "length": "15", "length_unit": "minute", "down": "1"},
        {"data": "2", "data_unit": "GB"},
    ):
        assert packages.advice(draft(**fields), now=NOW) == []


def test_a_name_that_is_its_length_is_said_in_the_language_of_the_page() -> None:
    terms = Terms(name="1 day", duration_s=86_400)
    assert package_words.words.package_title(terms, SW).replace("\u00a0", " ") == "Siku 1"
    assert package_words.words.package_title(msgspec.structs.replace(terms, name_sw="Kutwa"), SW) == "Kutwa"
