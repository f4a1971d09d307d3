"""What stands around every signed-in page: merchant, actor, language, form token, and where one can go. No figures."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response

from portal import i18n
from portal.controllers.dashboard.places import Places, places_of
from portal.guards import form_key, form_token
from portal.i18n import Language
from portal.identity import Actor
from portal.merchants import MerchantView, profile
from portal.msgid import N_
from portal.web import language_of, render, swap

AnyRequest = Request[Any, Any, Any]


ROLES = {
    "owner": N_("Owner"),
    "manager": N_("Manager"),
    "cashier": N_("Cashier"),
    "viewer": N_("Viewer"),
}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one page. `merchant` is None for an operator who looks at none."""

    actor: Actor
    merchant: MerchantView | None
    language: Language
    zone: ZoneInfo
    csrf: str
    here: str
    places: Places
    role: str


async def frame_of(request: AnyRequest, actor: Actor, *, here: str) -> Frame:
    """The surroundings of the page `here`."""
    merchant = await profile(actor.merchant_id) if actor.merchant_id is not None else None
    return Frame(
        actor=actor,
        merchant=merchant,
        language=language_of(request, fallback=merchant.language if merchant else i18n.SOURCE),
        zone=ZoneInfo(merchant.timezone if merchant else "Africa/Nairobi"),
        csrf=form_token(await form_key(request) or "", request),
        here=here,
        places=places_of(actor),
        role=ROLES[actor.role] if actor.role else N_("Operator"),
    )


def page(request: AnyRequest, frame: Frame, template: str, **context: object) -> Response[str]:
    """A whole signed-in page."""
    return render(request, template, {"frame": frame, **context}, language=frame.language)


def part(request: AnyRequest, frame: Frame, template: str, **context: object) -> Response[str]:
    """A part of a signed-in page, as htmx polls it."""
    return swap(request, template, {"frame": frame, **context}, language=frame.language)
