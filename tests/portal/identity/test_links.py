"""Mailed links: a forgotten password, another address, invitations and new shops. Once each, soon over, and never a word about who has
an account."""

import dataclasses
import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from tests.portal.identity.conftest import Mails, link_in
from tests.portal.identity.test_second import second, with_app
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

NEW = "three blue umbrellas"
SHOP = {
    "shop": "Umoja Wi-Fi",
    "kind": "personal",
    "phone": "0712 345 678",
    "name": "Njeri K.",
    "email": "njeri@umoja.test",
}


async def post(client: httpx.AsyncClient, path: str, page: str = "", **fields: str) -> httpx.Response:
    return await client.post(path, data={"_csrf": await form_token(client, page or path), **fields})


async def reset_link(client: httpx.AsyncClient, email: str, mails: Mails) -> str:
    assert (await post(client, "/forgot", email=email)).headers["location"] == "/forgot?sent"
    return link_in((await mails(email))[-1][1])


async def follow(client: httpx.AsyncClient, link: str, **fields: str) -> httpx.Response:
    """Open a link and send its form."""
    path, token = link.split("?t=")
    return await client.post(path, data={"_csrf": await form_token(client, link), "t": token, **fields})


# -- a forgotten password ----------------------------------------------------------------------------------------


async def test_a_new_password_by_mail_ends_every_session_and_works_once(
    client: httpx.AsyncClient, cast: Cast, mails: Mails, app: Litestar
) -> None:
    async with browser(app) as signed_in:
        await sign_in(signed_in, cast.owner)
        first = await reset_link(client, cast.owner, mails)
        link = await reset_link(client, cast.owner, mails)
        assert (await client.get(first)).status_code == 410, "the newer one takes the older one back"
        assert (await follow(client, link, password="short")).status_code == 422
        assert (await follow(client, link, password=NEW)).headers["location"] == "/sign-in"
        assert (await signed_in.get("/home")).status_code == 303
    assert (await client.get(link)).status_code == 410
    answer = await client.post(
        "/reset", data={"_csrf": await form_token(client), "t": link.split("?t=")[1], "password": "four blue umbrellas"}
    )
    assert answer.status_code == 410
    assert (await sign_in(client, cast.owner)).status_code == 422
    assert (await sign_in(client, cast.owner, NEW)).status_code == 303


async def test_a_link_is_good_for_thirty_minutes(
    client: httpx.AsyncClient, cast: Cast, mails: Mails, clock: Clock
) -> None:
    link = await reset_link(client, cast.owner, mails)
    clock.shift(timedelta(minutes=29))
    assert (await client.get(link)).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert (await client.get(link)).status_code == 410


async def test_a_stranger_gets_the_same_answer_and_no_mail(client: httpx.AsyncClient, cast: Cast, mails: Mails) -> None:
    known, unknown = [await post(client, "/forgot", email=email) for email in (cast.owner, "nobody@nowhere.test")]
    assert (known.status_code, known.headers["location"]) == (unknown.status_code, unknown.headers["location"])
    assert known.elapsed.total_seconds() == pytest.approx(unknown.elapsed.total_seconds(), abs=0.2)
    assert await mails("nobody@nowhere.test") == []


async def test_a_mailbox_is_not_flooded_and_an_address_may_not_ask_for_ever(
    client: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    answers = [(await post(client, "/forgot", email=cast.owner)).status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]
    assert len(await mails(cast.owner)) == 3


async def test_links_are_built_from_our_address_and_never_from_a_host_header(
    client: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    token = await form_token(client, "/forgot")
    headers = {"host": "evil.test", "x-forwarded-host": "evil.test", "sec-fetch-site": "same-origin"}
    await client.post("/forgot", data={"_csrf": token, "email": cast.owner}, headers=headers)
    [(_, text)] = await mails(cast.owner)
    assert "evil.test" not in text
    assert link_in(text)


async def test_the_database_holds_no_link(client: httpx.AsyncClient, cast: Cast, mails: Mails) -> None:
    token = (await reset_link(client, cast.owner, mails)).split("?t=")[1]
    for table in ("identity_links", "messages", "events"):
        stored = [dict(row) for row in await DB.fetch(f"SELECT * FROM {table}")]
        assert token not in repr(stored), table


async def test_a_reset_never_takes_the_second_step_away(
    client: httpx.AsyncClient, cast: Cast, mails: Mails, clock: Clock, app: Litestar
) -> None:
    await sign_in(client, cast.owner)
    totp, _ = await with_app(client, clock)
    clock.shift(timedelta(minutes=1))
    async with browser(app) as other:
        await follow(other, await reset_link(other, cast.owner, mails), password=NEW)
        assert (await sign_in(other, cast.owner, NEW)).headers["location"].startswith("/sign-in/second")
        assert (await second(other, totp.at(clock.now()))).status_code == 303


async def test_another_password_needs_the_old_one_and_keeps_only_this_session(
    client: httpx.AsyncClient, cast: Cast, mails: Mails, app: Litestar
) -> None:
    async with browser(app) as other:
        await sign_in(other, cast.owner)
        await sign_in(client, cast.owner)
        page = "/account/security"
        assert (await post(client, "/account/password", page, old="wrong wrong", password=NEW)).status_code == 422
        assert (
            await post(client, "/account/password", page, old=rows.PASSWORD, password="password1")
        ).status_code == 422
        assert (await post(client, "/account/password", page, old=rows.PASSWORD, password=NEW)).status_code == 303
        assert (await client.get("/home")).status_code == 200
        assert (await other.get("/home")).status_code == 303


# -- another address ---------------------------------------------------------------------------------------------


async def test_a_new_address_is_confirmed_there_and_told_at_the_old_one(
    client: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    await sign_in(client, cast.owner)
    answer = await post(client, "/account/email", "/account/security", email="amina@new.test")
    assert answer.status_code == 303
    assert await DB.value("SELECT count(*) FROM users WHERE email = 'amina@new.test'") == 0
    link = link_in((await mails("amina@new.test"))[-1][1])
    assert (await client.get(link)).status_code == 200
    assert await DB.value("SELECT count(*) FROM users WHERE email = 'amina@new.test'") == 0, "looking confirms nothing"
    assert (await follow(client, link)).status_code == 303
    assert (await mails(cast.owner))[-1][0] == "account_moved"
    assert (await follow(client, link)).status_code == 410
    client.cookies.clear()
    assert (await sign_in(client, "amina@new.test")).status_code == 303


async def test_an_address_that_has_an_account_is_not_given_away_nor_told_apart(
    client: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    await sign_in(client, cast.owner)
    answer = await post(client, "/account/email", "/account/security", email=cast.rival)
    assert answer.status_code == 303
    assert [kind for kind, _ in await mails(cast.rival)] == ["account_exists"]


async def test_anothers_link_changes_nothing(
    client: httpx.AsyncClient, cast: Cast, mails: Mails, app: Litestar
) -> None:
    await sign_in(client, cast.owner)
    await post(client, "/account/email", "/account/security", email="amina@new.test")
    link = link_in((await mails("amina@new.test"))[-1][1])
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert (await follow(rival, link)).status_code == 410
    assert await DB.value("SELECT count(*) FROM users WHERE email = $1", cast.rival) == 1


# -- invitations -------------------------------------------------------------------------------------------------


async def invited(owner: httpx.AsyncClient, mails: Mails, email: str, role: str = "cashier") -> str:
    answer = await post(owner, "/team/invite", "/team", email=email, role=role)
    assert answer.status_code in (200, 303), answer.text
    return link_in((await mails(email))[-1][1])


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def test_an_invitation_makes_an_account_with_its_role_and_works_once(
    owner: httpx.AsyncClient, cast: Cast, mails: Mails, app: Litestar
) -> None:
    link = await invited(owner, mails, "wafula@kilimani.test")
    async with browser(app) as new, browser(app) as again:
        page = await new.get(link)
        assert "Kilimani Corner" in page.text
        assert (await follow(new, link, name="Wafula", password="password")).status_code == 422
        assert (await follow(new, link, name="Wafula", password=NEW)).headers["location"] == "/"
        assert (await new.get("/home")).status_code == 200
        assert (await new.get("/settings/time")).status_code == 403
        assert (await again.get(link)).status_code == 410
    assert "Wafula" in (await owner.get("/team")).text


async def test_who_has_an_account_joins_with_it_and_nobody_else_can(
    owner: httpx.AsyncClient, cast: Cast, mails: Mails, app: Litestar
) -> None:
    link = await invited(owner, mails, cast.rival, "manager")
    assert "is for brian@rival.test" in re.sub(r"\s+", " ", (await owner.get(link)).text)
    sent = await post(owner, "/join", "/account", t=link.split("?t=")[1])
    assert sent.status_code == 410, "the owner is not the one invited"
    async with browser(app) as rival:
        assert "/sign-in?next=/join" in (await rival.get(link)).text
        taken = await post(rival, "/join", "/sign-in", t=link.split("?t=")[1], name="X", password=NEW)
        assert taken.status_code == 409
        await sign_in(rival, cast.rival)
        assert (await follow(rival, link)).headers["location"] == "/"
        assert "Kilimani Corner" in (await rival.get("/home")).text
        assert "Rival Wi-Fi" in (await rival.get("/account")).text


async def test_managers_invite_no_managers_and_nobody_invites_strangers_to_other_shops(
    cast: Cast, app: Litestar, mails: Mails
) -> None:
    await rows.person("mary@kilimani.test", cast.merchant_id, role="manager")
    async with browser(app) as manager:
        await sign_in(manager, "mary@kilimani.test")
        assert (await post(manager, "/team/invite", "/team", email="a@b.test", role="owner")).status_code == 403
        assert (await post(manager, "/team/invite", "/team", email="a@b.test", role="manager")).status_code == 403
        assert (await post(manager, "/team/invite", "/team", email="a@b.test", role="boss")).status_code == 422
        assert (await post(manager, "/team/invite", "/team", email=cast.cashier, role="viewer")).status_code == 422
        await invited(manager, mails, "a@b.test")


async def test_an_invitation_taken_back_or_a_week_old_is_over(
    owner: httpx.AsyncClient, mails: Mails, clock: Clock
) -> None:
    link = await invited(owner, mails, "a@b.test")
    link_id = await DB.value("SELECT id FROM identity_links WHERE purpose = 'team'")
    await post(owner, f"/team/invitations/{link_id}/withdraw", "/team")
    assert (await owner.get(link)).status_code == 410
    other = await invited(owner, mails, "c@d.test")
    clock.shift(timedelta(days=7, seconds=1))
    assert (await owner.get(other)).status_code == 410


async def test_without_a_mail_server_the_link_is_shown_once_to_who_invites(
    owner: httpx.AsyncClient, mails: Mails
) -> None:
    answer = await post(owner, "/team/invite", "/team", email="a@b.test", role="viewer")
    assert link_in((await mails("a@b.test"))[-1][1]) in answer.text
    assert "/join?t=" not in (await owner.get("/team")).text


# -- new shops ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def newcomer(settings: Settings, clock: Clock) -> httpx.AsyncClient:
    """A browser at a house where anybody may open a shop."""
    return browser(create_app(dataclasses.replace(settings, sign_up="open"), clock=clock))


async def test_a_shop_is_open_after_the_mail_and_the_password(
    newcomer: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    answer = await post(newcomer, "/sign-up", **SHOP, password=NEW)
    assert answer.headers["location"] == "/sign-up?sent"
    assert await DB.value("SELECT count(*) FROM merchants") == 2, "nothing is made before the mail is opened"
    link = link_in((await mails(SHOP["email"]))[-1][1])
    assert (await follow(newcomer, link, password="not the password")).status_code == 422
    assert (await follow(newcomer, link, password=NEW)).headers["location"] == "/"
    assert "Umoja Wi-Fi" in (await newcomer.get("/home")).text
    row = await DB.row("SELECT kind, help_phone FROM merchants WHERE name = 'Umoja Wi-Fi'")
    assert row is not None
    assert tuple(row) == ("personal", "254712345678")
    assert (await newcomer.get(link)).status_code == 410


async def test_signing_up_with_anothers_address_gives_nothing_away_and_gets_nothing(
    newcomer: httpx.AsyncClient, cast: Cast, mails: Mails
) -> None:
    known = await post(newcomer, "/sign-up", **(SHOP | {"email": cast.owner}), password=NEW)
    new = await post(newcomer, "/sign-up", **SHOP, password=NEW)
    assert (known.status_code, known.headers["location"]) == (new.status_code, new.headers["location"])
    assert [kind for kind, _ in await mails(cast.owner)] == ["account_exists"]
    assert await DB.value("SELECT count(*) FROM merchants") == 2


async def test_every_wrong_field_is_named_and_what_was_typed_stays(newcomer: httpx.AsyncClient, cast: Cast) -> None:
    answer = await post(
        newcomer, "/sign-up", shop="<b>", kind="isp", phone="12", name="", email="x", password="kilimani1"
    )
    assert answer.status_code == 422
    for field in ("kind", "phone", "name", "email"):
        assert f'href="#{field}"' in answer.text, field
    assert 'value="&lt;b&gt;"' in answer.text
    assert "kilimani1" not in answer.text


async def test_by_default_only_the_invited_open_shops(
    client: httpx.AsyncClient, cast: Cast, settings: Settings
) -> None:
    assert settings.sign_up == "invite"
    assert (await client.get("/sign-up")).status_code == 404
    assert (await post(client, "/sign-up", "/sign-in", **SHOP, password=NEW)).status_code in (404, 422)
    assert "/sign-up" not in (await client.get("/sign-in")).text
    assert await DB.value("SELECT count(*) FROM merchants") == 2
