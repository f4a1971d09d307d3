"""Where a router fetches its setup script: the word is the body of a POST, so that no log of an address holds it."""

from typing import Any

from litestar import Request, Response, post

from portal import guards, limits
from portal.clock import Clock
from portal.errors import NotFound, PortalError, TooMany
from portal.headers import client_address
from portal.routers import scripts
from portal.vault import Vault

#: A word has 256 bits: this is against noise, not against luck.
TRIES = (30, 60)
_LONGEST = 200
_HEADERS = {"cache-control": "no-store"}


@post(scripts.FETCH_PATH, status_code=200)
async def fetch(request: Request[Any, Any, Any], vault: Vault, clock: Clock) -> Response[str]:
    """The script, once. 404 for a word nobody was given, 410 the second time: RouterOS' fetch then fails and imports
    nothing. Plain words, as a terminal shows them."""
    settings = guards.settings_of(request)
    address, now = client_address(request, settings.trusted_proxies), clock.now()
    try:
        if not await limits.hit(f"setup-script:{address}", limit=TRIES[0], window_s=TRIES[1], now=now):
            raise TooMany
        word = await request.body()
        if len(word) > _LONGEST:
            raise NotFound
        code = word.decode("ascii", "replace").strip()
        text, status = await scripts.fetch(code, settings=settings, vault=vault, now=now), 200
    except PortalError as error:
        text, status = f"{error}\n", error.status_code
    return Response(text, status_code=status, media_type="text/plain; charset=utf-8", headers=_HEADERS)


ROUTES = [fetch]
