"""How the captive pages write packages, moments, numbers and prices. Pure; the words come from the language given.

Numbers hold together: whatever must not break across lines is joined by no-break spaces.
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from portal import codes, durations, i18n, money, phones
from portal.durations import Part, Unit
from portal.i18n import Language
from portal.msgid import N_
from portal.terms import Terms

_NBSP = "\u00a0"
_KIB = 1024
# RouterOS's own sentences (errors.txt of the HotSpot pages) by what they speak of; others help no customer.
_ROUTER_SAID = (
    (re.compile(r"uptime limit", re.IGNORECASE), N_("Your time is up. Choose a package to go on.")),
    (re.compile(r"traffic limit", re.IGNORECASE), N_("Your data is used up. Choose a package to go on.")),
    (
        re.compile(r"no more sessions|simultaneous session", re.IGNORECASE),
        N_("This voucher is in use on another device already."),
    ),
)


def together(text: str) -> str:
    """The text with no-break spaces."""
    return text.replace(" ", _NBSP)


def together_numbers(text: str) -> str:
    """The text with no-break spaces inside numbers such as "0712 345 678" only."""
    return re.sub(r"(?<=[0-9]) (?=[0-9])", _NBSP, text)


def spelled(text: str) -> str:
    """A sentence of ours that other pages use too, with M-PESA as customers read it, which never breaks."""
    return text.replace("M-Pesa", "M\u2011PESA")


def code(canonical: str | None) -> str:
    """A voucher's code as it is read aloud and typed, "K7QM2-XWP4H", with dashes that do not break."""
    return codes.print_code(canonical or "").replace("-", "\u2011")


def price(cents: int, currency: str) -> str:
    """ "KES 1,250", on one line."""
    return together(money.format_amount(cents, currency))


def phone(digits: str) -> str:
    """ "0712 345 678" from E.164 digits; a number of another country as "+…", nothing for nothing."""
    return together(phones.written(digits))


def length(seconds: int, language: Language, *, most: int = 2) -> str:
    """ "1 day", "saa 3", on one line."""
    return together(durations.in_words(seconds, language.gettext, ngettext=language.ngettext, most=most))


def minutes(seconds: int, language: Language) -> str:
    """A wait in whole minutes, rounded up, so that nobody comes back too early."""
    return length(-(-seconds // 60) * 60, language)


def package_name(terms: Terms, language: Language) -> str:
    """The merchant's name for it, in the page's language where there is one; so too a name that is only the English length, such as
    "1 day"."""
    name = terms.named(language.code)
    if name != terms.name:
        return name
    if language.code != i18n.SOURCE and terms.name.strip().casefold() == whole_length(
        terms, i18n.language(i18n.SOURCE)
    ):
        return together(whole_length(terms, language))
    return terms.name


def package_title(terms: Terms, language: Language) -> str:
    """`package_name` as a line begins with it: "Siku 1"."""
    name = package_name(terms, language)
    return name[:1].upper() + name[1:]


def package_line(terms: Terms, language: Language) -> str:
    """What a package holds beside its name: "1 hour, 5 Mbps, 1 device"; the length only when the name is another."""
    parts: list[str] = []
    duration = whole_length(terms, language)
    if duration != package_name(terms, language).replace(_NBSP, " ").strip().casefold():
        parts.append(together(duration))
    if terms.uptime_s is not None and terms.uptime_s < terms.duration_s:
        parts.append(language.gettext("%(length)s online") % {"length": length(terms.uptime_s, language)})
    if terms.data_bytes is not None:
        parts.append(data(terms.data_bytes))
    if terms.rate_down_kbps is not None:
        parts.append(speed(terms.rate_down_kbps))
    parts.append(together(language.ngettext("%(n)d device", "%(n)d devices", terms.devices) % {"n": terms.devices}))
    return ", ".join(parts)


def whole_length(terms: Terms, language: Language) -> str:
    """ "3 hours", "7 days": how long a package lasts."""
    # Whole days are told in days: "7 days" on the sign and "1 week" below it would look like two things.
    days, rest = divmod(terms.duration_s, durations.SECONDS[Unit.DAY])
    if days and not rest:
        return durations.part_in_words(Part(days, Unit.DAY), language.ngettext)
    return durations.in_words(terms.duration_s, language.gettext, ngettext=language.ngettext, most=2)


def data(size: int) -> str:
    """ "500 MB", "1.5 GB": binary units, as bundles are sold in."""
    megabytes = size / _KIB**2
    return f"{megabytes / _KIB:.4g}{_NBSP}GB" if megabytes >= _KIB else f"{megabytes:.4g}{_NBSP}MB"


def speed(kbps: int) -> str:
    """ "5 Mbps", "512 kbps"."""
    return f"{kbps / 1000:.4g}{_NBSP}Mbps" if kbps >= 1000 else f"{kbps}{_NBSP}kbps"


def moment(at: datetime, language: Language, *, zone: str, now: datetime) -> str:
    """ "today at 14:05", "tomorrow at 14:05", else "Saturday 21 Nov, 14:05", in the merchant's zone."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    clock = language.clock(local)
    days = (local.date() - today).days
    if days == 0:
        return together(language.gettext("today at %(time)s") % {"time": clock})
    if days == 1:
        return together(language.gettext("tomorrow at %(time)s") % {"time": clock})
    words = {"weekday": language.weekday(local.date()), "day": language.short_day(local.date()), "time": clock}
    return language.gettext("%(weekday)s %(day)s, %(time)s") % words


def router_said(error: str) -> str | None:
    """A sentence, untranslated, for the login error a router's redirect carries; None when it would help nobody."""
    return next((words for pattern, words in _ROUTER_SAID if pattern.search(error[:200])), None)
