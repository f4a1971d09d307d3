"""Figures: of a merchant's day (`today`), summed by the hour (`hours`), of a week or a month (`periods`), and what is told of
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
)

__all__ = [
    "DayTakings", "Figures", "MerchantLine", "RouterLine", "day_start", "figures", "merchants_today", "routers",
    "takings_per_day",
]  # fmt: skip
