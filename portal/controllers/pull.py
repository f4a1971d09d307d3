"""Where routers that nobody can dial ask for work. Whoever is not one of ours learns nothing, not even that this is the place."""

import logging
from typing import Annotated, Any

from litestar import Request, Response, post
from litestar.params import Dependency

from portal import limits, pulls
from portal.clock import Clock
from portal.config import Settings
from portal.errors import NotFound, TooMany
from portal.headers import client_address
from portal.routers.scripts import PULL_PATH
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Only questions that were refused are counted: behind one shared address there may be many routers, and one impostor.
WRONG = (60, 60)
_HEADERS = {"cache-control": "no-store"}


@post(PULL_PATH, opt={"csrf": "none", "pages": "none"}, status_code=200)
async def pull(
    request: Request[Any, Any, Any],
    settings: Annotated[Settings, Dependency(skip_validation=True)],
    clock: Clock,
    vault: Vault,
) -> Response[bytes]:
    """Work for a router; 404 for everybody else and everything else, 429 when there is no end to it."""
    now = clock.now()
    try:
        return _plain(await pulls.answer(await request.body(), vault=vault, settings=settings, now=now), 200)
    except TooMany as many:
        return _plain(b"too many questions\n", 429, retry_after_s=many.retry_after)
    except NotFound:
        source = client_address(request, settings.trusted_proxies)
        most, window_s = WRONG
        if await limits.hit(f"pull:wrong:{source}", limit=most, window_s=window_s, now=now):
            log.info("a question nobody of ours asked", extra={"source": source})
            return _plain(b"not found\n", 404)
        return _plain(b"too many questions\n", 429, retry_after_s=window_s)


def _plain(body: bytes, status: int, *, retry_after_s: float | None = None) -> Response[bytes]:
    more = {} if retry_after_s is None else {"retry-after": str(int(retry_after_s))}
    return Response(body, status_code=status, media_type="text/plain; charset=utf-8", headers={**_HEADERS, **more})


ROUTES = [pull]
