"""Which screen a checkout's page shows: its template, the name by which a waiting page notices a change, and how often
it loads itself anew without JavaScript. Pure; the words stand in the templates and in captive_failures.
"""

from datetime import datetime
from typing import NamedTuple

from portal.captive.failures import SAME_AGAIN_AFTER_S, Failure, Next, failure
from portal.checkouts import SLOW_AFTER, CheckoutState, CheckoutView
from portal.routers import RouterView

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
#: Seconds between a page's looks at its state, with JavaScript …
_POLL_S = 3
#: … and at most, where the router only now and then asks us whom to let in.
_POLL_AT_MOST_S = 10
#: How long after its question a router that asks us has let a phone in.
_LET_IN_WITHIN_S = 5


class Screen(NamedTuple):
    """`key` differs whenever the page would; `refresh_s` None: it stays. `wait_s`: until another try may be made. `poll_s`: how
    often the page looks at its state."""

    key: str
    template: str
    refresh_s: int | None
    waited_s: int
    wait_s: int
    failure: Failure | None
    poll_s: int = _POLL_S


def screen(view: CheckoutView, *, now: datetime) -> Screen:
    """The screen of a checkout as it stands now."""
    waited_s = max(0, int((now - view.created_at).total_seconds()))
    asked_at = view.submitted_at or view.created_at
    wait_s = max(0, SAME_AGAIN_AFTER_S - int((now - asked_at).total_seconds()))
    template = f"captive/{view.state}.html"
    if view.state is not CheckoutState.FAILED:
        refresh_s, poll_s = _patience(view)
        return Screen(_key(view, wait_s), template, refresh_s, waited_s, wait_s, None, poll_s)
    why = failure(view.result_code)
    must_wait = why.next is Next.LATER and wait_s > 0
    refresh_s = min(wait_s + 1, _WATCHING_S) if must_wait else _WATCHING_S if view.keep_watching else None
    key = f"{view.state}-{view.result_code}{'-wait' if must_wait else ''}"
    return Screen(key, template, refresh_s, waited_s, wait_s if must_wait else 0, why)


def _patience(view: CheckoutView) -> tuple[int | None, int]:
    """Looking more often than the router asks helps nobody."""
    refresh_s, asks_every_s = _REFRESH_S.get(view.state), view.router.asks_every_s
    if refresh_s is None or asks_every_s is None or view.state is not CheckoutState.CONNECTING:
        return refresh_s, _POLL_S
    poll_s = min(_POLL_AT_MOST_S, max(_POLL_S, asks_every_s // 5))
    return max(refresh_s, poll_s), poll_s


def let_in_within_s(router: RouterView) -> int | None:
    """How long it may take until a phone that paid is online, where that is worth telling; None: a few seconds."""
    return None if router.asks_every_s is None else router.asks_every_s + _LET_IN_WITHIN_S


def _key(view: CheckoutView, wait_s: int) -> str:
    if view.state is CheckoutState.WAITING and view.submitted_at is not None:
        return f"{view.state}-sent"
    if view.state is CheckoutState.SLOW and not wait_s:
        return f"{view.state}-late"
    if view.state is CheckoutState.MISMATCH:  # more of the money may come
        return f"{view.state}-{view.received_cents}"
    return view.state.value
