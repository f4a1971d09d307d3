"""Signing in and out: sessions that cannot be planted, guessed, revived or kept; throttling that locks nobody out."""

import statistics
import time
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal import identity, limits, passwords
from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings
from portal.cookies import SESSION
from portal.db import DB, atomic
from portal.errors import Conflict, Invalid
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in


async def test_the_right_password_opens_the_home(client: httpx.AsyncClient, cast: Cast) -> None:
    answer = await sign_in(client, f"  {cast.owner.upper()} ")
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/", b"")
    assert (await client.get("/")).headers["location"] == "/home"
    page = await client.get("/home")
    assert page.status_code == 200
    assert "Kilimani Corner" in page.text


async def test_an_operator_lands_on_the_merchants(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.operator)
    assert (await client.get("/")).headers["location"] == "/operator"
    page = await client.get("/operator")
    assert "Kilimani Corner" in page.text
    assert "Rival Wi-Fi" in page.text
    assert (await client.get("/home")).status_code == 404


@pytest.mark.parametrize("email", ["amina@kilimani.test", "nobody@kilimani.test"])
async def test_wrong_passwords_and_unknown_accounts_get_the_same_answer(
    client: httpx.AsyncClient, cast: Cast, email: str
) -> None:
    answer = await sign_in(client, email, "not the password")
    assert answer.status_code == 422
    assert "E-mail or password is wrong." in answer.text
    assert f'value="{email}"' in answer.text
    assert "not the password" not in answer.text
    assert SESSION not in client.cookies


async def test_odd_bytes_are_a_wrong_password_not_a_defect(client: httpx.AsyncClient, cast: Cast) -> None:
    token = await form_token(client)
    form = {"content-type": "application/x-www-form-urlencoded"}
    for odd in ("%00", "%FF%FE", "%ED%A0%80", "%F0%9F%98%80", "%0D%0A", "%E2%80%AE", "a" * 5000):
        body = f"_csrf={token}&email={odd}x@y&password={odd}&next={odd}&email=twice"
        answer = await client.post("/sign-in", content=body, headers=form)
        assert answer.status_code == 422, odd
        await DB.fetch("DELETE FROM limits")
    assert (await client.get("/sign-in?l=%00&next=%FF%00")).status_code == 200


async def test_unknown_accounts_take_as_long_as_wrong_passwords(db: str, cast: Cast) -> None:
    async def seconds(stored: str | None) -> float:
        begun = time.perf_counter()
        assert not await passwords.is_right(stored, "not the password")
        return time.perf_counter() - begun

    stored = await DB.value("SELECT password_hash FROM users WHERE email = $1", cast.owner)
    known = statistics.median([await seconds(stored) for _ in range(7)])
    unknown = statistics.median([await seconds(None) for _ in range(7)])
    assert 0.4 < unknown / known < 2.5


async def test_a_planted_session_cookie_is_worth_nothing_after_sign_in(
    client: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    client.cookies.set(SESSION, "chosen-by-somebody-else", domain="portal.test")
    await sign_in(client, cast.owner)
    assert client.cookies[SESSION] != "chosen-by-somebody-else"
    async with browser(app) as stranger:
        stranger.cookies.set(SESSION, "chosen-by-somebody-else")
        assert (await stranger.get("/home")).status_code == 303


async def test_signing_in_again_ends_the_session_before(
    client: httpx.AsyncClient, cast: Cast, settings: Settings
) -> None:
    first = await identity.sign_in(
        cast.owner,
        rows.PASSWORD,
        settings=settings,
        now=Clock().now(),
        browser=identity.Browser(address="", user_agent=""),
    )
    client.cookies.set(SESSION, first.token, domain="portal.test")
    token = await form_token(client, "/account")
    await client.post("/sign-in", data={"_csrf": token, "email": cast.owner, "password": rows.PASSWORD})
    assert client.cookies[SESSION] != first.token
    assert await identity.session_of(first.token, settings=settings, now=Clock().now()) is None


async def test_the_database_does_not_hold_the_cookie(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    row = await DB.row("SELECT * FROM user_sessions")
    assert row is not None
    assert client.cookies[SESSION] not in repr(dict(row))
    assert client.cookies[SESSION].encode() != row["token_hash"]


async def test_cookies_are_unseen_by_scripts_and_not_sent_along(client: httpx.AsyncClient, cast: Cast) -> None:
    answer = await sign_in(client, cast.owner)
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(SESSION))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_on_https_cookies_belong_to_the_host_alone(settings: Settings, cast: Cast, clock: Clock) -> None:
    secure = Settings.from_env(
        {
            "PORTAL_DATABASE_URL": str(settings.database_url),
            "PORTAL_DATA_DIR": str(settings.data_dir),
            "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
            "PORTAL_BASE_URL": "https://portal.test",
        }
    )
    async with browser(create_app(secure, clock=clock)) as client:
        client.base_url = httpx.URL("https://portal.test")
        answer = await sign_in(client, cast.owner)
        cookie = next(line for line in answer.headers.get_list("set-cookie") if SESSION in line)
        assert cookie.startswith(f"__Host-{SESSION}=")
        assert "Secure" in cookie
        assert answer.headers["strict-transport-security"]
        assert (await client.get("/home")).status_code == 200


async def test_a_session_ends_after_twelve_idle_hours(client: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    await sign_in(client, cast.owner)
    clock.shift(timedelta(hours=11, minutes=59))
    assert (await client.get("/home")).status_code == 200
    clock.shift(timedelta(hours=11, minutes=59))
    assert (await client.get("/home")).status_code == 200
    clock.shift(timedelta(hours=12, minutes=1))
    assert (await client.get("/home")).status_code == 303


async def test_a_session_ends_after_seven_days_in_any_case(client: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    await sign_in(client, cast.owner)
    for _ in range(15):
        clock.shift(timedelta(hours=11))
        assert (await client.get("/account")).status_code == 200
    clock.shift(timedelta(hours=4))
    assert (await client.get("/account")).status_code == 303


async def test_reading_pages_writes_the_session_at_most_once_a_minute(
    client: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    await sign_in(client, cast.owner)
    version = "SELECT xmin::text FROM user_sessions"
    before = await DB.value(version)
    for _ in range(3):
        await client.get("/home/figures")
    assert await DB.value(version) == before
    clock.shift(timedelta(minutes=2))
    await client.get("/home/figures")
    assert await DB.value(version) != before


async def test_signing_out_ends_the_session_everywhere(client: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    await sign_in(client, cast.owner)
    token = client.cookies[SESSION]
    answer = await client.post("/sign-out", data={"_csrf": await form_token(client, "/account")})
    assert answer.headers["location"] == "/sign-in"
    assert SESSION not in client.cookies
    async with browser(app) as other:
        other.cookies.set(SESSION, token)
        assert (await other.get("/home")).status_code == 303


async def test_a_new_password_ends_every_session(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    user_id = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    await identity.set_password(user_id, "another good one")
    assert (await client.get("/home")).status_code == 303
    assert (await sign_in(client, cast.owner)).status_code == 422
    assert (await sign_in(client, cast.owner, "another good one")).status_code == 303


async def test_the_sixth_wrong_password_is_throttled_and_five_minutes_later_it_works(
    client: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    for _ in range(5):
        assert (await sign_in(client, cast.owner, "wrong wrong")).status_code == 422
    answer = await sign_in(client, cast.owner)
    assert answer.status_code == 429
    assert "Wait five minutes" in answer.text
    clock.shift(timedelta(minutes=5, seconds=1))
    assert (await sign_in(client, cast.owner)).status_code == 303


async def test_somebody_elses_tries_do_not_lock_the_owner_out(cast: Cast, settings: Settings) -> None:
    now = Clock().now()
    attacker = identity.Browser(address="203.0.113.66", user_agent="")
    for _ in range(5):
        with pytest.raises(Invalid):
            await identity.sign_in(cast.owner, "wrong wrong", browser=attacker, settings=settings, now=now)
    owner = identity.Browser(address="198.51.100.7", user_agent="")
    assert await identity.sign_in(cast.owner, rows.PASSWORD, browser=owner, settings=settings, now=now)


async def test_a_right_password_clears_the_wrong_ones_before_it(client: httpx.AsyncClient, cast: Cast) -> None:
    for _ in range(2):
        for _ in range(4):
            await sign_in(client, cast.owner, "wrong wrong")
        assert (await sign_in(client, cast.owner)).status_code == 303
        client.cookies.clear()


async def test_a_limit_holds_when_many_try_at_once(db: str) -> None:
    import asyncio

    now = Clock().now()
    answers = await asyncio.gather(*(limits.hit("flood", limit=10, window_s=60, now=now) for _ in range(40)))
    assert sum(answers) == 10
    assert await limits.hit("flood", limit=10, window_s=60, now=now + timedelta(seconds=60))
    assert await limits.sweep(now=now + timedelta(days=2)) == 1


async def test_weak_hashes_are_renewed_at_sign_in(client: httpx.AsyncClient, cast: Cast) -> None:
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(rows.PASSWORD)
    await DB.fetch("UPDATE users SET password_hash = $2 WHERE email = $1", cast.owner, weak)
    await sign_in(client, cast.owner)
    stored = await DB.value("SELECT password_hash FROM users WHERE email = $1", cast.owner)
    assert stored != weak
    assert not passwords.is_outdated(stored)
    assert "$argon2id$" in stored
    assert "m=19456,t=2,p=1" in stored


@pytest.mark.parametrize("password", ["short", "x" * 129])
async def test_passwords_have_8_to_128_characters(password: str) -> None:
    with pytest.raises(Invalid):
        await passwords.hash_password(password)


async def test_an_overlong_password_never_matches_its_beginning() -> None:
    stored = await passwords.hash_password("x" * 128)
    assert await passwords.is_right(stored, "x" * 128)
    assert not await passwords.is_right(stored, "x" * 129)


async def test_two_accounts_cannot_share_an_address(db: str, cast: Cast) -> None:
    with pytest.raises(Conflict):
        async with atomic() as tx:
            await identity.add_user(tx, cast.owner.upper(), "Other", password_hash="!", now=Clock().now())


async def test_signing_in_never_leads_to_another_site(client: httpx.AsyncClient, cast: Cast) -> None:
    for target in ("//evil.test/", "/\\evil.test", "https://evil.test/"):
        client.cookies.clear()
        assert (await sign_in(client, cast.owner, target=target)).headers["location"] == "/"


async def test_signing_in_leads_back_to_where_one_was(client: httpx.AsyncClient, cast: Cast) -> None:
    sent = await client.get("/sales?before=7")
    assert sent.headers["location"] == "/sign-in?next=/sales%3Fbefore%3D7"
    page = await client.get(sent.headers["location"])
    assert 'name="next" value="/sales?before=7"' in page.text
    assert (await sign_in(client, cast.owner, target="/sales?before=7")).headers["location"] == "/sales?before=7"


async def test_a_polled_part_takes_its_page_to_the_sign_in(client: httpx.AsyncClient, cast: Cast) -> None:
    htmx = {"hx-request": "true", "hx-current-url": "http://portal.test/home?days=30"}
    answer = await client.get("/home/figures", headers=htmx)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?next=/home")
