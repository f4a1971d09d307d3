"""Mails about a week, a month or a morning, as text and as HTML. Pure.

Mail readers show no SVG: Gmail and Outlook take it out, and data: addresses with it. So the bars of a mail are cells of tables with
a width and a colour, which all of them show, with pictures switched off too. The page has the same figures as plots."""

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from typing import NamedTuple

from portal.durations import in_words
from portal.i18n import MONTHS, Language
from portal.messages import Letter
from portal.money import format_amount
from portal.msgid import N_
from portal.reports.periods import Figures, Kind, Span

_BAR, _INK, _FAINT, _LINE = "#0b6b4f", "#14201b", "#5f6c66", "#dde3e0"
_TITLES = {Kind.WEEK: N_("Your week"), Kind.MONTH: N_("Your month")}
_BEFORE = {Kind.WEEK: N_("the week before"), Kind.MONTH: N_("the month before")}
WAYS = {
    "mpesa": N_("M‑PESA"), "airtel": N_("Airtel Money"), "paystack": N_("Card"), "cash": N_("Cash"), "manual": N_("By hand"),
    "credit": N_("From kept money"),
}  # fmt: skip
#: What a line without a name is.
NO_PACKAGE, NO_ROUTER = N_("Subscribers and others"), N_("Not at a router")


class Row(NamedTuple):
    """A line of a table: what, how much, and how long its bar is, of 100."""

    name: str
    value: str
    share: int | None = None


class Part(NamedTuple):
    """A heading and its lines."""

    title: str
    rows: Sequence[Row]


def title_of(span: Span, language: Language) -> str:
    """ "16 Nov – 22 Nov 2026", or "November 2026"."""
    if span.kind is Kind.MONTH:
        return f"{language.gettext(MONTHS[span.first.month - 1])} {span.first.year}"
    return f"{language.short_day(span.first)} – {language.short_day(span.last)} {span.last.year}"


def compared(figures: Figures, kind: Kind, language: Language) -> str:
    """ "12% more than the week before", or "" when there was nothing to compare with."""
    change = figures.change_percent
    if change is None:
        return ""
    before = language.gettext(_BEFORE[kind])
    if change == 0:
        return language.say(N_("as much as %(before)s"), {"before": before})
    sentence = N_("%(n)s%% more than %(before)s") if change > 0 else N_("%(n)s%% less than %(before)s")
    return language.say(sentence, {"n": abs(change), "before": before})


def of_period(figures: Figures, span: Span, *, shop: str, language: Language, address: str) -> Letter:
    """The mail of a week or a month; `address`: its page."""
    say = language.gettext
    head = f"{say(_TITLES[span.kind])}: {title_of(span, language)}"
    change = compared(figures, span.kind, language)
    total = format_amount(figures.cents, figures.currency)
    subject = f"{shop}: {total}{', ' + change if change else ''} ({title_of(span, language)})"
    return _letter(
        subject, shop=shop, head=head, big=total, beside=change, parts=_parts(figures, span, language),
        link=(say(N_("See the whole report")), address), language=language,
    )  # fmt: skip


def _parts(figures: Figures, span: Span, language: Language) -> list[Part]:
    say, currency = language.gettext, figures.currency

    def money(cents: int) -> str:
        return format_amount(cents, currency).replace(" ", "\u00a0")

    best = max(figures.by_day_cents, default=0)
    days = [
        Row(_day(span, n, language), money(cents), _share(cents, best)) for n, cents in enumerate(figures.by_day_cents)
    ]
    top = max((line.cents for line in figures.packages), default=0)
    packages = [
        Row(f"{line.name or say(NO_PACKAGE)} × {line.sold}", money(line.cents), _share(line.cents, top))
        for line in figures.packages if line.sold
    ]  # fmt: skip
    routers = [Row(line.name or say(NO_ROUTER), _router_words(line.cents, line.bytes, line.away_s, currency, language))
               for line in figures.routers]  # fmt: skip
    sums = [
        Row(say(N_("Sales")), str(figures.sold)),
        Row(say(N_("Customers, and new ones among them")), f"{figures.customers} / {figures.new_customers}"),
        *(Row(say(WAYS.get(way, N_("Others"))), money(cents)) for way, cents in figures.by_way_cents.items()),
        Row(say(N_("Commission")), money(figures.commission_cents)),
        Row(say(N_("Refunded")), money(figures.refunded_cents)),
        Row(say(N_("Paid out")), money(figures.paid_out_cents)),
        Row(say(N_("Owed to you at its end")), money(figures.owed_cents)),
    ]
    found = [
        Part(say(N_("Day by day")), days), Part(say(N_("Packages")), packages), Part(say(N_("Routers")), routers),
        Part(say(N_("Sums")), sums),
    ]  # fmt: skip
    return [part for part in found if part.rows]


def _day(span: Span, n: int, language: Language) -> str:
    day = span.first + timedelta(days=n)
    return language.weekday(day) if span.kind is Kind.WEEK else language.short_day(day)


def _share(cents: int, most: int) -> int:
    return round(100 * cents / most) if most else 0


def size(moved: int) -> str:
    """ "1.2 GB": bytes as people say them, in thousands."""
    for each, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if moved >= each:
            return f"{moved / each:.1f} {name}"
    return f"{moved / 1000:.0f} kB"


def _router_words(cents: int, moved: int, away_s: int, currency: str, language: Language) -> str:
    words = [text.replace(" ", "\u00a0") for text in (format_amount(cents, currency), size(moved))]
    if away_s >= 60:
        length = in_words(away_s, language.gettext, ngettext=language.ngettext, most=2)
        words.append(language.say(N_("away for %(length)s"), {"length": length}))
    return ", ".join(words)


def of_morning(subject: str, *, shop: str, head: str, total: str, beside: str, notes: Sequence[str], address: str,
               language: Language) -> Letter:  # fmt: skip
    """The morning's mail; `notes`: what needs a look, each a sentence."""
    rows = [Row(note, "") for note in notes] or [Row(language.gettext(N_("Nothing needs you.")), "")]
    return _letter(
        subject, shop=shop, head=head, big=total, beside=beside, parts=[Part(language.gettext(N_("To look at")), rows)],
        link=(language.gettext(N_("See how it goes today")), address), language=language,
    )  # fmt: skip


def _letter(
    subject: str, *, shop: str, head: str, big: str, beside: str, parts: Sequence[Part], link: tuple[str, str],
    language: Language,
) -> Letter:  # fmt: skip
    why = language.gettext(N_("You get this because you run this shop. Change it under Account, What we tell you."))
    text = [shop, head, "", f"{big}{', ' + beside if beside else ''}", ""]
    for part in parts:
        text += [part.title, *(f"  {row.name}: {row.value}" if row.value else f"  {row.name}" for row in part.rows), ""]
    text += [f"{link[0]}: {link[1]}", "", why]
    html = _PAGE % {
        "language": language.code, "title": escape(subject), "shop": escape(shop), "head": escape(head), "big": escape(big),
        "beside": escape(beside), "parts": "".join(_part_html(part) for part in parts), "ink": _INK, "faint": _FAINT, "bar": _BAR,
        "link": escape(link[0]), "address": escape(link[1], quote=True), "why": escape(why),
    }  # fmt: skip
    return Letter(subject=" ".join(subject.split()), text="\n".join(text).replace("\u00a0", " "), html=html)


_PAGE = """<!doctype html>
<html lang="%(language)s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%(title)s</title></head>
<body style="margin:0;padding:16px;background:#f5f7f6;color:%(ink)s;font-family:Roboto,Arial,sans-serif;font-size:15px">
<table role="presentation" width="100%%" cellpadding="0" cellspacing="0" bgcolor="#ffffff" style="max-width:560px;margin:0 auto">
<tr><td style="padding:20px">
<p style="margin:0;color:%(faint)s">%(shop)s</p>
<h1 style="margin:4px 0 12px;font-size:20px">%(head)s</h1>
<p style="margin:0;font-size:28px"><b>%(big)s</b></p>
<p style="margin:4px 0 0;color:%(faint)s">%(beside)s</p>
%(parts)s
<p style="margin:24px 0 0"><a href="%(address)s" style="color:%(bar)s"><b>%(link)s</b></a></p>
<p style="margin:16px 0 0;font-size:12px;color:%(faint)s">%(why)s</p>
</td></tr></table></body></html>"""


def _part_html(part: Part) -> str:
    lines = "".join(_row_html(row) for row in part.rows)
    return (
        f'<h2 style="margin:24px 0 6px;font-size:15px">{escape(part.title)}</h2>'
        f'<table width="100%" cellpadding="0" cellspacing="0" style="font-size:14px">{lines}</table>'
    )


def _row_html(row: Row) -> str:
    edge = f"border-top:1px solid {_LINE};padding:6px 8px 6px 0"
    if row.share is None:
        return (
            f'<tr><td style="{edge}">{escape(row.name)}</td>'
            f'<td align="right" style="{edge}">{escape(row.value)}</td></tr>'
        )
    rest = 100 - row.share
    full = (
        f'<td width="{row.share}%" bgcolor="{_BAR}" height="12" style="font-size:1px">&nbsp;</td>' if row.share else ""
    )
    empty = f'<td width="{rest}%" style="font-size:1px">&nbsp;</td>' if rest else ""
    bar = f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>{full}{empty}</tr></table>'
    return (
        f'<tr><td width="34%" style="{edge}">{escape(row.name)}</td><td style="{edge}">{bar}</td>'
        f'<td width="24%" align="right" style="{edge};white-space:nowrap">{escape(row.value)}</td></tr>'
    )
