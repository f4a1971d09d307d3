"""What stands around every signed-in page: merchant, actor, language, form token, and where one can go. No figures."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response

from portal import i18n
from portal.controllers.dashboard.places import Places, places_of
from portal.guards import form_key, form_token, load_session
from portal.i18n import Language
from portal.identity import Actor, sessions
from portal.identity.sessions import Place
from portal.merchants import MerchantView, profile
from portal.msgid import N_
from portal.platform import announcements
from portal.web import language_of, render, swap

AnyRequest = Request[Any, Any, Any]


ROLES = {
    "owner": N_("Owner"),
    "manager": N_("Manager"),
    "cashier": N_("Cashier"),
    "viewer": N_("Viewer"),
}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one page. `merchant` is None for an operator who looks at none; `shops` is empty where there is nothing to
    go to."""

    actor: Actor
    merchant: MerchantView | None
    language: Language
    zone: ZoneInfo
    csrf: str
    here: str
    places: Places
    role: str
    shops: Sequence[Place] = ()
    announcements: Sequence[tuple[int, str]] = ()


async def frame_of(request: AnyRequest, actor: Actor, *, here: str) -> Frame:
    """The surroundings of the page `here`."""
    merchant = await profile(actor.merchant_id) if actor.merchant_id is not None else None
    language = language_of(request, fallback=merchant.language if merchant else i18n.SOURCE)
    # Asked only while there is something to tell: no page pays for it otherwise.
    has_news, now = merchant is not None and merchant.has_news, request.app.state["clock"].now()
    return Frame(
        actor=actor,
        merchant=merchant,
        language=language,
        zone=ZoneInfo(merchant.timezone if merchant else "Africa/Nairobi"),
        csrf=form_token(await form_key(request) or "", request),
        here=here,
        places=places_of(actor),
        role=ROLES[actor.role] if actor.role else N_("Operator"),
        shops=await _shops(request, actor),
        announcements=await announcements.unread(actor, language=language.code, now=now) if has_news else (),
    )


async def _shops(request: AnyRequest, actor: Actor) -> Sequence[Place]:
    """Where one works, if that is more than here. Asks nothing for people with one shop: their session says so."""
    session = await load_session(request)
    if session is None or actor.visit is not None or session.shops <= (actor.merchant_id is not None):
        return ()
    return await sessions.places_of(actor)


def page(request: AnyRequest, frame: Frame, template: str, **context: object) -> Response[str]:
    """A whole signed-in page."""
    return render(request, template, {"frame": frame, **context}, language=frame.language)


def part(request: AnyRequest, frame: Frame, template: str, **context: object) -> Response[str]:
    """A part of a signed-in page, as htmx polls it."""
    return swap(request, template, {"frame": frame, **context}, language=frame.language)
