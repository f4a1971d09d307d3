"""Who may see and press what on reports, choices and vouchers: strangers nothing, cashiers look, managers all; nothing a router
tells is markup, and every page speaks Swahili."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.drift import Kind
from portal.vault import Vault
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.report_rows import leak, looked, outage_of, running, snapshot
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


CANARY = "<img src=x onerror=alert(1)>\"'"


#: Addresses of the merchant's, with what to put in; {o} outage, {v} voucher, {r} router.
LOOKS = (
    "/drift", "/drift/list", "/outages", "/outages/{o}", "/vouchers/{v}", "/routers/{r}/drift", "/routers/{r}/drift/report",
    "/routers/{r}/outages", "/routers/{r}/settings", "/routers/{r}/settings/compare?one={a}&other={b}",
)  # fmt: skip
FORMS = ("/settings/time", "/routers/{r}/drift/remove?kind=foreign_user&who=cousin")
BUTTONS = (
    "/drift/look", "/drift/repair", "/settings/time", "/outages/{o}/credit",
    *(f"/routers/{{r}}/drift/{verb}" for verb in ("look", "repair", "remove", "vouch", "doubt")),
)  # fmt: skip
#: What whoever sells may press.
SALES = ("/vouchers/{v}/code",)
FIELDS = {"kind": "foreign_user", "who": "cousin", "outage_credit": "never", "early_end": "end"}


@pytest.fixture
async def places(cast: Cast, vault: Vault, clock: Clock) -> dict[str, int]:
    """One of everything, so that every address shows something."""
    now = clock.now()
    voucher = await running(cast, vault, at=now - timedelta(hours=9))
    outage = await outage_of(cast, began=now - timedelta(hours=3), ended=now - timedelta(hours=2))
    await looked(cast, leak(Kind.FOREIGN_USER, "cousin"), leak(Kind.MISSING, "vocha-1", 1, voucher), at=now)
    first = await snapshot(cast, at=now - timedelta(days=2), identity="a")
    return {"o": outage, "v": voucher, "r": cast.router.id, "a": first, "b": await snapshot(cast, at=now, identity="b")}


async def test_strangers_find_nothing_and_change_nothing(app: Litestar, cast: Cast, places: dict[str, int]) -> None:
    nobodys = dict.fromkeys(places, 999_999)
    reference = re.compile(r"[0-9a-f]{4}-[0-9a-f]{4}")
    counted = (
        "SELECT (SELECT count(*) FROM drift_looks), (SELECT count(*) FROM events), (SELECT count(*) FROM known_rows)"
    )
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        before = tuple(await DB.row(counted) or ())
        for path in (*LOOKS, *FORMS):
            if "{" not in path:
                continue
            theirs, missing = await rival.get(path.format(**places)), await rival.get(path.format(**nobodys))
            assert theirs.status_code == missing.status_code == 404, path
            assert reference.sub("", theirs.text) == reference.sub("", missing.text), path
        for path in (*BUTTONS, *SALES):
            if "{" in path:
                assert (await post(rival, path.format(**places), **FIELDS)).status_code == 404, path
        assert tuple(await DB.row(counted) or ()) == before
        assert "cousin" not in (await rival.get("/drift")).text
        assert "Main shop" not in (await rival.get("/drift")).text
        assert "Main shop" not in (await rival.get("/outages")).text


@pytest.mark.parametrize("role", ["cashier", "viewer"])
async def test_cashiers_and_viewers_look_and_change_nothing(
    app: Litestar, cast: Cast, places: dict[str, int], role: str
) -> None:
    await DB.fetch("UPDATE memberships SET role = $1 WHERE role = 'cashier'", role)
    counted = (
        "SELECT (SELECT count(*) FROM drift_looks), (SELECT count(*) FROM events), (SELECT count(*) FROM known_rows)"
    )
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        before = tuple(await DB.row(counted) or ())
        for path in LOOKS:
            page = await client.get(path.format(**places))
            assert page.status_code == 200, path
            forms = re.findall(r'method="post" action="([^"]*)"', page.text.split("<main")[-1])
            sells = [way.format(**places) for way in SALES if way.startswith(path) and role == "cashier"]
            deeds = [f"{path.format(**places)}/{deed}" for deed in ("send", "stack", "move")] if sells else []
            assert set(sells) <= set(forms) <= {*sells, *deeds}, path
            assert '/settings/time"' not in page.text.replace(f'/routers/{cast.router.id}/settings"', ""), path
        for path in FORMS:
            assert (await client.get(path.format(**places))).status_code == 403, path
        for path in BUTTONS:
            assert (await post(client, path.format(**places), **FIELDS)).status_code == 403, path
        for path in SALES if role == "viewer" else ():
            assert (await post(client, path.format(**places))).status_code == 403, path
        assert tuple(await DB.row(counted) or ()) == before
        assert "/settings/time" not in (await client.get("/account")).text


async def test_managers_may_press_every_button(app: Litestar, cast: Cast, places: dict[str, int]) -> None:
    await DB.fetch("UPDATE memberships SET role = 'manager' WHERE role = 'cashier'")
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        for path in (*LOOKS, *FORMS):
            assert (await client.get(path.format(**places))).status_code == 200, path
        for path in BUTTONS:
            await DB.fetch("UPDATE drift_looks SET done_at = asked_at WHERE done_at IS NULL")
            await looked(cast, leak(Kind.FOREIGN_USER, "cousin"), at=Clock().now())
            assert (await post(client, path.format(**places), **FIELDS)).status_code == 303, path
        for path in SALES:
            assert (await post(client, path.format(**places))).status_code == 200, path


async def test_nothing_a_router_tells_is_markup(
    owner: httpx.AsyncClient, cast: Cast, places: dict[str, int], clock: Clock
) -> None:
    await DB.fetch("UPDATE routers SET name = $1", CANARY)
    await DB.fetch("UPDATE vouchers SET terms = terms || jsonb_build_object('name', $1::text)", CANARY)
    await DB.fetch("UPDATE users SET name = $1", CANARY)
    await post(owner, f"/outages/{places['o']}/credit")
    await looked(
        cast, leak(Kind.FOREIGN_USER, CANARY), leak(Kind.SURPLUS, CANARY), at=clock.now(), wish="remove",
        target=json.dumps({"kind": "foreign_user", "who": CANARY}),
    )  # fmt: skip
    odd = await snapshot(cast, at=clock.now(), **{CANARY: CANARY, "identity": CANARY})
    for path in (*LOOKS, f"/routers/{{r}}/drift/remove?{urlencode({'kind': 'foreign_user', 'who': CANARY})}"):
        answer = await owner.get(path.format(**places | {"b": odd}))
        assert answer.status_code == 200, path
        assert "<img" not in answer.text, path


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_the_parts_look_the_same_alone_and_in_their_page(
    owner: httpx.AsyncClient, cast: Cast, places: dict[str, int], language: str
) -> None:
    for page, part in (("/drift", "/drift/list"), ("/routers/{r}/drift", "/routers/{r}/drift/report")):
        whole, alone = [
            re.sub(r'name="_csrf" value="[^"]*"', "", (await owner.get(f"{path.format(**places)}?l={language}")).text)
            for path in (page, part)
        ]
        assert alone.strip() in whole, part


async def test_every_page_speaks_swahili(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    english = re.compile(
        r"\b(the router|Outages|Settings|Leaks|Look now|Repair|at stake|What happened|Nothing|you sold)\b"
    )
    for path in (*LOOKS, *FORMS):
        address = path.format(**places)
        text = main_or_all((await owner.get(f"{address}{'&' if '?' in address else '?'}l=sw")).text)
        assert not english.search(text), (path, english.search(text))


def main_or_all(text: str) -> str:
    return text.split("<main", 1)[-1]
