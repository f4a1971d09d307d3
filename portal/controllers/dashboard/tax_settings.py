"""What papers say of their seller and its taxes: the owner's page, and the operator's for the platform itself."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid
from portal.identity import Actor
from portal.invoices import taxes
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Saved = Annotated[bool, Parameter(query="saved")]
_OWN, _PLATFORMS = "/settings/taxes", "/operator/taxes"


@get(_OWN, guards=[guards.at_merchant])
async def taxes_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """A merchant's."""
    return await _page(request, actor, path=_OWN, merchant_id=taxes.owner(actor), is_saved=saved)


@post(_OWN, guards=[guards.at_merchant])
async def save_taxes(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form when something is wrong."""
    typed = await _typed(request)
    try:
        await taxes.change(actor, typed, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, path=_OWN, merchant_id=taxes.owner(actor), typed=typed, error=error)
    return see_other(request, f"{_OWN}?saved=true")


@get(_PLATFORMS, guards=[guards.operator_only])
async def platform_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """The platform's, for its commission statements."""
    return await _page(request, actor, path=_PLATFORMS, merchant_id=None, is_saved=saved)


@post(_PLATFORMS, guards=[guards.operator_only])
async def save_platform(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep the platform's."""
    typed = await _typed(request)
    try:
        await taxes.change(actor, typed, now=clock.now(), is_platforms=True)
    except Invalid as error:
        return await _page(request, actor, path=_PLATFORMS, merchant_id=None, typed=typed, error=error)
    return see_other(request, f"{_PLATFORMS}?saved=true")


async def _typed(request: AnyRequest) -> dict[str, str]:
    return {name: value[:400] for name, value in (await request.form()).items() if isinstance(value, str)}


async def _page(
    request: AnyRequest, actor: Actor, *, path: str, merchant_id: int | None, typed: dict[str, str] | None = None,
    error: Invalid | None = None, is_saved: bool = False,
) -> Response[str]:  # fmt: skip
    kept = await taxes.of(merchant_id)
    rate = f"{kept.vat_bp / 100:g}" if kept.vat_bp else "16"
    shown = msgspec.structs.asdict(kept) | {"has_vat": "yes" if kept.vat_bp else "no", "vat": rate}
    frame = await frame_of(request, actor, here="settings" if path == _OWN else "operator")
    answer = page(
        request, frame, "dashboard/tax_settings.html", typed=typed or shown, wrong=error.fields if error else {},
        is_saved=is_saved, path=path, is_own=path == _OWN, most=taxes.MOST_LETTERS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


ROUTES = [taxes_page, save_taxes, platform_page, save_platform]
