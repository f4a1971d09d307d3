"""The API as a client on the wire sees it: login, tags, cancel, traps, sessions, faults."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time

import pytest

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.wire import encode_sentence
from tests.routeros.simulator.raw_client import RawClient, attributes

USERS = "/ip/hotspot/user"


async def test_plain_login_answers_a_bare_done() -> None:
    async with SimulatedRouter(api_password="pw") as router, await RawClient.connect(router, user=None) as client:
        assert await client.ask("/login", "=name=admin", "=password=pw") == [["!done"]]


async def test_a_wrong_password_is_refused_and_the_connection_stays() -> None:
    async with SimulatedRouter(api_password="pw") as router, await RawClient.connect(router, user=None) as client:
        for words in (("=name=admin", "=password=no"), ("=name=nobody", "=password=pw"), ("=name=admin",)):
            assert await client.trap("/login", *words) == "invalid user name or password (6)"
        assert await client.ask("/login", "=name=admin", "=password=pw") == [["!done"]]
        assert any("login failure for user nobody" in line.message for line in router.log.lines)


def _response(challenge: str, password: bytes) -> str:
    return "00" + hashlib.md5(b"\0" + password + bytes.fromhex(challenge), usedforsecurity=False).hexdigest()


async def test_modern_routers_hand_out_a_challenge_and_refuse_its_answer() -> None:
    async with SimulatedRouter(api_password="pw") as router, await RawClient.connect(router, user=None) as client:
        challenge = await client.ret("/login")
        assert len(challenge) == 32
        answer = f"=response={_response(challenge, b'pw')}"
        assert await client.trap("/login", "=name=admin", answer) == "invalid user name or password (6)"


async def test_old_routers_accept_the_challenge_once_and_no_plain_password() -> None:
    old = SimulatedRouter(version="6.42", api_password="pw", behaviour=Behaviour(has_legacy_login=True))
    async with old as router, await RawClient.connect(router, user=None) as client:
        assert len(await client.ret("/login", "=name=admin", "=password=pw")) == 32
        answer = f"=response={_response(await client.ret('/login'), b'no')}"
        assert await client.trap("/login", "=name=admin", answer) == "cannot log in"
        answer = f"=response={_response(await client.ret('/login'), b'pw')}"
        assert await client.ask("/login", "=name=admin", answer) == [["!done"]]
        assert await client.trap("/login", "=name=admin", answer) == "cannot log in"


async def test_commands_before_login_end_the_connection() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router, user=None) as client:
        assert await client.ask(f"{USERS}/print") == [["!fatal", "not logged in"]]
        with pytest.raises(EOFError):
            await client.reply()


async def test_commands_before_login_may_only_trap() -> None:
    router = SimulatedRouter(behaviour=Behaviour(before_login="trap"))
    async with router, await RawClient.connect(router, user=None) as client:
        assert await client.trap(f"{USERS}/add", "=name=x") == "not logged in"
        assert not router.hotspot.users.named("x")


async def test_long_sentences_before_login_end_the_connection() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router, user=None) as client:
        client.send("/login", "=name=" + "x" * 5000)
        with pytest.raises((EOFError, ConnectionError)):
            await client.reply()


async def test_quit_ends_with_a_bare_text() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert await client.ask("/quit") == [["!fatal", "session terminated on request"]]
        with pytest.raises(EOFError):
            await client.reply()


@pytest.mark.parametrize(("version", "has_empty"), [("6.49", False), ("7.16", False), ("7.18", True), ("7.24", True)])
async def test_empty_is_said_from_7_18_on(version: str, has_empty: bool) -> None:
    async with SimulatedRouter(version=version) as router, await RawClient.connect(router) as client:
        expected = [["!empty"], ["!done"]] if has_empty else [["!done"]]
        assert await client.ask("/ip/hotspot/active/print") == expected
        assert await client.ask(f"{USERS}/print", "?name=nobody") == expected
        assert await client.ask("/ip/hotspot/active/print", "=count-only=") == [["!done", "=ret=0"]]


async def test_fragments_and_runs_of_sentences_are_understood() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for byte in encode_sentence([f"{USERS}/add", "=name=slow"]):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.reply())[0] == "!done"
        run = b"".join(encode_sentence([f"{USERS}/add", f"=name=run{n}", f"=comment={n}"]) for n in range(20))
        client.writer.write(run)
        ids = [attributes(await client.reply())["ret"] for _ in range(20)]
        names = [router.hotspot.users.rows[row_id].get("name") for row_id in ids]
        assert names == [f"run{n}" for n in range(20)], "untagged replies keep their order"


@pytest.mark.parametrize("is_ordered", [True, False])
async def test_whether_untagged_replies_keep_their_order_is_a_switch(*, is_ordered: bool) -> None:
    router = SimulatedRouter(behaviour=Behaviour(is_untagged_ordered=is_ordered))
    async with router, await RawClient.connect(router) as client:
        router.faults.latency_of["/system/identity"] = 0.1
        client.send("/system/identity/print")
        client.send("/system/license/print")
        first = attributes(await client.reply())
        assert ("nlevel" not in first) is is_ordered


async def test_words_of_a_megabyte_pass() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        comment = "x" * 2_500_000
        await client.ret(f"{USERS}/add", "=name=big", f"=comment={comment}")
        assert (await client.rows(f"{USERS}/print", "?name=big"))[0]["comment"] == comment


async def test_any_bytes_are_kept() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for name in ("Çelik Žoržić", "\udce7\udcff-latin1", "a=b=c", "=", "?x"):
            row_id = await client.ret(f"{USERS}/add", f"=name={name}", "=password=\udc80")
            (row,) = await client.rows(f"{USERS}/print", f"?name={name}")
            assert (row[".id"], row["name"], row["password"]) == (row_id, name, "\udc80")


async def test_every_reply_carries_the_tag_of_its_command() -> None:
    async with SimulatedRouter(version="7.18") as router, await RawClient.connect(router) as client:
        assert await client.ask("/ip/hotspot/active/print", ".tag=a1") == [["!empty", ".tag=a1"], ["!done", ".tag=a1"]]
        for reply in await client.ask(f"{USERS}/print", ".tag=7"):
            assert ".tag=7" in reply
        for reply in await client.ask(f"{USERS}/add", ".tag=x"):
            assert ".tag=x" in reply


async def test_tagged_commands_overtake_slow_ones() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.latency_of["/system/resource"] = 0.2
        client.send("/system/resource/print", ".tag=slow")
        client.send("/system/identity/print", ".tag=fast")
        assert (await client.reply())[1] == ".tag=fast"
        assert await client.reply() == ["!done", ".tag=fast"]
        assert (await client.reply())[1] == ".tag=slow"


async def test_big_replies_are_interleaved() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for number in range(1500):
            router.hotspot.users.add({"name": f"u{number}"})
        client.send(f"{USERS}/print", ".tag=1")
        client.send(f"{USERS}/print", ".tag=2")
        tags: list[str] = []
        while len(tags) < 2 * 1502:
            reply = await client.reply()
            tags.append(next(word for word in reply if word.startswith(".tag=")))
        assert tags.count(".tag=1") == tags.count(".tag=2") == 1502
        assert ".tag=2" in tags[: tags[::-1].index(".tag=1") + 1501], "the second does not wait for the first's end"


async def test_cancel_interrupts_the_tagged_command_only() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        client.send(f"{USERS}/listen", ".tag=1")
        client.send(f"{USERS}/listen", ".tag=2")
        client.send("/cancel", "=tag=1", ".tag=3")
        replies = [await client.reply() for _ in range(3)]
        assert ["!trap", ".tag=1", "=category=2", "=message=interrupted"] in replies
        assert ["!done", ".tag=1"] in replies
        assert ["!done", ".tag=3"] in replies
        router.hotspot.users.add({"name": "heard"})
        assert (await client.reply())[:2] == ["!re", ".tag=2"]


async def test_cancel_without_a_tag_interrupts_everything() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.latency_of["/system/resource"] = 5.0
        client.send(f"{USERS}/listen", ".tag=1")
        client.send("/system/resource/print", ".tag=2")
        client.send("/cancel")
        replies = [await client.reply() for _ in range(5)]
        assert sorted(reply[0] for reply in replies) == ["!done"] * 3 + ["!trap"] * 2
        assert replies[-1] == ["!done"]


async def test_listen_tells_changes_and_removals() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        client.send(f"{USERS}/listen", "=.proplist=.id,name,comment", ".tag=l")
        row_id = await client.ret(f"{USERS}/add", "=name=ann")
        await client.ask(f"{USERS}/set", f"=.id={row_id}", "=comment=hi")
        await client.ask(f"{USERS}/remove", f"=.id={row_id}")
        heard = [attributes(await client.reply()) for _ in range(3)]
        assert heard == [
            {".id": row_id, "name": "ann"},
            {".id": row_id, "name": "ann", "comment": "hi"},
            {".id": row_id, ".dead": "yes"},
        ]


async def test_an_untagged_listen_does_not_block_the_connection() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        client.send("/log/listen")
        client.send("/log/info", "=message=hello")
        replies = [await client.reply(), await client.reply()]
        assert ["!done"] in replies
        assert any("=message=hello" in reply for reply in replies)


async def test_a_print_with_an_interval_repeats_until_cancelled() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        client.send("/system/identity/print", "=interval=20ms", ".tag=i")
        assert [await client.reply() for _ in range(3)] == [["!re", ".tag=i", "=name=MikroTik"]] * 3
        await client.ask("/cancel", "=tag=i")
        replies = [await client.reply()]
        while replies[-1][0] != "!done":
            replies.append(await client.reply())
        assert replies[-2:] == [["!trap", ".tag=i", "=category=2", "=message=interrupted"], ["!done", ".tag=i"]]
        assert await client.trap("/system/identity/print", "=interval=often") == "invalid value for argument interval"


async def test_a_login_and_a_long_command_in_one_segment_are_both_taken() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router, user=None) as client:
        long = encode_sentence([f"{USERS}/add", "=name=v1", "=comment=" + "x" * 9000])
        client.writer.write(encode_sentence(["/login", "=name=admin", "=password="]) + long)
        assert await client.reply() == ["!done"]
        assert (await client.reply())[0] == "!done"


async def test_garbage_ends_its_connection_and_never_the_router() -> None:
    async with SimulatedRouter() as router:
        for garbage in (
            b"\xff" * 50,
            b"GET / HTTP/1.1\r\n\r\n",
            b"\xf0\xff\xff\xff\xff",
            b"\x16\x03\x01" * 9,
            b"\x00" * 999,
        ):
            reader, writer = await asyncio.open_connection(router.api_host, router.api_port)
            writer.write(garbage)
            writer.write_eof()
            async with asyncio.timeout(2):
                await reader.read()
            writer.close()
        async with await RawClient.connect(router) as client:
            assert await client.rows("/system/identity/print") == [{"name": "MikroTik"}]


async def test_traps_leave_the_connection_usable() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert await client.trap("/nowhere/print") == "no such command prefix"
        assert await client.trap(f"{USERS}/explode") == "no such command"
        assert await client.trap("/ip/print") == "no such command"
        assert await client.trap("print") == "no such command"
        assert await client.trap(f"{USERS}/print", "garbage") == "unknown parameter"
        assert await client.trap(f"{USERS}/print", "?#~") == "invalid query operation"
        assert await client.rows("/system/identity/print") == [{"name": "MikroTik"}]


async def test_trap_categories_are_sent_where_routers_send_them() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        trap, _ = await client.ask("/ip/address/add", "=address=10.0.0.1/24", "=interface=asdf")
        assert trap == ["!trap", "=category=1", "=message=input does not match any value of interface"]
        trap, _ = await client.ask(f"{USERS}/set", "=.id=*FF", "=comment=x")
        assert trap == ["!trap", "=message=no such item"]


async def test_sessions_over_the_limit_are_closed() -> None:
    async with SimulatedRouter() as router:
        router.tables["/ip/service"].change(router.tables["/ip/service"].named("api")[0], {"max-sessions": "2"})
        async with await RawClient.connect(router), await RawClient.connect(router):
            extra = await RawClient.connect(router, user=None)
            async with extra:
                with pytest.raises((EOFError, ConnectionError)):
                    await extra.reply()
        for _ in range(100):
            if not router.server.connections:
                break
            await asyncio.sleep(0.01)
        async with await RawClient.connect(router) as again:
            assert await again.rows("/system/identity/print")


async def test_sessions_over_the_limit_may_hear_a_fatal() -> None:
    async with SimulatedRouter(behaviour=Behaviour(excess_session="fatal")) as router:
        router.tables["/ip/service"].change(router.tables["/ip/service"].named("api")[0], {"max-sessions": "1"})
        async with await RawClient.connect(router), await RawClient.connect(router, user=None) as extra:
            assert (await extra.reply())[0] == "!fatal"


async def test_max_sessions_exists_from_7_16() -> None:
    async with SimulatedRouter(version="7.9") as router, await RawClient.connect(router) as client:
        assert await client.trap("/ip/service/set", "=numbers=api", "=max-sessions=5") == "unknown parameter"
    async with SimulatedRouter(version="7.16") as router, await RawClient.connect(router) as client:
        assert await client.ask("/ip/service/set", "=numbers=api", "=max-sessions=5") == [["!done"]]


async def test_addresses_that_the_service_forbids_are_reset() -> None:
    async with SimulatedRouter() as router:
        service = router.tables["/ip/service"].named("api")[0]
        for change in ({"address": "10.9.0.0/24"}, {"address": "", "disabled": "yes"}):
            router.tables["/ip/service"].change(service, change)
            with pytest.raises((EOFError, ConnectionError)):
                async with await RawClient.connect(router):
                    pass


async def test_users_are_refused_when_disabled_from_elsewhere_or_without_api_policy() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/user/group/add", "=name=noapi", "=policy=read,write")
        for words in (("=disabled=yes", "=group=full"), ("=address=10.1.1.1", "=group=full"), ("=group=noapi",)):
            await admin.ret("/user/add", "=name=other", "=password=pw", *words)
            async with await RawClient.connect(router, user=None) as client:
                refused = await client.trap("/login", "=name=other", "=password=pw")
                assert refused == "invalid user name or password (6)"
            await admin.ask("/user/remove", "=numbers=other")


async def test_group_policies_are_enforced() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/user/group/add", "=name=shop", "=policy=api,read,write")
        await admin.ret("/user/group/add", "=name=look", "=policy=api,read")
        await admin.ret("/user/add", "=name=shop", "=group=shop")
        await admin.ret("/user/add", "=name=look", "=group=look")
        await admin.ret(f"{USERS}/add", "=name=v1", "=password=secret")
        await admin.ret("/user/group/add", "=name=blind", "=policy=api,write")
        await admin.ret("/user/add", "=name=blind", "=group=blind")
        async with await RawClient.connect(router, user="blind") as blind:
            assert await blind.trap(f"{USERS}/print") == "not enough permissions (9)"
        async with await RawClient.connect(router, user="look") as look:
            assert await look.trap(f"{USERS}/add", "=name=x") == "not enough permissions (9)"
            assert len(await look.rows(f"{USERS}/print")) == 2
        async with await RawClient.connect(router, user="shop") as shop:
            (row,) = await shop.rows(f"{USERS}/print", "?name=v1")
            assert "password" not in row
            assert await shop.rows(f"{USERS}/print", "?password=secret") == []
            assert await shop.ret(f"{USERS}/add", "=name=x")
            assert await shop.trap("/user/add", "=name=evil", "=group=full") == "not enough permissions (9)"
            assert await shop.trap("/system/reboot") == "not enough permissions (9)"
        (row,) = await admin.rows(f"{USERS}/print", "?name=v1")
        assert row["password"] == "secret"


async def test_a_reader_of_events_does_not_hear_passwords_it_may_not_see() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/user/group/add", "=name=look", "=policy=api,read")
        await admin.ret("/user/add", "=name=look", "=group=look")
        async with await RawClient.connect(router, user="look") as look:
            look.send(f"{USERS}/listen")
            await asyncio.sleep(0.02)
            await admin.ret(f"{USERS}/add", "=name=v1", "=password=secret")
            assert "secret" not in "".join(await look.reply())


async def test_logins_and_logouts_are_logged() -> None:
    async with SimulatedRouter() as router:
        async with await RawClient.connect(router) as client:
            assert (await client.rows("/user/active/print"))[0]["name"] == "admin"
        for _ in range(100):
            if not router.server.connections:
                break
            await asyncio.sleep(0.01)
        messages = [line.message for line in router.log.lines]
        assert "user admin logged in from 127.0.0.1 via api" in messages
        assert "user admin logged out from 127.0.0.1 via api" in messages


async def test_an_offline_router_cuts_and_refuses_and_comes_back_on_the_same_port() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        port = router.api_port
        await router.set_online(False)
        with pytest.raises((EOFError, ConnectionError)):
            await client.reply()
        with pytest.raises(ConnectionRefusedError):
            await RawClient.connect(router)
        await router.set_online(True)
        assert router.api_port == port
        async with await RawClient.connect(router) as again:
            assert await again.rows("/system/identity/print")


async def test_an_offline_router_keeps_its_port() -> None:
    async with SimulatedRouter() as router:
        await router.set_online(False)
        with socket.socket() as thief, pytest.raises(OSError, match="in use"):
            thief.bind((router.api_host, router.api_port))


async def test_refused_connects_are_reset() -> None:
    async with SimulatedRouter() as router:
        router.faults.refuse_connects = True
        with pytest.raises((EOFError, ConnectionError)):
            await RawClient.connect(router)
        router.faults.clear()
        async with await RawClient.connect(router) as client:
            assert await client.rows("/system/identity/print")


async def test_a_black_hole_takes_everything_and_answers_nothing() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.black_hole = True
        client.send(f"{USERS}/add", "=name=lost")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.reply()
        assert not router.hotspot.users.named("lost")


async def test_a_stall_sends_half_a_sentence() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.stall_mid_sentence = True
        client.send("/system/identity/print")
        data = await client.reader.read(100)
        assert 0 < len(data) < len(encode_sentence(["!re", "=name=MikroTik"]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.reader.read(100)


async def test_a_connection_is_cut_after_so_many_commands() -> None:
    async with SimulatedRouter() as router:
        router.faults.drop_after_commands = 3
        async with await RawClient.connect(router) as client:
            for _ in range(2):
                assert await client.rows("/system/identity/print")
            with pytest.raises((EOFError, ConnectionError)):
                await client.rows("/system/identity/print")


async def test_a_command_may_be_executed_and_its_reply_lost() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.only = USERS
        router.faults.drop_before_reply = 1
        assert await client.rows("/system/identity/print")
        with pytest.raises((EOFError, ConnectionError)):
            await client.ask(f"{USERS}/add", "=name=ghost")
        assert router.hotspot.users.named("ghost")
        async with await RawClient.connect(router) as again:
            trap = await again.trap(f"{USERS}/add", "=name=ghost")
            assert trap == "failure: already have user with this name for this server"


async def test_latency_is_per_command() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.latency = 0.05
        began = time.monotonic()
        for _ in range(3):
            await client.rows("/system/identity/print")
        assert time.monotonic() - began >= 0.15


async def test_a_power_cut_drops_api_connections() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.power_cut()
        with pytest.raises((EOFError, ConnectionError)):
            await client.reply()
        async with await RawClient.connect(router) as again:
            (clock,) = await again.rows("/system/clock/print")
            assert clock["date"] == "1970-01-02"


async def test_stop_leaves_no_task_and_no_port_behind() -> None:
    before = asyncio.all_tasks()
    router = await SimulatedRouter().start()
    async with await RawClient.connect(router) as client:
        client.send(f"{USERS}/listen")
        await asyncio.sleep(0.01)
        await router.stop()
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(router.api_host, router.api_port)
