"""Outages, and a voucher's history, in which they show: who is asked, who gets what, and what is told."""

import re
from datetime import timedelta

import httpx
import pytest

from portal import outages
from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import main, outage_of, running
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


async def test_an_outage_waits_for_a_click_and_then_tells_who_got_what(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    await DB.fetch("UPDATE merchants SET outage_credit = 'ask'")
    voucher = await running(cast, vault, at=clock.now() - timedelta(hours=5))
    before = await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", voucher)
    outage = await outage_of(
        cast, began=clock.now() - timedelta(hours=3), ended=clock.now() - timedelta(hours=2, minutes=20)
    )
    for path in ("/outages", f"/routers/{cast.router.id}/outages"):
        page = main(await owner.get(path))
        assert "To decide" in page
        assert "40 minutes" in page
    assert "1 to decide" in main(await owner.get("/routers"))
    page = main(await owner.get(f"/outages/{outage}"))
    assert "1 customer would get time back, 40 minutes in all." in page
    assert (await post(owner, f"/outages/{outage}/credit")).headers["location"] == f"/outages/{outage}"
    page = main(await owner.get(f"/outages/{outage}"))
    assert "The time was given back" in page
    assert "Give the time back" not in page
    assert f'href="/vouchers/{voucher}"' in page
    assert "+ 40 minutes" in page
    assert "by Amina W." in page
    after = await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", voucher)
    assert after - before == timedelta(minutes=40)
    page = main(await owner.get(f"/vouchers/{voucher}"))
    assert 'Time given back for an outage <b class="num">+ 40 minutes</b>' in page
    assert f'href="/outages/{outage}"' in page
    assert (await post(owner, f"/outages/{outage}/credit")).status_code == 303
    assert await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", voucher) == after, "once"


async def test_what_is_foretold_is_what_is_given(cast: Cast, vault: Vault, clock: Clock) -> None:
    now = clock.now()
    for hours in (1, 3, 30):
        await running(cast, vault, at=now - timedelta(hours=hours))
    outage = await outage_of(cast, began=now - timedelta(hours=4), ended=now - timedelta(minutes=90))
    foretold = await outages.foretell(outage, merchant_id=cast.merchant_id)
    assert foretold == (2, 90 * 60 + 150 * 60), "who started after it lost nothing"
    assert await outages.give_back(outage, now=now, by="user:1") == foretold[0]
    assert await DB.value("SELECT sum(seconds) FROM outage_credits") == foretold[1]
    assert await outages.foretell(outage, merchant_id=cast.rival_id) == (0, 0)


@pytest.mark.parametrize(
    ("choice", "ended", "credited", "words"),
    [("auto", 10, False, "Being given back"), ("never", 10, False, "Not given back"), ("ask", 10, False, "To decide"),
     ("auto", None, False, "Lasts"), ("auto", 10, True, "Nobody lost time")],
)  # fmt: skip
async def test_each_state_of_an_outage_has_its_word(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, choice: str, ended: int | None, credited: bool, words: str
) -> None:
    now = clock.now()
    await DB.fetch("UPDATE merchants SET outage_credit = $1", choice)
    outage = await outage_of(
        cast, began=now - timedelta(minutes=50), ended=now - timedelta(minutes=ended) if ended else None,
        credited=now if credited else None,
    )  # fmt: skip
    assert words in main(await owner.get("/outages"))
    page = main(await owner.get(f"/outages/{outage}"))
    assert "Give the time back" not in page, "nobody lost anything, or it is not asked for"
    assert ("The router is still away." in page) == (ended is None)


async def test_downtime_is_counted_within_its_days(cast: Cast, clock: Clock) -> None:
    now = clock.now()
    await DB.fetch("UPDATE routers SET created_at = $1", now - timedelta(days=300))
    for began, ended in ((40, 29), (2, 1.5), (0.5, None)):
        await outage_of(cast, began=now - timedelta(days=began), ended=now - timedelta(days=ended) if ended else None)
    await outage_of(cast, began=now - timedelta(seconds=99), ended=now - timedelta(seconds=40))  # nobody notices
    actor = _actor(cast)
    (told,) = await outages.downtimes(actor, days=30, now=now)
    assert (told.outages, told.seconds) == (3, 2 * 86_400)
    assert told.share == pytest.approx(2 / 30)


def _actor(cast: Cast) -> Actor:
    return Actor(
        user_id=1, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@x.test"
    )


async def test_outages_are_paged(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    assert "No outages" in main(await owner.get("/outages"))
    for hours in range(23, 0, -1):
        began = clock.now() - timedelta(hours=hours)
        await outage_of(cast, began=began, ended=began + timedelta(minutes=5))
    first = await owner.get("/outages")
    link = re.search(r'href="(/outages\?before=\d+)"', first.text)
    assert link
    second = await owner.get(link[1])
    seen = [re.findall(r'id="outage-(\d+)"', page.text) for page in (first, second)]
    assert (len(seen[0]), len(seen[1])) == (20, 3)
    assert not set(seen[0]) & set(seen[1])


async def test_a_vouchers_page_tells_its_story_and_hides_its_code(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now(), receipt="SKL4H7T2QX")
    await rows.access(paid, vault, at=clock.now())
    voucher = await DB.row("SELECT id, payment_reference FROM vouchers")
    assert voucher
    sealed = vault.seal("vouchers", "code_sealed", row_id=voucher["id"], plaintext="K7QM2XWP4H")
    await DB.fetch("UPDATE vouchers SET code_sealed = $1", sealed)
    await DB.fetch(
        """INSERT INTO events (merchant_id, entity, entity_id, name, was, became, actor, data, at)
           VALUES ($1, 'vouchers', $2, 'start', 'paid', 'in_use', 'job:sync-routers', '{}', $3),
                  ($1, 'vouchers', $2, 'expire', 'in_use', 'expired', 'job:sync-routers', '{"why": "data"}', $3)""",
        cast.merchant_id, voucher["id"], clock.now(),
    )  # fmt: skip
    answer = await owner.get(f"/vouchers/{voucher['id']}")
    page = main(answer)
    for words in (
        voucher["payment_reference"], "•••••-•••4H", "First login, its time runs", "All its data is used up.", "In use",
        "Online now", "SKL4H7T2QX", "0712 ••• 678",
    ):  # fmt: skip
        assert words in page, words
    assert "K7QM" not in answer.text
    assert factories.PHONE not in answer.text
    path = f"/routers/{cast.router.id}"
    assert f'href="/vouchers/{voucher["id"]}"' in (await owner.get(path)).text
    await DB.fetch("UPDATE vouchers SET code_sealed = '-'")
    assert "••••••••" in main(await owner.get(f"/vouchers/{voucher['id']}"))


async def test_a_voucher_nobody_used_has_an_empty_page(owner: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id, status="unsold")
    page = main(await owner.get(f"/vouchers/{voucher}"))
    assert "Nothing yet" in page
    assert "Never online" in page
