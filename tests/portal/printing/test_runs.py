"""Prints are made whatever dies on the way, kept sealed for a day, and then go."""

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.i18n import language
from portal.identity import Actor, Role
from portal.printing import making, prints, runs, shelf
from portal.printing.cards_of import cards, sheet_for, wanted_of
from portal.states import E, move
from portal.vault import Tampered, Vault
from tests import factories
from tests.portal.printing import rows
from tests.portal.printing.test_drawing import read_squares


@pytest.fixture
async def actor(db: str) -> Actor:
    merchant = await factories.merchant()
    user = await factories.user("amina@kilimani.test", merchant)
    return Actor(user_id=user, merchant_id=merchant, role=Role.OWNER, is_operator=False, name="Amina", email="")


async def asked(
    actor: Actor, vault: Vault, *, count: int = 3, layout: str = "a4-40", now: Clock, tongue: str = "en"
) -> int:
    package = await factories.package(actor.at_merchant())
    batch = await rows.batch(vault, actor.at_merchant(), package, cards=count)
    made = await prints.ask(
        actor, await wanted_of(actor, batch_id=batch), layout=layout, language=tongue, now=now.now()
    )
    return made.id


async def test_a_print_has_each_card_of_its_batch_once(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, count=45, now=clock)
    assert await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    pdf = await prints.fetch(actor, print_id, settings=settings, vault=vault, now=clock.now())
    batch = await DB.value("SELECT batch_id FROM prints")
    found = [text.rsplit("#", 1)[1] for text in read_squares(pdf)]
    assert sorted(found) == sorted(await rows.codes_of(vault, batch))
    with pypdfium2.PdfDocument(pdf) as document:
        assert len(document) == 2
    told = await prints.one(actor, print_id)
    assert (told.status, told.done, told.size_bytes) == ("ready", 45, len(pdf))


async def test_the_file_on_the_disk_shows_nothing_and_opens_nowhere_else(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    file = shelf.folder_of(settings) / f"print-{print_id}.sealed"
    assert b"%PDF" not in file.read_bytes()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.rename(file.with_name("print-999.sealed"))
    with pytest.raises(Tampered):
        shelf.fetch(settings, vault, 999)


async def test_a_print_left_by_a_dead_worker_is_taken_over(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    async with atomic() as tx:  # as `make` begins, and then the process is killed
        await move(tx, "prints", print_id, E.START, at=clock.now(), tries=1, next_try_at=clock.now() + runs.LEASE)
    assert await runs.due(now=clock.now()) == []
    assert not await runs.make(print_id, settings=settings, vault=vault, clock=clock), "somebody is at it"
    clock.shift(runs.LEASE + timedelta(seconds=1))
    assert await runs.due(now=clock.now()) == [print_id]
    assert await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    assert not await runs.make(print_id, settings=settings, vault=vault, clock=clock), "it is made"


async def test_what_the_queue_lost_is_found(actor: Actor, vault: Vault, clock: Clock) -> None:
    print_id = await asked(actor, vault, now=clock)
    clock.shift(timedelta(seconds=11))
    assert await runs.due(now=clock.now()) == [print_id]


async def test_what_cannot_be_made_is_tried_three_times_and_told(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    await DB.fetch("UPDATE vouchers SET code_sealed = '\\x0101'")
    for status in ("queued", "queued", "failed"):
        assert not await runs.make(print_id, settings=settings, vault=vault, clock=clock)
        assert (await prints.one(actor, print_id)).status == status
        clock.shift(timedelta(minutes=2))
    assert "altered" in await DB.value("SELECT error FROM prints")
    assert await runs.due(now=clock.now()) == []


async def test_a_process_that_dies_is_told_and_leaves_no_file(
    settings: Settings, actor: Actor, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    wanted = await wanted_of(actor, batch_id=await DB.value("SELECT batch_id FROM prints WHERE id = $1", print_id))
    english = language("en")
    sheet = await sheet_for(actor.at_merchant(), "no-such-paper", english, settings=settings)
    with pytest.raises(making.DrawingFailed) as failed:
        await making.draw(sheet, cards(wanted, english, vault=vault))
    assert "no-such-paper" in str(failed.value.__cause__)


async def test_a_day_later_the_file_is_gone_and_said_to_be(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    clock.shift(prints.KEPT - timedelta(minutes=1))
    assert await runs.clear(settings=settings, now=clock.now()) == 0
    clock.shift(timedelta(minutes=2))
    assert await runs.clear(settings=settings, now=clock.now()) == 1
    assert list(shelf.folder_of(settings).iterdir()) == []
    assert (await prints.one(actor, print_id)).status == "gone"


async def test_files_nobody_knows_go_and_known_ones_stay(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock)
    await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    folder, old = shelf.folder_of(settings), time.time() - 3 * 86_400
    for name in ("print-77.sealed", "print-1.123.part"):
        (folder / name).write_bytes(b"x")
    for file in folder.iterdir():
        os.utime(file, (old, old))
    assert await runs.sweep_strays(settings=settings, now=clock.now()) == 2
    assert [file.name for file in folder.iterdir()] == [f"print-{print_id}.sealed"]


async def test_cards_speak_the_language_that_was_chosen(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, now=clock, layout="mm58", tongue="sw")
    await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    pdf = await prints.fetch(actor, print_id, settings=settings, vault=vault, now=clock.now())
    with pypdfium2.PdfDocument(pdf) as document:
        text = document[0].get_textpage().get_text_bounded()
    assert "Siku 1" in text


async def test_a_worker_told_to_stop_leaves_no_process_and_the_next_one_makes_it(
    actor: Actor, settings: Settings, vault: Vault, clock: Clock
) -> None:
    print_id = await asked(actor, vault, count=300, now=clock)
    making_it = asyncio.create_task(runs.make(print_id, settings=settings, vault=vault, clock=clock))
    async with asyncio.timeout(10):
        while not drawers():  # noqa: ASYNC110  (a process tells nobody that it began)
            await asyncio.sleep(0.005)
    making_it.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making_it
    assert drawers() == []
    assert (await prints.one(actor, print_id)).status == "making"
    clock.shift(runs.LEASE + timedelta(seconds=1))
    assert await runs.make(print_id, settings=settings, vault=vault, clock=clock)


def drawers() -> list[str]:
    """Processes of ours that draw."""
    found = [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
    return [child for child in found if b"portal.printing.child" in Path(f"/proc/{child}/cmdline").read_bytes()]
