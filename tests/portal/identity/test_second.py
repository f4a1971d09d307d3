"""The second step: each code once, a lost phone, guessing that leads nowhere and locks nobody out."""

import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar
from pyotp.totp import TOTP

from portal.clock import Clock
from portal.cookies import SESSION
from portal.db import DB
from tests.portal.identity.conftest import Mails
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


def app_of(page: str) -> TOTP:
    return TOTP(re.findall(r'class="secret">([A-Z2-7 ]+)<', page)[0].replace(" ", ""))


async def with_app(client: httpx.AsyncClient, clock: Clock) -> tuple[TOTP, list[str]]:
    """Set the app up; the app, and the recovery codes the page shows."""
    page = (await client.get("/account/app")).text
    totp = app_of(page)
    done = await client.post(
        "/account/app", data={"_csrf": await form_token(client, "/account"), "code": totp.at(clock.now())}
    )
    assert done.status_code == 200
    return totp, re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", done.text)


async def second(client: httpx.AsyncClient, code: str) -> httpx.Response:
    token = await form_token(client, "/sign-in/second")
    return await client.post("/sign-in/second", data={"_csrf": token, "code": code})


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def test_the_password_alone_opens_nothing_any_more(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar
) -> None:
    totp, _ = await with_app(owner, clock)
    clock.shift(timedelta(minutes=2))
    async with browser(app) as other:
        answer = await sign_in(other, cast.owner, target="/sales")
        assert answer.headers["location"] == "/sign-in/second?next=/sales"
        assert SESSION not in other.cookies
        assert (await other.get("/home")).status_code == 303
        assert (await second(other, "000000")).status_code == 422
        assert (await second(other, totp.at(clock.now()))).headers["location"] == "/"
        assert (await other.get("/home")).status_code == 200


async def test_a_code_is_taken_once_and_a_neighbouring_half_minute_is_good(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar
) -> None:
    totp, _ = await with_app(owner, clock)
    for off, expected in ((-60, 422), (60, 422), (-30, 303), (-30, 422), (0, 303), (0, 422), (30, 303), (30, 422)):
        if (off, expected) == (-60, 422):
            clock.shift(timedelta(minutes=5))
        async with browser(app) as other:
            await sign_in(other, cast.owner)
            code = totp.at(clock.now() + timedelta(seconds=off))
            assert (await second(other, code)).status_code == expected, off
        await DB.fetch("DELETE FROM limits")


async def test_a_recovery_code_lets_in_once_and_is_told(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar, mails: Mails
) -> None:
    _, codes = await with_app(owner, clock)
    assert len(set(codes)) == 10
    for expected in (303, 422):
        async with browser(app) as other:
            await sign_in(other, cast.owner)
            assert (await second(other, codes[0].lower().replace("-", " "))).status_code == expected
    assert "9 left" in (await owner.get("/account/security")).text
    assert any("recovery code was used" in text for _, text in await mails(cast.owner))
    stored = repr([dict(row) for row in await DB.fetch("SELECT * FROM recovery_codes")])
    assert not any(code.replace("-", "") in stored for code in codes)


async def test_new_codes_make_the_old_ones_worthless_and_the_file_holds_only_ones_own(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    _, old = await with_app(owner, clock)
    token = await form_token(owner, "/account")
    page = (await owner.post("/account/codes", data={"_csrf": token})).text
    new = re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", page)
    file = await owner.post("/account/codes/file", data={"_csrf": token, "codes": " ".join(new)})
    assert file.text.split()[-10:] == new
    assert file.headers["content-disposition"].startswith("attachment")
    for codes in (old, ["<script>", *new], new[:1] * 2, []):
        assert (
            await owner.post("/account/codes/file", data={"_csrf": token, "codes": " ".join(codes)})
        ).status_code == 404


async def test_guessing_ends_soon_is_told_and_leaves_the_owner_her_way_in(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar, mails: Mails
) -> None:
    totp, _ = await with_app(owner, clock)
    await owner.post("/sign-out", data={"_csrf": await form_token(owner, "/account")})
    clock.shift(timedelta(minutes=1))
    async with browser(app) as thief:
        await sign_in(thief, cast.owner)
        answers = [(await second(thief, f"{number:06}")).status_code for number in range(6)]
        assert answers == [422] * 5 + [429]
    assert [kind for kind, _ in await mails(cast.owner)].count("account_guessed") == 1
    await DB.fetch("UPDATE limits SET hits = 99 WHERE name = 'second:1'")  # the many, from everywhere
    await sign_in(owner, cast.owner)
    assert (await second(owner, totp.at(clock.now()))).status_code == 303


async def test_the_secret_is_sealed_and_another_account_cannot_open_it(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    totp, _ = await with_app(owner, clock)
    row = await DB.row("SELECT totp_sealed FROM users WHERE email = $1", cast.owner)
    assert row is not None
    assert totp.secret.encode() not in row["totp_sealed"]
    assert (await owner.get("/account/app")).status_code == 303, "it is not shown again"


async def test_removing_the_app_lets_the_password_be_enough_and_is_told(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar, mails: Mails
) -> None:
    await with_app(owner, clock)
    token = await form_token(owner, "/account")
    for _ in range(2):
        assert (await owner.post("/account/app/remove", data={"_csrf": token})).status_code == 303
    async with browser(app) as other:
        assert (await sign_in(other, cast.owner)).headers["location"] == "/"
    assert sum("app was removed" in text for _, text in await mails(cast.owner)) == 1


async def test_a_shop_that_asks_for_a_second_step_lets_its_manager_nowhere_without_one(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar
) -> None:
    await rows.person("mary@kilimani.test", cast.merchant_id, role="manager")
    await with_app(owner, clock)
    token = await form_token(owner, "/account")
    await owner.post("/team/second-step", data={"_csrf": token, "needed": "yes"})
    async with browser(app) as manager, browser(app) as cashier:
        await sign_in(manager, "mary@kilimani.test")
        for path in ("/home", "/sales", "/refunds", "/team"):
            assert (await manager.get(path)).headers["location"] == "/account/security", path
        assert (await manager.post("/settings/time", data={"_csrf": await form_token(manager, "/account")})).is_redirect
        assert "asks owners and managers" in (await manager.get("/account/security")).text
        await with_app(manager, clock)
        assert (await manager.get("/home")).status_code == 200
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get("/home")).status_code == 200


async def test_a_step_that_waits_too_long_begins_anew(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, app: Litestar
) -> None:
    totp, _ = await with_app(owner, clock)
    async with browser(app) as other:
        await sign_in(other, cast.owner)
        token = await form_token(other, "/sign-in/second")
        clock.shift(timedelta(minutes=5, seconds=1))
        answer = await other.post("/sign-in/second", data={"_csrf": token, "code": totp.at(clock.now())})
        assert answer.headers["location"].startswith("/sign-in?")
