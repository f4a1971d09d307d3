"""A week's or month's figures as CSV, for whoever goes on counting: goes with the mail. Pure.

One line per figure: what it is of, its name, amount in the currency's units (empty where it is not money), count or size."""

from datetime import timedelta

from portal.reports.periods import Figures, Span
from portal.spreadsheets import MARK, table


def name_of(span: Span) -> str:
    """ "vocha-month-2026-11-01.csv"."""
    return f"vocha-{span.kind.value}-{span.first.isoformat()}.csv"


def text_of(figures: Figures, span: Span) -> str:
    """The file. Names stand as the merchant wrote them; its own words are English, so that formulas find them in any language."""
    rows: list[tuple[object, ...]] = [("of", "name", f"amount {figures.currency}", "count", "bytes")]
    rows += [
        ("day", (span.first + timedelta(days=n)).isoformat(), _units(cents), "", "")
        for n, cents in enumerate(figures.by_day_cents)
    ]
    rows += [("hour", f"{n:02}:00", _units(cents), "", "") for n, cents in enumerate(figures.by_clock_cents)]
    rows += [("package", line.name, _units(line.cents), line.sold, "") for line in figures.packages]
    rows += [("router", line.name, _units(line.cents), line.sessions, line.bytes) for line in figures.routers]
    rows += [("way", way, _units(cents), "", "") for way, cents in figures.by_way_cents.items()]
    sums = {
        "takings": figures.cents, "commission": figures.commission_cents, "refunded": figures.refunded_cents,
        "paid out": figures.paid_out_cents, "owed at the end": figures.owed_cents,
    }  # fmt: skip
    rows += [("sum", name, _units(cents), "", "") for name, cents in sums.items()]
    rows += [
        ("sum", "sales", "", figures.sold, ""), ("sum", "customers", "", figures.customers, ""),
        ("sum", "new customers", "", figures.new_customers, ""), ("sum", "used", "", figures.sessions, figures.bytes),
    ]  # fmt: skip
    return MARK + table(rows)


def _units(cents: int) -> float:
    return cents / 100
