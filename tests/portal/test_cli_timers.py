"""Crontab lines and systemd timers: they name the moments the jobs name, and hand the secret to curl where nobody sees it."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.schedule import JOBS, Job, latest_slot, next_run_at
from jobs.vouchers import expire
from portal.cli_timers import SERVICE, Unit, calendar, crontab, units

BASE = "https://wifi.example.co.ke"
SECRET = "0123456789abcdef" * 2
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: Sunday's early hours included: weekly jobs run there.
SPAN = [datetime(2026, 11, 21, 23, 50, tzinfo=UTC) + timedelta(minutes=each) for each in range(200)]


def matches(field: str, value: int, least: int, most: int) -> bool:
    """Whether a field of a crontab names a value, by crontab(5): lists of numbers, ranges and steps, days by name."""
    for part in field.split(","):
        found = re.fullmatch(r"(?:(\*)|(\d+|[a-z]{3})(?:-(\d+|[a-z]{3}))?)(?:/(\d+))?", part)
        assert found, f"not crontab: {field}"
        first, last = (DAYS.index(text) if text and text in DAYS else text for text in (found[2], found[3]))
        low = least if found[1] else int(first or 0)
        high = most if found[1] else int(last) if last is not None else low
        assert least <= low <= high <= most, f"not crontab: {field}"
        if low <= value <= high and (value - low) % int(found[4] or 1) == 0:
            return True
    return False


def lines() -> dict[str, tuple[list[str], str]]:
    """Fields and command by job, of the crontab for all jobs."""
    found: dict[str, tuple[list[str], str]] = {}
    for line in crontab(JOBS.values(), BASE).splitlines():
        assert "%" not in line, "cron ends a command at a percent sign"
        if line.startswith("#") or re.fullmatch(r"[A-Z_]+=\S+", line):
            continue
        *fields, command = line.split(" ", 5)
        found[command.rsplit("/", 1)[1]] = (fields, command)
    return found


def test_the_crontab_names_every_minute_in_which_a_job_is_due_and_no_other() -> None:
    written = lines()
    assert list(written) == list(JOBS)
    for name, (fields, _) in written.items():
        minute, hour, day, month, weekday = fields
        for at in SPAN:
            last = latest_slot(JOBS[name], at + timedelta(seconds=59))
            named = (
                matches(minute, at.minute, 0, 59) and matches(hour, at.hour, 0, 23) and matches(day, at.day, 1, 31)
                and matches(month, at.month, 1, 12) and matches(weekday, at.isoweekday() % 7, 0, 6)
            )  # fmt: skip
            assert named == (last >= at), (name, at)


def test_weekdays_are_written_by_name_because_clocks_number_them_differently() -> None:
    sunday = Job("weekly", expire, {"day_of_week": "6", "hour": "2"}, timeout_s=1, overdue_s=1)
    assert crontab([sunday], BASE).splitlines()[-1].startswith("0 2 * * sun ")
    assert calendar(sunday) == "Sun *-*-* 2:0:0 UTC"
    workdays = Job("daily", expire, {"day_of_week": "0-4", "hour": "9", "minute": "5"}, timeout_s=1, overdue_s=1)
    assert crontab([workdays], BASE).splitlines()[-1].startswith("5 9 * * mon-fri ")
    assert calendar(workdays) == "Mon..Fri *-*-* 9:5:0 UTC"


def test_a_file_for_cron_d_names_whose_it_is() -> None:
    text = crontab([JOBS["expire-vouchers"]], BASE, user="vocha")
    assert text.splitlines()[-1].startswith("* * * * * vocha . /etc/vocha/cron.env && ")


def test_a_trigger_other_clocks_cannot_say_is_refused() -> None:
    odd = Job("odd", expire, {"day": "1", "day_of_week": "sun"}, timeout_s=1, overdue_s=1)
    with pytest.raises(ValueError, match="odd: other clocks"):
        crontab([odd], BASE)


@asynccontextmanager
async def listening() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A web server that takes everything and keeps what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def shell(command: str, env: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, env=env)
    assert await process.wait() == 0


def service_command(unit: Unit) -> str:
    """What /bin/sh is given, by systemd.service(5): one level of backslashes and dollars is systemd's own."""
    [line] = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", unit.text, re.M)
    return line.replace("\\\\", "\\").replace("$$", "$").replace("%i", "expire-vouchers")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
async def test_the_commands_ask_at_the_door_and_show_the_secret_to_nobody(tmp_path: Path) -> None:
    spy = tmp_path / "curl"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/seen\nexec {shutil.which("curl")} "$@"\n')
    spy.chmod(0o700)
    (tmp_path / "cron.env").write_text(f"PORTAL_CRON_SECRET={SECRET}\n")
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin", "no_proxy": "*"}
    async with listening() as (base, heard):
        text = crontab([JOBS["expire-vouchers"]], base, env_file=str(tmp_path / "cron.env"))
        await shell(text.splitlines()[-1].split(" ", 5)[5], path)
        service = units([JOBS["expire-vouchers"]], base)[0]
        await shell(service_command(service), {**path, "PORTAL_CRON_SECRET": SECRET})
    assert len(heard) == 2
    for request in heard:
        assert request.startswith(b"POST /api/cron/expire-vouchers HTTP/1.1\r\n")
        assert b"Authorization: Bearer " + SECRET.encode() + b"\r\n" in request
    assert SECRET not in (tmp_path / "seen").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_timers_and_means_the_same_moments(tmp_path: Path) -> None:
    made = units(JOBS.values(), BASE)
    assert [unit.name for unit in made] == [SERVICE, *(f"vocha-job-{name}.timer" for name in JOBS)]
    for unit in made:
        (tmp_path / unit.name).write_text(unit.text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    told = subprocess.run(
        ["systemd-analyze", "calendar", "--base-time=2026-11-21 23:50:00 UTC", *map(calendar, JOBS.values())],
        capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    ).stdout  # fmt: skip
    named = re.findall(r"Next elapse: \w+ (\S+ \S+) UTC", told)
    upcoming = [next_run_at(job, datetime(2026, 11, 21, 23, 50, 0, 1, tzinfo=UTC)) for job in JOBS.values()]
    assert named == [f"{at:%Y-%m-%d %H:%M:%S}" for at in upcoming]
