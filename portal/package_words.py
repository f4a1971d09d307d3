"""What a package gives, in plain sentences: on the form where it is made, on the captive page, on slips and receipts. Pure.

Whole sentences are translated, never parts of them, and counts have their own plurals; numbers do not break across lines.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.captive import words
from portal.desired import BURST_TIME_S
from portal.hours import ALL_DAYS, Hours
from portal.i18n import WEEKDAYS, Language
from portal.packages.drafts import Draft
from portal.terms import Terms


def promise(terms: Terms, price_cents: int, currency: str, language: Language) -> list[str]:
    """What who pays this price gets, a sentence each: time, speed, limits, when it ends unused, hours."""
    said = [_first(terms, price_cents, currency, language), *_speeds(terms, language)]
    if terms.uptime_s is not None and terms.uptime_s < terms.duration_s:
        total = {"length": words.length(terms.uptime_s, language, most=3)}
        said.append(language.gettext("Of that time it may be online for %(length)s in all.") % total)
    if terms.data_bytes is not None:
        size = {"data": words.data(terms.data_bytes)}
        said.append(language.gettext("It ends earlier when %(data)s of data are used.") % size)
    if terms.purchase_days and terms.clock_from == "first_use" and price_cents:
        unused = language.ngettext(
            "If it is not used within %(n)d day after payment, it ends.",
            "If it is not used within %(n)d days after payment, it ends.",
            terms.purchase_days,
        )
        said.append(unused % {"n": terms.purchase_days})
    if not terms.use_hours.is_always:
        when = {"hours": hours(terms.use_hours, language)}
        said.append(language.gettext("Hours of use: %(hours)s. It ends when they end.") % when)
    return said


def small_print(
    draft: Draft, routers: Sequence[str], currency: str, language: Language, *, zone: ZoneInfo
) -> list[str]:
    """What its merchant should know besides: where and when it is sold, for how much, and what becomes of unsold vouchers."""
    said: list[str] = []
    if not draft.sell_hours.is_always:
        said.append(language.gettext("Hours of sale: %(hours)s.") % {"hours": hours(draft.sell_hours, language)})
    if draft.router_ids:
        said.append(language.gettext("Sold only at: %(routers)s.") % {"routers": ", ".join(routers)})
    if draft.promo_cents is not None and draft.promo_until is not None:
        said.append(_promo(draft, currency, language, zone=zone))
    if draft.price_cents == 0:
        trial = language.ngettext(
            "Each device gets it once a day; each router gives it %(n)d time a day at most.",
            "Each device gets it once a day; each router gives it %(n)d times a day at most.",
            draft.trials_a_day,
        )
        said.append(trial % {"n": draft.trials_a_day})
    elif draft.terms.activation_days:
        unsold = language.ngettext(
            "Printed vouchers nobody has paid for end %(n)d day after they were made.",
            "Printed vouchers nobody has paid for end %(n)d days after they were made.",
            draft.terms.activation_days,
        )
        said.append(unsold % {"n": draft.terms.activation_days})
    return said


def hours(these: Hours, language: Language) -> str:
    """ "every day, 22:00–05:00", "Monday to Friday", "Saturday and Sunday, 08:00–12:00"."""
    days = _days(these.days, language)
    if these.from_min is None or these.until_min is None:
        return days
    span = f"{_clock(these.from_min)}\u2013{_clock(these.until_min)}"
    return language.gettext("%(days)s, %(span)s") % {"days": days, "span": span}


def _first(terms: Terms, price_cents: int, currency: str, language: Language) -> str:
    filled = {"price": words.price(price_cents, currency), "n": terms.devices}
    filled |= {"length": words.together(words.whole_length(terms, language))}
    if price_cents == 0:
        sentence = language.ngettext(
            "For nothing, one device is online for %(length)s from its first minute.",
            "For nothing, %(n)d devices are online together for %(length)s from the first minute.",
            terms.devices,
        )
    elif terms.clock_from == "purchase":
        sentence = language.ngettext(
            "For %(price)s, one device is online for %(length)s from the payment, used or not.",
            "For %(price)s, %(n)d devices are online together for %(length)s from the payment, used or not.",
            terms.devices,
        )
    else:
        sentence = language.ngettext(
            "For %(price)s, one device is online for %(length)s from its first minute.",
            "For %(price)s, %(n)d devices are online together for %(length)s from the first minute.",
            terms.devices,
        )
    return sentence % filled


def _speeds(terms: Terms, language: Language) -> list[str]:
    down, up = terms.rate_down_kbps or terms.rate_up_kbps, terms.rate_up_kbps or terms.rate_down_kbps
    if down is None or up is None:
        return [language.gettext("It is as fast as the line.")]
    both = {"down": words.speed(down), "up": words.speed(up)}
    said = [
        language.gettext("Its speed is up to %(down)s.") % both
        if down == up
        else language.gettext("Its speed is up to %(down)s for downloads and %(up)s for uploads.") % both
    ]
    burst = terms.burst_down_kbps
    if burst is not None and burst > down:
        # The longest burst: until the average over the burst time reaches the threshold (MikroTik manual, Queues: Burst).
        seconds = max(1, round((terms.burst_time_s or BURST_TIME_S) * (terms.threshold_down_kbps or down) / burst))
        sentence = language.ngettext(
            "After a pause it is faster for about %(n)d second, up to %(speed)s.",
            "After a pause it is faster for about %(n)d seconds, up to %(speed)s.",
            seconds,
        )
        said.append(sentence % {"n": seconds, "speed": words.speed(burst)})
    return said


def _promo(draft: Draft, currency: str, language: Language, *, zone: ZoneInfo) -> str:
    assert draft.promo_cents is not None  # who calls has looked
    assert draft.promo_until is not None
    filled = {"price": words.price(draft.promo_cents, currency), "until": _moment(draft.promo_until, language, zone)}
    if draft.promo_from is None:
        return language.gettext("Until %(until)s it costs %(price)s.") % filled
    filled["from"] = _moment(draft.promo_from, language, zone)
    return language.gettext("From %(from)s until %(until)s it costs %(price)s.") % filled


def _moment(at: datetime, language: Language, zone: ZoneInfo) -> str:
    """ "20 Nov, 14:05"; midnight ends the day before: "20 Nov, 24:00"."""
    local = at.astimezone(zone)
    if (local.hour, local.minute) == (0, 0):
        return f"{language.short_day(local.date() - timedelta(days=1))}, 24:00"
    return f"{language.short_day(local.date())}, {language.clock(local)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _days(days: int, language: Language) -> str:
    if days == ALL_DAYS:
        return language.gettext("every day")
    chosen = [day for day in range(7) if days >> day & 1]
    names = [language.gettext(WEEKDAYS[day]) for day in chosen]
    if len(chosen) > 2 and chosen[-1] - chosen[0] == len(chosen) - 1:
        return language.gettext("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}
    if len(names) == 1:
        return names[0]
    first = ", ".join(names[:-1])
    return language.gettext("%(days)s and %(last)s") % {"days": first, "last": names[-1]}
