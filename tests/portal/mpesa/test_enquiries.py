"""Questions to M-Pesa: asked once, answered by callback, repeated when the answer was lost, and money taken in where it proves some."""

import asyncio
import contextlib
import dataclasses
import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import enquiries as job
from jobs.doors import Doors
from portal import enquiries
from portal.callbacks import addresses, results
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open, web_running, worker_running
from portal.mpesa import accounts
from portal.mpesa.initiator_codes import Verdict
from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.mpesa.simulator.hand_payments import pay_by_hand
from portal.serving import listen
from portal.vault import Vault
from tests import factories
from tests.portal.mpesa.envelopes import BALANCES, STATUS, result

PHONE = "254708374149"


@dataclass
class Room:
    world: World
    doors: Doors
    account: int
    settings: Settings

    async def queue(self, kind: str, about: str = "") -> int:
        async with atomic() as tx:
            return await enquiries.queue(
                tx, kind, account_id=self.account, about=about, by="user:7", now=self.doors.clock.now()
            )

    async def ask(self, enquiry_id: int) -> str:
        return await enquiries.ask(enquiry_id, self.doors.mpesa, now=self.doors.clock.now())

    async def answer(self, enquiry_id: int) -> enquiries.Answer:
        for _ in range(200):
            found = await enquiries.answer_of(enquiry_id)
            if found.verdict is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("no answer came")


@contextlib.asynccontextmanager
async def room_open(settings: Settings, vault: Vault, clock: Clock, *, works: bool = True) -> AsyncGenerator[Room]:
    """Our web server and worker, and the simulator, with an account that has an initiator."""
    listener = listen("127.0.0.1", 0)
    portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
    world = World.sandbox(clock=clock, seed=3)
    async with DarajaSimulator(world) as simulator, contextlib.AsyncExitStack() as stack:
        live = dataclasses.replace(
            settings, mpesa_environment="loopback", mpesa_url=simulator.url, mpesa_callback_base=portal, base_url=portal
        )
        account = await factories.mpesa_account(
            vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
        )
        await accounts.set_initiator(
            account, name=DEFAULT_INITIATOR, password=DEFAULT_INITIATOR_PASSWORD, vault=vault, actor="user:7",
            certificate=CERTIFICATE_FILE.read_text(), now=clock.now(),
        )  # fmt: skip
        await stack.enter_async_context(web_running(live, clock, listener=listener))
        if works:
            await stack.enter_async_context(worker_running(live, clock))
        doors = await stack.enter_async_context(doors_open(live, clock))
        yield Room(world, doors, account, live)


async def test_a_receipt_is_asked_about_and_its_money_taken_in(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with room_open(settings, vault, clock) as room:
        paid = pay_by_hand(room.world, PHONE, SANDBOX_SHORTCODE, amount=50, account="K7QM2XWP")
        question = await room.queue("status", paid.receipt)
        assert await room.queue("status", paid.receipt) == question, "asked once at a time"
        assert await room.ask(question) in ("asked", "not due"), "the worker may have been faster"
        answer = await room.answer(question)
        assert answer.transaction is not None
        assert (answer.transaction.receipt, answer.transaction.amount_cents) == (paid.receipt, 5000)
        await job.run(room.doors)
    taken = await DB.value("SELECT result->>'taken' FROM mpesa_enquiries")
    assert taken is not None
    assert taken != "no money to us"
    assert await DB.value("SELECT amount_cents FROM receipts WHERE receipt = $1", paid.receipt) == 5000


async def test_balances_come_back_and_prove_no_money(db: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    async with room_open(settings, vault, clock) as room:
        question = await room.queue("balance")
        await room.ask(question)
        answer = await room.answer(question)
        assert {balance.account for balance in answer.balances} >= {"Working Account", "Utility Account"}
        assert await enquiries.inbound_of(answer) is None


async def test_a_lost_answer_is_asked_for_again_and_given_up_in_the_end(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with room_open(settings, vault, clock, works=False) as room:
        room.world.turn(result_road="none")
        question = await room.queue("status", "UKK41H7QZD")
        asked = 0
        for _ in range(12):
            asked += await room.ask(question) == "asked"
            assert await room.ask(question) == "not due"
            clock.shift(timedelta(days=2))
        assert asked == len(enquiries.WAITS) + 1
        assert await enquiries.due(now=clock.now()) == []


@pytest.mark.parametrize(
    ("is_timeout", "is_trusted", "body", "outcome", "is_answered"),
    [
        (False, True, result(0, STATUS), "done", True),
        (False, False, result(0, STATUS), "untrusted", False),
        (True, True, b"<html>", "open_unknown", False),
        (True, True, result(0, STATUS), "open_unknown", False),
        (False, True, result(17), "open_unknown", False),
        (False, True, result(26), "open_busy", False),
        (False, True, result(2001), "setup", True),
        (False, True, b"{}", "unreadable", False),
    ],
)
async def test_only_a_trusted_answer_that_decides_is_kept(
    db: str, vault: Vault, clock: Clock, is_timeout: bool, is_trusted: bool, body: bytes, outcome: str, is_answered: bool
) -> None:  # fmt: skip
    account = await factories.mpesa_account(vault, shortcode="600638")
    async with atomic() as tx:
        question = await enquiries.queue(tx, "status", account_id=account, about="UKK41H7QZD", by="x", now=clock.now())
        name = await addresses.of_request(tx, "status", question, account_id=account, now=clock.now())
        callback = await tx.value(
            """INSERT INTO callbacks (account_id, address_id, named_id, road, body, body_hash, source, received_at)
               SELECT account_id, id, id, 'result', $2, $2, '127.0.0.1', $3 FROM callback_addresses WHERE token = $1
               RETURNING id""",
            name,
            body,
            clock.now(),
        )
    came = results.Result(
        kind="status", request_id=question, body=body, is_timeout=is_timeout, is_trusted=is_trusted, callback_id=callback,
        account_id=account, merchant_id=None,
    )  # fmt: skip
    for said in (outcome, "known" if is_answered else outcome):
        async with atomic() as tx:
            assert await enquiries.take_result(tx, came) == said
    row = await DB.row("SELECT answered_at, next_try_at FROM mpesa_enquiries")
    assert row is not None
    assert (row["answered_at"] is not None, row["next_try_at"] is None) == (is_answered, is_answered)


async def test_an_answer_is_read_again_from_the_message_itself(db: str, vault: Vault, clock: Clock) -> None:
    account = await factories.mpesa_account(vault, shortcode="600638")
    async with atomic() as tx:
        question = await enquiries.queue(tx, "balance", account_id=account, by="x", now=clock.now())
    assert (await enquiries.answer_of(question)).verdict is None
    async with atomic() as tx:
        name = await addresses.of_request(tx, "balance", question, account_id=account, now=clock.now())
        callback = await tx.value(
            """INSERT INTO callbacks (account_id, address_id, named_id, road, body, body_hash, source, received_at)
               SELECT account_id, id, id, 'result', $2, $2, '127.0.0.1', $3 FROM callback_addresses WHERE token = $1
               RETURNING id""",
            name,
            result(0, BALANCES),
            clock.now(),
        )
        await tx.execute(
            "UPDATE mpesa_enquiries SET result = $2::jsonb WHERE id = $1",
            question,
            json.dumps({"callback_id": callback}),
        )
    answer = await enquiries.answer_of(question)
    assert (answer.verdict, len(answer.balances)) == (Verdict.DONE, 4)


async def command(room: Room, *words: str) -> tuple[int, str]:
    """`vocha mpesa …` in a process of its own, with this room's settings."""
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
        "PORTAL_DATA_DIR": str(room.settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_BASE_URL": room.settings.base_url,
        "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_MPESA_URL": room.settings.mpesa_url,
        "PORTAL_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.cli", "mpesa", *words, env=env, cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_commands_look_register_and_ask(db: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    async with room_open(settings, vault, clock) as room:
        code, said = await command(room, "check")
        assert (code, "consumer key and secret are right" in said, "register-urls" in said) == (0, True, True), said
        code, said = await command(room, "register-urls", "--pull-number", "0722 000 000")
        assert (code, "payments by hand are announced" in said, "Pull is registered" in said) == (0, True, True), said
        paid = pay_by_hand(room.world, PHONE, SANDBOX_SHORTCODE, amount=50, account="K7QM2XWP")
        code, said = await command(room, "status", paid.receipt, "--wait", "20")
        assert (code, "Completed" in said, "KES 50" in said, PHONE in said) == (0, True, True, False), said
        code, said = await command(room, "status", "UKK0000000", "--wait", "20")
        assert code == 1, said
        assert said.startswith("Error: "), said
    assert await DB.value("SELECT c2b_registered_at IS NOT NULL AND pull_number = '254722000000' FROM mpesa_accounts")
