"""`vocha demo --json` as a script meets it: one line, a sign-in that works, and an end that leaves nothing behind."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

START_S, END_S = 30.0, 3.0


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """The command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "portal.cli", "demo", "--json", "--data-dir", str(folder), *more],
        cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """A running demo and what it printed."""
    process = start(tmp_path_factory.mktemp("demo"), "--port", "0")
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_the_line_tells_all_and_the_sign_in_works(demo: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    told = demo[1]
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=10) as browser:
        for who in ("merchant", "operator"):
            browser.cookies.clear()
            form = browser.get(f"{told['portal']}/sign-in")
            token = re.search(r'name="_csrf"[^>]*value="([^"]+)"', form.text)
            assert token, form.text
            fields = {
                "email": told[f"{who}_email"],
                "password": told[f"{who}_password"],
                "_csrf": token[1],
                "next": "/",
            }
            assert browser.post(f"{told['portal']}/sign-in", data=fields).url.path != "/sign-in"
        assert browser.get(told["demo_page"]).status_code == 200
        assert browser.get(f"{told['mpesa']}/_sim/phones").status_code == 200


def test_every_router_of_the_line_can_be_reached_but_the_one_that_is_off(
    demo: tuple[subprocess.Popen[str], dict[str, list[dict[str, str]]]],
) -> None:
    routers = demo[1]["routers"]
    assert [router["name"] for router in routers] == ["Main shop", "Rooftop", "Mama Njeri"]
    for router in routers:
        assert set(router) == {
            "name", "api_host", "api_port", "api_user", "api_password", "hotspot_proxy", "captive_url",
        }  # fmt: skip
        with socket.socket() as api:
            reached = api.connect_ex((router["api_host"], int(router["api_port"]))) == 0
        assert reached == (router["name"] != "Mama Njeri")
        assert httpx.get(router["captive_url"], trust_env=False).status_code == 200
        with httpx.Client(proxy=router["hotspot_proxy"], trust_env=False) as phone:
            assert phone.get("http://news.example/").status_code in (200, 302)


def test_a_second_demo_on_the_same_folder_or_port_says_what_to_do(
    demo: tuple[subprocess.Popen[str], dict[str, str]], tmp_path: Path
) -> None:
    taken = demo[1]["portal"].rpartition(":")[2]
    second = start(tmp_path, "--port", taken)
    out, said = second.communicate(timeout=START_S)
    assert second.returncode == 1
    assert out == ""
    assert f"Port {taken} is taken" in said
    assert f"--port {int(taken) + 1}" in said
    assert list(tmp_path.iterdir()) == [], "a demo that cannot start leaves nothing behind"


def test_sigterm_ends_it_all_at_once_and_the_line_was_the_only_output(
    demo: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    process, told = demo
    assert isinstance(process.args, list)
    folder = Path(process.args[process.args.index("--data-dir") + 1])
    assert len(_processes_on(folder)) >= 2
    with httpx.Client(trust_env=False) as browser:
        browser.get(told["demo_page"])  # a kept connection must not hold up the end
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(END_S)
    assert time.monotonic() - began < END_S
    assert process.returncode == 0
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == ""
    assert process.stderr.read() == ""
    assert _processes_on(folder) == []


def _processes_on(folder: Path) -> list[str]:
    """Processes that name the demo's folder: the demo itself and its database."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(folder) in command:
                found.append(command)
    return found
