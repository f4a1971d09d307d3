"""The matrix of rights, tried: every route of the table, by everybody there is. The rows: `rights.py`."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal import codes
from portal.clock import Clock
from portal.cookies import SESSION
from portal.db import DB
from portal.identity import digest_of
from portal.signing import Signer
from portal.vault import Vault
from tests.emptying import empty_all
from tests.portal.web import rows as people
from tests.portal.web.conftest import BASE, browser, cast_of
from tests.portal.web.rights import RIGHTS, ROLES, Right, rows
from tests.portal.web.rights_places import MISSING, furnish

_PLACE = re.compile(r"\{(\w+):(\w+)\}")
_REFERENCE = re.compile(r"[0-9a-f]{4}-[0-9a-f]{4}")
_OUTSIDE = {"public", "captive", "token"}
_COUNTS = """SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM users)
                  + (SELECT count(*) FROM memberships)"""
STAFF = [(route, right) for route, right in rows() if not right.who & _OUTSIDE]
CHANGES = [(route, right) for route, right in STAFF if not route.startswith("GET ")]


class World(NamedTuple):
    """The shop, furnished, and a signed-in browser for everybody: by role, "rival" and "operator"."""

    app: Litestar
    places: Mapping[str, int]
    browsers: Mapping[str, httpx.AsyncClient]


class Builder(NamedTuple):
    """Builds a world anew."""

    app: Litestar
    vault: Vault
    clock: Clock
    signer: Signer

    async def build(self) -> World:
        """In an empty database."""
        await empty_all()
        cast = await cast_of(self.vault)
        emails = {"owner": cast.owner, "cashier": cast.cashier, "rival": cast.rival, "operator": cast.operator}
        for role in ("manager", "viewer"):
            emails[role] = f"{role}@kilimani.test"
            await people.person(emails[role], cast.merchant_id, role=role, name=role)
        places, now = await furnish(cast, self.vault, self.clock), self.clock.now()
        browsers = {who: await _signed_in(self.app, email, self.signer, now=now) for who, email in emails.items()}
        return World(self.app, places, browsers)


@pytest.fixture
def builder(app: Litestar, vault: Vault, clock: Clock, signer: Signer) -> Builder:
    return Builder(app, vault, clock, signer)


@pytest.fixture
async def world(builder: Builder) -> World:
    return await builder.build()


async def session_of(email: str, *, now: datetime) -> str:
    """The token of a session made past the sign-in form: hashing passwords takes its time."""
    token = codes.hex_token(32)
    await DB.fetch(
        """INSERT INTO user_sessions (token_hash, user_id, merchant_id, created_at, last_seen_at, expires_at, ip, user_agent)
           SELECT $1, u.id, (SELECT merchant_id FROM memberships WHERE user_id = u.id), $3, $3, $4, '', ''
           FROM users u WHERE u.email = $2""",
        digest_of(token), email, now, now + timedelta(days=1),
    )  # fmt: skip
    return token


async def _signed_in(app: Litestar, email: str, signer: Signer, *, now: datetime) -> httpx.AsyncClient:
    """A browser with a session of its own."""
    token = await session_of(email, now=now)
    found, digest = browser(app), digest_of(token)
    found.cookies.set(SESSION, token, domain="portal.test")
    found.headers["x-csrf-token"] = signer.sign("form", {"k": digest.hex()[:32]}, now=now)
    return found


def address(route: str, right: Right, places: Mapping[str, int], *, missing: bool = False) -> str:
    """The path of a route with everything filled in."""
    words = dict(right.words)

    def fill(found: re.Match[str]) -> str:
        if found[2] == "int":
            return str(MISSING if missing else places[found[1]])
        return words.get(found[1], "unheard-of")

    query = right.query.format_map(places)
    return _PLACE.sub(fill, route.split(" ", 1)[1]) + (f"?{query}" if query else "")


async def ask(
    client: httpx.AsyncClient, route: str, right: Right, places: Mapping[str, int], *, missing: bool = False
) -> httpx.Response:
    """Send what the row says."""
    path = address(route, right, places, missing=missing)
    if route.startswith("GET "):
        return await client.get(path)
    form = {name: value.format_map(places) for name, value in right.fields}
    return await client.request(route.split(" ", 1)[0], path, data=form)


def allowed(who: str, right: Right) -> bool:
    return who in right.who or "anybody" in right.who


def wrong(who: str, route: str, right: Right, answer: httpx.Response) -> str:
    """What is wrong with an answer for somebody of the house; "" for nothing."""
    said, expected = answer.status_code, ""
    if allowed(who, right):
        expected = (
            ""
            if said < 400 or (right.is_vain and said == 404) or said in (409, 413, 422, 429, 503)
            else "anything but a refusal"
        )
    elif who == "operator":
        expected = "" if said == 404 else "404, there is no merchant"
    else:
        expected = "" if said == right.refusal else str(right.refusal)
    return f"{route} as {who}: {said}, expected {expected}" if expected else ""


async def stranger(world: World, route: str, right: Right) -> str:
    """The rival asks for our row: exactly what he gets for one that is not there."""
    if ":int}" not in route or not right.who & ROLES:
        return ""
    rival = world.browsers["rival"]
    theirs = await ask(rival, route, right, world.places)
    missing = await ask(rival, route, right, world.places, missing=True)
    is_same = _REFERENCE.sub("", theirs.text) == _REFERENCE.sub("", missing.text)
    if theirs.status_code == missing.status_code and is_same and (missing.status_code == 404 or missing.is_redirect):
        return ""  # a deed that is done already leads on, like the same deed on nothing
    return f"{route} as rival: {theirs.status_code}, a missing one {missing.status_code}, same text: {is_same}"


async def nobody(world: World, route: str, right: Right) -> str:
    """Without a session there is the sign-in page and nothing else."""
    async with browser(world.app) as found:
        answer = await ask(found, route, right, world.places)
    is_sent = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    return "" if is_sent else f"{route} as nobody: {answer.status_code}, expected the sign-in page"


def routes_of(app: Litestar) -> set[str]:
    """Every route, as "METHOD /path"; the handlers of webhooks whose address is a secret word are TOKEN rows like all others."""
    return {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in set(route.methods) - {"OPTIONS", "HEAD"}
    }


async def test_every_route_has_a_row_and_every_row_a_route(app: Litestar) -> None:
    found, listed = routes_of(app), set(RIGHTS)
    assert not found - listed, f"say in tests/portal/web/rights.py who may: {sorted(found - listed)}"
    assert not listed - found, f"these routes are gone: {sorted(listed - found)}"


async def test_every_number_in_a_path_has_a_place(world: World) -> None:
    names = {name for route, _ in STAFF for name, kind in _PLACE.findall(route) if kind == "int"}
    assert names <= set(world.places), f"make one in rights_places.furnish: {sorted(names - set(world.places))}"


async def test_everybody_sees_what_is_theirs_and_nothing_else(world: World) -> None:
    found: list[str] = []
    for route, right in STAFF:
        if not route.startswith("GET "):
            continue
        for who in (*sorted(ROLES), "operator"):
            answer = await ask(world.browsers[who], route, right, world.places)
            found.append(wrong(who, route, right, answer))
        found += [await stranger(world, route, right), await nobody(world, route, right)]
    assert not any(found), "\n".join(filter(None, found))


async def test_those_who_may_not_change_nothing(world: World) -> None:
    found: list[str] = []
    for route, right in CHANGES:
        before = await DB.value(_COUNTS)
        for who in (*sorted(ROLES), "operator"):
            if not allowed(who, right):
                found.append(wrong(who, route, right, await ask(world.browsers[who], route, right, world.places)))
        found += [await stranger(world, route, right), await nobody(world, route, right)]
        if await DB.value(_COUNTS) != before:
            found.append(f"{route}: somebody who may not left something behind")
    assert not any(found), "\n".join(filter(None, found))


async def test_those_who_may_can(builder: Builder) -> None:
    """In one world as long as nothing that was done before stands in the way: then in a new one."""
    found, world = list[str](), await builder.build()
    for route, right in CHANGES:
        for who in (*sorted(ROLES), "operator"):
            if not allowed(who, right):
                continue
            if wrong(who, route, right, await ask(world.browsers[who], route, right, world.places)):
                world = await builder.build()
                found.append(wrong(who, route, right, await ask(world.browsers[who], route, right, world.places)))
    assert not any(found), "\n".join(filter(None, found))


async def test_what_is_outside_needs_no_account_and_gives_no_session(world: World) -> None:
    async with browser(world.app) as found:
        for route, right in rows():
            if not right.who & _OUTSIDE:
                continue
            answer = await ask(found, route, right, world.places)
            to_sign_in = answer.headers.get("location", "").startswith("/sign-in")
            assert not to_sign_in or "/sign-in" in route, route
            assert answer.status_code < 500 or answer.status_code == 503, (route, answer.status_code)
            assert SESSION not in answer.headers.get("set-cookie", ""), route
            if "captive" in right.who:
                assert "set-cookie" not in answer.headers, route
            if "token" in right.who:
                assert answer.status_code >= 400, (route, answer.status_code)


async def test_no_form_is_taken_from_another_site(world: World) -> None:
    """Each changing route, as the owner, without the form's token, and with one that came from elsewhere."""
    owner = world.browsers["owner"]
    token = owner.headers.pop("x-csrf-token")
    before = await DB.value(_COUNTS)
    for route, right in CHANGES:
        path = address(route, right, world.places)
        bare = await ask(owner, route, right, world.places)
        assert bare.status_code == 403, (route, bare.status_code)
        cross = await owner.post(path, headers={"x-csrf-token": token, "sec-fetch-site": "cross-site", "origin": BASE})
        assert cross.status_code == 403, (route, cross.status_code)
    assert await DB.value(_COUNTS) == before
