"""Key figures in words: what each is called, what it means, and from where on it is well."""

from collections.abc import Callable, Sequence

import msgspec

from portal.i18n import Language
from portal.money import format_amount
from portal.msgid import N_
from portal.reports.keys import Keys


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as the page has it. `tone` of its badge and `verdict` are "" where nothing is aimed at."""

    name: str
    value: str
    meaning: str
    tone: str = ""
    verdict: str = ""


def told(keys: Keys, language: Language, currency: str) -> Sequence[tuple[str, Sequence[Told]]]:
    """The figures, by groups with their headings."""
    say = language.gettext
    return (
        (say(N_("Selling")), _selling(keys, language, currency)),
        (say(N_("Does it work?")), _working(keys, language)),
    )


def _selling(keys: Keys, language: Language, currency: str) -> Sequence[Told]:
    say = language.gettext
    growth = keys.growth_percent
    grown = say(N_("nothing before to compare with")) if growth is None else f"{growth:+d} %".replace("-", "−")
    return (
        Told(
            name=say(N_("Vouchers made")), value=f"{keys.made:,}",
            meaning=say(N_("Printed ones, and those that came about when somebody paid on a phone.")),
        ),
        Told(name=say(N_("Of these sold")), value=f"{keys.sold_of_made:,}", meaning=say(N_("Paid for by now, used or not."))),
        Told(
            name=say(N_("Conversion rate")), value=_percent(keys.conversion, say),
            meaning=say(N_("Of a hundred vouchers made, so many are sold. A low rate means cards lie about.")),
        ),
        Told(
            name=say(N_("Takings")), value=format_amount(keys.cents, currency).replace(" ", "\u00a0"),
            meaning=say(N_("What was paid for sales, before commission; refunds taken out.")),
        ),
        Told(name=say(N_("Growth")), value=grown, meaning=say(N_("Takings against the thirty days before."))),
        Told(
            name=say(N_("Active sessions")), value=f"{keys.online:,}",
            meaning=language.say(N_("Devices online now, of %(n)s packages in use."), {"n": f"{keys.in_use:,}"}),
        ),
    )  # fmt: skip


def _working(keys: Keys, language: Language) -> Sequence[Told]:
    return (
        _judged(
            N_("Payment success rate"), keys.payments_well, 95, language,
            N_("Of a hundred requests to pay, so many were paid. Who cancels or has no money counts as not paid."),
        ),
        _judged(
            N_("Callback success rate"), keys.callbacks_well, 95, language,
            N_("Of a hundred messages from M‑PESA and others about money, so many were settled."),
        ),
        _judged(
            N_("Router sync success"), keys.routers_well, 90, language,
            N_("Of a hundred logins we put on your routers, so many were taken."),
        ),
        _judged(N_("Routers reached"), keys.routers_up, 99, language, N_("Of the time, how long your routers answered.")),
    )  # fmt: skip


def _judged(name: str, share: float | None, least: int, language: Language, meaning: str) -> Told:
    say = language.gettext
    if share is None:
        return Told(name=say(name), value=_percent(None, say), meaning=say(meaning))
    tone, words = ("ok", N_("Good, above %(n)s %%")) if share >= least else ("warn", N_("Below %(n)s %%"))
    return Told(
        name=say(name), value=_percent(share, say), meaning=say(meaning), tone=tone, verdict=language.say(words, {"n": least})
    )  # fmt: skip


def _percent(share: float | None, say: Callable[[str], str]) -> str:
    return say(N_("not known yet")) if share is None else f"{share:g}\u00a0%"
