"""Every answer carries the headers that keep others out, whatever it is an answer to."""

from ipaddress import ip_network

import httpx
import pytest
from litestar import Litestar, get

from portal.app import MAX_BODY_BYTES, create_app
from portal.clock import Clock
from portal.config import Settings
from portal.headers import Inline, Policy, client_address, csp_hash, safe_next
from tests.portal.web.conftest import Cast, browser, sign_in

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def assert_guarded(answer: httpx.Response, *, csp: str = STRICT) -> None:
    headers = answer.headers
    assert headers["content-security-policy"] == csp, answer.url
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


#: A captive page shown to the shop: it carries its style inside, as tests/portal/captive/test_budget.py has it.
OF_CUSTOMERS = {"/settings/branding/preview"}


def plain_paths(app: Litestar) -> list[str]:
    """Every path of the route table that needs nothing filled in."""
    return sorted({route.path for route in app.routes if "{" not in route.path} - OF_CUSTOMERS)


async def test_every_route_is_guarded_signed_out_and_in(app: Litestar, client: httpx.AsyncClient, cast: Cast) -> None:
    paths = plain_paths(app)
    assert {"/home", "/sign-in", "/healthz", "/sales", "/operator"} <= set(paths)
    for path in paths:
        assert_guarded(await client.get(path))
    await sign_in(client, cast.owner)
    for path in paths:
        assert_guarded(await client.get(path))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing/here", 404), ("GET", "/static/none.css", 404), ("DELETE", "/home", 405), ("GET", "/boom", 500),
     ("GET", "/home?days=15", 303), ("OPTIONS", "/healthz", 204), ("POST", "/home", 405)],
)  # fmt: skip
async def test_errors_are_guarded_too(
    db: str, settings: Settings, clock: Clock, method: str, path: str, status: int
) -> None:
    @get("/boom")
    async def boom() -> None:
        raise RuntimeError("a defect")

    async with browser(create_app(settings, clock=clock, routes=[boom])) as client:
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert_guarded(answer)
        if status >= 400:
            assert answer.headers["cache-control"] == "no-store"
            assert "Reference " in answer.text
            assert "a defect" not in answer.text


async def test_a_body_of_more_than_64_kib_is_refused(client: httpx.AsyncClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post("/sign-in", content=b"x" * (MAX_BODY_BYTES + 1), headers=form)
    assert answer.status_code == 413
    assert "too much at once" in answer.text
    assert_guarded(answer)


async def test_static_files_are_guarded_and_cached_for_ever(app: Litestar, client: httpx.AsyncClient) -> None:
    answer = await client.get(app.state["pages"].assets.url("portal.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert_guarded(answer)


async def test_pages_are_never_stored(client: httpx.AsyncClient, cast: Cast) -> None:
    await sign_in(client, cast.owner)
    for path in ("/home", "/home/sales", "/sales", "/routers", "/account"):
        assert (await client.get(path)).headers["cache-control"] == "no-store"


def test_https_adds_strict_transport_security_and_http_does_not() -> None:
    assert Policy(frame_ancestors="'none'", is_https=True).headers["strict-transport-security"]
    assert "strict-transport-security" not in Policy(frame_ancestors="'none'", is_https=False).headers


def test_a_page_widens_its_own_policy_only_by_what_it_names() -> None:
    policy = Policy(frame_ancestors="http://demo.test", is_https=False)
    named = policy.content_security(
        Inline(styles=(csp_hash("a"),), scripts=(csp_hash("b"),)), form_action=("http://10.5.50.1",)
    )
    assert "style-src 'self' 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='" in named
    assert "script-src 'self' 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='" in named
    assert "form-action 'self' http://10.5.50.1;" in named
    assert "frame-ancestors http://demo.test" in named
    assert "unsafe" not in named


@pytest.mark.parametrize(
    "target",
    ["//evil.test", "/\\evil.test", "\\\\evil.test", "https://evil.test", "javascript:alert(1)", "", None, "home",
     "/\tevil", "/ho\nme", "/a\\b", " /home", "///evil.test", "/\x00"],
)  # fmt: skip
def test_only_paths_of_ours_are_gone_on_to(target: str | None) -> None:
    assert safe_next(target) == "/"


def test_a_path_of_ours_is_kept() -> None:
    assert safe_next("/sales?before=12") == "/sales?before=12"


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1, 10.0.0.7"], "198.51.100.1"),
        ("10.0.0.1", ["not an address"], ""),
        ("10.0.0.1", ["fe80::1%" + "a" * 200], ""),
        ("10.0.0.1", [], "10.0.0.1"),
        ("2001:db8::1", ["1.2.3.4"], "2001:db8::1"),
    ],
)
def test_forwarded_addresses_count_only_from_a_trusted_proxy(peer: str, forwarded: list[str], expected: str) -> None:
    class Headers:
        def getall(self, _name: str, _default: list[str]) -> list[str]:
            return forwarded

    class Connection:
        client = type("Client", (), {"host": peer})
        headers = Headers()

    assert client_address(Connection(), [ip_network("10.0.0.0/8")]) == expected  # pyright: ignore[reportArgumentType]
