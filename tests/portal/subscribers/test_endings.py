"""What is owed when somebody leaves or is suspended, and that nobody learns of another shop's customers by taking them back."""

import pytest

from portal.db import DB
from portal.errors import NotFound
from portal.subscribers import changing, deciding
from portal.vault import Vault
from tests.portal.subscribers.village import Village, bills, local, status, wallet


@pytest.mark.parametrize("end", ["close", "suspend"])
async def test_a_wallet_that_reaches_pays_the_days_had_before_the_end(village: Village, end: str) -> None:
    who = await village.moves_in()
    await village.pays(who, 800)  # 500 is billed for November; December's 1500 is more than is left
    await village.wait_until(local("2026-12-01", "00:06"))
    assert (await status(who), await wallet(who)) == ("grace", 30_000)
    act = {"close": deciding.close, "suspend": deciding.suspend}[end]
    await act(village.owner, who, why="moved away", now=local("2026-12-02"))
    [_, (_, ends_on, cents, became)] = await bills(who)
    assert (ends_on.isoformat(), cents, became) == ("2026-12-03", 9600, "paid")
    assert await wallet(who) == 30_000 - 9600
    assert await status(who) == {"close": "closed", "suspend": "suspended"}[end]


async def test_what_the_wallet_does_not_reach_for_stays_owed(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 550)
    await village.wait_until(local("2026-12-01", "00:06"))
    await deciding.close(village.owner, who, why="moved away", now=local("2026-12-02"))
    assert [each[3] for each in await bills(who)] == ["paid", "due"]
    assert await wallet(who) == 5000


async def test_a_strangers_customer_is_not_found_whatever_became_of_its_router(village: Village, vault: Vault) -> None:
    other = await Village.founded(vault, now=village.now)
    who = await other.moves_in(phone="0722000111")
    await deciding.close(other.owner, who, why="moved away", now=other.now)
    await DB.fetch("UPDATE routers SET status = 'removed' WHERE id = $1", other.router.id)
    with pytest.raises(NotFound):
        await changing.reopen(village.owner, who, now=village.now)
