"""What a package's form has to choose from, how it stands when it is new, and which of its parts are open."""

from collections.abc import Mapping, Sequence

from portal.msgid import N_

TIMES = (("minute", N_("minutes")), ("hour", N_("hours")), ("day", N_("days")), ("week", N_("weeks")))
DATA = (("MB", "MB"), ("GB", "GB"))
CLOCKS = (
    ("first_use", N_("With the first use"), N_("The time begins when the first device is online. For vouchers people keep.")),
    ("purchase", N_("With the payment"), N_("The time runs from the payment, used or not.")),
)  # fmt: skip
EMPTY: Mapping[str, str] = {
    "length_unit": "hour", "uptime_unit": "hour", "data_unit": "MB", "devices": "1", "clock": "first_use",
    "purchase_days": "30", "where": "all", "trials_a_day": "50",
}  # fmt: skip
_WEEK = [str(day) for day in range(7)]
EMPTY_LISTS: Mapping[str, Sequence[str]] = {"sell_day": _WEEK, "use_day": _WEEK, "routers": []}
#: The form's parts below what every package has, by the fields in them.
_PARTS = {
    "limits": ("uptime", "data"),
    "burst": ("burst_down", "burst_up", "threshold_down", "threshold_up", "burst_time"),
    "ends": ("activation_days",),
    "sale": ("sell_from", "sell_until", "sell_day"),
    "use": ("use_from", "use_until", "use_day"),
    "places": ("routers",),
    "promo": ("promo", "promo_from", "promo_until"),
    "texts": ("description", "name_en", "name_sw"),
}


def open_parts(
    typed: Mapping[str, str], lists: Mapping[str, Sequence[str]], wrong: Mapping[str, str]
) -> frozenset[str]:
    """The parts in which something was said, or is wrong."""
    said = {name for name, text in typed.items() if text.strip()}
    said |= {name for name in ("sell_day", "use_day") if len(lists.get(name, _WEEK)) < len(_WEEK)}
    said |= {"routers"} if typed.get("where") == "some" else set()
    said |= wrong.keys()
    return frozenset(part for part, fields in _PARTS.items() if said & set(fields))
