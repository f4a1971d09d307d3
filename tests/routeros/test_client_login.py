"""Signing in to a router, and keeping what is secret out of the logs."""

import asyncio
import logging

import pytest

from routeros.client import HotspotRouter
from routeros.errors import AuthFailed
from routeros.values import HotspotUser
from tests.routeros.peer import PASSWORD, Peer, Sentence, done, framed, read_sentence, rows


async def test_wrong_router_password_is_auth_failed_and_permanent(peer: Peer) -> None:
    async with HotspotRouter(peer.address(password="guess")) as router:
        with pytest.raises(AuthFailed) as caught:
            await router.identity()
    assert caught.value.permanent
    assert caught.value.text == "invalid user name or password (6)"


async def test_routers_before_6_43_get_the_challenge_response(router: HotspotRouter, peer: Peer) -> None:
    answered: list[Sentence] = []

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await read_sentence(reader)
        writer.write(framed("!done", "=ret=" + "ab" * 16))
        answered.append(await read_sentence(reader))
        writer.write(framed("!done"))
        return True

    peer.login = old
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "old"})
    assert (await router.identity()).name == "old"
    [words] = answered
    assert words[1] == "=name=vocha"
    assert words[2].startswith("=response=00")
    assert len(words[2]) == len("=response=00") + 32


async def test_passwords_never_reach_the_logs(
    router: HotspotRouter, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("librouteros").setLevel(logging.DEBUG)
    peer.answers["/ip/hotspot/user/add"] = lambda _: done(ret="*1")
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*1", "name": "x", "password": "hunter2"})
    user = HotspotUser(name="x", password="hunter2")
    await router.add_user(user)
    seen = await router.users()
    told = caplog.text + repr(user) + repr(seen) + repr(peer.address())
    assert "/ip/hotspot/user/add" in told
    assert "hunter2" not in told
    assert PASSWORD not in told
