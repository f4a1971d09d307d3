"""A shop whose rows make no sense stops nobody else's bills, reminders and looks."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from portal import alerts
from portal.db import DB
from portal.subscribers import reconciling, reminders
from portal.vault import Vault
from tests.portal.subscribers.village import Village, local, row, told

RULE = "merchants_timezone_known"


@pytest.fixture
async def nowhere(village: Village, vault: Vault) -> AsyncGenerator[int]:
    """A subscriber, made first, of a shop whose zone there is no more: from before the database knew better."""
    other = await Village.founded(vault, now=village.now)
    who = await other.moves_in(phone="0722000111")
    said = await DB.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", RULE)
    await DB.run_ddl(f"ALTER TABLE merchants DROP CONSTRAINT {RULE}")
    await DB.fetch("UPDATE merchants SET timezone = 'Mars/Olympus' WHERE id = $1", other.merchant_id)
    yield who
    await DB.fetch("UPDATE merchants SET timezone = 'Africa/Nairobi'")
    await DB.run_ddl(f"ALTER TABLE merchants ADD CONSTRAINT {RULE} {said}")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "EAT", "EST5EDT", "UTC+3", "Africa/Nairobi; --"])
async def test_a_zone_no_clock_knows_is_refused(village: Village, zone: str) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.InvalidParameterValueError)):
        await DB.fetch("UPDATE merchants SET timezone = $1", zone)


async def test_it_stops_nobodys_reminder_and_is_tried_again(village: Village, nowhere: int) -> None:
    who = await village.moves_in()
    await village.pays(who, 600)
    await village.wait_until(local("2026-11-28", "09:05"))
    assert "bill_soon" in await told(who)
    assert (await row(nowhere))["remind_at"] > village.now
    assert await reminders.remind_due(now=village.now) == (0, 0)


async def test_it_stops_no_look_at_the_others_and_is_told(village: Village, nowhere: int) -> None:
    who = await village.moves_in()
    await DB.fetch("UPDATE subscribers SET next_at = next_at + interval '1 hour' WHERE id = $1", who)
    look = await reconciling.reconcile(now=village.now)
    assert (look.seen, look.mended) == (2, 1)
    assert look.wrong == {reconciling.UNREADABLE: [nowhere]}
    assert [alert.subject for alert in await alerts.open_now(reconciling.KIND)] == [reconciling.UNREADABLE]
