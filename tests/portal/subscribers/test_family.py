"""Taking a device out of a family: it is off, the others come back, and nobody is cut for a device that was never in."""

from datetime import datetime

from portal import access_grants
from portal.db import DB, atomic
from portal.devices import hint
from portal.invariants import QUESTIONS
from portal.subscribers import deciding, family
from tests.portal.subscribers.village import Village


async def test_a_device_taken_out_is_off_and_the_others_come_back(village: Village) -> None:
    who = await village.moves_in()
    for last in ("55", "66"):
        await deciding.add_device(village.owner, who, f"02:11:22:33:44:{last}", name="", now=village.now)
    first, second = await DB.fetch("SELECT id FROM subscriber_devices ORDER BY id")
    device = hint("02:11:22:33:44:55", "10.5.50.7")
    assert await family.knock(village.router, device, vault=village.vault, now=village.now)
    grant = await DB.row("SELECT id, password_sealed, voucher_id FROM access_grants")
    assert grant
    async with atomic() as tx:
        await access_grants.appeared(tx, [grant["id"]], now=village.now, actor="test")
        await access_grants.logged_in(tx, grant["id"], now=village.now)
    await DB.fetch("DELETE FROM pgqueuer")

    await deciding.remove_device(village.owner, who, second["id"], vault=village.vault, now=village.now)
    assert await DB.value("SELECT status FROM access_grants") == "present", "it was never in: nobody is cut for it"

    await deciding.remove_device(village.owner, who, first["id"], vault=village.vault, now=village.now)
    row = await DB.row("SELECT status, password_sealed, mac, next_try_at FROM access_grants")
    assert row
    assert (row["status"], row["mac"], row["next_try_at"]) == ("ending", None, village.now)
    assert row["password_sealed"] != grant["password_sealed"], "the password of before opens nothing"
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'reconcile-router'") == 1
    assert await broken_now(village.now) == []
    async with atomic() as tx:
        await access_grants.left(tx, [grant["id"]], now=village.now, actor="test")
    assert await DB.value("SELECT status FROM access_grants") == "wanted"
    assert not await family.knock(village.router, device, vault=village.vault, now=village.now)


async def test_who_was_shut_out_does_not_come_back_by_leaving(village: Village) -> None:
    who = await village.moves_in()
    await deciding.suspend(village.owner, who, why="moved away", now=village.now)
    async with atomic() as tx:
        await access_grants.left(tx, [await DB.value("SELECT id FROM access_grants")], now=village.now, actor="test")
    assert await DB.value("SELECT status FROM access_grants") == "gone"


async def broken_now(now: datetime) -> list[str]:
    """Vouchers in use that no router is to let in."""
    return [row[0] for row in await DB.fetch(QUESTIONS["I5 a voucher in use that no router is to let in"], now)]
