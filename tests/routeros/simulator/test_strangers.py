"""Clients we did not write: librouteros (async and sync) and routeros-api do their everyday work on the simulator."""

from __future__ import annotations

import asyncio

import librouteros
import pytest
import routeros_api
from librouteros.exceptions import TrapError
from librouteros.query import Key
from routeros_api.exceptions import RouterOsApiCommunicationError, RouterOsApiConnectionError

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.router import SimulatedRouter

VERSIONS = ["6.49", "7.9", "7.16", "7.18", "7.20.2", "7.24"]
DUPLICATE = "already have user with this name for this server"


@pytest.mark.parametrize("version", VERSIONS)
async def test_librouteros_async_keeps_hotspot_users(version: str) -> None:
    async with SimulatedRouter(version=version, api_password="pw") as router:
        api = await librouteros.async_connect(
            router.api_host, "admin", "pw", port=router.api_port, encoding="utf-8", timeout=5
        )
        users = api.path("ip", "hotspot", "user")
        row_id = await users.add(name="v1", password="p1", comment="från", **{"limit-uptime": "1h"})
        rows = [row async for row in users.select(Key(".id"), Key("comment")).where(Key("name") == "v1")]
        assert rows == [{".id": row_id, "comment": "från"}]
        await users.update(**{".id": row_id, "comment": "to", "disabled": True})
        (row,) = [row async for row in users if row["name"] == "v1"]
        assert (row["comment"], row["disabled"], row["limit-uptime"]) == ("to", True, "1h")
        with pytest.raises(TrapError, match=DUPLICATE):
            await users.add(name="v1")
        with pytest.raises(TrapError, match="no such item"):
            await users.update(**{".id": "*FFFF", "comment": "x"})
        await users.remove(row_id)
        assert [row async for row in users.select(Key("name")).where(Key("name") == "v1")] == []
        await api.close()


def _librouteros_session(port: int) -> list[object]:
    api = librouteros.connect("127.0.0.1", "admin", "pw", port=port, encoding="utf-8", timeout=5)
    try:
        users = api.path("ip", "hotspot", "user")
        row_id = users.add(name="v1", password="123456")
        (row,) = users.select(Key(".id"), Key("password")).where(Key("name") == "v1")
        users.update(**{".id": row_id, "profile": "default", "comment": "x"})
        with pytest.raises(TrapError, match="input does not match any value of profile"):
            users.update(**{".id": row_id, "profile": "gold"})
        users.remove(row_id)
        return [row["password"], sum(1 for row in users if row["name"] == "v1")]
    finally:
        api.close()


async def test_librouteros_sync_keeps_hotspot_users() -> None:
    async with SimulatedRouter(version="7.18", api_password="pw") as router:
        assert await asyncio.to_thread(_librouteros_session, router.api_port) == [123456, 0]


def _routeros_api_session(port: int) -> dict[str, object]:
    pool = routeros_api.RouterOsApiPool("127.0.0.1", "admin", "pw", port=port, plaintext_login=True)
    found: dict[str, object] = {}
    try:
        users = pool.get_api().get_resource("/ip/hotspot/user")
        users.add(name="v1", password="p1", limit_uptime="1h")
        (row,) = users.get(name="v1")
        found["row"] = row
        users.set(id=row["id"], comment="hello")
        found["comment"] = users.get(name="v1")[0]["comment"]
        for name, action in (("duplicate", lambda: users.add(name="v1")), ("stale", lambda: users.remove(id="*FFFF"))):
            with pytest.raises(RouterOsApiCommunicationError) as refused:
                action()
            found[name] = str(refused.value)
        users.remove(id=row["id"])
        found["left"] = users.get(name="v1")
        found["active"] = pool.get_api().get_resource("/ip/hotspot/active").get()
    finally:
        pool.disconnect()
    return found


@pytest.mark.parametrize("version", VERSIONS)
async def test_routeros_api_keeps_hotspot_users(version: str) -> None:
    async with SimulatedRouter(version=version, api_password="pw") as router:
        found = await asyncio.to_thread(_routeros_api_session, router.api_port)
        assert {"name": "v1", "limit-uptime": "1h", "disabled": "false"}.items() <= found["row"].items()
        assert found["comment"] == "hello"
        assert DUPLICATE in str(found["duplicate"])
        assert "no such item" in str(found["stale"])
        assert found["left"] == found["active"] == []


async def test_strangers_hear_that_a_password_is_wrong() -> None:
    async with SimulatedRouter(api_password="pw") as router:
        with pytest.raises(TrapError, match="invalid user name or password"):
            await librouteros.async_connect(router.api_host, "admin", "no", port=router.api_port)

        def log_in() -> None:
            pool = routeros_api.RouterOsApiPool("127.0.0.1", "admin", "no", port=router.api_port, plaintext_login=True)
            try:
                pool.get_api()
            finally:
                pool.disconnect()

        with pytest.raises((RouterOsApiCommunicationError, RouterOsApiConnectionError), match="invalid user name"):
            await asyncio.to_thread(log_in)


async def test_strangers_of_old_log_in_by_challenge_where_routers_are_old() -> None:
    async with SimulatedRouter(api_password="pw", behaviour=Behaviour(has_legacy_login=True)) as router:
        api = await librouteros.async_connect(
            router.api_host, "admin", "pw", port=router.api_port, login_method=librouteros.login.async_token
        )
        assert [row async for row in api("/system/identity/print")] == [{"name": "MikroTik"}]
        await api.close()


async def test_a_stranger_sells_an_hour_and_takes_it_back() -> None:
    async with SimulatedRouter(version="7.18") as router:
        api = await librouteros.async_connect(router.api_host, "admin", "", port=router.api_port)
        await api.path("ip", "hotspot", "user").add(name="v1", password="p1", **{"limit-uptime": "1h"})
        router.hotspot.see_host("02:00:00:00:00:09", "10.5.50.9")
        login = {"ip": "10.5.50.9", "mac-address": "02:00:00:00:00:09", "user": "v1", "password": "p1"}
        assert [row async for row in api("/ip/hotspot/active/login", **login)] == []
        (session,) = [row async for row in api("/ip/hotspot/active/print")]
        assert (session["user"], session[".id"]) == ("v1", "*A053209")
        await api.path("ip", "hotspot", "active").remove(session[".id"])
        assert [row async for row in api("/ip/hotspot/active/print")] == []
        await api.close()
