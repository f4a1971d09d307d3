"""docs/api.md does what it says: every curl line of it is carried out, and what it shows of answers is what comes back."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from portal.clock import Clock
from portal.vault import Vault
from portal.webhooks import kinds, outbox, signing
from tests import factories
from tests.portal.api.conftest import Programs
from tests.portal.web.conftest import BASE, Cast

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def _lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").strip().split("\n")]


def _request(line: str, known: dict[str, str]) -> tuple[str, str, dict[str, str], bytes]:
    """Method, address, headers and body of a curl line."""
    for name, value in known.items():
        line = line.replace(f"${name}", value)
    words = iter(shlex.split(line))
    assert next(words) == "curl"
    method, url, headers, body = "GET", "", dict[str, str](), b""
    for word in words:
        match word:
            case "-s":
                continue
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                method, body = "POST" if method == "GET" else method, next(words).encode()
            case _:
                url = word
    return method, url, headers, body


async def test_every_example_works_and_shows_what_comes_back(
    programs: Programs, cast: Cast, vault: Vault, clock: Clock
) -> None:
    await factories.mpesa_account(vault)
    await factories.voucher(vault, cast.merchant_id, cast.package_id, status="in_use")
    token = (await programs.token(cast.owner)).token
    known = {"PORTAL": BASE, "TOKEN": token, "ROUTER": str(cast.router.id), "SITE": cast.router.site}
    nobody, said = programs.with_token(None), list[tuple[str, httpx.Response]]()
    for line in _lines():
        method, url, headers, body = _request(line, known)
        answer = await nobody.request(method, url, headers=headers, content=body)
        said.append((line, answer))
        if "captive/packages" in url:
            known["VISIT"] = answer.json()["visit"]
        if "captive/purchase" in url:
            known["PURCHASE"] = answer.json()["id"]
    assert len(said) > 20
    for line, answer in said:
        assert answer.status_code < 300 or ("limit=0" in line and answer.status_code == 422), (line, answer.text)
    shown = _shown()
    assert set(next(shown)) == set(said[0][1].json())
    generated = next(shown)
    assert set(generated["batch"]) == set(said[1][1].json()["batch"])
    assert next(shown)["errors"] == said[-1][1].json()["errors"]
    assert clock.now()


def _shown() -> Iterator[dict[str, Any]]:
    for block in re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL):
        yield msgspec.json.decode(block)


def test_every_kind_of_message_and_every_pause_is_named() -> None:
    named = {f"{noun}{verb}" for noun, rest in re.findall(r"`(\w+)(\.\w+)`", TEXT) for verb in [rest]}
    for line in re.findall(r"`(\w+)\.(\w+)`((?:, `\.\w+`)+)", TEXT):
        named |= {f"{line[0]}{verb}" for verb in re.findall(r"`(\.\w+)`", line[2])}
    assert set(kinds.KINDS) <= named
    pauses = [5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]
    assert list(outbox.PAUSES_S) == pauses


def test_the_receivers_recipe_takes_ours_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)[1], recipe)  # type: ignore[index]
    monkeypatch.setattr(recipe["time"], "time", lambda: 1_795_176_004.0)
    secret, body = signing.new_secret(), b'{"type":"webhook.test"}'
    headers = signing.headers([secret, signing.new_secret()], "msg_1_1", at_s=1_795_176_000, body=body)
    assert recipe["is_ours"](secret, headers, body)
    assert not recipe["is_ours"](signing.new_secret(), headers, body)
    assert not recipe["is_ours"](secret, headers, body + b" ")


def test_a_signature_is_the_one_the_standard_shows() -> None:
    # Standard Webhooks, specification 1.0, "Signature scheme": its own example.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    told = signing.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at_s=1_614_265_330, body=body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
