"""The page of a free trial, below its package: what it gives, and a button. Nobody is asked for anything."""

import re

from litestar import Response, Router, get, post
from litestar.di import Provide

from portal import codes, free_trials, packages
from portal.captive.visits import VisitLost
from portal.clock import Clock
from portal.controllers.captive import HANDLERS, frame_at
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.errors import Conflict, NotFound
from portal.packages import NotNow, PackageView
from portal.signing import Signer
from portal.states import RouterStatus
from portal.vault import Vault
from portal.web import see_other

_FORM_KEY = re.compile(r"[0-9a-f]{32,64}")
_LARGEST_ID = 2**63 - 1
_AWAY = (RouterStatus.OFFLINE, RouterStatus.PAUSED)


@get("/c/{site:str}/buy/{package_id:int}/free")
async def show(request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer) -> Response[str]:
    """What it gives."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    package = await _free(frame, package_id, clock=clock)
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link(f"/buy/{package_id}/free")})
    return _page(frame, package)


@post("/c/{site:str}/buy/{package_id:int}/free", opt={"csrf": "none"})
async def take(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Give it, and go to its page; or say why not."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    device = frame.enter(form.get("d", ""), signer=signer, now=clock.now()).device
    if not _FORM_KEY.fullmatch(form.get("form_key", "")):
        raise VisitLost
    package = await _free(frame, package_id, clock=clock)
    try:
        token = await free_trials.take(
            frame.site, package_id, device=device, form_key=form["form_key"], language=frame.language.code,
            seen=form.get("seen", "")[:12], vault=vault, now=clock.now(),
        )  # fmt: skip
    except NotNow:
        raise
    except Conflict as refused:
        return _page(frame, package, refused=refused.message)
    return see_other(request, frame.link(f"/w/{token}"))


async def _free(frame: Frame, package_id: int, *, clock: Clock) -> PackageView:
    if not 0 < package_id <= _LARGEST_ID:
        raise NotFound
    package = await packages.to_give(frame.site.id, frame.site.merchant_id, package_id, now=clock.now())
    if package.price_cents:
        raise NotFound
    return package


def _page(frame: Frame, package: PackageView, *, refused: str = "") -> Response[str]:
    context = {"package": package, "promise": frame.promise(package), "note": refused}
    return frame.show("captive/free.html", context | {"form_key": codes.hex_token(16)}, status=409 if refused else 200)


ROUTER = Router(
    "/", route_handlers=[show, take], dependencies={"frame": Provide(frame_at)}, exception_handlers=HANDLERS
)
