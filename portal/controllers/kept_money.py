"""The form for buying with money kept for a phone number, below a package. It looks the same whether anything is kept or not."""

import re
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide

from portal import codes, credit_purchases
from portal.captive.evenly import evenly
from portal.captive.visits import VisitLost
from portal.clock import Clock
from portal.controllers.captive import ENTER_A_NUMBER, HANDLERS, frame_at
from portal.controllers.captive_frame import AnyRequest, Frame
from portal.errors import Invalid
from portal.packages import Changed, PackageView
from portal.signing import Signer
from portal.states import RouterStatus
from portal.vault import Vault
from portal.web import see_other

_FORM_KEY = re.compile(r"[0-9a-f]{32,64}")
_MOST_TYPED, _MOST_PASTED = 64, 500
_AWAY = (RouterStatus.OFFLINE, RouterStatus.PAUSED)


@get("/c/{site:str}/buy/{package_id:int}/kept")
async def ask_whose(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer
) -> Response[str]:
    """The form: the number money is kept for and, if it is at hand, the code of a payment of it."""
    frame.enter(request.query_params.get("d", ""), signer=signer, now=clock.now())
    package = await frame.package(package_id, now=clock.now())
    if frame.site.status in _AWAY:
        return frame.show("captive/down.html", {"is_wifi": True, "again": frame.site_link(f"/buy/{package_id}")})
    return _form(frame, package, typed={"phone": "", "receipt": ""}, wrong={})


@post("/c/{site:str}/buy/{package_id:int}/kept", opt={"csrf": "none"})
async def buy(
    request: AnyRequest, frame: Frame, package_id: int, *, clock: Clock, signer: Signer, vault: Vault
) -> Response[str] | Response[bytes]:
    """Buy, and go to the purchase's page. Nothing kept, too little kept and a wrong number: the same answer in the same time."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    device = frame.enter(form.get("d", ""), signer=signer, now=clock.now()).device
    if not _FORM_KEY.fullmatch(form.get("form_key", "")):
        raise VisitLost
    package = await frame.package(package_id, now=clock.now())
    typed = {"phone": form.get("phone", "")[:_MOST_TYPED], "receipt": form.get("receipt", "")[:_MOST_PASTED]}
    try:
        async with evenly():
            token = await credit_purchases.buy(
                frame.site, package_id, phone=typed["phone"], pasted=typed["receipt"], device=device,
                form_key=form["form_key"], language=frame.language.code, seen=form.get("seen", "")[:_MOST_TYPED],
                vault=vault, now=clock.now(),
            )  # fmt: skip
    except Changed as changed:
        return _form(frame, package, typed=typed, wrong={}, note=changed.message)
    except Invalid as error:
        wrong = error.fields | ({"phone": ENTER_A_NUMBER} if "phone" in error.fields else {})
        return _form(frame, package, typed=typed, wrong=wrong)
    return see_other(request, frame.link(f"/w/{token}"))


def _form(
    frame: Frame, package: PackageView, *, typed: dict[str, str], wrong: dict[str, str], note: str = ""
) -> Response[str]:
    context: dict[str, Any] = {"package": package, "typed": typed, "wrong": wrong, "form_key": codes.hex_token(16)}
    status = 422 if wrong else 409 if note else 200
    return frame.show("captive/kept.html", context | {"note": note}, status=status)


ROUTER = Router(
    "/", route_handlers=[ask_whose, buy], dependencies={"frame": Provide(frame_at)}, exception_handlers=HANDLERS
)
