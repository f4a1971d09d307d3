"""The screens of a checkout that is paid by another rail than M-Pesa, where M-Pesa's words would be wrong. Pure."""

from portal.captive.rail_failures import failure
from portal.captive.states import Screen
from portal.checkouts import CheckoutState, CheckoutView

#: Payments' names of the ways; a card is paid on a page, Airtel Money on the phone.
CARD, AIRTEL = "paystack", "airtel"
_WAITS = (CheckoutState.WAITING, CheckoutState.SLOW)
_REFRESH_S = 4


def adapted(screen: Screen, view: CheckoutView) -> Screen:
    """The same screen in the words of the rail; M-Pesa's stays as it is."""
    if view.method not in (CARD, AIRTEL):
        return screen
    if view.state is CheckoutState.FAILED:
        return screen._replace(template="captive/rail_failed.html", failure=failure(view.result_code), wait_s=0)
    if view.state not in _WAITS:
        return screen
    if view.method == CARD:
        key = "card" if view.pay_url else "card-making"
        return screen._replace(template="captive/card.html", key=key, refresh_s=_REFRESH_S)
    return screen._replace(template=f"captive/rail_{view.state}.html")
