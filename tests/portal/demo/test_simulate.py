"""`vocha simulate routers` as a process: what it prints, what it costs, how it ends."""

import asyncio
import hashlib
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from routeros.client import HotspotRouter
from routeros.values import RouterAddress, TlsPin


async def _start(*words: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "portal.cli", "simulate", "routers", *words)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env={**os.environ})


async def _lines(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    assert process.stdout
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while not lines or "control" not in lines[-1]:
            lines.append(json.loads(await process.stdout.readline()))
    return lines


async def test_two_hundred_routers_take_ten_seconds_of_work_and_three_hundred_mebibytes() -> None:
    process = await _start("--count", "200", "--tls", "--profile", "ccr")
    lines = await _lines(process)
    assert _worked_s(process.pid) < 10
    assert len(lines) == 201
    assert _peak_kib(process.pid) < 300 * 1024
    one = lines[41]
    address = RouterAddress(
        host=one["api_host"], port=one["api_port"], user=one["api_user"], password=one["api_password"]
    )
    async with HotspotRouter(address) as client:
        assert (await client.identity()).name == one["name"] == "router-042"
    secure = RouterAddress(
        host=one["api_host"],
        port=one["tls_port"],
        user=one["api_user"],
        password=one["api_password"],
        tls=TlsPin(await _fingerprint(one["tls_port"])),
    )
    async with HotspotRouter(secure) as client:
        assert (await client.identity()).name == "router-042"
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(3):
        assert await process.wait() == 0
    await process.communicate()


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def _worked_s(pid: int) -> float:
    """Seconds of processor time: what it costs, however busy the machine is otherwise."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _fingerprint(port: int) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return hashlib.sha256(certificate).hexdigest()


@pytest.mark.parametrize(
    ("words", "says"), [(("--version", "seven"), "seven is no RouterOS version"), (("--profile", "cray"), "cray")]
)
async def test_what_cannot_be_is_said_in_a_line(words: tuple[str, ...], says: str) -> None:
    process = await _start(*words)
    _, errors = await process.communicate()
    assert process.returncode != 0
    assert says in errors.decode()
    assert "Traceback" not in errors.decode()
