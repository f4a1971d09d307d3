"""`vocha rails`: what it says about accounts that work, and about those that do not."""

import asyncio
import os
import subprocess
import sys

import pytest

from portal.rails import accounts, checks
from portal.rails.checks import Verdict
from portal.rails.doors import RailDoors
from tests.flows.programs import KEY
from tests.portal.rails.tills import Till

pytestmark = pytest.mark.parametrize("till", ["airtel", "paystack"], indirect=True)


async def remarks(till: Till, *, base: str = "https://wifi.example.co.ke") -> dict[str, Verdict]:
    [account] = await accounts.live()
    # Each command has doors of its own: no token of before.
    doors = RailDoors(
        till.doors._http, till.doors._settings, vault=till.vault, clock=till.clock  # pyright: ignore[reportPrivateUsage]
    )  # fmt: skip
    return {each.sentence: each.verdict for each in await checks.examine(account, doors, callback_base=base)}


async def test_keys_that_work_are_fine_and_nothing_is_left_behind_at_the_provider(till: Till) -> None:
    assert await remarks(till) == {checks.FINE: Verdict.OK}
    assert till.really_paid() == 0
    assert till.sim.log == []


async def test_wrong_keys_are_named(till: Till) -> None:
    if till.rail == "paystack":
        till.sim.secret_key = "sk_test_another"
    else:
        till.sim.client_secret = "another"
    [(sentence, verdict)] = (await remarks(till)).items()
    assert verdict is Verdict.BAD
    assert "Copy" in sentence


async def test_a_provider_that_is_silent_is_no_fault_of_the_keys(till: Till) -> None:
    till.goes_wrong("busy")
    assert await remarks(till) == {checks.SILENT: Verdict.NOTE}


async def test_the_commands_list_and_try_every_account(till: Till, migrated: str) -> None:
    env = os.environ | {
        "PORTAL_DATABASE_URL": migrated, "PORTAL_SECRET_KEYS": KEY, "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_BASE_URL": till.portal, "PORTAL_MPESA_URL": till.portal, f"PORTAL_{till.rail.upper()}_URL": till.sim.url,
        "PORTAL_LOG_LEVEL": "warning",
    }  # fmt: skip
    for verb, said in (("ways", "offered"), ("check", checks.FINE)):
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portal.cli", "rails", verb, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told = (await command.communicate())[0].decode()
        assert command.returncode == 0, told
        assert f"{till.rail} (sandbox), the platform's" in told
        assert said in told
