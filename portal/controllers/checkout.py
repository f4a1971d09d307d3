"""The page of a checkout, from the push to the end of the time bought; its address is the only key to it.

It is a customer's only session: it must work without cookies, without script, and after the captive browser was closed.
"""

import re
from datetime import datetime

from litestar import Response, Router, get

from portal import checkouts, codes
from portal.captive import links as captive_links
from portal.captive import states as captive_states
from portal.captive.failures import SAME_AGAIN_AFTER_S
from portal.checkouts import CheckoutView
from portal.clock import Clock
from portal.controllers.captive import HANDLERS
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.errors import NotFound
from portal.signing import Signer
from portal.vault import Vault

_TOKEN = re.compile(r"[0-9a-f]{64}")


@get("/w/{token:str}")
async def show_checkout(
    request: AnyRequest, token: str, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str]:
    """How the checkout stands, and what to do next."""
    now = clock.now()
    view = await _look(token, vault=vault, now=now)
    frame = Frame(request, router=view.router, merchant=view.merchant, language=view.language)
    frame.recall(request.query_params.get("d", ""), signer=signer, now=now)
    screen = captive_states.screen(view, now=now)
    facts = {"view": view, "screen": screen, "now": now, "form_key": codes.hex_token(16)}
    lengths = {"bar_s": captive_states.BAR_S, "again_s": SAME_AGAIN_AFTER_S}
    lengths |= {"within_s": captive_states.let_in_within_s(view.router)}
    context = {**facts, **lengths, **_ways(frame, view)}
    key = screen.key if screen.refresh_s else ""
    return frame.show(screen.template, context, refresh_s=screen.refresh_s, poll_s=screen.poll_s, key=key)


@get("/w/{token:str}/state")
async def tell_state(token: str, clock: Clock, vault: Vault) -> Response[str]:
    """The name of the screen the page would show, as plain text: a waiting page loads itself anew when it changes."""
    now = clock.now()
    screen = captive_states.screen(await _look(token, vault=vault, now=now), now=now)
    return Response(screen.key, media_type="text/plain", headers={"cache-control": "no-store"})


async def _look(token: str, *, vault: Vault, now: datetime) -> CheckoutView:
    if not _TOKEN.fullmatch(token):
        raise NotFound
    return await checkouts.look(token, vault=vault, now=now)


def _ways(frame: Frame, view: CheckoutView) -> dict[str, str | None]:
    """Where the page's links lead. A visit too old to buy with goes by the router, which tells mac and ip anew."""
    buying = f"/buy/{view.package_id}"
    onward = frame.visit.onward if frame.visit else None
    return {
        "retry": frame.form_link(buying),
        "again": frame.site_link(buying) if frame.is_fresh else frame.by_router(f"/c/{view.router.site}{buying}"),
        "others": frame.site_link() if frame.is_fresh else frame.login or frame.site_link(),
        "reconnect": frame.by_router(f"/w/{view.token}") if frame.login else None,
        "browse": onward.url if onward else captive_links.status_link(frame.login) if frame.login else None,
        "browse_host": onward.host if onward else None,
    }


ROUTER = Router("/", route_handlers=[show_checkout, tell_state], exception_handlers=HANDLERS)
