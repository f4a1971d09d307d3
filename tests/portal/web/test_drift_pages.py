"""Leaks and differences as a shopkeeper meets them: told with their money, repaired by a click, removed only by name."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from portal import drift
from portal.clock import Clock
from portal.db import DB
from portal.drift import Kind
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import leak, looked, main, running
from tests.portal.web.test_routers import events_of, owner, post

__all__ = ["owner"]


async def test_every_sort_of_difference_is_told_with_its_money(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    voucher = await running(cast, vault, at=clock.now())
    reference = await DB.value("SELECT payment_reference FROM vouchers")
    await looked(
        cast, leak(Kind.MISSING, "vocha-1", 2500, voucher), leak(Kind.FREE, "vocha-2", 1000),
        leak(Kind.FOREIGN_ONLINE, "cousin", 700), leak(Kind.BYPASSED, "02:00:00:00:00:01", 0), at=clock.now(),
    )  # fmt: skip
    page = main(await owner.get(f"/routers/{cast.router.id}/drift"))
    for words in (
        "KES 25", "KES 10", "KES 7", f'href="/vouchers/{voucher}">{reference}', "Paid for, but not on the router",
        "Online, though nothing is paid for", "cousin", "Let through without signing in", "How the money is counted",
    ):  # fmt: skip
        assert words in page, words
    everywhere = main(await owner.get("/drift"))
    assert "4 differences, KES 42 at stake" in everywhere
    assert "2 differences can be repaired by one click" in everywhere
    assert "4 differences, KES 42 at stake" in main(await owner.get(f"/routers/{cast.router.id}"))


async def test_a_repair_is_one_click_and_its_result_is_told(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    path = f"/routers/{cast.router.id}/drift"
    left = leak(Kind.FREE, "vocha-2")
    await looked(cast, leak(Kind.MISSING, "vocha-1"), left, at=clock.now())
    assert (await post(owner, f"{path}/repair")).headers["location"] == path
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'look-at-drift'") == 1
    assert [name for name, _ in await events_of(cast.router.id)] == ["repair"]
    page = main(await owner.get(path))
    assert "Repairing" in page
    assert f'hx-get="{path}/report" hx-trigger="every 2s, wake"' in page
    assert "/drift/repair" not in page, "not while it is under way"
    (look_id,) = [row["id"] for row in await DB.fetch("SELECT id FROM drift_looks WHERE done_at IS NULL")]
    await drift.finish(look_id, before=[leak(Kind.MISSING, "vocha-1"), left], after=[left], now=clock.now())
    page = main(await owner.get(path))
    assert "Repaired: 1. Still different: 1." in page
    assert "hx-trigger" not in page, "the final part asks no more"


async def test_repair_all_repairs_only_what_can_be(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    await factories.router(vault, cast.merchant_id, name="Sound")
    await looked(cast, leak(Kind.CHANGED, "vocha-1"), at=clock.now())
    assert (await post(owner, "/drift/repair")).headers["location"] == "/drift"
    wishes = await DB.fetch("SELECT router_id, wish FROM drift_looks WHERE done_at IS NULL")
    assert [tuple(row) for row in wishes] == [(cast.router.id, "repair")]
    assert 'hx-get="/drift/list"' in main(await owner.get("/drift"))
    assert (await post(owner, "/drift/look")).status_code == 303
    assert await DB.value("SELECT count(*) FROM drift_looks WHERE done_at IS NULL") == 2, "and none twice"


async def test_a_foreign_row_goes_only_after_a_page_that_names_it(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    path = f"/routers/{cast.router.id}/drift"
    odd = "a b&c=<d>"
    await looked(cast, leak(Kind.FOREIGN_USER, odd), leak(Kind.MISSING, "vocha-1"), at=clock.now())
    link = re.search(rf'href="({re.escape(path)}/remove\?[^"]+)"', (await owner.get(path)).text)
    assert link
    asked = await owner.get(link[1].replace("&amp;", "&"))
    assert "a b&amp;c=&lt;d&gt;" in main(asked)
    assert await DB.value("SELECT count(*) FROM drift_looks WHERE done_at IS NULL") == 0, "asking is not doing"
    assert (await post(owner, f"{path}/remove", kind="foreign_user", who=odd)).headers["location"] == path
    row = await DB.row("SELECT wish, target FROM drift_looks WHERE done_at IS NULL")
    assert row
    assert (row["wish"], json.loads(row["target"])) == ("remove", {"kind": "foreign_user", "who": odd})
    for kind, who, status in (
        ("missing", "vocha-1", 409), ("foreign_user", "nobody", 409), ("nonsense", odd, 404), ("foreign_user", "", 404)
    ):  # fmt: skip
        assert (await post(owner, f"{path}/remove", kind=kind, who=who)).status_code == status, kind
        assert (await owner.get(f"{path}/remove?{urlencode({'kind': kind, 'who': who})}")).status_code == 404


async def test_what_the_owner_vouches_for_is_no_leak(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    path, row = f"/routers/{cast.router.id}/drift", {"kind": "bypassed", "who": "02:00:00:00:00:01"}
    await looked(cast, leak(Kind.BYPASSED, row["who"]), at=clock.now())
    assert (await post(owner, f"{path}/vouch", **row)).headers["location"] == path
    page = main(await owner.get(path))
    assert "You vouch for these" in page
    assert "As you sold it" in page
    assert "As sold" in main(await owner.get("/drift"))
    assert (await post(owner, f"{path}/doubt", **row)).status_code == 303
    assert "You vouch for these" not in main(await owner.get(path))


@pytest.mark.parametrize(
    ("error", "words"),
    [("no answer within 5 s", "Nobody answers at this address"), ("invalid user name or password (6)", "does not accept our name"),
     (drift.INCOMPLETE, "did not show us everything")],
)  # fmt: skip
async def test_a_look_that_failed_says_why_and_shows_what_was_known(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, error: str, words: str
) -> None:
    await looked(cast, leak(Kind.FOREIGN_ONLINE, "cousin"), at=clock.now() - timedelta(hours=2))
    await looked(cast, at=clock.now(), error=error)
    for path in (f"/routers/{cast.router.id}/drift", "/drift"):
        page = main(await owner.get(path))
        assert words in page, path
        assert ("cousin" in page) == (path != "/drift")
    assert "Could not look" in main(await owner.get(f"/routers/{cast.router.id}"))


async def test_a_router_never_looked_at_and_a_paused_one_say_so(owner: httpx.AsyncClient, cast: Cast) -> None:
    path = f"/routers/{cast.router.id}/drift"
    assert "Not looked at yet" in main(await owner.get(path))
    await DB.fetch("UPDATE routers SET status = 'paused'")
    page = main(await owner.get(path))
    assert "Not looked at while it is paused" in page
    assert "Look now" not in page
    for verb in ("look", "repair"):
        assert (await post(owner, f"{path}/{verb}")).status_code == 409
    await DB.fetch("DELETE FROM routers WHERE id = $1", cast.router.id)
    assert "No router yet" in main(await owner.get("/drift"))
