"""`/metrics` for Prometheus, behind a token, and the clock at the door that times answers. Both are off without the token."""

import secrets
import time
from typing import Any

from litestar import Request, Response, get
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from portal import meters
from portal.config import Settings
from portal.metrics import CONTENT_TYPE, Metrics

_SIGN_IN = "/sign-in"


@get("/metrics", opt={"csrf": "none", "pages": "none"})
async def read_metrics(request: Request[Any, Any, Any]) -> Response[str]:
    """Everything in Prometheus' text format, for `Authorization: Bearer PORTAL_METRICS_TOKEN`; 404 where none is set."""
    settings: Settings = request.app.state["settings"]
    token = settings.watching.metrics_token
    if token is None:
        return Response("no metrics: PORTAL_METRICS_TOKEN is not set\n", status_code=404, media_type="text/plain")
    given = request.headers.get("authorization", "").encode()
    if not secrets.compare_digest(given, f"Bearer {token}".encode()):
        headers = {"www-authenticate": "Bearer"}
        return Response("wrong or no token\n", status_code=401, media_type="text/plain", headers=headers)
    metrics: Metrics = request.app.state["metrics"]
    return Response(await metrics.text(), headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


class Timing:
    """Times each answer by its route, as the route was written: addresses and ids stay out of labels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at the clock when the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _count(str(scope.get("path_template", "")), message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, sent)


def _count(route: str, status: int, seconds: float) -> None:
    meters.answer(route, seconds)
    if status == 403:
        meters.denied[()] += 1
    elif route == _SIGN_IN and status in (422, 429):
        meters.failed_sign_ins[()] += 1


ROUTES = [read_metrics]
