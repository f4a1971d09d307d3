"""What about a package is allowed and probably a mistake: told below its form, never refused. Pure."""

from datetime import datetime

from portal.msgid import N_
from portal.packages.drafts import Draft

#: M-Pesa moves between 1 and 250,000 shillings at once (Safaricom, M-Pesa transaction limits).
LEAST_CENTS, MOST_CENTS = 100, 25_000_000
_MB = 1024**2

UPTIME_LONGER = N_("The limit of time online is not below the length: it never counts.")
LITTLE_DATA = N_("That little data is used up within a minute or two of opening a page.")
SMALL_PRICE = N_("1 shilling is the least M-Pesa takes, and nothing can be taken off it.")
LARGE_PRICE = N_("M-Pesa moves 250,000 shillings at once at most: nobody can pay this by phone.")
SLOW = N_("At this speed pages hardly open.")
FREE_LONG = N_("Free for longer than an hour: people may never pay.")
FREE_UNLIMITED = N_("Free without a limit of data or speed: a few devices can fill the line.")
BURST_SHORT = N_("The burst is over before anybody notices. Raise its time or its average.")
HOURS_SHORT = N_("Its hours of use are shorter than its length: it always ends before its time.")
NEVER_SOLD = N_("Its hours of sale and its hours of use never meet: customers never see it.")
PROMO_OVER = N_("The promo price is over already. Take it out, or set another end.")
_LONG_FREE_S, _LITTLE_DATA, _SLOW_KBPS = 3600, 10 * _MB, 128


def advice(draft: Draft, *, now: datetime) -> list[str]:
    """Sentences, untranslated."""
    is_over = draft.promo_until is not None and draft.promo_cents is not None and draft.promo_until <= now
    return [*_limits(draft), *_money(draft), *_speed(draft), *_hours(draft), *([PROMO_OVER] if is_over else [])]


def _limits(draft: Draft) -> list[str]:
    terms, said = draft.terms, list[str]()
    if terms.uptime_s is not None and terms.uptime_s >= terms.duration_s * terms.devices:
        said.append(UPTIME_LONGER)
    if terms.data_bytes is not None and terms.data_bytes < _LITTLE_DATA:
        said.append(LITTLE_DATA)
    return said


def _money(draft: Draft) -> list[str]:
    terms = draft.terms
    if draft.price_cents == 0:
        said = [FREE_LONG] if terms.duration_s > _LONG_FREE_S else []
        is_limited = terms.data_bytes is not None or terms.rate_down_kbps is not None or terms.rate_up_kbps is not None
        return said if is_limited else [*said, FREE_UNLIMITED]
    if draft.price_cents <= LEAST_CENTS:
        return [SMALL_PRICE]
    return [LARGE_PRICE] if draft.price_cents > MOST_CENTS else []


def _speed(draft: Draft) -> list[str]:
    terms, said = draft.terms, list[str]()
    rate = terms.rate_down_kbps or terms.rate_up_kbps
    if rate is not None and rate < _SLOW_KBPS:
        said.append(SLOW)
    if terms.burst_down_kbps is not None and rate is not None and terms.burst_time_s is not None:
        seconds = terms.burst_time_s * (terms.threshold_down_kbps or rate) / terms.burst_down_kbps
        if seconds < 1:
            said.append(BURST_SHORT)
    return said


def _hours(draft: Draft) -> list[str]:
    terms, said = draft.terms, list[str]()
    use = terms.use_hours
    if use.from_min is not None and use.until_min is not None:
        minutes = (use.until_min - use.from_min) % 1440 or 1440
        if minutes * 60 < terms.duration_s:
            said.append(HOURS_SHORT)
    if not use.is_always and not draft.sell_hours.is_always and not use.meets(draft.sell_hours):
        said.append(NEVER_SOLD)
    return said
