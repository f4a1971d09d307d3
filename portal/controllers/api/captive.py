"""The captive API: for a login page of the merchant's own. Public, by the same verbs and under the same limits as the captive pages.

A router is named by its `site`, a device by the signed `visit` the first answer gives, a purchase by its unguessable token: nobody
can ask about anybody else's. Nothing is told by MAC."""

import hashlib
import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import checkouts, codes, limits, merchants, packages, routers
from portal.captive import visits
from portal.captive.failures import Next, failure
from portal.checkouts import CheckoutState, CheckoutView
from portal.clock import Clock
from portal.controllers.api.door import KEY_HEADER
from portal.errors import Invalid, NotFound, TooMany
from portal.headers import client_address
from portal.msgid import N_
from portal.phones import is_stored_form, mask
from portal.routers import RouterView
from portal.signing import Signer
from portal.vault import Vault

AnyRequest = Request[Any, Any, Any]
_SITE = re.compile(r"[0-9A-Za-z-]{1,32}")
_TOKEN = re.compile(r"[0-9a-f]{64}")
#: Questions from one address within a minute: many phones share one.
_ASKED = (1200, 60)
Site = Annotated[str, Parameter(query="routerId", min_length=1, max_length=32, description="The router's `site`")]
Mac = Annotated[
    str | None,
    Parameter(query="mac", max_length=32, description="The device's MAC, as the router's login page says it"),
]
Ip = Annotated[str | None, Parameter(query="ip", max_length=45, description="The device's address on the hotspot")]
Purchase = Annotated[str, Parameter(query="id", min_length=1, max_length=64, description="`id` of the purchase")]


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A package on offer at this router now. `mark` stands for price and terms: send it back with the purchase."""

    id: int
    name: str
    description: str
    price_cents: int
    full_price_cents: int
    duration_s: int
    uptime_s: int | None
    data_bytes: int | None
    rate_down_kbps: int | None
    rate_up_kbps: int | None
    devices: int
    mark: str


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What is on sale at a router. `is_open` false: nothing is sold now. `visit`: what a purchase needs, good for three hours; null
    unless mac and ip were given."""

    shop: str
    currency: str
    help_phone: str
    is_open: bool
    packages: list[Offered]
    visit: str | None


class Buy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is bought, and who pays. `visit` and `mark` come from the list of packages."""

    router_id: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    package_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    visit: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    mark: Annotated[str, msgspec.Meta(max_length=12)] = ""
    language: Literal["en", "sw"] = "en"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a purchase stands. `code` is there once it is paid. `result_code`: M-Pesa's, when it failed.
    `poll_after_s` null: nothing more is to be waited for. `page`: the same for people."""

    id: str
    state: CheckoutState
    package: str
    price_cents: int
    currency: str
    phone: str | None
    code: str | None
    receipt: str | None
    expires_at: datetime | None
    seconds_left: int | None
    result_code: str | None
    poll_after_s: int | None
    page: str


@get("/packages")
async def list_offered(
    request: AnyRequest, *, clock: Clock, signer: Signer, site: Site, mac: Mac = None, ip: Ip = None
) -> Offer:
    """What is on sale at a router, in the merchant's order."""
    now = clock.now()
    await _not_too_often(request, now)
    router = await _router(site)
    shop = await merchants.profile(router.merchant_id)
    visit = None
    if mac is not None or ip is not None:
        arrived = visits.arrive(router, {"mac": mac or "", "ip": ip or ""}, own_host="")
        visit = visits.seal(arrived, signer, now=now)
    sells = shop.is_active and router.status not in ("offline", "paused")
    offered = await packages.offered(router.id, router.merchant_id, now=now) if sells else []
    return Offer(
        shop=shop.name, currency=shop.currency, help_phone=shop.help_phone, is_open=sells, visit=visit,
        packages=[_offered(one) for one in offered if one.price_cents > 0],
    )  # fmt: skip


def _offered(one: packages.PackageView) -> Offered:
    terms = one.terms
    return Offered(
        id=one.id, name=one.name, description=one.description, price_cents=one.price_cents, mark=one.mark,
        full_price_cents=one.full_cents, duration_s=terms.duration_s, uptime_s=terms.uptime_s, devices=terms.devices,
        data_bytes=terms.data_bytes, rate_down_kbps=terms.rate_down_kbps, rate_up_kbps=terms.rate_up_kbps,
    )  # fmt: skip


@post("/purchase", status_code=202)
async def purchase(request: AnyRequest, data: Buy, *, clock: Clock, signer: Signer, vault: Vault) -> Response[Standing]:
    """Ask the phone for the money. The same device asking for the same again while its prompt is open gets the first purchase, and so
    does the same Idempotency-Key."""
    now = clock.now()
    router = await _router(data.router_id)
    try:
        device = visits.unseal(data.visit, router, signer=signer, now=now).device
    except visits.VisitLost as error:
        raise Invalid(
            {"visit": N_("Ask for the packages again: this visit is too old, or another router's.")}
        ) from error
    token = await checkouts.start(
        router, data.package_id, phone=data.phone, device=device, form_key=_form_key(request, router, device.mac),
        language=data.language, seen=data.mark, now=now,
    )  # fmt: skip
    standing = await _standing(request, token, vault=vault, now=now)
    return Response(standing, status_code=202, headers={"location": f"/api/captive/payment-status?id={token}"})


def _form_key(request: AnyRequest, router: RouterView, mac: str) -> str:
    """Bound to the device: nobody finds another's purchase by guessing a key."""
    name = request.headers.get(KEY_HEADER)
    if not name:
        return codes.hex_token(32)
    return hashlib.sha256(f"api captive {router.site} {mac} {name[:255]}".encode()).hexdigest()


@get("/payment-status")
async def read_payment_status(request: AnyRequest, *, clock: Clock, vault: Vault, token: Purchase) -> Standing:
    """How a purchase stands."""
    now = clock.now()
    await _not_too_often(request, now)
    return await _standing(request, token, vault=vault, now=now)


async def _standing(request: AnyRequest, token: str, *, vault: Vault, now: datetime) -> Standing:
    if not _TOKEN.fullmatch(token):
        raise NotFound
    view = await checkouts.look(token, vault=vault, now=now)
    base_url: str = request.app.state["settings"].base_url
    return Standing(
        id=token, state=view.state, package=view.terms.name, price_cents=view.price_cents, currency=view.currency,
        phone=mask(view.phone) if is_stored_form(view.phone) else None, code=view.code, receipt=view.receipt,
        expires_at=view.expires_at, seconds_left=view.seconds_left, result_code=view.result_code,
        poll_after_s=_poll_after(view), page=f"{base_url}/w/{token}",
    )  # fmt: skip


_WAITS = {
    CheckoutState.WAITING: 3,
    CheckoutState.SLOW: 5,
    CheckoutState.CONNECTING: 3,
    CheckoutState.ROUTER_AWAY: 10,
    CheckoutState.MISMATCH: 20,
}


def _poll_after(view: CheckoutView) -> int | None:
    if view.state is CheckoutState.FAILED:
        return 10 if view.keep_watching or failure(view.result_code).next is Next.LATER else None
    return _WAITS.get(view.state)


async def _router(site: str) -> RouterView:
    if not _SITE.fullmatch(site):
        raise NotFound
    return await routers.by_site(site)


async def _not_too_often(request: AnyRequest, now: datetime) -> None:
    address = client_address(request, request.app.state["settings"].trusted_proxies)
    most, window_s = _ASKED
    if not await limits.hit(f"api:captive:{address}", limit=most, window_s=window_s, now=now):
        raise TooMany(retry_after=window_s)


HANDLERS = [list_offered, purchase, read_payment_status]
