"""Words of figures: days, bars, lines without a name, what key figures mean."""

from collections.abc import Mapping
from datetime import datetime

from portal.i18n import Language
from portal.msgid import N_
from portal.reports.stretches import Stretch

WAY_WORDS: Mapping[str, str] = {
    "stk": N_("M‑PESA request"), "c2b": N_("M‑PESA by hand"), "cash": N_("Cash"), "manual": N_("Owner's word"),
    "airtel": "Airtel Money", "paystack": N_("Card"), "credit": N_("From kept money"),
}  # fmt: skip
#: What a line is that has no package, router or cashier.
WITHOUT_NAME: Mapping[str, str] = {
    "packages": N_("Subscribers and others"), "routers": N_("Not at a router"), "sellers": N_("Customers by themselves"),
    "ways": N_("Others"),
}  # fmt: skip
_AMOUNTS = (N_("Sales"), N_("Takings"), N_("Takings before"))
HEADS: Mapping[str, tuple[str, ...]] = {
    "time": (N_("Begins"), *_AMOUNTS), "packages": (N_("Package"), *_AMOUNTS), "routers": (N_("Router"), *_AMOUNTS),
    "sellers": (N_("Sold by"), *_AMOUNTS), "ways": (N_("Way"), *_AMOUNTS), "heat": (N_("Weekday"),),
}  # fmt: skip


def stretch_name(stretch: Stretch, language: Language) -> str:
    """ "14 Nov – 20 Nov 2026", or "Friday 20 November 2026" for one day."""
    if stretch.days == 1:
        return f"{language.day(stretch.first)} {stretch.first.year}"
    year = "" if stretch.first.year == stretch.last.year else f" {stretch.first.year}"
    return f"{language.short_day(stretch.first)}{year} – {language.short_day(stretch.last)} {stretch.last.year}"


def step_name(at: datetime, step: str, language: Language) -> str:
    """A bar: "14:00", "20 Nov" or "Nov 2026"."""
    if step == "hour":
        return f"{at:%H:%M}"
    return language.month(at.date()) if step == "month" else language.short_day(at.date())
