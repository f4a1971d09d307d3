"""A visit: what the router's redirect told about the phone, carried from page to page in a signed link.

Captive browsers keep no cookies, so the link is the memory. It is bound to the router's site, readable to its holder,
and proves only that the phone was sent here by that site's page: mac and ip stay hints.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from portal.captive import links as captive_links
from portal.captive.links import Onward
from portal.devices import DeviceHint, hint
from portal.errors import PortalError
from portal.msgid import N_
from portal.routers import RouterView
from portal.signing import Signer, TokenError

_PURPOSE = "captive visit"
#: A phone on the hotspot keeps its address about this long; after it the router is asked again.
GOOD_FOR = timedelta(hours=3)
#: On the page of a checkout the visit only says where "Start browsing" leads, so it may be older.
REMEMBERED_FOR = timedelta(days=60)


class VisitLost(PortalError):  # noqa: N818
    """The signed link is missing, altered, too old, or another site's: the phone has to come from its router again."""

    default = N_("This page is too old or incomplete. Start again from the WiFi.")
    status_code = 400


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One phone at one site. `login` is the hotspot's login page, None when the router has no host registered."""

    site: str
    device: DeviceHint
    login: str | None = None
    onward: Onward | None = None


def arrive(router: RouterView, query: Mapping[str, str], *, own_host: str) -> Visit:
    """The visit a router's redirect tells by mac, ip, link-login-only and link-orig (MikroTik manual, HotSpot pages).

    Raises Invalid when mac or ip cannot be a device's. A link that is not believed is replaced or dropped, not refused.
    """
    device = hint(query.get("mac", ""), query.get("ip", ""))
    return Visit(
        site=router.site,
        device=device,
        login=captive_links.login_link(query.get("link-login-only", ""), router.hotspot_hosts),
        onward=captive_links.onward(query.get("link-orig", ""), not_hosts=(own_host, *router.hotspot_hosts)),
    )


def seal(visit: Visit, signer: Signer, *, now: datetime) -> str:
    """The visit as URL-safe text, signed and bound to its site."""
    payload: dict[str, str | int | bool | None] = {"s": visit.site, "m": visit.device.mac, "i": visit.device.ip}
    if visit.login is not None:
        payload["l"] = visit.login
    if visit.onward is not None:
        payload["o"] = visit.onward.url
    return signer.sign(_PURPOSE, payload, now=now)


def unseal(sealed: str, router: RouterView, *, signer: Signer, now: datetime, max_age: timedelta = GOOD_FOR) -> Visit:
    """The visit a page was opened with, or VisitLost. Its links are checked again: the router may have changed."""
    try:
        payload = signer.read(_PURPOSE, sealed, max_age=max_age, now=now)
    except TokenError as error:
        raise VisitLost from error
    if payload.get("s") != router.site:
        raise VisitLost
    told = {key: value for key, value in payload.items() if isinstance(value, str)}
    return Visit(
        site=router.site,
        device=DeviceHint(told["m"], told["i"]),
        login=captive_links.login_link(told.get("l", ""), router.hotspot_hosts),
        onward=captive_links.onward(told.get("o", ""), not_hosts=router.hotspot_hosts),
    )
