"""REST spoken by a plain HTTP client: verbs, string values, errors, sign-in, versions, limits. Nothing here is ours."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from routeros.simulator.latency import Latency
from routeros.simulator.router import SimulatedRouter
from tests.routeros.test_client_tls import self_signed

MAC, IP = "02:00:00:00:00:09", "10.5.50.9"


@asynccontextmanager
async def rest(
    router: SimulatedRouter, *, user: str = "admin", password: str = "pw"
) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=router.rest_url, auth=(user, password), trust_env=False, verify=False, timeout=5
    ) as client:
        yield client


@pytest.fixture
async def router() -> AsyncIterator[SimulatedRouter]:
    async with SimulatedRouter(version="7.18", api_password="pw", rest="http") as running:
        yield running


@pytest.fixture
async def client(router: SimulatedRouter) -> AsyncIterator[httpx.AsyncClient]:
    async with rest(router) as running:
        yield running


async def add(client: httpx.AsyncClient, **values: str) -> dict[str, str]:
    made = await client.put("/ip/hotspot/user", json={"name": "v1", "password": "p", **values})
    assert made.status_code == 201, made.text
    return made.json()


async def test_every_value_is_a_string(client: httpx.AsyncClient) -> None:
    answer = await client.get("/system/resource")
    assert answer.headers["content-type"] == "application/json"
    resource = answer.json()
    assert resource["version"].startswith("7.18")
    assert all(isinstance(value, str) for value in resource.values())
    (service,) = (await client.get("/ip/service", params={"name": "www"})).json()
    assert (service["port"], service["disabled"]) == ("80", "false")


async def test_a_user_is_made_changed_read_and_removed(client: httpx.AsyncClient, router: SimulatedRouter) -> None:
    made = await add(client, **{"limit-uptime": "01:00:00"})
    assert {"name": "v1", "limit-uptime": "1h", "uptime": "0s", "disabled": "false"}.items() <= made.items()
    ref = made[".id"]
    changed = await client.patch(f"/ip/hotspot/user/{ref}", json={"comment": "från", "disabled": True})
    assert changed.status_code == 200
    assert (changed.json()["comment"], changed.json()["disabled"]) == ("från", "true")
    assert (await client.get("/ip/hotspot/user/v1")).json() == changed.json()
    gone = await client.delete(f"/ip/hotspot/user/{ref}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert router.hotspot.users.named("v1") == []


async def test_removing_twice_is_not_found(client: httpx.AsyncClient) -> None:
    ref = (await add(client))[".id"]
    assert (await client.delete(f"/ip/hotspot/user/{ref}")).status_code == 204
    again = await client.delete(f"/ip/hotspot/user/{ref}")
    assert (again.status_code, again.json()) == (404, {"error": 404, "message": "Not Found"})
    for answer in (
        await client.get(f"/ip/hotspot/user/{ref}"),
        await client.patch(f"/ip/hotspot/user/{ref}", json={"comment": "x"}),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": 404, "message": "Not Found"})


async def test_lists_are_filtered_and_cut_to_properties(client: httpx.AsyncClient) -> None:
    for name, comment in (("a", "x"), ("b", "x"), ("c", "y")):
        await add(client, name=name, comment=comment)
    found = await client.get("/ip/hotspot/user", params={"comment": "x", ".proplist": "name,comment"})
    assert found.json() == [{"name": "a", "comment": "x"}, {"name": "b", "comment": "x"}]
    assert (await client.get("/ip/hotspot/user?comment=nobody")).json() == []


async def test_post_takes_proplist_and_query(client: httpx.AsyncClient) -> None:
    for name, comment in (("a", "x"), ("b", "y"), ("c", "z")):
        await add(client, name=name, comment=comment)
    query = ["comment=x", "comment=z", "#|"]
    for proplist in ("name", ["name"]):
        found = await client.post("/ip/hotspot/user/print", json={".proplist": proplist, ".query": query})
        assert found.json() == [{"name": "a"}, {"name": "c"}]


async def test_post_answers_as_the_api_does(client: httpx.AsyncClient, router: SimulatedRouter) -> None:
    made = await client.post("/ip/hotspot/user/add", json={"name": "v1", "password": "p"})
    assert made.json() == {"ret": router.hotspot.users.named("v1")[0].id}
    assert (await client.post("/ip/hotspot/user/print", json={"count-only": ""})).json() == {"ret": "2"}
    router.hotspot.see_host(MAC, IP)
    login = {"ip": IP, "mac-address": MAC, "user": "v1", "password": "p"}
    assert (await client.post("/ip/hotspot/active/login", json=login)).json() == []
    (session,) = (await client.get("/ip/hotspot/active")).json()
    assert (session[".id"], session["user"]) == ("*A053209", "v1")
    assert (await client.post("/ip/hotspot/active/remove", json={".id": session[".id"]})).json() == []
    assert router.hotspot.active == {}


async def test_numbers_are_read_as_the_router_reads_them(client: httpx.AsyncClient, router: SimulatedRouter) -> None:
    for written, meant in (("1000", "1000"), ("0x10", "16"), ("010", "8"), ('"010"', "10")):
        body = f'{{"name": "n", "limit-bytes-total": {written}}}'
        made = await client.put("/ip/hotspot/user", content=body)
        assert (made.status_code, made.json()["limit-bytes-total"]) == (201, meant)
        await client.delete("/ip/hotspot/user/n")
    refused = await client.put("/ip/hotspot/user", content='{"name": "n", "limit-bytes-total": 1e3}')
    assert refused.status_code == 400
    assert router.hotspot.users.named("n") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("GET", "/nonexistent/path", None, 400, "no such command or directory (nonexistent)"),
        ("GET", "/ip/hotspot/nothing/x", None, 400, "no such command or directory (nothing)"),
        ("GET", "/ip/hotspot/user/print", None, 400, "no such command"),
        ("DELETE", "/system/identity/*1", None, 406, "no such command or directory (remove)"),
        ("PUT", "/system/identity", {"name": "x"}, 406, "no such command or directory (add)"),
        ("PATCH", "/ip/hotspot/user", {"comment": "x"}, 400, "missing or invalid resource identifier"),
        ("PUT", "/ip/hotspot/user", {"name": "x", "colour": "red"}, 400, "unknown parameter colour"),
        ("PUT", "/ip/hotspot/user", {"password": "x"}, 400, "missing value(s) of argument(s) name"),
        ("PUT", "/ip/hotspot/user", {"name": "taken"}, 400, "already have user with this name for this server"),
        ("PUT", "/ip/hotspot/user", {"name": "x", "profile": "gold"}, 400, "does not match any value of profile"),
        ("POST", "/ip/hotspot/user/fly", {}, 400, "no such command"),
        ("PUT", "/ip/hotspot/user", "not an object", 400, ""),
    ],
)
async def test_errors_say_what_the_router_says(
    client: httpx.AsyncClient, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    await add(client, name="taken")
    answer = await client.request(method, path, content=None if body is None else json.dumps(body))
    found = answer.json()
    assert (answer.status_code, found["error"], found["message"]) == (status, status, answer.reason_phrase)
    assert detail in found.get("detail", "")
    assert len(router_names(await client.get("/ip/hotspot/user"))) == 2


def router_names(answer: httpx.Response) -> list[str]:
    return [row["name"] for row in answer.json()]


async def test_a_head_request_is_not_implemented(client: httpx.AsyncClient) -> None:
    assert (await client.head("/ip/hotspot/user")).status_code == 501


async def test_only_the_password_opens_it(router: SimulatedRouter) -> None:
    for name, password in (("admin", "no"), ("nobody", "pw"), ("", "")):
        async with rest(router, user=name, password=password) as client:
            answer = await client.get("/system/identity")
            assert (answer.status_code, answer.json()) == (401, {"error": 401, "message": "Unauthorized"})
    async with httpx.AsyncClient(base_url=router.rest_url, trust_env=False) as client:
        assert (await client.get("/system/identity")).status_code == 401
        odd = await client.get("/system/identity", headers={"authorization": "Basic ***"})
        assert odd.status_code == 401
    assert any("login failure for user admin" in line.message for line in router.log.lines)


async def test_groups_rule_here_too(router: SimulatedRouter) -> None:
    router.tables["/user/group"].add({"name": "reader", "policy": "read,rest-api"})
    router.tables["/user/group"].add({"name": "old", "policy": "read,write,api"})
    router.hotspot.users.add({"name": "v1", "password": "secret"})
    for name in ("reader", "old"):
        router.tables["/user"].add({"name": name, "group": name, "password": "pw"})
    async with rest(router, user="old") as client:
        assert (await client.get("/ip/hotspot/user")).status_code == 401
    async with rest(router, user="reader") as client:
        (user,) = (await client.get("/ip/hotspot/user?name=v1")).json()
        assert "password" not in user
        refused = await client.put("/ip/hotspot/user", json={"name": "v2"})
        assert (refused.status_code, refused.json()["detail"]) == (400, "not enough permissions (9)")


async def test_a_connection_is_one_login_in_the_log_and_one_row_of_active_users(router: SimulatedRouter) -> None:
    async with rest(router) as client:
        for _ in range(3):
            await client.get("/system/identity")
        active = (await client.get("/user/active")).json()
        assert [(row["name"], row["via"]) for row in active] == [("admin", "rest-api")]
    words = "user admin logged in from 127.0.0.1 via rest-api"
    assert [line.message for line in router.log.lines].count(words) == 1


async def test_the_service_row_closes_it(router: SimulatedRouter, client: httpx.AsyncClient) -> None:
    assert (await client.get("/system/identity")).status_code == 200
    row = router.tables["/ip/service"].named("www")[0]
    router.tables["/ip/service"].change(row, {"disabled": "yes"})
    async with rest(router) as other:
        with pytest.raises(httpx.TransportError):
            await other.get("/system/identity")
    router.tables["/ip/service"].change(row, {"disabled": "no", "address": "192.0.2.0/24"})
    async with rest(router) as other:
        with pytest.raises(httpx.TransportError):
            await other.get("/system/identity")


async def test_https_is_the_service_www_ssl(tmp_path: Path) -> None:
    async with SimulatedRouter(api_password="pw", rest=self_signed(tmp_path)[0]) as router:
        assert router.rest_url.startswith("https://")
        async with rest(router) as client:
            assert (await client.get("/system/identity")).json() == {"name": "MikroTik"}
        context = ssl.create_default_context()
        async with httpx.AsyncClient(base_url=router.rest_url, verify=context, trust_env=False) as strict:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await strict.get("/system/identity")


@pytest.mark.parametrize(
    ("version", "has_it"), [("6.49", False), ("7.9", True), ("7.16", True), ("7.18", True), ("7.24", True)]
)
async def test_version_6_has_no_rest(version: str, has_it: bool) -> None:
    async with SimulatedRouter(version=version, api_password="pw", rest="http") as router, rest(router) as client:
        answer = await client.get("/system/identity")
        assert (answer.status_code == 200) == has_it
        assert (await client.get(router.rest_url.removesuffix("/rest") + "/")).status_code == 404


async def test_what_takes_longer_than_the_limit_is_ended(router: SimulatedRouter, client: httpx.AsyncClient) -> None:
    assert router.services.rest is not None
    assert router.services.rest.limit_seconds == 60
    router.services.rest.limit_seconds = 0.05
    closed = {"detail": "Session closed", "error": 400, "message": "Bad Request"}
    for path, body in (("/ip/hotspot/user/listen", {}), ("/ip/hotspot/user/print", {"follow": ""})):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()) == (400, closed)
    router.latency.read = 1.0
    assert (await client.get("/ip/hotspot/user")).json() == closed


async def test_it_shares_the_routers_one_processor() -> None:
    latency = Latency(write=0.03)
    async with SimulatedRouter(api_password="pw", rest="http", latency=latency) as router, rest(router) as client:
        began = asyncio.get_running_loop().time()
        names = [f"v{number}" for number in range(4)]
        await asyncio.gather(*(client.put("/ip/hotspot/user", json={"name": name}) for name in names))
        assert asyncio.get_running_loop().time() - began >= 4 * 0.03
        assert len(router.hotspot.users) == 5


async def test_a_lost_answer_was_executed_all_the_same(router: SimulatedRouter, client: httpx.AsyncClient) -> None:
    router.faults.drop_before_reply = 1
    with pytest.raises(httpx.TransportError):
        await add(client)
    again = await client.put("/ip/hotspot/user", json={"name": "v1"})
    assert "already have user" in again.json()["detail"]


async def test_off_the_air_means_rest_too(router: SimulatedRouter, client: httpx.AsyncClient) -> None:
    await router.set_online(False)
    with pytest.raises(httpx.TransportError):
        await client.get("/system/identity")
    await router.set_online(True)
    assert (await client.get("/system/identity")).status_code == 200
