"""The page of a checkout, from the push to the end of the time bought; its address is the only key to it.

It is a customer's only session: it must work without cookies, without script, and after the captive browser was closed.
"""

import re
from datetime import datetime

from litestar import Response, Router, get, post

from portal import checkouts, claims, codes, hand_payments, packages, promos
from portal.captive import links as captive_links
from portal.captive import rail_screens
from portal.captive import states as captive_states
from portal.captive.evenly import evenly
from portal.captive.failures import SAME_AGAIN_AFTER_S
from portal.captive.ways import ways
from portal.checkouts import CheckoutState, CheckoutView
from portal.clock import Clock
from portal.controllers.captive import HANDLERS
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.errors import Invalid, NotFound
from portal.hand_payments import ByHand
from portal.rails import asking
from portal.signing import Signer
from portal.vault import Vault
from portal.web import see_other

_TOKEN = re.compile(r"[0-9a-f]{64}")
_MOST_PASTED = 500
#: Seconds until pages that wait for money by hand load themselves anew without JavaScript.
_HAND_REFRESH_S = 10
#: The state of a page that waits for M-Pesa's word about a code, whatever the code is.
_LOOKING = "looking"


@get("/w/{token:str}")
async def show_checkout(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str]:
    """How the checkout stands, and what to do next."""
    now = clock.now()
    view = await _look(token, vault=vault, now=now)
    frame = Frame(request, router=view.router, merchant=view.merchant, language=view.language)
    frame.recall(request.query_params.get("d", ""), signer=signer, now=now)
    if "reference" in request.query_params and view.pay_url:  # back from the page where a card is paid
        await asking.came_back(token, now=now)
    screen = rail_screens.adapted(captive_states.screen(view, now=now), view)
    hand = await hand_payments.of_checkout(token)
    facts = {"view": view, "screen": screen, "now": now, "form_key": codes.hex_token(16)}
    facts |= {"hand": hand, "ways": ways(view.state, hand), "seen": packages.mark_of(view.price_cents, view.terms)}
    lengths = {"bar_s": captive_states.BAR_S, "again_s": SAME_AGAIN_AFTER_S}
    lengths |= {"within_s": captive_states.let_in_within_s(view.router)}
    promo = await promos.code_of(token) if view.state is CheckoutState.FAILED else ""
    context = {**facts, **lengths, **_ways(frame, view, promo), "promo": promo}
    key = screen.key if screen.refresh_s else ""
    template = screen.template
    if view.state is CheckoutState.MISMATCH and hand is not None and hand.held_cents:
        template = "captive/underpaid.html"
    return frame.show(template, context, refresh_s=screen.refresh_s, poll_s=screen.poll_s, key=key)


@get("/w/{token:str}/state")
async def tell_state(token: str, clock: Clock, vault: Vault) -> Response[str]:
    """The name of the screen the page would show, as plain text: a waiting page loads itself anew when it changes."""
    now = clock.now()
    view = await _look(token, vault=vault, now=now)
    screen = rail_screens.adapted(captive_states.screen(view, now=now), view)
    return _plain(screen.key)


@get("/w/{token:str}/hand")
async def show_by_hand(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Business number, account number, amount: the same purchase, paid from M-Pesa's own menu. Goes on by itself once paid."""
    frame, view, hand = await _open(request, token, clock=clock, signer=signer, vault=vault)
    if hand is None:
        return see_other(request, frame.link(f"/w/{token}"))
    context = {"view": view, "hand": hand}
    return frame.show("captive/hand.html", context, key=_hand_key(hand), refresh_s=_HAND_REFRESH_S)


@get("/w/{token:str}/hand/state")
async def tell_hand_state(token: str) -> Response[str]:
    """What is still to be paid, as a name that changes with it."""
    return _plain(_hand_key(await _by_hand(token)))


@get("/w/{token:str}/paid")
async def ask_for_receipt(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """The form for the M-Pesa code; with `sent`, the wait for M-Pesa's word about it."""
    frame, view, hand = await _open(request, token, clock=clock, signer=signer, vault=vault)
    if hand is None:
        return see_other(request, frame.link(f"/w/{token}"))
    context = {"view": view, "typed": "", "error": ""}
    if "sent" not in request.query_params:
        return frame.show("captive/paid.html", context)
    return frame.show("captive/looking.html", context, key=_LOOKING, refresh_s=_HAND_REFRESH_S)


@post("/w/{token:str}/paid", opt={"csrf": "none"})
async def claim_receipt(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Take the code. Unknown, wrong, used or somebody else's: the same answer in the same time."""
    frame, view, _ = await _open(request, token, clock=clock, signer=signer, vault=vault)
    pasted = (await request.form()).get("receipt", "")
    text = pasted[:_MOST_PASTED] if isinstance(pasted, str) else ""
    try:
        async with evenly():
            found = await claims.claim_by_receipt(token, text, vault=vault, now=clock.now())
    except Invalid as wrong:
        context = {"view": view, "typed": text, "error": wrong.fields.get("receipt", wrong.message)}
        return frame.show("captive/paid.html", context, status=422)
    return see_other(request, frame.link(f"/w/{token}") if found.is_paid else frame.link(f"/w/{token}/paid", sent="1"))


@get("/w/{token:str}/paid/state")
async def tell_claim_state(token: str) -> Response[str]:
    """Whether M-Pesa's word has paid for it; nothing about any code."""
    return _plain("paid" if await _by_hand(token) is None else _LOOKING)


async def _open(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> tuple[Frame, CheckoutView, ByHand | None]:
    now = clock.now()
    view = await _look(token, vault=vault, now=now)
    frame = Frame(request, router=view.router, merchant=view.merchant, language=view.language)
    frame.recall(request.query_params.get("d", ""), signer=signer, now=now)
    return frame, view, await hand_payments.of_checkout(token)


async def _by_hand(token: str) -> ByHand | None:
    if not _TOKEN.fullmatch(token):
        raise NotFound
    return await hand_payments.of_checkout(token)


def _hand_key(hand: ByHand | None) -> str:
    return "paid" if hand is None else f"hand-{hand.rest_cents}"


def _plain(text: str) -> Response[str]:
    return Response(text, media_type="text/plain", headers={"cache-control": "no-store"})


async def _look(token: str, *, vault: Vault, now: datetime) -> CheckoutView:
    if not _TOKEN.fullmatch(token):
        raise NotFound
    return await checkouts.look(token, vault=vault, now=now)


def _ways(frame: Frame, view: CheckoutView, promo: str = "") -> dict[str, str | None]:
    """Where the page's links lead. A visit too old to buy with goes by the router, which tells mac and ip anew. What was begun with
    a promo is begun with it again, and its price is shown first."""
    buying = f"/buy/{view.package_id}"
    onward = frame.visit.onward if frame.visit else None
    return {
        "retry": frame.form_link(buying),
        "again": frame.link(f"/c/{view.router.site}{buying}/promo", code=promo)
        if promo and frame.is_fresh
        else frame.site_link(buying)
        if frame.is_fresh
        else frame.by_router(f"/c/{view.router.site}{buying}"),
        "others": frame.site_link() if frame.is_fresh else frame.login or frame.site_link(),
        "reconnect": frame.by_router(f"/w/{view.token}") if frame.login else None,
        "browse": onward.url if onward else captive_links.status_link(frame.login) if frame.login else None,
        "browse_host": onward.host if onward else None,
    }


ROUTER = Router(
    "/",
    route_handlers=[
        show_checkout, tell_state, show_by_hand, tell_hand_state, ask_for_receipt, claim_receipt, tell_claim_state,
    ],
    exception_handlers=HANDLERS,
)  # fmt: skip
