"""One token for every process: whoever needs it, it is fetched once."""

import asyncio
from datetime import timedelta

import pytest

from portal.clock import Clock
from portal.db import DB
from portal.errors import MpesaBusy
from portal.mpesa.credentials import MpesaApp, Token
from portal.mpesa.tokens import SharedTokens
from portal.vault import Vault
from tests import factories

APP = MpesaApp(
    environment="loopback",
    base_url="http://127.0.0.1:1",
    consumer_key="k",
    consumer_secret="s",
    shortcode="1",
    passkey="p",
)


class Safaricom:
    """Gives tokens; a new one kills the old."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.given = 0

    async def fetch(self) -> Token:
        await asyncio.sleep(0.02)
        self.given += 1
        return Token(f"token-{self.given}", self.clock.now() + timedelta(hours=1))


async def test_eight_workers_share_one_refresh(db: str, vault: Vault, clock: Clock) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    workers = [SharedTokens(account, vault=vault, clock=clock) for _ in range(8)]
    assert set(await asyncio.gather(*(worker.current(APP, far.fetch) for worker in workers))) == {"token-1"}
    answers = await asyncio.gather(*(worker.replace(APP, far.fetch, failed="token-1") for worker in workers))
    assert set(answers) == {"token-2"}
    assert far.given == 2


async def test_a_dead_token_that_another_worker_replaced_is_not_fetched_again(
    db: str, vault: Vault, clock: Clock
) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    one, two = (SharedTokens(account, vault=vault, clock=clock) for _ in range(2))
    await one.current(APP, far.fetch)
    await two.current(APP, far.fetch)
    assert await one.replace(APP, far.fetch, failed="token-1") == "token-2"
    assert await two.replace(APP, far.fetch, failed="token-1") == "token-2"
    assert far.given == 2


async def test_a_token_is_renewed_before_it_ends(db: str, vault: Vault, clock: Clock) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    tokens = SharedTokens(account, vault=vault, clock=clock)
    await tokens.current(APP, far.fetch)
    clock.shift(timedelta(minutes=57))
    assert await tokens.current(APP, far.fetch) == "token-1"
    clock.shift(timedelta(minutes=2))
    assert await tokens.current(APP, far.fetch) == "token-2"


async def test_a_failed_fetch_leaves_the_turn_to_the_next(db: str, vault: Vault, clock: Clock) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    tokens = SharedTokens(account, vault=vault, clock=clock)

    async def fails() -> Token:
        raise MpesaBusy("503", "away")

    with pytest.raises(MpesaBusy):
        await tokens.current(APP, fails)
    assert await tokens.current(APP, far.fetch) == "token-1"


async def test_the_token_is_sealed_in_the_database(db: str, vault: Vault, clock: Clock) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    await SharedTokens(account, vault=vault, clock=clock).current(APP, far.fetch)
    assert b"token-1" not in await DB.value("SELECT token_sealed FROM mpesa_tokens")
