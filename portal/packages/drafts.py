"""A package as a merchant typed it, understood: every field of the form, or a sentence about each that is wrong. Pure.

Days and hours are the merchant's. RouterOS's rules of bursts hold here already (MikroTik manual, Queues: Burst): a burst is faster
than the speed, and the average that ends it lies between nothing and the speed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from portal.errors import Invalid
from portal.hours import Hours
from portal.msgid import N_
from portal.packages.reading import Reader
from portal.terms import Terms

TIME_UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
DATA_UNITS = {"MB": 1024**2, "GB": 1024**3}
CLOCKS = ("first_use", "purchase")
MOST_CENTS = 100_000_000
MOST_BYTES = 1024**5
MOST_TRIALS = 100_000
_TEN_YEARS_S = 3650 * 86_400
_MOST_NAME, _MOST_DESCRIPTION = 60, 200

NAME_IT = N_("Write a name, for example 3 hours.")
NAME_TOO_LONG = N_("Keep the name under 60 letters.")
NO_CONTROL = N_("Take out what cannot be printed.")
PRICE_IT = N_("Write the price in whole shillings; 0 for a free trial.")
HOW_LONG = N_("Write how long it lasts, for example 3 hours.")
DEVICES = N_("Write how many devices may be online at once, from 1 to 100.")
DAYS = N_("Write a number of days from 1 to 3,650, or leave it empty.")
WHICH_CLOCK = N_("Choose when the time begins.")
SPEED_FIRST = N_("Write the speed first: a burst is above it.")
BURST_ABOVE = N_("The burst must be faster than the speed.")
THRESHOLD = N_("The average must not be above the speed, or the burst never ends.")
BURST_TIME = N_("Write a number of seconds from 1 to 600.")
BURST_MISSING = N_("This counts with a burst only. Write the burst speed, or leave this empty.")
FROM_FIRST_USE = N_("With hours of use, let the time begin with the first use: who buys before them would lose time.")
PROMO_BELOW = N_("The promo price must be at least 1 shilling and below the price.")
PROMO_UNTIL = N_("Write when the promo price ends.")
ENDS_FIRST = N_("It ends before it begins.")
WHICH_ROUTERS = N_("Tick at least one of your routers.")
TRIALS = N_("Write how many a router gives out in a day, from 1 to 100,000.")
DESCRIPTION_TOO_LONG = N_("Keep the description under 200 letters.")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A package as typed. `router_ids` empty: all routers; `promo_from` None: at once; price 0: a free trial."""

    price_cents: int
    terms: Terms
    description: str
    sell_hours: Hours
    router_ids: Sequence[int]
    promo_cents: int | None
    promo_from: datetime | None
    promo_until: datetime | None
    trials_a_day: int


def read(form: Mapping[str, str], lists: Mapping[str, Sequence[str]], *, zone: ZoneInfo) -> Draft:
    """What was typed and ticked, understood; Invalid with a sentence per field. `lists`: routers, sell_day, use_day."""
    reader = Reader(form, lists)
    price = reader.price("price", most=MOST_CENTS)
    if price is None:
        reader.refuse("price", PRICE_IT)
    terms = _terms(reader, zone)
    begins, ends = reader.clocks("sell_from", "sell_until")
    sell_hours = Hours(days=reader.days("sell_day"), from_min=begins, until_min=ends)
    promo_cents, promo_from, promo_until = _promo(reader, price, zone)
    router_ids = _routers(reader)
    trials = reader.count("trials_a_day", least=1, most=MOST_TRIALS, sentence=TRIALS)
    description = " ".join(reader.text("description").split())
    if len(description) > _MOST_DESCRIPTION:
        reader.refuse("description", DESCRIPTION_TOO_LONG)
    if reader.wrong:
        raise Invalid(reader.wrong)
    return Draft(
        price_cents=price or 0, terms=terms, description=description, sell_hours=sell_hours, router_ids=router_ids,
        promo_cents=promo_cents, promo_from=promo_from, promo_until=promo_until, trials_a_day=trials or 50,
    )  # fmt: skip


def _terms(reader: Reader, zone: ZoneInfo) -> Terms:
    duration_s = reader.length("length", TIME_UNITS, most_s=_TEN_YEARS_S)
    if duration_s is None:
        reader.refuse("length", HOW_LONG)
    clock = reader.text("clock")
    if clock not in CLOCKS:
        reader.refuse("clock", WHICH_CLOCK)
    begins, ends = reader.clocks("use_from", "use_until")
    use_hours = Hours(days=reader.days("use_day"), from_min=begins, until_min=ends)
    if not use_hours.is_always and clock == "purchase":
        reader.refuse("clock", FROM_FIRST_USE)
    unused = reader.count("purchase_days", least=1, most=3650, sentence=DAYS)
    devices = reader.count("devices", least=1, most=100, sentence=DEVICES)
    if devices is None:
        reader.refuse("devices", DEVICES)
    return Terms(
        name=_name(reader, "name", NAME_IT), name_en=_name(reader, "name_en"), name_sw=_name(reader, "name_sw"),
        duration_s=duration_s or 1, uptime_s=reader.length("uptime", TIME_UNITS, most_s=_TEN_YEARS_S),
        data_bytes=reader.size("data", DATA_UNITS, most=MOST_BYTES), devices=devices or 1,
        clock_from=clock, activation_days=reader.count("activation_days", least=1, most=3650, sentence=DAYS),
        purchase_days=unused if clock == "first_use" else None,
        use_days=use_hours.days, use_from_min=use_hours.from_min, use_until_min=use_hours.until_min,
        zone="" if use_hours.is_always else zone.key, **_speeds(reader),
    )  # fmt: skip


def _name(reader: Reader, name: str, missing: str = "") -> str:
    text = " ".join(reader.text(name).split())
    if not text and missing:
        reader.refuse(name, missing)
    if len(text) > _MOST_NAME:
        reader.refuse(name, NAME_TOO_LONG)
    if any(ord(letter) < 32 or letter in _STEERING for letter in text):
        reader.refuse(name, NO_CONTROL)
    return text


#: Marks that turn the direction of what stands beside them (Unicode, Bidirectional Algorithm); names are isolated on pages instead.
_STEERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u007f"


def _speeds(reader: Reader) -> dict[str, int | None]:
    """Speed and burst of both directions. One direction alone stands for both."""
    speeds = {f"rate_{way}_kbps": reader.speed(way) for way in ("down", "up")}
    seconds = reader.count("burst_time", least=1, most=600, sentence=BURST_TIME)
    for way, other in (("down", "up"), ("up", "down")):
        rate = speeds[f"rate_{way}_kbps"] or speeds[f"rate_{other}_kbps"]
        burst, threshold = reader.speed(f"burst_{way}"), reader.speed(f"threshold_{way}")
        speeds |= {f"burst_{way}_kbps": burst, f"threshold_{way}_kbps": threshold}
        if burst is None:
            if threshold is not None and not reader.text(f"burst_{way}"):
                reader.refuse(f"threshold_{way}", BURST_MISSING)
        elif rate is None:
            reader.refuse(f"burst_{way}", SPEED_FIRST)
        elif burst <= rate:
            reader.refuse(f"burst_{way}", BURST_ABOVE)
        elif threshold is not None and threshold > rate:
            reader.refuse(f"threshold_{way}", THRESHOLD)
    has_burst = any(speeds[f"burst_{way}_kbps"] for way in ("down", "up"))
    return speeds | {"burst_time_s": (seconds or 8) if has_burst else None}


def _promo(reader: Reader, price: int | None, zone: ZoneInfo) -> tuple[int | None, datetime | None, datetime | None]:
    cents = reader.price("promo", most=MOST_CENTS)
    begins, ends = reader.moment("promo_from", zone), reader.moment("promo_until", zone)
    if cents is None:
        return None, None, None
    if price is not None and not 100 <= cents < price:
        reader.refuse("promo", PROMO_BELOW)
    if ends is None:
        reader.refuse("promo_until", PROMO_UNTIL)
    elif begins is not None and ends <= begins:
        reader.refuse("promo_until", ENDS_FIRST)
    return cents, begins, ends


def _routers(reader: Reader) -> list[int]:
    if reader.text("where") != "some":
        return []
    ids = [
        int(each) for each in reader.lists.get("routers", ()) if each.isascii() and each.isdigit() and len(each) < 19
    ]
    if not ids:
        reader.refuse("routers", WHICH_ROUTERS)
    return sorted(set(ids))
