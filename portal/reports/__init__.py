"""Figures: of a merchant's day (`today`, `best`), summed by the hour (`hours`), of any days (`sales`), of a week or a month (`periods`),
how well the house works (`keys`), what to do first (`firsts`), and what is told of
them by itself: reports kept and sent (`making`, `letters`), and the morning's message (`mornings`)."""

from portal.reports.today import (
    DayTakings,
    Figures,
    MerchantLine,
    RouterLine,
    day_start,
    figures,
    merchants_today,
    routers,
    takings_per_day,
    takings_per_month,
)

__all__ = [
    "DayTakings", "Figures", "MerchantLine", "RouterLine", "day_start", "figures", "merchants_today", "routers",
    "takings_per_day", "takings_per_month",
]  # fmt: skip
