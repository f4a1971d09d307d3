"""`vocha messages`: an operator enters the platform's gateway, tries it, and takes it out."""

import asyncio
import sys
from pathlib import Path

from portal.db import DB
from tests.portal.messages.office import Office


async def vocha(office: Office, *words: str) -> tuple[int, str]:
    """A command, as an operator types it: its exit code and what it says."""
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
        "PORTAL_DATA_DIR": str(office.settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_MPESA_URL": "http://127.0.0.1:9",
        "PORTAL_AFRICASTALKING_URL": office.sim.url,
        "PORTAL_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.cli", "messages", *words, env=env, cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_an_operator_enters_tries_and_takes_out_a_gateway(office: Office) -> None:
    await DB.fetch("UPDATE message_gateways SET ended_at = now() WHERE channel = 'sms'")
    code, said = await vocha(office, "set", "africastalking", "--user", "sandbox", "--secret", "wrong-key")
    assert code == 0, said
    code, said = await vocha(office, "test", "sms", "254712345678")
    assert (code, "wrong_keys" in said) == (1, True)
    assert "wrong-key" not in said
    code, said = await vocha(office, "set", "smtp", "--sender", "a@b.test", "--secret", "x")
    assert (code, "host" in said) == (1, True)
    assert "wrong-key" not in str(await DB.fetch("SELECT data FROM events"))
    code, said = await vocha(office, "gateways")
    assert (code, "africastalking sandbox" in said, "/api/sms/" in said) == (0, True, True)
    assert "Taken out" in (await vocha(office, "take-out", "sms"))[1]
