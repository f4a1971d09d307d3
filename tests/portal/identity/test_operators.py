"""The command line: the first operator, a way back in, and invitations to open a shop."""

import httpx
import pytest
from click.testing import CliRunner

from portal.cli_operators import operator
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import Invalid, NotFound
from portal.identity import operators, sign_ups
from portal.vault import Vault
from tests.portal.identity.conftest import Mails
from tests.portal.identity.test_links import NEW, SHOP, follow, post
from tests.portal.identity.test_second import with_app
from tests.portal.web.conftest import Cast, sign_in


def path(link: str) -> str:
    return link.removeprefix("http://portal.test")


async def test_the_first_operator_chooses_a_password_and_signs_in(
    db: str, client: httpx.AsyncClient, settings: Settings, vault: Vault, clock: Clock
) -> None:
    link = await operators.add("Root@House.test", "Root", settings=settings, vault=vault, now=clock.now())
    assert (await follow(client, path(link), password=NEW)).headers["location"] == "/sign-in"
    await sign_in(client, "root@house.test", NEW)
    assert (await client.get("/operator")).status_code == 200
    assert [one.email for one in await operators.listed()] == ["root@house.test"]
    with pytest.raises(Invalid):
        await operators.add("nobody", "X", settings=settings, vault=vault, now=clock.now())


async def test_who_lost_the_phone_gets_back_in_and_is_told(
    client: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock, mails: Mails
) -> None:
    await sign_in(client, cast.owner)
    await with_app(client, clock)
    link = await operators.reset(cast.owner, settings=settings, vault=vault, now=clock.now())
    assert (await client.get("/home")).status_code == 303, "every session is over"
    await follow(client, path(link), password=NEW)
    assert (await sign_in(client, cast.owner, NEW)).headers["location"] == "/"
    assert any("removed by the operator" in text for _, text in await mails(cast.owner))
    with pytest.raises(NotFound):
        await operators.reset("nobody@nowhere.test", settings=settings, vault=vault, now=clock.now())


async def test_the_operators_invitation_opens_a_shop_of_its_kind_once(
    client: httpx.AsyncClient, cast: Cast, settings: Settings, vault: Vault, clock: Clock
) -> None:
    link = path(
        await sign_ups.invite(SHOP["email"], kind="isp", made_by=None, settings=settings, vault=vault, now=clock.now())
    )
    page = (await client.get(link)).text
    assert SHOP["email"] in page
    answer = await follow(client, link, **(SHOP | {"email": "other@else.test", "kind": "enterprise"}), password=NEW)
    assert answer.headers["location"] == "/"
    assert "Umoja Wi-Fi" in (await client.get("/home")).text
    row = await DB.row(
        "SELECT kind, (SELECT email FROM users ORDER BY id DESC LIMIT 1) AS email FROM merchants ORDER BY id DESC"
    )
    assert row is not None
    assert tuple(row) == ("isp", SHOP["email"])
    client.cookies.clear()
    assert (await client.get(link)).status_code == 410
    assert (await post(client, "/sign-up", "/sign-in", **SHOP, password=NEW, t=link[-43:])).status_code == 410


def test_the_commands_say_what_they_do() -> None:
    said = CliRunner().invoke(operator, ["--help"]).output
    for word in ("add", "reset", "invite", "list"):
        assert f"  {word}" in said
