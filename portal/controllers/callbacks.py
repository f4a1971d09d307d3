"""Where Daraja tells us the outcome of a push. Stored, answered; settling is the worker's."""

import ipaddress
import logging
from typing import Annotated, Any

from litestar import Request, Response, post
from litestar.params import Dependency

from portal import callbacks, faults
from portal.clock import Clock
from portal.config import Settings
from portal.errors import NotFound
from portal.headers import client_address

log = logging.getLogger(__name__)

_ACCEPTED = b'{"ResultCode":0,"ResultDesc":"Accepted"}'


@post("/cb/{token:str}", opt={"csrf": "none", "pages": "none"}, status_code=200)
async def stk_callback(
    request: Request[Any, Any, Any],
    token: str,
    settings: Annotated[Settings, Dependency(skip_validation=True)],
    clock: Clock,
) -> Response[bytes]:
    """Keep the message under the attempt its address names. 404 for an address we never gave out; nothing is kept then."""
    faults.reach("callback.arrived")
    body = await request.body()
    source = client_address(request, settings.trusted_proxies)
    try:
        arrived = await callbacks.store(
            token, body, source=source, is_trusted=_is_listed(source, settings), now=clock.now()
        )
    except NotFound:
        log.warning("callback to an unknown address", extra={"source": source, "bytes": len(body)})
        raise
    faults.reach("callback.stored")
    log.info("callback stored", extra={"callback": arrived.id, "repeat": arrived.is_repeat})
    return Response(_ACCEPTED, media_type="application/json")


def _is_listed(source: str, settings: Settings) -> bool:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in settings.mpesa_trusted_sources)


ROUTES = [stk_callback]
