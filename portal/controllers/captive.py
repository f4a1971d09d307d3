"""The pages of a site: packages, the phone number, a voucher's code. What happens after paying: controllers.checkout.

The query of the first page comes from the router's login page (MikroTik manual, HotSpot customisation): mac, ip,
link-login-only, link-orig, error. All of it is hearsay; see portal.captive.links and portal.captive.visits.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide

from portal import access_grants, checkouts, claims, codes, packages, phones, promos, reminders, voucher_entry
from portal.captive import links as captive_links
from portal.captive import states as captive_states
from portal.captive import words as captive_words
from portal.captive.evenly import evenly
from portal.captive.visits import VisitLost
from portal.clock import Clock
from portal.controllers.captive_frame import FILL, AnyRequest, Frame
from portal.controllers.cards import SCANNED, way_to_code
from portal.customer_credits import is_anything_kept
from portal.errors import Invalid, NotFound, TooMany, Unavailable
from portal.msgid import N_
from portal.packages import Changed, NotNow, PackageView
from portal.rails.accounts import ways_to_pay
from portal.signing import Signer
from portal.states import RouterStatus
from portal.subscribers import family
from portal.vault import Vault
from portal.web import see_other

_FORM_KEY = re.compile(r"[0-9a-f]{32,64}")
_MOST_TYPED = 64
_MOST_PASTED = 500
#: These routers sell nothing: no money is taken for what cannot be given.
_AWAY = (RouterStatus.OFFLINE, RouterStatus.PAUSED)
#: The same words for everything that is no number to pay with.
ENTER_A_NUMBER = N_("Enter a Safaricom number, like 0712 345 678")


async def frame_at(request: AnyRequest, site: str) -> Frame:
    """Dependency `frame`: the site's."""
    return await Frame.at(request, site)


@get("/c/{site:str}")
async def list_packages(
    request: AnyRequest, frame: Frame, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Where the router sends a phone that is not online: what is on sale. One on its way back to a page goes there."""
    query = request.query_params
    if sealed := query.get("d"):
        frame.enter(sealed, signer=signer, now=clock.now())
    elif query.get("mac") or query.get("ip"):
        frame.arrive(query, signer=signer, now=clock.now())
    else:
        return frame.show("captive/outside.html", {"reason": "elsewhere"})
    back = await _way_back(frame, clock=clock, vault=vault)
    if back:
        return see_other(request, back)
    if (
        frame.visit
        and not query.get("error")
        and (
            await access_grants.knock(frame.site.id, frame.visit.device, now=clock.now())
            or await family.knock(frame.site, frame.visit.device, vault=vault, now=clock.now())
        )
    ):
        return _welcome_back(frame)
    return await _packages(frame, now=clock.now())


def _welcome_back(frame: Frame) -> Response[str]:
    """The device has time left: it is being logged in. Says nothing about it, for a MAC proves nothing."""
    onward = frame.visit.onward if frame.visit else None
    go_on = onward.url if onward else captive_links.status_link(frame.login) if frame.login else None
    within_s = captive_states.let_in_within_s(frame.site)
    context = {"others": frame.site_link(), "within_s": within_s}
    return frame.show("captive/back.html", context, go=go_on, refresh_s=within_s or 3)


async def _way_back(frame: Frame, *, clock: Clock, vault: Vault) -> str | None:
    page = captive_links.own_page(frame.request.query_params.get("link-orig", ""), frame.base_url)
    if page is None or frame.visit is None:
        return None
    if page.handle is not None:
        return way_to_code(frame, page.handle)
    if page.token is None:
        return frame.site_link(f"/buy/{page.package_id}") if page.site == frame.site.site else None
    try:
        view = await checkouts.look(page.token, vault=vault, now=clock.now())
    except NotFound:
        return None
    if view.router.id != frame.site.id:
        return None
    await checkouts.returned(page.token, frame.visit.device, vault=vault, now=clock.now())
    return frame.link(f"/w/{page.token}")


async def _packages(frame: Frame, *, now: datetime) -> Response[str]:
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link()})
    sells = frame.merchant is not None and frame.merchant.is_active
    offered = await packages.offered(frame.site.id, frame.site.merchant_id, now=now) if sells else []
    said = captive_words.router_said(frame.request.query_params.get("error", ""))
    return frame.show("captive/packages.html", {"packages": offered, "said": said})


@get("/c/{site:str}/buy/{package_id:int}")
async def ask_for_phone(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer
) -> Response[str] | Response[bytes]:
    """The form for the number that pays; where M-Pesa is not among the ways to pay, the first of them."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    package = await frame.package(package_id, now=clock.now())
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link(f"/buy/{package_id}")})
    others = await _other_ways(frame)
    if others and not frame.merchant_takes_mpesa:
        return see_other(request, frame.site_link(f"/buy/{package_id}/by/{others[0]}"))
    return await _buy_form(frame, package, others, now=clock.now())


@post("/c/{site:str}/buy/{package_id:int}", opt={"csrf": "none"})
async def buy(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer
) -> Response[str] | Response[bytes]:
    """Begin a checkout and go to its page. The signed visit stands in for a session: without it nothing is begun."""
    form = await _form(request)
    device = frame.enter(form["d"], signer=signer, now=clock.now()).device
    if not _FORM_KEY.fullmatch(form["form_key"]):
        raise VisitLost
    package = await frame.package(package_id, now=clock.now())
    others = await _other_ways(frame)
    if not form["sure"] and "airtel" in others and _looks_like_airtel(form["phone"]):
        return await _buy_form(frame, package, others, typed=form, looks_like="airtel", now=clock.now())
    try:
        token = await checkouts.start(
            frame.site, package_id, phone=form["phone"], device=device, form_key=form["form_key"],
            language=frame.language.code, seen=form["seen"], now=clock.now(),
        )  # fmt: skip
    except Invalid:
        return await _buy_form(frame, package, others, typed=form, error=ENTER_A_NUMBER, now=clock.now())
    except Changed as changed:
        return await _buy_form(frame, package, others, typed=form, note=changed.message, now=clock.now())
    if form["offers"]:
        await reminders.wants_offers(token)
    return see_other(request, frame.link(f"/w/{token}"))


async def _other_ways(frame: Frame) -> list[str]:
    """What else than M-Pesa customers of this shop may pay by; also says whether they may pay by M-Pesa."""
    ways = [way.rail for way in await ways_to_pay(frame.site.merchant_id)]
    frame.merchant_takes_mpesa = "mpesa" in ways or not ways
    return [way for way in ways if way != "mpesa"]


def _looks_like_airtel(typed: str) -> bool:
    """By its first digits: a hint only, for people take their numbers along."""
    try:
        return phones.carrier_hint(phones.parse_phone(typed)) == "Airtel"
    except phones.PhoneError:
        return False


async def _buy_form(
    frame: Frame, package: PackageView, others: list[str], *, now: datetime, typed: Mapping[str, str] | None = None,
    error: str = "", looks_like: str = "", note: str = "",
) -> Response[str]:  # fmt: skip
    sent, merchant_id = typed or {}, frame.site.merchant_id
    context = {
        "package": package, "typed": sent.get("phone", ""), "ticked": sent.get("offers", ""), "error": error,
        "form_key": codes.hex_token(16), "others": others, "looks_like": looks_like, "note": note,
        "promise": frame.promise(package),
        "is_kept": await is_anything_kept(merchant_id), "are_promos": await promos.are_there_any(merchant_id, now=now),
        "asks_offers": await reminders.asks_for_offers(merchant_id),
    }  # fmt: skip
    return frame.show("captive/buy.html", context, status=422 if error else 409 if note else 200)


@get("/c/{site:str}/code")
async def ask_for_code(request: AnyRequest, frame: Frame, clock: Clock, signer: Signer) -> Response[str]:
    """The form for a voucher's code."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    fill = FILL if SCANNED in request.query_params else None
    return frame.show("captive/code.html", {"typed": "", "error": ""}, script=fill)


@post("/c/{site:str}/code", opt={"csrf": "none"})
async def redeem(
    request: AnyRequest, frame: Frame, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Use a voucher and go to its page. A wrong, used and expired code get the same answer."""
    form = await _form(request)
    device = frame.enter(form["d"], signer=signer, now=clock.now()).device
    try:
        token = await voucher_entry.redeem(frame.site, form["code"], device, vault=vault, now=clock.now())
    except Invalid as wrong:
        error = wrong.fields.get("code", wrong.message)
        return frame.show("captive/code.html", {"typed": form["code"], "error": error}, status=422)
    return see_other(request, frame.link(f"/w/{token}"))


@get("/c/{site:str}/paid")
async def ask_what_was_paid(request: AnyRequest, frame: Frame, *, clock: Clock, signer: Signer) -> Response[str]:
    """The form for who has paid already: the payer's number and the M-Pesa code."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    return frame.show("captive/claim.html", {"typed": {"phone": "", "receipt": ""}, "wrong": {}})


@post("/c/{site:str}/paid", opt={"csrf": "none"})
async def release(
    request: AnyRequest, frame: Frame, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Let a device in on what was paid. Wrong, unknown, used up and another's: the same answer in the same time."""
    form = await _form(request)
    device = frame.enter(form["d"], signer=signer, now=clock.now()).device
    try:
        async with evenly():
            token = await claims.release_by_receipt(
                frame.site, device, phone=form["phone"], pasted=form["receipt"], vault=vault, now=clock.now()
            )
    except Invalid as wrong:
        return frame.show("captive/claim.html", {"typed": form, "wrong": wrong.fields}, status=422)
    return see_other(request, frame.link(f"/w/{token}"))


async def _form(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    typed = {name: texts.get(name, "")[:_MOST_TYPED] for name in ("phone", "code", "sure", "offers", "seen")}
    typed["receipt"] = texts.get("receipt", "")[:_MOST_PASTED]
    return {**typed, "form_key": texts.get("form_key", ""), "d": texts.get("d", "")}


def _frame_of(request: AnyRequest) -> Frame:
    found = request.state.get("frame")
    return found if isinstance(found, Frame) else Frame(request)


def missing(request: AnyRequest, _: NotFound) -> Response[str]:
    """404: a site, a package or a checkout that is not there, or is another merchant's."""
    return _frame_of(request).show("captive/missing.html", status=404)


def malformed(request: AnyRequest, _: Invalid) -> Response[str]:
    """400: the mac or ip in the address cannot be a device's, so this phone was not sent here by its router."""
    return _frame_of(request).show("captive/outside.html", {"reason": "malformed"}, status=400)


def lost(request: AnyRequest, _: VisitLost) -> Response[str]:
    """400: the signed visit is missing, altered, too old or another site's."""
    return _frame_of(request).show("captive/outside.html", {"reason": "lost"}, status=400)


def too_many(request: AnyRequest, error: TooMany) -> Response[str]:
    """429: a ceiling was reached; says for how long."""
    wait_s = max(1, round(error.retry_after))
    path = request.scope["path"]
    context = {"wait_s": wait_s, "is_payment": "/buy/" in path, "is_claim": path.endswith("/paid")}
    return _frame_of(request).show("captive/wait.html", context, status=429, retry_after_s=wait_s)


def unavailable(request: AnyRequest, _: Unavailable) -> Response[str]:
    """503: the router or M-PESA is away; nothing was taken, because nothing was asked for."""
    frame = _frame_of(request)
    is_wifi = frame.router is not None and frame.router.status in _AWAY
    again = frame.link(request.scope["path"])
    return frame.show("captive/down.html", {"is_wifi": is_wifi, "again": again}, status=503, retry_after_s=60)


def not_now(request: AnyRequest, error: NotNow) -> Response[str]:
    """409: the package is sold at other hours."""
    frame = _frame_of(request)
    context = {"package": error.package, "hours": frame.hours(error.package) if error.package else []}
    return frame.show("captive/hours.html", context, status=409)


HANDLERS: dict[int | type[Exception], Any] = {
    NotFound: missing,
    VisitLost: lost,
    Invalid: malformed,
    TooMany: too_many,
    Unavailable: unavailable,
    NotNow: not_now,
}

ROUTER = Router(
    "/",
    route_handlers=[list_packages, ask_for_phone, buy, ask_for_code, redeem, ask_what_was_paid, release],
    dependencies={"frame": Provide(frame_at)},
    exception_handlers=HANDLERS,
)
