"""The demo page and what it talks to, on a port of its own: frames, the phones' gateway, and the switches.

For this machine only: it answers to its own address and no other name, and takes orders from its own page or from
programs, never from another site.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, Request, Response, get, post
from litestar.di import Provide
from litestar.exceptions import HTTPException

from portal.assets import Assets
from portal.demo import controls, gateway, inbox
from portal.demo.boards import PAGES
from portal.demo.breaking import DEEDS
from portal.demo.cast import MERCHANT, POSTERS
from portal.demo.wiring import Files, Pages, World
from portal.demo.world import DemoWorld
from portal.errors import Invalid, NotFound, PortalError
from portal.serving import web_server

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]

_ASSETS = PAGES.parent / "static"
_HTML = "text/html; charset=utf-8"


def create_page(world: DemoWorld) -> Litestar:
    """The application of the demo page."""
    assets = Assets(_ASSETS)
    pages = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    own = {"world": world, "phones": world.phones, "pages": pages, "assets": assets}
    return Litestar(
        route_handlers=[show_page, dashboard, read_state, control, assets.route(), *inbox.HANDLERS, *gateway.HANDLERS],
        dependencies={name: _always(value) for name, value in own.items()},
        before_request=_Door(urlsplit(world.page_url).netloc),
        exception_handlers={PortalError: _refused, HTTPException: _not_there, Exception: _broken},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=64 * 1024,
    )


def _always(value: object) -> Provide:
    return Provide(lambda: value, use_cache=True, sync_to_thread=False)


class _Door:
    """Turns away other names for this machine (their cookies would be lost, and rebinding is an old trick) and orders
    that another site's page sends."""

    def __init__(self, authority: str) -> None:
        self._authority = authority

    async def __call__(self, request: AnyRequest) -> Response[bytes] | None:
        if request.headers.get("host") != self._authority:
            return Response(b"", status_code=303, headers={"location": f"http://{self._authority}/"})
        if request.method == "POST" and request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return Response(b"Only the demo's own page may do this.", status_code=403, media_type="text/plain")
        return None


@get("/")
async def show_page(
    request: AnyRequest,
    world: World,
    pages: Pages,
    assets: Files,
) -> Response[str]:
    """The page; `?phone=` chooses a customer."""
    asked = request.query_params.get("phone", "1")
    phone = world.phones.one(int(asked) if asked.isdecimal() else 1)
    said = controls.told(world, request.query_params.get("did", ""), request.query_params)
    body = pages.get_template("demo.html").render(
        phone=phone,
        phones=list(world.phones),
        routers=world.routers,
        state=await controls.state(world),
        portal=world.portal_url,
        mpesa=world.daraja.url,
        rails=world.rails.url,
        inbox=inbox.PATH,
        merchant=MERCHANT,
        asset=assets.url,
        deeds=DEEDS,
        promo=POSTERS[0].typed["code"],
        said=said,
    )
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"frame-src 'self' {world.portal_url} {world.daraja.url} {world.rails.url}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = {"content-type": _HTML, "content-security-policy": policy, "cache-control": "no-store"}
    return Response(body, headers={**headers, "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"})


@get("/dashboard")
async def dashboard(world: World) -> Response[bytes]:
    """On to the merchant's dashboard, signed in."""
    location = world.portal_url + world.links.make()
    return Response(b"", status_code=303, headers={"location": location, "cache-control": "no-store"})


@get("/control")
async def read_state(world: World) -> Response[bytes]:
    """How the world stands, and the names of its switches."""
    return _json(await controls.state(world))


@post("/control/{name:str}", status_code=200)
async def control(request: AnyRequest, world: World, name: str) -> Response[bytes]:
    """Turn a switch; the body is a JSON object, a form, or nothing. Answers a program with the state after it and what
    there is to say, a browser's plain form with the page."""
    act = controls.CONTROLS.get(name)
    if act is None:
        raise NotFound
    asked = await _asked(request)
    await act(world, asked)
    if "text/html" in request.headers.get("accept", ""):
        query = urlencode({"did": name, "router": str(asked.get("router", 0))})
        return Response(b"", status_code=303, headers={"location": f"/?{query}", "cache-control": "no-store"})
    return _json({**await controls.state(world), "told": controls.told(world, name, asked)})


async def _asked(request: AnyRequest) -> controls.Asked:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Invalid({"body": "A JSON object, or nothing."}) from error


def _json(value: object, *, status: int = 200) -> Response[bytes]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status_code=status, headers=headers)


def _refused(_request: AnyRequest, error: PortalError) -> Response[bytes]:
    fields = error.fields if isinstance(error, Invalid) else {}
    return _json({"error": error.message, "fields": fields}, status=error.status_code)


def _not_there(_request: AnyRequest, error: HTTPException) -> Response[bytes]:
    return _json({"error": error.detail}, status=error.status_code)


def _broken(_request: AnyRequest, error: Exception) -> Response[bytes]:
    log.error("the demo page itself failed", exc_info=error)
    return _json({"error": "The demo itself failed; its log says why."}, status=500)


@asynccontextmanager
async def page_running(world: DemoWorld) -> AsyncGenerator[str]:
    """The page, answering; yields its address."""
    server = web_server(create_page(world))
    task = asyncio.create_task(server.serve(sockets=[world.page_listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the demo page ended before it began")
            await asyncio.sleep(0.005)
        yield world.page_url
    finally:
        server.should_exit = True
        await task
