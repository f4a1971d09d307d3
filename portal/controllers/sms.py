"""Where SMS gateways speak to us: delivery reports, and what people answered. Kept and answered, no more: handling is the worker's.

Public, without a session; the unguessable part of the address is all that proves anything, and it is worth little: see
`portal.messages.reports`."""

from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.params import Dependency

from portal import limits
from portal.clock import Clock
from portal.config import Settings
from portal.errors import TooMany
from portal.headers import client_address
from portal.messages import reports

AnyRequest = Request[Any, Any, Any]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
#: Addresses that are no gateway's, tried from one place within so many seconds.
WRONG = (60, 60)


@post("/{token:str}/delivery", status_code=200)
async def delivery(request: AnyRequest, token: str, settings: TheSettings, *, clock: Clock) -> Response[bytes]:
    """An SMS arrived, or did not."""
    return await _keep(request, token, "delivery", settings, clock=clock)


@post("/{token:str}/inbound", status_code=200)
async def inbound(request: AnyRequest, token: str, settings: TheSettings, *, clock: Clock) -> Response[bytes]:
    """Somebody answered: STOP, START, or whatever people write."""
    return await _keep(request, token, "inbound", settings, clock=clock)


async def _keep(request: AnyRequest, token: str, road: str, settings: Settings, *, clock: Clock) -> Response[bytes]:
    # Africa's Talking sends what was not answered with 200 again.
    try:
        if await reports.store(token, road, await request.body(), now=clock.now()):
            return Response(b"", status_code=200, media_type="text/plain")
    except TooMany as many:
        return _too_many(many.retry_after)
    most, window_s = WRONG
    source = client_address(request, settings.trusted_proxies)
    if not await limits.hit(f"sms-wrong:{source}", limit=most, window_s=window_s, now=clock.now()):
        return _too_many(window_s)
    return Response(b"There is nothing here.\n", status_code=404, media_type="text/plain")


def _too_many(after_s: float | None) -> Response[bytes]:
    headers = {"retry-after": str(int(after_s or 60))}
    return Response(
        b"Too many at once. Send it again later.\n", status_code=429, media_type="text/plain", headers=headers
    )


ROUTER = Router(path="/api/sms", route_handlers=[delivery, inbound])
