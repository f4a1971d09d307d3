"""What a merchant sees of a router that asks us: the way is offered, its script is made, its page says when it last asked."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.apps import app_for
from tests.portal.web import rows
from tests.portal.web.conftest import browser, form_token, sign_in

OWNER = "amina@kilimani.test"


@pytest.fixture
async def client(db: str, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    merchant = await factories.merchant()
    await rows.person(OWNER, merchant)
    async with browser(app_for(settings, clock)) as found:
        await sign_in(found, OWNER)
        yield found


async def added(client: httpx.AsyncClient) -> str:
    """A router behind NAT, by the form; its page's path."""
    token = await form_token(client, "/routers/new")
    answer = await client.post("/routers", data={"_csrf": token, "name": "Kiosk", "way": "pull"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removesuffix("/setup")


async def test_the_way_is_offered_and_leads_to_the_script(client: httpx.AsyncClient) -> None:
    assert 'value="pull"' in (await client.get("/routers/new")).text
    page = await added(client)
    form = (await client.get(f"{page}/setup")).text
    assert "Version 7.9 to 7.12" in form
    assert 'id="interval-15"' in form
    token = await form_token(client, f"{page}/setup")
    chosen = {"family": "7", "interface": "bridge", "hotspot": "existing", "interval": "30"}
    made = (await client.post(f"{page}/setup", data={"_csrf": token, **chosen})).text
    code = made.split('name="code" value="', 1)[1].split('"', 1)[0]
    shown = (await client.post(f"{page}/script", data={"_csrf": token, "code": code})).text
    assert "/system scheduler" in shown
    assert "interval=&#34;30s&#34;" in shown
    again = await client.post(f"{page}/script", data={"_csrf": token, "code": code})
    assert again.status_code == 410
    assert "interval-30" in (await client.get(f"{page}/setup")).text
    assert await DB.value("SELECT pull_interval_s FROM routers") == 30


async def test_an_interval_nobody_offered_is_refused(client: httpx.AsyncClient) -> None:
    page = await added(client)
    token = await form_token(client, f"{page}/setup")
    chosen = {"family": "7", "interface": "bridge", "hotspot": "existing", "interval": "1"}
    answer = await client.post(f"{page}/setup", data={"_csrf": token, **chosen})
    assert answer.status_code == 422
    assert "Choose how often the router asks us." in answer.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("new", "We wait for this router to ask us"),
        ("late", "This router has not asked us since"),
        ("offline", "This router has not asked us since"),
        ("online", "asks every 15 seconds"),
    ],
)
async def test_its_page_says_how_often_it_asks_and_since_when_not(
    client: httpx.AsyncClient, clock: Clock, status: str, words: str
) -> None:
    page = await added(client)
    seen = None if status == "new" else clock.now() - timedelta(minutes=3)
    await DB.fetch("UPDATE routers SET status = $1, last_seen_at = $2", status, seen)
    text = (await client.get(page)).text
    assert words in text
    assert "Last asked us" in text
    assert "The router answers the next time it asks us for work." in text
    assert f"{page}/check" in text
    assert "trying to reach" not in text


async def test_a_dialled_router_says_what_it_said_before(client: httpx.AsyncClient, vault: Vault) -> None:
    merchant = await DB.value("SELECT id FROM merchants")
    router = await factories.router(vault, merchant)
    text = (await client.get(f"/routers/{router.id}")).text
    assert "Last answer" in text
    assert "asks every" not in text
