"""Words for tokens and webhooks: what a token may do, how long it works, and what became of a message."""

from collections.abc import Mapping

from portal.api_tokens import Scope
from portal.msgid import N_

SCOPE_WORDS: Mapping[str, str] = {
    Scope.VOUCHERS_READ: N_("See vouchers, without their codes"),
    Scope.VOUCHERS_WRITE: N_("Make vouchers, extend them and take them back"),
    Scope.VOUCHERS_CODES: N_("See the codes of vouchers that work"),
    Scope.PACKAGES_READ: N_("See packages"),
    Scope.PACKAGES_WRITE: N_("Make and change packages"),
    Scope.PAYMENTS_READ: N_("See payments, numbers partly hidden"),
    Scope.ROUTERS_READ: N_("See routers and who is online"),
    Scope.ROUTERS_SYNC: N_("Ask a router to be brought up to date"),
    Scope.REPORTS_READ: N_("See how the day goes"),
}
LIFE_WORDS: Mapping[int, str] = {
    30: N_("30 days"),
    90: N_("90 days"),
    365: N_("A year"),
    0: N_("Until it is revoked"),
}
#: How a message stands → (tone, word).
STANDING_WORDS: Mapping[str, tuple[str, str]] = {
    "sent": ("ok", N_("Taken")),
    "sending": ("wait", N_("On its way")),
    "waiting": ("wait", N_("Waiting")),
    "given_up": ("bad", N_("Given up")),
    "kept": ("off", N_("Not sent: it was off")),
}
#: Why there was no answer.
WHY_WORDS: Mapping[str, str] = {
    "refused": N_("This address leads where we do not send"),
    "unreachable": N_("Nobody answers there"),
    "timeout": N_("No answer within 15 seconds"),
    "lost": N_("The connection broke"),
    "secret": N_("Its secret cannot be read"),
}
