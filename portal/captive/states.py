"""Which screen a checkout's page shows: its template, the name by which a waiting page notices a change, and how often
it loads itself anew without JavaScript. Pure; the words stand in the templates and in captive_failures.
"""

from datetime import datetime
from typing import NamedTuple

from portal.captive.failures import SAME_AGAIN_AFTER_S, Failure, Next, failure
from portal.checkouts import SLOW_AFTER, CheckoutState, CheckoutView

#: The bar of the waiting page, in seconds: when it is full, the page says that M-PESA has not answered yet.
BAR_S = int(SLOW_AFTER.total_seconds())
#: Seconds until a page without JavaScript loads itself anew; states not named here stay as they are.
_REFRESH_S = {
    CheckoutState.WAITING: 4,
    CheckoutState.SLOW: 5,
    CheckoutState.CONNECTING: 4,
    CheckoutState.ROUTER_AWAY: 10,
    CheckoutState.MISMATCH: 20,
}
_WATCHING_S = 10


class Screen(NamedTuple):
    """`key` differs whenever the page would; `refresh_s` None: it stays. `wait_s`: until another try may be made."""

    key: str
    template: str
    refresh_s: int | None
    waited_s: int
    wait_s: int
    failure: Failure | None


def screen(view: CheckoutView, *, now: datetime) -> Screen:
    """The screen of a checkout as it stands now."""
    waited_s = max(0, int((now - view.created_at).total_seconds()))
    asked_at = view.submitted_at or view.created_at
    wait_s = max(0, SAME_AGAIN_AFTER_S - int((now - asked_at).total_seconds()))
    template = f"captive/{view.state}.html"
    if view.state is not CheckoutState.FAILED:
        return Screen(_key(view, wait_s), template, _REFRESH_S.get(view.state), waited_s, wait_s, None)
    why = failure(view.result_code)
    must_wait = why.next is Next.LATER and wait_s > 0
    refresh_s = min(wait_s + 1, _WATCHING_S) if must_wait else _WATCHING_S if view.keep_watching else None
    key = f"{view.state}-{view.result_code}{'-wait' if must_wait else ''}"
    return Screen(key, template, refresh_s, waited_s, wait_s if must_wait else 0, why)


def _key(view: CheckoutView, wait_s: int) -> str:
    if view.state is CheckoutState.WAITING and view.submitted_at is not None:
        return f"{view.state}-sent"
    if view.state is CheckoutState.SLOW and not wait_s:
        return f"{view.state}-late"
    return view.state.value
