"""Routers as merchants set them up and watch them: every page, every button, and who may press it."""

import base64
import dataclasses
import json
import re
from datetime import timedelta
from ipaddress import IPv4Network

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal import routers
from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings, Tunnel
from portal.db import DB, atomic
from portal.errors import Conflict
from portal.identity import Actor, Role
from portal.routers import forms, scripts, setup
from portal.vault import Vault
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, sign_in

#: Every address of one router, with the method that asks for it.
LOOKS = ("", "/state", "/people", "/doctor", "/history", "/drift", "/drift/report", "/outages", "/settings")
FORMS = ("/connection", "/setup", "/replace", "/remove", "/undo")
BUTTONS = ("/pause", "/resume", "/check", "/clean-up", "/replace", "/remove", "/connection", "/setup", "/script")
NEW = {
    "name": "Beach bar",
    "way": "direct",
    "host": "197.248.10.4",
    "port": "8728",
    "user": "",
    "password": "",
    "tls_pin": "",
}
SCRIPT = {"family": "7", "hotspot": "new", "interface": "bridge", "network": "10.5.50.0/24"}


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send a form of our own, as a browser without JavaScript does."""
    token = (await client.get("/account")).text.split('name="_csrf" value="', 1)[1].split('"', 1)[0]
    return await client.post(path, data={"_csrf": token, **fields})


async def row_of(router_id: int) -> dict[str, object]:
    found = await DB.row("SELECT * FROM routers WHERE id = $1", router_id)
    assert found is not None
    return dict(found)


async def events_of(router_id: int) -> list[tuple[str, str]]:
    found = await DB.fetch(
        "SELECT name, actor FROM events WHERE entity = 'routers' AND entity_id = $1 ORDER BY id", router_id
    )
    return [(row["name"], row["actor"]) for row in found]


async def added(owner: httpx.AsyncClient, **fields: str) -> int:
    answer = await post(owner, "/routers", **{**NEW, **fields})
    assert answer.status_code == 303, answer.text
    return int(re.findall(r"/routers/(\d+)", answer.headers["location"])[0])


async def test_an_added_router_is_looked_at_at_once_and_leads_to_its_script(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault
) -> None:
    answer = await post(owner, "/routers", **NEW)
    router_id = int(re.findall(r"^/routers/(\d+)/setup$", answer.headers["location"])[0])
    row = await row_of(router_id)
    assert (row["merchant_id"], row["status"], row["way"], row["api_host"], row["api_user"]) == (
        cast.merchant_id, "new", "direct", "197.248.10.4", "vocha",
    )  # fmt: skip
    password = vault.open("routers", "api_password_sealed", row_id=router_id, sealed=row["api_password_sealed"])  # pyright: ignore[reportArgumentType]
    assert re.fullmatch("[0-9a-f]{32}", password)
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check-router'") == 1
    assert (await events_of(router_id))[0][0] == "add"
    page = (await owner.get(f"/routers/{router_id}")).text
    assert "We are trying to reach this router." in page
    assert "Looking at the router" in page


async def test_a_router_with_a_user_of_the_merchant_goes_to_its_page(owner: httpx.AsyncClient, vault: Vault) -> None:
    answer = await post(owner, "/routers", **NEW | {"user": "api", "password": "s3cret"})
    assert re.fullmatch(r"/routers/\d+", answer.headers["location"])
    row = await DB.row("SELECT id, api_user, api_password_sealed FROM routers WHERE name = 'Beach bar'")
    assert row is not None
    assert row["api_user"] == "api"
    assert vault.open("routers", "api_password_sealed", row_id=row["id"], sealed=row["api_password_sealed"]) == "s3cret"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "  ", "Write a name for the router"), ("name", "x" * 61, "Write a shorter name"),
        ("name", "main SHOP", "You have a router of that name already"), ("name", "a\u202eb", "one line only"),
        ("way", "", "Choose how we reach the router"), ("way", "tunnel", "Choose how we reach the router"),
        ("way", "carrier pigeon", "Choose how we reach the router"), ("host", "", "Write the router's address"),
        ("host", "192.168.88.1", "We cannot reach that address from the internet"),
        ("host", "169.254.169.254", "We cannot reach that address from the internet"),
        ("host", "2130706433", "We cannot reach that address from the internet"),
        ("host", "[::1]", "We cannot reach that address from the internet"),
        ("port", "x", "Write the port"), ("port", "65536", "Write the port"), ("port", "22", "We cannot reach that address"),
        ("port", "8729", "copy the fingerprint"), ("tls_pin", "abc", "A fingerprint is 64"),
        ("user", "api", "Write the password of this router user"), ("password", "geheim", "Write the name of the router user"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_at_the_field_and_nothing_is_added(
    owner: httpx.AsyncClient, field: str, value: str, words: str
) -> None:
    answer = await post(owner, "/routers", **NEW | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert "Error:" in answer.text.split("</title>")[0]
    assert "geheim" not in answer.text
    assert await DB.value("SELECT count(*) FROM routers WHERE name NOT IN ('Main shop', 'Rival tower')") == 0


async def test_every_refused_address_gets_the_same_words(owner: httpx.AsyncClient) -> None:
    pages: set[str] = set()
    for host in ("10.0.0.1", "100.64.1.1", "::1", "0x7f.1", "fe80::1%eth0", "not a host", "64:ff9b::a00:1"):
        text = (await post(owner, "/routers", **NEW | {"host": host})).text
        # The form's token tells the second it was made in, so it is left out with what was typed.
        pages.add(re.sub(r"""value="[^"]*"|hx-headers='[^']*'""", "", text))
    assert len(pages) == 1


async def test_trying_addresses_by_the_dozen_is_stopped(owner: httpx.AsyncClient, cast: Cast) -> None:
    for number in range(40):
        assert (await post(owner, "/routers", **NEW | {"name": f"r{number}"})).status_code == 303
    answer = await post(owner, "/routers", **NEW | {"name": "one more"})
    assert answer.status_code == 429
    assert "Wait an hour" in answer.text


async def test_a_script_is_shown_once_and_only_for_its_own_router(owner: httpx.AsyncClient, cast: Cast) -> None:
    router_id, other = await added(owner), await added(owner, name="Other")
    made = await post(owner, f"/routers/{router_id}/setup", **SCRIPT)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    code = made.text.split('name="code" value="')[1].split('"')[0]
    assert (await post(owner, f"/routers/{other}/script", code=code)).status_code == 404
    shown = await post(owner, f"/routers/{router_id}/script", code=code)
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    for words in ("/user group", "vocha", "/ip hotspot", "Beach bar", "10.5.50"):
        assert words in shown.text
    again = await post(owner, f"/routers/{router_id}/script", code=code)
    assert again.status_code == 410
    assert "/user group" not in again.text
    names = [name for name, _ in await events_of(router_id)]
    assert names == ["add", "script", "script_out"]
    stored = json.dumps([dict(row) for row in await DB.fetch("SELECT * FROM router_scripts")], default=str)
    assert code not in stored


async def test_a_router_fetches_its_script_once(app: Litestar, owner: httpx.AsyncClient) -> None:
    router_id = await added(owner)
    made = await post(owner, f"/routers/{router_id}/setup", **SCRIPT)
    code = made.text.split('name="code" value="')[1].split('"')[0]
    async with browser(app) as router:
        assert (await router.post("/setup-script", content=b"x" * 43)).status_code == 404
        assert (await router.post("/setup-script", content=b"x" * 4000)).status_code == 404
        assert (await router.get(f"/setup-script?code={code}")).status_code == 405
        assert (await router.post(f"/setup-script?code={code}")).status_code == 404
        first = await router.post("/setup-script", content=code.encode())
        assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
        assert first.headers["content-type"].startswith("text/plain")
        assert first.text.startswith("# Vocha sets up")
        second = await router.post("/setup-script", content=code.encode())
        assert (second.status_code, second.headers["cache-control"]) == (410, "no-store")
        assert "/user group" not in second.text
    assert (await events_of(router_id))[-1] == ("script_out", f"router:{router_id}")


async def test_a_script_is_void_after_fifteen_minutes_and_when_a_newer_one_is_made(
    app: Litestar, owner: httpx.AsyncClient, clock: Clock
) -> None:
    router_id = await added(owner)
    codes: list[str] = []
    for _ in range(2):
        made = await post(owner, f"/routers/{router_id}/setup", **SCRIPT)
        codes.append(made.text.split('name="code" value="')[1].split('"')[0])
    assert (await owner.post("/setup-script", content=codes[0].encode())).status_code == 410
    clock.shift(timedelta(minutes=15, seconds=1))
    assert (await owner.post("/setup-script", content=codes[1].encode())).status_code == 410


async def test_the_script_signs_in_as_ours_and_no_longer_as_the_merchants_user(
    owner: httpx.AsyncClient, vault: Vault
) -> None:
    router_id = await added(owner, user="admin", password="the merchant's own")
    assert "The script makes a user of its own" in (await owner.get(f"/routers/{router_id}/setup")).text
    made = await post(owner, f"/routers/{router_id}/setup", **SCRIPT)
    assert (await row_of(router_id))["api_user"] == "admin"
    code = made.text.split('name="code" value="')[1].split('"')[0]
    shown = await post(owner, f"/routers/{router_id}/script", code=code)
    row = await row_of(router_id)
    password = vault.open("routers", "api_password_sealed", row_id=router_id, sealed=row["api_password_sealed"])  # pyright: ignore[reportArgumentType]
    assert row["api_user"] == "vocha"
    assert password in shown.text
    assert "the merchant" not in shown.text.split("<textarea")[1].split("</textarea>")[0]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("family", "8", "Choose the RouterOS version"), ("interface", "", "Write the interface"),
     ("network", "8.8.8.0/24", "Write a private network"), ("network", "10.5.50.7/24", "Write a private network"),
     ("network", "x", "Write a private network"), ("network", "10.0.0.0/8", "Write a private network")],
)  # fmt: skip
async def test_a_script_that_cannot_be_meant_is_not_made(
    owner: httpx.AsyncClient, cast: Cast, field: str, value: str, words: str
) -> None:
    answer = await post(owner, f"/routers/{cast.router.id}/setup", **SCRIPT | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert await DB.value("SELECT count(*) FROM router_scripts") == 0


async def test_pausing_stops_visits_and_resuming_begins_them(owner: httpx.AsyncClient, cast: Cast) -> None:
    path = f"/routers/{cast.router.id}"
    assert (await post(owner, f"{path}/pause")).headers["location"] == path
    assert (await row_of(cast.router.id))["status"] == "paused"
    page = (await owner.get(path)).text
    assert "This router is paused" in page
    assert f'action="{path}/resume"' in page
    assert (await post(owner, f"{path}/pause")).status_code == 409
    assert (await post(owner, f"{path}/check")).status_code == 409
    assert (await post(owner, f"{path}/resume")).status_code == 303
    assert (await row_of(cast.router.id))["status"] == "new"
    assert (await post(owner, f"{path}/resume")).status_code == 409
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check-router'") == 1
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    assert await events_of(cast.router.id) == [("pause", f"user:{user}"), ("resume", f"user:{user}")]


async def test_a_replaced_board_is_made_anew_and_loses_nobody(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now())
    grant = await rows.access(paid, vault, at=clock.now())
    await DB.fetch("UPDATE routers SET serial = 'OLD', board = 'hEX', uptime_s = 9")
    answer = await post(owner, f"/routers/{cast.router.id}/replace")
    assert answer.headers["location"] == f"/routers/{cast.router.id}/setup"
    row = await row_of(cast.router.id)
    assert (row["serial"], row["board"], row["uptime_s"], row["status"], row["site"]) == (
        "", "", None, "new", cast.router.site,
    )  # fmt: skip
    assert await DB.value("SELECT status FROM access_grants WHERE id = $1", grant) == "present"
    assert await DB.value("SELECT count(*) FROM hotspot_sessions WHERE ended_at IS NULL") == 0


async def test_a_router_with_people_online_goes_only_when_that_is_meant(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now())
    grant = await rows.access(paid, vault, at=clock.now())
    path = f"/routers/{cast.router.id}"
    assert "1 person is online there" in (await owner.get(f"{path}/remove")).text
    refused = await post(owner, f"{path}/remove")
    assert refused.status_code == 409
    assert "People are online on this router" in refused.text
    assert (await row_of(cast.router.id))["status"] == "online"
    assert (await post(owner, f"{path}/remove", despite_people="yes")).headers["location"] == "/routers"
    assert (await row_of(cast.router.id))["status"] == "removed"
    assert await DB.value("SELECT status FROM access_grants WHERE id = $1", grant) == "gone"


async def test_a_removed_router_is_nowhere_and_its_history_stays(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now())
    await rows.access(paid, vault, at=clock.now(), is_open=False)
    counted = "SELECT (SELECT count(*) FROM payments), (SELECT count(*) FROM vouchers), (SELECT count(*) FROM events)"
    before = tuple(await DB.row(counted) or ())
    assert (await post(owner, f"/routers/{cast.router.id}/remove")).status_code == 303
    after = tuple(await DB.row(counted) or ())
    assert after[:2] == before[:2]
    assert after[2] > before[2]
    assert "Main shop" not in (await owner.get("/routers")).text
    for path in (*LOOKS, *FORMS):
        assert (await owner.get(f"/routers/{cast.router.id}{path}")).status_code == 404
    for path in BUTTONS:
        assert (await post(owner, f"/routers/{cast.router.id}{path}", **NEW, **SCRIPT)).status_code == 404, path
    assert (await owner.get(f"/c/{cast.router.site}")).status_code == 404
    assert (await post(owner, "/routers", **NEW | {"name": "Main shop"})).status_code == 303


async def test_the_matrix_of_routes_covers_the_route_table(app: Litestar) -> None:
    """A new address of a router without a row here fails."""
    found: set[tuple[str, str]] = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith("/routers/{router_id"):
            tail = route.path.removeprefix("/routers/{router_id:int}")
            found |= {(method, tail) for method in route.methods - {"OPTIONS", "HEAD"}}
    listed = {("GET", path) for path in (*LOOKS, *FORMS)} | {("POST", path) for path in BUTTONS}
    # With words of their own in the address or the form: test_report_rights, test_drift_pages.
    told_elsewhere = {("GET", "/settings/compare"), ("GET", "/drift/remove")}
    told_elsewhere |= {("POST", f"/drift/{verb}") for verb in ("look", "repair", "remove", "vouch", "doubt")}
    assert found == listed | told_elsewhere


async def test_strangers_find_nothing_and_change_nothing(app: Litestar, cast: Cast) -> None:
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        for path in (*LOOKS, *FORMS):
            theirs = await rival.get(f"/routers/{cast.router.id}{path}")
            nobodys = await rival.get(f"/routers/999999{path}")
            assert theirs.status_code == nobodys.status_code == 404, path
            reference = re.compile(r"[0-9a-f]{4}-[0-9a-f]{4}")
            assert reference.sub("", theirs.text) == reference.sub("", nobodys.text)
        before = await row_of(cast.router.id)
        for path in BUTTONS:
            answer = await post(rival, f"/routers/{cast.router.id}{path}", **NEW, **SCRIPT, despite_people="yes")
            assert answer.status_code == 404, path
        assert await row_of(cast.router.id) == before
        assert await events_of(cast.router.id) == []


@pytest.mark.parametrize("role", ["cashier", "viewer"])
async def test_cashiers_and_viewers_look_and_change_nothing(app: Litestar, cast: Cast, role: str) -> None:
    await DB.fetch("UPDATE memberships SET role = $1 WHERE role = 'cashier'", role)
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        assert "Add router" not in (await client.get("/routers")).text
        page = await client.get(f"/routers/{cast.router.id}")
        assert page.status_code == 200
        assert "<form" not in page.text.split("<main")[1]
        for path in LOOKS:
            assert (await client.get(f"/routers/{cast.router.id}{path}")).status_code == 200, path
        before = await row_of(cast.router.id)
        for path in FORMS:
            assert (await client.get(f"/routers/{cast.router.id}{path}")).status_code == 403, path
        for path in (*(f"/routers/{cast.router.id}{path}" for path in BUTTONS), "/routers"):
            answer = await post(client, path, **NEW, **SCRIPT, despite_people="yes")
            assert answer.status_code == 403, path
        assert (await client.get("/routers/new")).status_code == 403
        assert await row_of(cast.router.id) == before
        assert await events_of(cast.router.id) == []
        assert await DB.value("SELECT count(*) FROM routers") == 2


async def test_managers_may_change_routers(app: Litestar, cast: Cast) -> None:
    await DB.fetch("UPDATE memberships SET role = 'manager' WHERE role = 'cashier'")
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        assert (await post(client, f"/routers/{cast.router.id}/pause")).status_code == 303


async def test_no_button_works_without_a_form_of_ours(owner: httpx.AsyncClient, cast: Cast) -> None:
    for path in BUTTONS:
        assert (await owner.post(f"/routers/{cast.router.id}{path}", data={"_csrf": "x"})).status_code == 403, path


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_parts_look_the_same_alone_and_in_their_page(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock, language: str
) -> None:
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now())
    await rows.access(paid, vault, at=clock.now())
    path = f"/routers/{cast.router.id}"
    page = (await owner.get(f"{path}?l={language}")).text
    listed = (await owner.get(f"/routers?l={language}")).text
    for part, whole in (("/state", page), ("/people", page), ("/doctor", page), ("", listed)):
        address = f"{path}{part}" if part else "/routers/list"
        alone = (await owner.get(f"{address}?l={language}", headers={"hx-request": "true"})).text.strip()
        assert alone.startswith(("<div", "<section")), address
        strict = re.sub(r'name="_csrf" value="[^"]*"', "", alone)
        assert strict in re.sub(r'name="_csrf" value="[^"]*"', "", whole), address


async def test_every_page_speaks_swahili(owner: httpx.AsyncClient, cast: Cast) -> None:
    english = re.compile(r"\b(the router|Add router|Setup script|Remove router|Online now|Checkup|Write the)\b")
    for path in ("/routers", "/routers/new", *(f"/routers/{cast.router.id}{part}" for part in (*LOOKS, *FORMS))):
        text = (await owner.get(f"{path}?l=sw")).text
        shown = re.sub(r"<textarea.*?</textarea>", "", text, flags=re.S)
        assert not english.search(shown), (path, english.search(shown))


async def test_names_and_router_texts_are_never_markup(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    canary = "<img src=x onerror=alert(1)>\"'"
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now(), name=canary)
    await rows.access(paid, vault, at=clock.now())
    await DB.fetch(
        "UPDATE routers SET name = $1, board = $1, version = $2, last_error = $3", canary, canary[:24], canary
    )
    await DB.fetch("UPDATE access_grants SET last_error = $1", canary)
    findings = json.dumps(
        [{"code": "zone", "severity": "note", "params": {"is": canary, "wanted": "x"}, "fix": canary}]
    )
    for facts in ({"identity": "a"}, {"identity": canary}):
        await DB.fetch(
            """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
               VALUES ($1, $2, $3, 'note', $4::jsonb, $5::jsonb)""",
            cast.merchant_id, cast.router.id, clock.now(), findings, json.dumps(facts),
        )  # fmt: skip
    for path in ("/routers", *(f"/routers/{cast.router.id}{part}" for part in (*LOOKS, *FORMS))):
        text = (await owner.get(path)).text
        assert "<img" not in text, path
    assert "&lt;img" in (await owner.get(f"/routers/{cast.router.id}/doctor")).text


async def test_the_tunnel_gives_every_router_its_own_address(
    db: str, settings: Settings, clock: Clock, cast: Cast, vault: Vault
) -> None:
    network = IPv4Network("10.99.0.0/29")
    tunnel = Tunnel(network, "vpn.example.co.ke", 51820, "A" * 42 + "E=")
    assert create_app(dataclasses.replace(settings, tunnel=tunnel), clock=clock)
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    actor = Actor(user_id=user, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a")
    way = forms.Connection(way="tunnel")
    given: list[str] = []
    for number in range(5):
        new = forms.NewRouter(name=f"t{number}", connection=way)
        router_id = await setup.add(actor, new, vault=vault, tunnel=tunnel, now=clock.now())
        given.append(str((await row_of(router_id))["tunnel_address"]))
    assert given == [f"10.99.0.{number}" for number in range(2, 7)]
    with pytest.raises(Conflict):
        await setup.add(
            actor, forms.NewRouter(name="full", connection=way), vault=vault, tunnel=tunnel, now=clock.now()
        )


async def test_a_tunnel_script_keeps_its_private_key_to_itself(
    cast: Cast, settings: Settings, clock: Clock, vault: Vault
) -> None:
    key = "A" * 42 + "E="
    tunnel = Tunnel(IPv4Network("10.99.0.0/24"), "vpn.example.co.ke", 51820, key)
    here = dataclasses.replace(settings, tunnel=tunnel)
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    actor = Actor(user_id=user, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a")
    new = forms.NewRouter(name="Far", connection=forms.Connection(way="tunnel"))
    router_id = await setup.add(actor, new, vault=vault, tunnel=tunnel, now=clock.now())
    assert await routers.tunnel_peers() == []
    options = forms.ScriptOptions(family="7", interface="bridge")
    issued = await scripts.issue(actor, router_id, options, settings=here, now=clock.now())
    text = await scripts.fetch(issued.code, settings=here, vault=vault, now=clock.now())
    private = (
        re.findall(r'private-key="?([^" ]+)', text)[0].replace("\\2B", "+").replace("\\2F", "/").replace("\\3D", "=")
    )
    public = X25519PrivateKey.from_private_bytes(base64.b64decode(private)).public_key().public_bytes_raw()
    peers = await routers.tunnel_peers()
    assert [(peer.id, peer.address) for peer in peers] == [(router_id, "10.99.0.2")]
    assert base64.b64decode(peers[0].public_key) == public
    for table in ("routers", "router_scripts", "events"):
        for row in await DB.fetch(f"SELECT * FROM {table}"):
            assert private not in str(dict(row))


async def test_what_was_held_back_goes_only_by_a_persons_word(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    router_id = await added(owner)
    assert "Remove them" not in (await owner.get(f"/routers/{router_id}")).text
    assert (await post(owner, f"/routers/{router_id}/clean-up")).status_code == 303
    assert "brakes_released" not in [name for name, _ in await events_of(router_id)], "nothing was held"
    async with atomic() as tx:
        access = await routers.access_to(router_id, vault=Vault([("test", bytes(range(32)))]))
        await routers.hold_brakes(tx, access, "9 of 9 are unknown", now=clock.now(), actor="job:sync-routers")
    assert "Remove them" in (await owner.get(f"/routers/{router_id}")).text
    assert (await post(owner, f"/routers/{router_id}/clean-up")).status_code == 303
    assert await routers.are_brakes_released(router_id, now=clock.now())
    assert "Remove them" not in (await owner.get(f"/routers/{router_id}")).text
