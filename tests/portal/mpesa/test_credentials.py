import asyncio
import gc
from datetime import timedelta

import pytest

from portal.clock import Clock
from portal.errors import MpesaBusy
from portal.mpesa.credentials import MpesaApp, Token, TokenSource
from tests.portal.mpesa.samples import APP


class Issuer:
    """Gives tokens one by one; a new one kills the old, as Daraja does."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.issued = 0
        self.fail_with: Exception | None = None

    async def __call__(self) -> Token:
        self.issued += 1
        number = self.issued
        await asyncio.sleep(0.01)
        if self.fail_with is not None:
            raise self.fail_with
        return Token(f"token-{number}", self.clock.now() + timedelta(hours=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> Issuer:
    return Issuer(clock)


@pytest.fixture
def source(clock: Clock) -> TokenSource:
    return TokenSource(clock)


async def test_fifty_requests_at_once_fetch_one_token(source: TokenSource, issuer: Issuer):
    tokens = await asyncio.gather(*(source.current(APP, issuer) for _ in range(50)))
    assert set(tokens) == {"token-1"}
    assert issuer.issued == 1


async def test_a_token_is_renewed_two_minutes_before_its_end(source: TokenSource, issuer: Issuer, clock: Clock):
    await source.current(APP, issuer)
    clock.shift(timedelta(minutes=57, seconds=59))
    assert await source.current(APP, issuer) == "token-1"
    clock.shift(timedelta(seconds=2))
    assert await source.current(APP, issuer) == "token-2"


async def test_fifty_requests_that_failed_with_the_same_token_fetch_one_new_one(source: TokenSource, issuer: Issuer):
    failed = await source.current(APP, issuer)
    tokens = await asyncio.gather(*(source.replace(APP, issuer, failed=failed) for _ in range(50)))
    assert set(tokens) == {"token-2"}


async def test_a_late_failure_of_an_older_token_does_not_kill_the_new_one(source: TokenSource, issuer: Issuer):
    first = await source.current(APP, issuer)
    second = await source.replace(APP, issuer, failed=first)
    assert await source.replace(APP, issuer, failed=first) == second
    assert issuer.issued == 2


async def test_two_apps_have_two_tokens_and_two_shortcodes_of_one_app_share(source: TokenSource, issuer: Issuer):
    other_key = MpesaApp(
        environment="sandbox",
        base_url=APP.base_url,
        consumer_key="other",
        consumer_secret="s",
        shortcode=APP.shortcode,
        passkey="p",
    )
    other_code = MpesaApp(
        environment="sandbox",
        base_url=APP.base_url,
        consumer_key=APP.consumer_key,
        consumer_secret=APP.consumer_secret,
        shortcode="600000",
        passkey="p",
    )
    first = await source.current(APP, issuer)
    assert await source.current(other_key, issuer) != first
    assert await source.current(other_code, issuer) == first


async def test_a_failure_reaches_everyone_waiting_and_the_next_one_tries_again(source: TokenSource, issuer: Issuer):
    issuer.fail_with = MpesaBusy("token")
    outcomes = await asyncio.gather(*(source.current(APP, issuer) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, MpesaBusy) for outcome in outcomes)
    assert issuer.issued == 1
    issuer.fail_with = None
    assert await source.current(APP, issuer) == "token-2"


async def test_a_cancelled_request_does_not_take_the_token_from_the_others(source: TokenSource, issuer: Issuer):
    first = asyncio.create_task(source.current(APP, issuer))
    second = asyncio.create_task(source.current(APP, issuer))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "token-1"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_nobody_waits_for_any_more_leaves_no_noise(source: TokenSource, issuer: Issuer):
    noise: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: noise.append(context))
    try:
        issuer.fail_with = MpesaBusy("token")
        only = asyncio.create_task(source.current(APP, issuer))
        await asyncio.sleep(0)
        only.cancel()
        with pytest.raises(asyncio.CancelledError):
            await only
        await asyncio.sleep(0.03)
        gc.collect()
    finally:
        loop.set_exception_handler(before)
    assert issuer.issued == 1
    assert noise == []
