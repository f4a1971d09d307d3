"""The forms of ways to pay other than M-Pesa, below a package: Airtel Money asks for a number, a card for nothing."""

import re
from datetime import datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide

from portal import checkouts, codes, promos
from portal.captive.visits import VisitLost
from portal.clock import Clock
from portal.controllers.captive import HANDLERS, frame_at
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.errors import Invalid, NotFound
from portal.msgid import N_
from portal.packages import Changed, PackageView
from portal.rails.accounts import ways_to_pay
from portal.signing import Signer
from portal.states import RouterStatus
from portal.web import see_other

_FORM_KEY = re.compile(r"[0-9a-f]{32,64}")
_MOST_TYPED = 120
_AWAY = (RouterStatus.OFFLINE, RouterStatus.PAUSED)
ENTER_A_NUMBER = N_("Enter an Airtel number, like 0733 123 456")


@get("/c/{site:str}/buy/{package_id:int}/by/{way:str}")
async def ask_how(
    request: AnyRequest, frame: Frame, package_id: int, way: str, *, clock: Clock, signer: Signer
) -> Response[str]:
    """The form of one way."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    package = await _offered(frame, package_id, way, now=clock.now())
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link(f"/buy/{package_id}")})
    typed = request.query_params.get("phone", "")[:30] if way == "airtel" else ""
    return await _form(frame, package, way, typed=typed, now=clock.now())


@post("/c/{site:str}/buy/{package_id:int}/by/{way:str}", opt={"csrf": "none"})
async def buy(
    request: AnyRequest, frame: Frame, package_id: int, way: str, *, clock: Clock, signer: Signer
) -> Response[str] | Response[bytes]:
    """Begin a checkout by this way and go to its page."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    device = frame.enter(form.get("d", ""), signer=signer, now=clock.now()).device
    if not _FORM_KEY.fullmatch(form.get("form_key", "")):
        raise VisitLost
    package = await _offered(frame, package_id, way, now=clock.now())
    typed = {name: form.get(name, "")[:_MOST_TYPED] for name in ("phone", "email", "seen")}
    try:
        token = await checkouts.start(
            frame.site, package_id, phone=typed["phone"], email=typed["email"], way=way, device=device,
            form_key=form["form_key"], language=frame.language.code, seen=typed["seen"], now=clock.now(),
        )  # fmt: skip
    except Changed as changed:
        sent = typed["email" if way == "paystack" else "phone"]
        return await _form(frame, package, way, typed=sent, note=changed.message, now=clock.now())
    except Invalid as wrong:
        error = ENTER_A_NUMBER if "phone" in wrong.fields else next(iter(wrong.fields.values()), wrong.message)
        sent = typed["email" if way == "paystack" else "phone"]
        return await _form(frame, package, way, typed=sent, error=error, now=clock.now())
    return see_other(request, frame.link(f"/w/{token}"))


async def _offered(frame: Frame, package_id: int, way: str, *, now: datetime) -> PackageView:
    """The package, if it is on sale and may be paid this way; NotFound otherwise."""
    offered = {one.rail for one in await ways_to_pay(frame.site.merchant_id)} - {"mpesa"}
    if way not in offered:
        raise NotFound
    return await frame.package(package_id, now=now)


async def _form(
    frame: Frame, package: PackageView, way: str, *, now: datetime, typed: str = "", error: str = "", note: str = ""
) -> Response[str]:
    context: dict[str, Any] = {"package": package, "way": way, "typed": typed, "error": error, "note": note}
    context["are_promos"] = await promos.are_there_any(frame.site.merchant_id, now=now)
    status = 422 if error else 409 if note else 200
    return frame.show("captive/way.html", context | {"form_key": codes.hex_token(16)}, status=status)


ROUTER = Router(
    "/", route_handlers=[ask_how, buy], dependencies={"frame": Provide(frame_at)}, exception_handlers=HANDLERS
)
