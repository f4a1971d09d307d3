"""Passkeys: sign in with and without an address, only whose they are, only for us, and each challenge once."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.cookies import SESSION
from portal.db import DB
from tests.portal.identity.authenticator import Authenticator, raw
from tests.portal.identity.conftest import Mails
from tests.portal.identity.test_links import post
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def options(client: httpx.AsyncClient, path: str, page: str = "/sign-in", **fields: str) -> dict[str, Any]:
    answer = await client.post(path, data=fields, headers={"x-csrf-token": await form_token(client, page)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return json.loads(answer.text)


async def registered(client: httpx.AsyncClient, key: Authenticator, name: str = "My phone") -> httpx.Response:
    asked = await options(client, "/account/passkeys/options", "/account")
    return await post(client, "/account/passkeys", "/account", passkey=key.make(asked), name=name)


async def signed(client: httpx.AsyncClient, key: Authenticator, email: str = "") -> httpx.Response:
    asked = await options(client, "/sign-in/passkey/options", email=email)
    return await post(client, "/sign-in/passkey", "/sign-in", passkey=key.sign(asked))


async def test_a_passkey_signs_in_with_an_address_and_without(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, mails: Mails
) -> None:
    key = Authenticator()
    made = await registered(owner, key)
    assert len(re.findall(r"<code>[0-9A-Z]{5}-[0-9A-Z]{5}</code>", made.text)) == 10
    assert "My phone" in (await owner.get("/account/security")).text
    for email in ("", cast.owner):
        async with browser(app) as other:
            assert (await signed(other, key, email)).headers["location"] == "/"
            assert (await other.get("/home")).status_code == 200
    assert any("a passkey was added" in text for _, text in await mails(cast.owner))


async def test_several_passkeys_each_sign_in_until_removed(owner: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    phone, stick = Authenticator(), Authenticator(count=7)
    assert (await registered(owner, phone)).status_code == 200
    assert (await registered(owner, stick, "Stick")).status_code == 303, "the recovery codes of the first time stay"
    gone = await DB.value("SELECT id FROM passkeys WHERE name = 'My phone'")
    await post(owner, f"/account/passkeys/{gone}/remove", "/account")
    async with browser(app) as other:
        assert (await signed(other, phone)).status_code == 422
        stick.count = 8
        assert (await signed(other, stick)).status_code == 303


async def test_the_password_then_needs_the_passkey_or_a_recovery_code(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    key = Authenticator()
    await registered(owner, key)
    async with browser(app) as other:
        assert (await sign_in(other, cast.owner)).headers["location"].startswith("/sign-in/second")
        asked = await options(other, "/sign-in/second/options", "/sign-in/second")
        assert [raw(each["id"]) for each in asked["allowCredentials"]] == [key.id]
        answer = await post(other, "/sign-in/second", "/sign-in/second", passkey=key.sign(asked))
        assert answer.headers["location"] == "/"
        assert (await other.get("/home")).status_code == 200


async def test_nobody_elses_passkey_is_a_second_step_or_a_proof(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    mine, theirs = Authenticator(), Authenticator()
    await registered(owner, mine)
    async with browser(app) as rival, browser(app) as thief:
        await sign_in(rival, cast.rival)
        await registered(rival, theirs)
        await sign_in(thief, cast.owner)
        asked = await options(thief, "/sign-in/second/options", "/sign-in/second")
        answer = await post(thief, "/sign-in/second", "/sign-in/second", passkey=theirs.sign(asked))
        assert answer.status_code == 422
        assert SESSION not in thief.cookies
        asked = await options(rival, "/prove/options", "/account")
        assert (await post(rival, "/prove", "/prove", passkey=mine.sign(asked))).status_code == 422
        # A challenge given to the rival, signed by the rival, sent by somebody else.
        asked = await options(rival, "/prove/options", "/account")
        assert (await post(owner, "/prove", "/prove", passkey=theirs.sign(asked))).status_code == 422


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "http://evil.test"},
        {"rp_id": "evil.test"},
        {"is_verified": False},
        {"id": b"another name of sixteen"},
    ],
    ids=str,
)
async def test_what_was_signed_for_others_or_by_nobody_is_refused(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, changed: dict[str, Any]
) -> None:
    key = Authenticator()
    await registered(owner, key)
    for name, value in changed.items():
        setattr(key, name, value)
    async with browser(app) as other:
        assert (await signed(other, key)).status_code == 422
        assert SESSION not in other.cookies
    if "id" not in changed:
        assert (await registered(owner, Authenticator(**changed))).status_code == 422


async def test_a_challenge_is_good_once_and_for_five_minutes(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, clock: Clock
) -> None:
    key = Authenticator()
    await registered(owner, key)
    async with browser(app) as other, browser(app) as thief:
        asked = await options(other, "/sign-in/passkey/options")
        sent = key.sign(asked)
        assert (await post(other, "/sign-in/passkey", "/sign-in", passkey=sent)).status_code == 303
        assert (await post(thief, "/sign-in/passkey", "/sign-in", passkey=sent)).status_code == 422
        asked = await options(thief, "/sign-in/passkey/options")
        clock.shift(timedelta(minutes=5, seconds=1))
        assert (await post(thief, "/sign-in/passkey", "/sign-in", passkey=key.sign(asked))).status_code == 422


async def test_a_counter_that_goes_back_is_a_copy(owner: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    key = Authenticator(count=5)
    await registered(owner, key)
    async with browser(app) as other:
        key.count = 6
        assert (await signed(other, key)).status_code == 303
    async with browser(app) as copy:
        assert (await signed(copy, key)).status_code == 422


@pytest.mark.parametrize(
    "sent", ["", "{}", "[]", "null", "{", '{"rawId": 1, "response": {"clientDataJSON": "AA"}}', "\x00" * 50]
)
async def test_what_is_no_passkey_is_no_defect(owner: httpx.AsyncClient, cast: Cast, app: Litestar, sent: str) -> None:
    assert (await post(owner, "/account/passkeys", "/account", passkey=sent, name="X")).status_code == 422
    async with browser(app) as other:
        assert (await post(other, "/sign-in/passkey", "/sign-in", passkey=sent)).status_code == 422


async def test_an_address_without_passkeys_looks_like_one_that_has_some(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    await registered(owner, Authenticator())
    async with browser(app) as stranger:
        found = {
            email: (await options(stranger, "/sign-in/passkey/options", email=email)) for email in
            (cast.owner, cast.rival, "nobody@nowhere.test")
        }  # fmt: skip
        again = await options(stranger, "/sign-in/passkey/options", email="nobody@nowhere.test")
    assert {len(asked["allowCredentials"]) for asked in found.values()} == {1}
    assert len({raw(asked["allowCredentials"][0]["id"]) for asked in found.values()}) == 3
    assert again["allowCredentials"] == found["nobody@nowhere.test"]["allowCredentials"]


async def test_a_passkey_proves_anew_and_a_stranger_cannot_remove_it(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, clock: Clock
) -> None:
    key = Authenticator()
    await registered(owner, key)
    clock.shift(timedelta(minutes=31))
    asked = await options(owner, "/prove/options", "/account")
    assert (await post(owner, "/prove", "/prove", passkey=key.sign(asked), next="/account/app")).is_redirect
    assert (await owner.get("/account/app")).status_code == 200
    passkey = await DB.value("SELECT id FROM passkeys")
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        for deed in ("remove", "name"):
            assert (await post(rival, f"/account/passkeys/{passkey}/{deed}", "/account", name="X")).status_code == 404
    assert await DB.value("SELECT count(*) FROM passkeys") == 1
