"""Nobody else's page can post our forms: generated from the route table, so that a new route is tried by itself."""

import re

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal.guards import SAFE_METHODS
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

#: Routes that act without a cookie, and so have nothing another site could borrow: captive pages, callbacks, what SMS
#: gateways tell, the API, which goes by a token, and what routers fetch, which goes by a word in its body.
COOKIELESS = re.compile(r"^/((c|w|cb|my|api)/|(setup-script|pull)$)")
_A_NUMBER = re.compile(r"\{\w+:int\}")


def unsafe_routes(app: Litestar) -> list[tuple[str, str]]:
    """(method, path) of every route that changes something in somebody's name."""
    return sorted(
        (str(method), _A_NUMBER.sub("1", route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute) and not COOKIELESS.match(route.path)
        for method in set(route.methods) - SAFE_METHODS
    )


async def test_every_form_needs_this_browsers_token(app: Litestar, client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    async with browser(app) as other:
        await sign_in(other, cast.cashier)
        foreign = await form_token(other, "/account")
    routes = unsafe_routes(app)
    assert ("POST", "/sign-out") in routes
    for method, path in routes:
        for token in ("", "nonsense", foreign, f"{foreign}x"):
            answer = await client.request(method, path, data={"_csrf": token})
            assert answer.status_code == 403, (method, path, token)
    assert (await client.get("/home")).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_posted_from_another_site_is_refused_even_with_a_token(
    app: Litestar, client: httpx.AsyncClient, cast: Cast, site: str
) -> None:
    await sign_in(client, cast.owner)
    token = await form_token(client, "/account")
    for method, path in unsafe_routes(app):
        answer = await client.request(method, path, data={"_csrf": token}, headers={"sec-fetch-site": site})
        assert answer.status_code == 403


async def test_a_foreign_origin_is_refused_where_browsers_say_no_more(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    token = await form_token(client, "/account")
    for origin, status in (("https://evil.test", 403), ("http://portal.test", 303), ("null", 303)):
        data = {"_csrf": token, "language": "en"}
        answer = await client.post("/account/language", data=data, headers={"origin": origin})
        assert answer.status_code == status, origin


async def test_a_token_in_the_header_counts_as_well(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    page = (await client.get("/home")).text
    token = re.search(r'"x-csrf-token": "([^"]+)"', page)
    assert token is not None
    headers = {"x-csrf-token": token[1], "hx-request": "true", "sec-fetch-site": "same-origin"}
    answer = await client.post("/account/language", data={"language": "sw"}, headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/account")


async def test_the_token_of_the_sign_in_page_is_dead_after_sign_in(client: httpx.AsyncClient, cast: Cast) -> None:
    old = await form_token(client)
    await sign_in(client, cast.owner)
    assert (await client.post("/sign-out", data={"_csrf": old})).status_code == 403


async def test_another_browsers_sign_in_form_is_refused(app: Litestar, client: httpx.AsyncClient, cast: Cast) -> None:
    await form_token(client)
    async with browser(app) as attacker:
        theirs = await form_token(attacker)
    answer = await client.post("/sign-in", data={"_csrf": theirs, "email": cast.owner, "password": "x"})
    assert answer.status_code == 403


async def test_a_form_cookie_never_comes_back_as_markup(client: httpx.AsyncClient, db: str) -> None:
    client.cookies.set("vocha_form", '"><svg onload=alert(1)>')
    page = await client.get("/sign-in?next=/%22><script>alert(1)</script>")
    assert "<svg onload" not in page.text
    assert "<script>alert" not in page.text


async def test_no_get_changes_anything(app: Litestar, client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    for path in ("/sign-out", "/account/language"):
        assert (await client.get(path)).status_code == 405
    assert (await client.get("/home")).status_code == 200
