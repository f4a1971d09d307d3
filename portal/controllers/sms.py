"""Where SMS gateways speak to us: delivery reports, and what people answered. Kept and answered, no more: handling is the worker's.

Public, without a session; the unguessable part of the address is all that proves anything, and it is worth little: see
`portal.messages.reports`."""

from typing import Any

from litestar import Request, Response, Router, post

from portal.clock import Clock
from portal.messages import reports

AnyRequest = Request[Any, Any, Any]


@post("/{token:str}/delivery", status_code=200)
async def delivery(request: AnyRequest, token: str, clock: Clock) -> Response[bytes]:
    """An SMS arrived, or did not."""
    return await _keep(request, token, "delivery", clock)


@post("/{token:str}/inbound", status_code=200)
async def inbound(request: AnyRequest, token: str, clock: Clock) -> Response[bytes]:
    """Somebody answered: STOP, START, or whatever people write."""
    return await _keep(request, token, "inbound", clock)


async def _keep(request: AnyRequest, token: str, road: str, clock: Clock) -> Response[bytes]:
    is_ours = await reports.store(token, road, await request.body(), now=clock.now())
    # Africa's Talking sends what was not answered with 200 again.
    return Response(
        b"" if is_ours else b"There is nothing here.\n", status_code=200 if is_ours else 404, media_type="text/plain"
    )


ROUTER = Router(path="/api/sms", route_handlers=[delivery, inbound])
