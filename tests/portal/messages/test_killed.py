"""Kill -9 between claiming, sending and writing down: an SMS goes out at most once, mail at least once under one name."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.db import DB
from portal.messages import Channel, Letter, Told, reports
from tests.portal.messages.office import PHONE, Office


def _plan(plan: Path, point: str) -> None:
    plan.write_text(f"{point} self\n")


async def killed_at(office: Office, plan: Path, point: str) -> None:
    """A run of the job in its own process, which dies there."""
    _plan(plan, point)
    ahead = (office.clock.now() - datetime.now(UTC)).total_seconds()
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
        "PORTAL_DATA_DIR": str(office.settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_MPESA_URL": "http://127.0.0.1:9",
        "PORTAL_AFRICASTALKING_URL": office.sim.url,
        "PORTAL_TELEGRAM_URL": office.sim.url,
        "PORTAL_LOG_LEVEL": "error",
        "PORTAL_FAULT": str(plan),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.portal.messages.one_run", str(ahead), env=env, cwd=Path(__file__).parents[3]
    )
    assert await process.wait() == -9, f"nobody came to {point}: this test tries nothing"


@pytest.mark.parametrize(("point", "arrived"), [("message.claimed", 0), ("message.answered", 1)])
async def test_an_sms_goes_out_at_most_once_whoever_dies(
    office: Office, tmp_path: Path, point: str, arrived: int
) -> None:
    message = await office.write()
    await killed_at(office, tmp_path / "fault", point)
    assert await office.status(message) == "sending"
    if arrived:
        token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
        body = f"id=ATXid_1&status=Success&phoneNumber=%2B{PHONE}".encode()
        await reports.store(token, "delivery", body, now=office.clock.now())
    await office.turn(5, minutes=3)
    assert await office.status(message) == ("delivered" if arrived else "unknown"), "its report tells, if it went"
    assert len(office.arrived()) == arrived


async def test_mail_goes_again_under_its_name(office: Office, tmp_path: Path) -> None:
    letter = Letter(subject="Your week", text="text")
    message = await office.write(Told.TEST, "w", to="a@b.test", channel=Channel.EMAIL, letter=letter)
    await killed_at(office, tmp_path / "fault", "message.answered")
    await office.turn(3, minutes=10)
    assert await office.status(message) == "sent"
    names = {line for raw in office.mail.raw for line in raw.splitlines() if line.lower().startswith(b"message-id")}
    assert (len(office.mail.raw), len(names)) == (2, 1)
