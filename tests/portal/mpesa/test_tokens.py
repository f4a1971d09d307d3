"""One token for every process: whoever needs it, it is fetched once."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from portal.clock import Clock
from portal.db import DB
from portal.errors import MpesaBusy, MpesaUnknown
from portal.mpesa.credentials import MpesaApp, Token
from portal.mpesa.simulator import (
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.mpesa.tokens import ALARM_AT, COUNT_OVER, STOP_AT, SharedTokens
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


async def test_eight_processes_share_one_refresh_when_the_token_dies(db: str, vault: Vault, clock: Clock) -> None:
    """Case 35: the stored token is dead, eight processes find out at once; one fetches, nobody kills another's."""
    account = await factories.mpesa_account(
        vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
    )
    world = World.sandbox(clock=clock, seed=5)
    world.turn(persona="open")
    async with DarajaSimulator(world) as simulator:
        dead = Token("dead", clock.now() + timedelta(hours=1))

        async def fetch() -> Token:
            return dead

        key = MpesaApp(
            environment="loopback", base_url=simulator.url, consumer_key=DEFAULT_KEY, consumer_secret=DEFAULT_SECRET,
            shortcode=SANDBOX_SHORTCODE, passkey=SANDBOX_PASSKEY,
        )  # fmt: skip
        assert await SharedTokens(account, vault=vault, clock=clock).current(key, fetch) == "dead"
        words = ("-m", "tests.portal.mpesa.worker_process", str(DB.config["dsn"]), simulator.url, str(account), "5")
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, *words, cwd=Path(__file__).parents[3], stdout=asyncio.subprocess.PIPE
            )
            for _ in range(8)
        ]
        told = [(await process.communicate())[0] for process in processes]
        fetched = sum(exchange.target == "/oauth/v1/generate" for exchange in world.log)
    assert told == [b"5"] * 8
    assert fetched == 1
    assert await DB.value("SELECT refused FROM mpesa_tokens") == 1


async def test_two_shortcodes_of_one_app_share_a_token_and_two_apps_do_not(db: str, vault: Vault, clock: Clock) -> None:
    paybill, payouts = [await factories.mpesa_account(vault, shortcode=code) for code in ("600638", "600992")]
    far = Safaricom(clock)
    one, two = (SharedTokens(account, vault=vault, clock=clock) for account in (paybill, payouts))
    assert await one.current(APP, far.fetch) == await two.current(APP, far.fetch) == "token-1"
    other = MpesaApp(
        environment="loopback", base_url=APP.base_url, consumer_key="another", consumer_secret="s", shortcode="1", passkey="p"
    )  # fmt: skip
    assert await two.current(other, far.fetch) == "token-2", "the keys were changed"
    assert await one.current(APP, far.fetch) == "token-1"


async def test_another_system_with_our_keys_alarms_once_and_is_not_raced_for_ever(
    db: str, vault: Vault, clock: Clock
) -> None:
    """Case 36: every token of ours dies at once; we refresh once per request, tell it, and in the end wait."""
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    tokens = SharedTokens(account, vault=vault, clock=clock)
    token = await tokens.current(APP, far.fetch)
    for _ in range(STOP_AT):
        token = await tokens.replace(APP, far.fetch, failed=token)
    assert far.given == STOP_AT + 1
    with pytest.raises(MpesaBusy) as caught:
        await tokens.replace(APP, far.fetch, failed=token)
    assert far.given == STOP_AT + 1, "nothing was fetched"
    assert "make an app for each" in caught.value.message
    told = [row["data"] for row in await DB.fetch("SELECT data FROM events WHERE name = 'mpesa_token_contested'")]
    assert told == [f'{{"times": {ALARM_AT}}}']
    clock.shift(COUNT_OVER + timedelta(seconds=1))
    assert await tokens.replace(APP, far.fetch, failed=token) == f"token-{STOP_AT + 2}"


async def test_a_token_row_that_vanished_is_made_anew(db: str, vault: Vault, clock: Clock) -> None:
    account, far = await factories.mpesa_account(vault), Safaricom(clock)
    tokens = SharedTokens(account, vault=vault, clock=clock)
    token = await tokens.current(APP, far.fetch)
    await DB.fetch("DELETE FROM mpesa_tokens")
    with pytest.raises(MpesaUnknown):
        await tokens.replace(APP, far.fetch, failed=token)
    assert await tokens.replace(APP, far.fetch, failed=token) == "token-2"
