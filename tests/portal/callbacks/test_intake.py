"""Callbacks at the door: together in one commit, on the disk without the database, in the database once, whatever happens."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from portal import callbacks, faults
from portal.callbacks import CallbackRoad, Intake, Kept, Message
from portal.callbacks.spooled import drain, to_record
from portal.callbacks.store import UNKNOWN_ADDRESSES, keep
from portal.clock import Clock
from portal.db import DB, atomic
from portal.serving import listen
from portal.spool import Spool, SpoolError
from tests.flows.programs import until
from tests.portal.callbacks.conftest import FOREIGN, Counter, success


def message(token: str, clock: Clock, *, body: bytes | None = None) -> Message:
    body = body or success()
    return Message.of(CallbackRoad.STK, token, body, source="127.0.0.1", is_trusted=True, now=clock.now())


async def count(which: str = "true") -> int:
    return await DB.value(f"SELECT count(*) FROM callbacks WHERE {which}")


async def are_there(number: int) -> bool:
    return await count() == number


@contextmanager
def database_away() -> Generator[None]:
    """New connections are refused; those of the pool stay, as the test needs them."""
    dsn = DB.config["dsn"]
    DB.configure("postgresql://vocha@127.0.0.1:9/nothing")
    try:
        yield
    finally:
        DB.configure(str(dsn))


async def test_messages_that_arrive_together_share_commits(counter: Counter) -> None:
    payments = [await counter.pending(request_id=f"ws_CO_{number}") for number in range(40)]
    kept = await asyncio.gather(*(counter.intake.take(message(payment.token, counter.clock)) for payment in payments))
    assert kept == [Kept.NEW] * 40
    assert await DB.value("SELECT count(DISTINCT xmin::text) FROM callbacks") <= 2
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'settle-callback'") == 40


async def test_one_wrong_message_spoils_nothing_for_those_beside_it(counter: Counter) -> None:
    payment = await counter.pending()
    names = [payment.token, "0" * 64, "no name at all", payment.token]
    kept = await asyncio.gather(*(counter.intake.take(message(name, counter.clock)) for name in names))
    assert kept == [Kept.NEW, Kept.UNKNOWN, Kept.UNKNOWN, Kept.NEW]
    assert await count() == 1
    assert await DB.value("SELECT hits FROM limits WHERE name = $1", UNKNOWN_ADDRESSES) == 2


async def test_without_the_database_messages_are_answered_from_the_disk(counter: Counter) -> None:
    """Case 32."""
    payments = [await counter.pending(request_id=f"ws_CO_{number}") for number in range(5)]
    with database_away():
        posts = (
            counter.post(f"/cb/{one.token}", success(one.request_id, receipt=f"TKJ000000{number}"))
            for number, one in enumerate(payments)
        )
        assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
        assert await count() == 0
        assert counter.intake.spool.depth().size > 0
    await until(lambda: are_there(5), "the spool is drained")
    await until(lambda: _empty(counter.intake.spool), "the files are gone")
    assert await counter.handle_all() == ["sold"] * 5


async def _empty(spool: Spool) -> bool:
    return spool.depth().files == 0


async def test_once_the_database_is_back_messages_go_there_at_once(counter: Counter) -> None:
    first, second = await counter.pending(), await counter.pending(request_id="ws_CO_2")
    with database_away():
        assert await counter.intake.take(message(first.token, counter.clock)) is Kept.SPOOLED
        assert await counter.intake.take(message(first.token, counter.clock)) is Kept.SPOOLED
    await until(lambda: are_there(1), "the spool is drained")
    assert await counter.intake.take(message(second.token, counter.clock)) is Kept.NEW


async def test_a_database_that_does_not_answer_in_time_holds_nobody_up(counter: Counter) -> None:
    """It may even have stored the message after all: it is there once, and is no repeat."""
    payment = await counter.pending()
    async with atomic() as tx:
        await tx.execute("LOCK TABLE callbacks IN ACCESS EXCLUSIVE MODE")
        kept = await asyncio.gather(*(counter.intake.take(message(payment.token, counter.clock)) for _ in range(3)))
    assert kept == [Kept.SPOOLED] * 3
    await until(lambda: are_there(1), "the spool is drained")
    await until(lambda: _empty(counter.intake.spool), "the files are gone")
    assert await count() == 1


async def test_a_message_stored_and_spooled_too_is_no_repeat(counter: Counter) -> None:
    """The server died during COMMIT: nobody knew whether it stood, so the message was spooled as well."""
    payment = await counter.pending()
    told = message(payment.token, counter.clock)
    async with atomic() as tx:
        assert await keep(tx, [told]) == [Kept.NEW]
    async with atomic() as tx:
        assert await keep(tx, [told]) == [Kept.REPEAT]
    assert await DB.value("SELECT repeats FROM callbacks") == 0


async def test_a_name_that_can_be_none_is_not_even_spooled(counter: Counter) -> None:
    with database_away():
        assert (await counter.post("/cb/short", success())).status_code == 404
        assert counter.intake.spool.depth().size == 0


async def test_what_was_spooled_to_no_address_of_ours_is_dropped_and_counted(counter: Counter) -> None:
    with database_away():
        assert (await counter.post(f"/cb/{'0' * 64}", success())).status_code == 200  # nobody can tell at the moment

    async def is_counted() -> bool:
        return await DB.value("SELECT hits FROM limits WHERE name = $1", UNKNOWN_ADDRESSES) == 1

    await until(is_counted, "it is counted")
    assert await count() == 0


async def test_what_can_be_kept_nowhere_is_answered_503_and_told(counter: Counter) -> None:
    payment = await counter.pending()
    spool = counter.intake.spool
    spool.most_bytes = 0
    with database_away():
        assert (await counter.post(f"/cb/{payment.token}", success())).status_code == 503
        assert counter.intake.trouble

        async def is_ready() -> httpx.Response:
            transport = httpx.ASGITransport(app=counter.app)  # pyright: ignore[reportArgumentType]
            async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
                return await client.get("/readyz")

        answer = await is_ready()
        assert answer.status_code == 503
        assert "spool" in answer.text
    spool.most_bytes = 1 << 20

    async def is_told() -> bool:
        return await counter.events("callbacks_refused") == 1

    await until(is_told, "the alarm is written once the database is back")
    assert counter.intake.trouble is None
    assert (await is_ready()).status_code == 200


async def test_forgers_cannot_fill_the_room_of_mpesas_own_messages(counter: Counter) -> None:
    payment = await counter.pending()
    counter.intake.spool.most_bytes = 8_000
    with database_away():
        forged = [
            await counter.post(f"/cb/{number:064x}", success() + b" " * 1_000, source=FOREIGN) for number in range(10)
        ]
        assert {answer.status_code for answer in forged} == {200, 503}
        assert (await counter.post(f"/cb/{payment.token}", success(), source=FOREIGN)).status_code == 503
        assert (await counter.post(f"/cb/{payment.token}", success())).status_code == 200
    await until(lambda: are_there(1), "it is drained")


async def test_a_server_that_takes_the_call_and_says_nothing_holds_nobody_up(counter: Counter) -> None:
    payment = await counter.pending()
    with listen("127.0.0.1", 0) as dumb:
        dsn = str(DB.config["dsn"])
        DB.configure(f"postgresql://vocha@127.0.0.1:{dumb.getsockname()[1]}/nothing")
        try:
            began = time.monotonic()
            assert await counter.intake.take(message(payment.token, counter.clock)) is Kept.SPOOLED
            assert await counter.intake.take(message(payment.token, counter.clock)) is Kept.SPOOLED
            assert time.monotonic() - began < 5, "M-Pesa waits longer than that"
        finally:
            DB.configure(dsn)
    await until(lambda: are_there(1), "it is drained")


async def test_what_an_earlier_process_left_is_drained_at_the_start(counter: Counter, intake: Intake) -> None:
    payment = await counter.pending()
    earlier = Spool(intake.spool.folder)
    earlier.append([to_record(message(payment.token, counter.clock))])
    earlier.release()
    intake.recover()
    await until(lambda: are_there(1), "it is drained")


async def test_two_who_drain_at_once_bring_each_message_once(counter: Counter, tmp_path: Path) -> None:
    payments = [await counter.pending(request_id=f"ws_CO_{number}") for number in range(30)]
    spool = Spool(tmp_path / "shared")
    for payment in payments:
        spool.append([to_record(message(payment.token, counter.clock))] * 2)
        spool.release()
    drained = await asyncio.gather(*(drain(Spool(spool.folder), counter.clock) for _ in range(3)))
    assert await count() == 30
    assert sum(one.files for one in drained) == 30
    assert await DB.value("SELECT sum(repeats)::int FROM callbacks") == 30


async def test_what_cannot_be_read_is_set_aside_and_told(counter: Counter, tmp_path: Path) -> None:
    payment = await counter.pending()
    spool = Spool(tmp_path / "spoilt")
    spool.append([to_record(message(payment.token, counter.clock)), b"no message", b"torn"])
    spool.release()
    path = spool.files()[0]
    path.write_bytes(path.read_bytes()[:-2])
    drained = await drain(spool, counter.clock)
    assert (drained.new, drained.aside) == (1, 2)
    assert spool.depth().aside == 1
    assert await counter.events("spool_unreadable") == 1


async def test_a_message_the_database_refuses_is_set_aside_and_the_rest_go_in(counter: Counter, tmp_path: Path) -> None:
    good, bad = await counter.pending(), await counter.pending(request_id="ws_CO_2")
    poison = Message.of(
        CallbackRoad.STK, bad.token, success(), source="an address far too long " * 5, is_trusted=True,
        now=counter.clock.now(),
    )  # fmt: skip
    spool = Spool(tmp_path / "poison")
    spool.append([to_record(poison), to_record(message(good.token, counter.clock))])
    spool.release()
    drained = await drain(spool, counter.clock)
    assert (drained.new, drained.aside) == (1, 1)
    assert await counter.events("spool_unreadable") == 1
    assert spool.depth().files == 0


async def test_a_database_lost_in_the_middle_of_draining_loses_nothing(
    counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = [await counter.pending(request_id=f"ws_CO_{number}") for number in range(150)]
    spool = Spool(tmp_path / "lost")
    spool.append([to_record(message(payment.token, counter.clock)) for payment in payments])
    spool.release()
    reached: list[str] = []

    def die(point: str) -> None:
        reached.append(point)
        raise ConnectionResetError("the server went away")

    monkeypatch.setattr(faults, "reach", die)
    with pytest.raises(ConnectionResetError):
        await drain(spool, counter.clock)
    monkeypatch.undo()
    assert (reached, await count(), spool.depth().files) == (["spool.drained"], 100, 1)
    drained = await drain(spool, counter.clock)
    assert (drained.new, drained.known) == (50, 100)
    assert await DB.value("SELECT sum(repeats)::int FROM callbacks") == 0


async def test_who_waited_and_left_holds_up_nobody(counter: Counter) -> None:
    payment = await counter.pending()
    waiting = asyncio.create_task(counter.intake.take(message(payment.token, counter.clock)))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await counter.intake.take(message(payment.token, counter.clock)) in (Kept.NEW, Kept.REPEAT)
    assert await count() == 1


async def test_a_spool_error_reaches_everybody_who_waits(intake: Intake, clock: Clock) -> None:
    intake.spool.most_bytes = 0
    with database_away():
        found = await asyncio.gather(*(intake.take(message("0" * 64, clock)) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [SpoolError] * 3


def test_what_waits_can_be_looked_at_and_stays(tmp_path: Path, clock: Clock) -> None:
    spool = Spool(tmp_path / "looked-at")
    spool.append([to_record(message("0" * 64, clock)), b"no message"])
    [(name, messages, spoilt)] = callbacks.waiting_in(spool)
    assert name.endswith(".spool")
    assert [one.road for one in messages] == ["stk"]
    assert spoilt == len(b"no message")
    assert spool.depth().files == 1
    spool.release()
