"""A shop whose rows make no sense stops nobody else's bills, reminders and looks."""

import pytest

from portal import alerts
from portal.db import DB
from portal.subscribers import reconciling, reminders
from portal.vault import Vault
from tests.portal.subscribers.village import Village, local, row, told


@pytest.fixture
async def nowhere(village: Village, vault: Vault) -> int:
    """A subscriber, made first, of a shop whose zone there is no more."""
    other = await Village.founded(vault, now=village.now)
    who = await other.moves_in(phone="0722000111")
    await DB.fetch("UPDATE merchants SET timezone = 'Mars/Olympus' WHERE id = $1", other.merchant_id)
    return who


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
