"""The page for a promo code, below a package: the code first, then the price it makes, then Pay. Nothing is asked for before the
price was shown: the form carries it back, and another price is shown again instead of being asked for."""

import re
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide

from portal import codes, phones, promos, reminders
from portal.captive.visits import VisitLost
from portal.clock import Clock
from portal.controllers.captive import ENTER_A_NUMBER, HANDLERS, frame_at
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.customer_credits import is_anything_kept
from portal.errors import Invalid, TooMany
from portal.packages import PackageView
from portal.promos import Buyer, Offer
from portal.rails.accounts import ways_to_pay
from portal.signing import Signer
from portal.states import RouterStatus
from portal.vault import Vault
from portal.web import see_other

_FORM_KEY = re.compile(r"[0-9a-f]{32,64}")
_MOST_TYPED = 64
_AWAY = (RouterStatus.OFFLINE, RouterStatus.PAUSED)
_FIELDS = ("promo", "phone", "price", "way", "offers", "seen", "form_key", "d")


@get("/c/{site:str}/buy/{package_id:int}/promo")
async def ask_for_code(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer
) -> Response[str]:
    """The form for the code; with `code` in the address, what it makes of the price."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    package = await frame.package(package_id, now=clock.now())
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link(f"/buy/{package_id}")})
    code = request.query_params.get("code", "")[:_MOST_TYPED]
    typed = dict.fromkeys(_FIELDS, "") | {"promo": code}
    return await (_quoted(frame, package, typed, clock=clock) if code else _page(frame, package, typed))


@post("/c/{site:str}/buy/{package_id:int}/promo", opt={"csrf": "none"})
async def use(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Show what the code makes of the price; once that was shown, begin the purchase and go to its page."""
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    device = frame.enter(sent.get("d", ""), signer=signer, now=clock.now()).device
    typed = {name: sent.get(name, "")[:_MOST_TYPED] for name in _FIELDS}
    if not _FORM_KEY.fullmatch(typed["form_key"]):
        raise VisitLost
    package = await frame.package(package_id, now=clock.now())
    if not typed["price"]:
        return await _quoted(frame, package, typed, clock=clock)
    try:
        offer = await _offer(frame, package, typed, clock=clock)
        if str(offer.price_cents) != typed["price"] or typed["seen"] not in ("", package.mark):
            return await _page(frame, package, typed, offer=offer)
        buyer = Buyer(
            device=device, phone=typed["phone"], form_key=typed["form_key"], language=frame.language.code,
            way=typed["way"] or "mpesa",
        )  # fmt: skip
        token = await promos.buy(frame.site, package, offer, buyer, vault=vault, now=clock.now())
    except (Invalid, TooMany) as error:
        return await _refused(frame, package, typed, error, clock=clock)
    if typed["offers"]:
        await reminders.wants_offers(token)
    return see_other(request, frame.link(f"/w/{token}"))


async def _offer(frame: Frame, package: PackageView, typed: dict[str, str], *, clock: Clock) -> Offer:
    """What the code makes of the price; the number counts as far as it can be read."""
    try:
        phone = phones.parse_phone(typed["phone"])
    except phones.PhoneError:
        phone = ""
    assert frame.visit is not None  # `enter` has set it
    return await promos.quote(
        frame.site.id, frame.site.merchant_id, package, typed["promo"], device=frame.visit.device, phone=phone,
        now=clock.now(),
    )  # fmt: skip


async def _quoted(frame: Frame, package: PackageView, typed: dict[str, str], *, clock: Clock) -> Response[str]:
    try:
        return await _page(frame, package, typed, offer=await _offer(frame, package, typed, clock=clock))
    except (Invalid, TooMany) as error:
        return await _refused(frame, package, typed, error, clock=clock)


async def _refused(
    frame: Frame, package: PackageView, typed: dict[str, str], error: Invalid | TooMany, *, clock: Clock
) -> Response[str]:
    """The same form with what was typed: beside the number when that was wrong, else beside the code."""
    if isinstance(error, Invalid) and "phone" in error.fields:
        offer = await _offer(frame, package, typed, clock=clock)
        return await _page(frame, package, typed, offer=offer, error=ENTER_A_NUMBER, status=422)
    said = error.fields.get("promo", error.message) if isinstance(error, Invalid) else error.message
    return await _page(frame, package, typed, error=said, status=error.status_code)


async def _page(
    frame: Frame, package: PackageView, typed: dict[str, str], *, offer: Offer | None = None, error: str = "",
    status: int = 200,
) -> Response[str]:  # fmt: skip
    ways = [each.rail for each in await ways_to_pay(frame.site.merchant_id)] or ["mpesa"]
    context: dict[str, Any] = {"package": package, "typed": typed, "offer": offer, "error": error, "ways": ways}
    context["is_kept"] = await is_anything_kept(frame.site.merchant_id)
    context["asks_offers"] = await reminders.asks_for_offers(frame.site.merchant_id)
    return frame.show("captive/promo.html", context | {"form_key": codes.hex_token(16)}, status=status)


ROUTER = Router(
    "/", route_handlers=[ask_for_code, use], dependencies={"frame": Provide(frame_at)}, exception_handlers=HANDLERS
)
