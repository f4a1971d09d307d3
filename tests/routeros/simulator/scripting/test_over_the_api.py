"""Scripts over the API: stored, imported and scheduled by a client that speaks only the protocol."""

import asyncio

from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.fetching import FetchReply, FetchRequest
from tests.routeros.simulator.raw_client import RawClient, attributes


async def test_a_stored_script_runs_and_its_error_is_a_trap() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        made = await client.ret("/system/script/add", "=name=s", "=source=/ip hotspot user add name=made")
        assert await client.ask("/system/script/run", f"=.id={made}") == [["!done"]]
        assert router.hotspot.users.named("made")
        words = await client.trap("/system/script/run", "=number=s")
        assert words == "failure: already have user with this name for this server"
        assert await client.trap("/system/script/run", "=number=none") == "no such item"
        (row,) = await client.rows("/system/script/print", "=.proplist=run-count,owner")
        assert row == {"run-count": "2", "owner": "admin"}


async def test_a_file_is_uploaded_and_imported_in_two_commands() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        text = "/ip hotspot user\n" + "".join(f'add name="u{n}" password="{n:05}"\n' for n in range(200))
        await client.ret("/file/add", "=name=bulk.rsc", f"=contents={text}")
        assert await client.ask("/import", "=file-name=bulk.rsc") == [["!done"]]
        (reply,) = await client.ask("/ip/hotspot/user/print", "=count-only=")
        assert attributes(reply)["ret"] == "201"
        await client.ret("/file/add", "=name=bad.rsc", "=contents=nonsense")
        assert await client.trap("/import", "=file-name=bad.rsc") == (
            "Script Error: bad command name nonsense (line 1 column 1)"
        )
        assert await client.trap("/import", "=file-name=none.rsc") == "failure: no such file"


async def test_a_schedule_added_over_the_api_fires() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/system/scheduler/add", "=name=s", "=interval=10m", "=on-event=:log info tick")
        router.clock.advance(601)
        (row,) = await client.rows("/system/scheduler/print", "=.proplist=run-count")
        assert row["run-count"] == "1"
        assert "tick" in [row["message"] for row in await client.rows("/log/print")]


async def test_fetch_answers_rows_and_does_not_hold_up_others() -> None:
    gate = asyncio.Event()

    async def slow(_request: FetchRequest) -> FetchReply:
        await gate.wait()
        return FetchReply(200, b"late")

    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.scripts.fetcher = slow
        client.send("/tool/fetch", "=url=http://p.example/", "=output=user", ".tag=f")
        row, _done = await client.ask("/system/identity/print", ".tag=i")
        assert attributes(row)["name"] == "MikroTik"
        gate.set()
        first, done = await client.reply(), await client.reply()
        assert attributes(first)["data"] == "late"
        assert done == ["!done", ".tag=f"]


async def test_a_cancelled_script_is_ended() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/system/script/add", "=name=s", "=source=:delay 1000s; :log info tick")
        client.send("/system/script/run", "=number=s", ".tag=r")
        await client.ask("/system/identity/print", ".tag=i")
        assert len(router.scripts.jobs) == 1
        await client.ask("/cancel", "=tag=r", ".tag=c")
        assert await client.reply() == ["!trap", ".tag=r", "=category=2", "=message=interrupted"]
        await client.reply()
        assert router.scripts.jobs == []


async def test_execute_gives_a_job_or_with_as_string_its_words() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert (await client.ret("/execute", "=script=:log info tick")).startswith("*")
        assert "tick" in [line.message for line in router.log.lines]
        assert await client.ret("/execute", "=script=:put hello", "=as-string=") == "hello"


async def test_least_rights_hold_for_scripts_too() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/user/group/add", "=name=few", "=policy=api,read,write")
        await client.ret("/user/add", "=name=bot", "=group=few", "=password=p")
        await client.ret("/system/script/add", "=name=s", "=source=/export file=x")
        async with await RawClient.connect(router, user="bot", password="p") as bot:
            assert await bot.trap("/system/script/run", "=number=s") == "not enough permissions (9)"
            assert await bot.trap("/tool/fetch", "=url=http://x/") == "not enough permissions (9)"
            assert await bot.trap("/execute", "=script=/export file=x", "=as-string=") == "not enough permissions (9)"
            assert await bot.trap("/system/scheduler/add", "=name=s", "=policy=ftp") == "not enough permissions (9)"
