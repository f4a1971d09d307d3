"""The demo shop's packages beside the plain ones: a free trial, a happy hour, a night pass, hours to use up, and a promo price.

Written as the owner would: by the form's own reading, so that the demo shows nothing a form could not make."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.db import Tx
from portal.demo.cast import TIMEZONE
from portal.packages.drafts import read
from portal.packages.editing import columns_of

_PLAIN = {"devices": "1", "clock": "first_use", "purchase_days": "30", "where": "all", "length_unit": "hour"}
_WEEK = ["0", "1", "2", "3", "4", "5", "6"]
_FORMS: tuple[tuple[dict[str, str], list[str]], ...] = (
    (
        {
            "name": "Try it", "name_sw": "Jaribu", "price": "0", "length": "15", "length_unit": "minute", "down": "1",
            "trials_a_day": "20", "description": "See whether our Wi-Fi is good where you sit.",
        },
        _WEEK,
    ),
    (
        {
            "name": "Happy hour", "name_sw": "Saa ya furaha", "price": "10", "length": "2", "down": "5", "up": "5",
            "sell_from": "13:00", "sell_until": "16:00",
        },
        _WEEK[:5],
    ),
    (
        {
            "name": "Night pass", "name_sw": "Pasi ya usiku", "price": "30", "length": "8", "down": "4", "up": "2",
            "burst_down": "8", "burst_up": "4", "threshold_down": "3", "threshold_up": "1.5", "burst_time": "16",
            "use_from": "22:00", "use_until": "06:00",
        },
        _WEEK,
    ),
    (
        {
            "name": "10 hours online", "name_sw": "Saa 10 mtandaoni", "price": "80", "length": "7", "length_unit": "day",
            "uptime": "10", "uptime_unit": "hour", "down": "5", "up": "5", "promo": "60",
            "description": "Use your ten hours whenever you like within a week.",
        },
        _WEEK,
    ),
)  # fmt: skip


async def add(tx: Tx, merchant_id: int, *, first_place: int, began: datetime, now: datetime) -> None:
    """Put them behind the plain ones."""
    zone = ZoneInfo(TIMEZONE)
    ends = f"{(now.astimezone(zone) + timedelta(days=7)):%Y-%m-%d} 00:00"
    for place, (form, days) in enumerate(_FORMS, start=first_place):
        promo = {"promo_until": ends} if "promo" in form else {}
        columns = columns_of(read({**_PLAIN, **form, **promo}, {"sell_day": days, "use_day": _WEEK}, zone=zone))
        names = ", ".join(columns)
        marks = ", ".join(f"${number}" for number in range(4, 4 + len(columns)))
        await tx.execute(
            f"INSERT INTO packages (merchant_id, position, created_at, {names}) VALUES ($1, $2, $3, {marks})",
            merchant_id,
            place,
            began,
            *columns.values(),
        )
