"""What the shop is called, and how its pages look to customers. For owners and managers."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import Parameter

from portal import branding, colours, guards, i18n, logos, packages, shops
from portal.clock import Clock
from portal.controllers.captive_frame import Frame as CaptiveFrame
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid
from portal.identity import Actor
from portal.logos import Logo
from portal.merchants import profile
from portal.routers import rights, views
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Saved = Annotated[bool, Parameter(query="saved")]
#: The largest logo, and the rest of the form.
_MOST_BODY = logos.MOST_BYTES + 64 * 1024


@get("/settings/shop", guards=[guards.at_merchant])
async def shop_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """Name, help number, language, zone."""
    return await _shop(request, actor, typed=msgspec.structs.asdict(await shops.of(actor)), is_saved=saved)


@post("/settings/shop", guards=[guards.at_merchant])
async def save_shop(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form when something is wrong."""
    typed = _texts(await request.form())
    try:
        await shops.change(actor, typed, now=clock.now())
    except Invalid as error:
        return await _shop(request, actor, typed=typed, error=error)
    return see_other(request, "/settings/shop?saved=true")


async def _shop(
    request: AnyRequest, actor: Actor, *, typed: Mapping[str, str], error: Invalid | None = None, is_saved: bool = False
) -> Response[str]:
    frame = await frame_of(request, actor, here="settings")
    zones = dict.fromkeys((*shops.zones(), frame.zone.key))
    answer = page(
        request, frame, "dashboard/shop_settings.html", typed=typed, wrong=error.fields if error else {}, is_saved=is_saved,
        zones=zones, languages=i18n.NAMES, most=shops.MOST_LETTERS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@get("/settings/branding", guards=[guards.at_merchant])
async def branding_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """Colour, logo, words."""
    look = (await profile(rights.changer(actor))).look
    said = {f"{kind}_{code}": look.said(kind, code) for code in i18n.NAMES for kind in branding.KINDS_OF_WORDS}
    return await _branding(request, actor, typed={"accent": look.accent, **said}, is_saved=saved)


@post("/settings/branding", guards=[guards.at_merchant], request_max_body_size=_MOST_BODY)
async def save_branding(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form, and the nearest colour that can be read, when something is wrong."""
    rights.changer(actor)
    form = await request.form()
    typed = _texts(form)
    said = {code: {kind: typed.get(f"{kind}_{code}", "") for kind in branding.KINDS_OF_WORDS} for code in i18n.NAMES}
    try:
        await branding.change(
            actor, accent=typed.get("accent", ""), words=said, logo=await _logo(form.get("logo")),
            is_logo_removed="remove_logo" in typed, now=clock.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _branding(request, actor, typed=typed, error=error)
    return see_other(request, "/settings/branding?saved=true")


async def _logo(sent: object) -> Logo | None:
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    return await logos.read(await sent.read(logos.MOST_BYTES + 1))


async def _branding(
    request: AnyRequest, actor: Actor, *, typed: Mapping[str, str], error: Invalid | None = None, is_saved: bool = False
) -> Response[str]:
    frame = await frame_of(request, actor, here="settings")
    answer = page(
        request, frame, "dashboard/branding.html", typed=typed, wrong=error.fields if error else {}, is_saved=is_saved,
        languages=i18n.NAMES, most=branding.MOST_LETTERS, look=frame.merchant.look if frame.merchant else None,
        nearest=error.nearest if isinstance(error, branding.TooPale) else "",
        tones=colours.tones(colours.parse(typed.get("accent", "")) or "#0b6b4f"),
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@get("/settings/branding/preview", guards=[guards.at_merchant])
async def preview(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """The customers' first page as it looks now, at the merchant's first router; its links lead nowhere for us."""
    merchant = await profile(rights.changer(actor))
    router = await views.first_of(merchant.id)
    frame = CaptiveFrame(request, router=router, merchant=merchant)
    if router is None:
        return frame.show("captive/outside.html", {"reason": "elsewhere"})
    offered = await packages.offered(router.id, merchant.id, now=clock.now())
    return frame.show("captive/packages.html", {"packages": offered, "said": ""})


def _texts(form: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


ROUTES = [shop_page, save_shop, branding_page, save_branding, preview]
