"""How many were taken off a router, day by day, on its page; and when its people want to hear that it is away."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx

from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.routers import endings
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

ZONE = ZoneInfo("Africa/Nairobi")


async def test_the_week_is_counted_in_the_merchants_days_and_only_for_its_own_router(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock, vault: Vault
) -> None:
    package = await factories.package(cast.merchant_id)
    for back, status in ((0, "gone"), (0, "gone"), (2, "gone"), (9, "gone"), (0, "ending")):
        voucher = await factories.voucher(vault, cast.merchant_id, package, status="expired")
        grant = await factories.grant(vault, cast.merchant_id, cast.router.id, voucher, status=status)
        ended = clock.now() - timedelta(days=back)
        tries = 2 if status == "ending" else 0
        await DB.value(
            "UPDATE access_grants SET ended_at = $2, tries = $3 WHERE id = $1 RETURNING id", grant, ended, tries
        )
    asked = Actor(
        user_id=1, merchant_id=cast.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@x.test"
    )
    rival = Actor(user_id=2, merchant_id=cast.rival_id, role=Role.OWNER, is_operator=False, name="B", email="b@x.test")
    from_zone = main(await owner.get(f"/routers/{cast.router.id}"))
    assert "Taken off, seven days" in from_zone
    assert "1 person should be off and the router did not do it" in from_zone
    week = await endings.endings_of(asked, cast.router.id, zone=ZONE, now=clock.now())
    assert [each.taken_off for each in week.days] == [2, 0, 1, 0, 0, 0, 0]
    assert (week.taken_off, week.waiting, week.refused) == (3, 1, 1)
    theirs = await endings.endings_of(rival, cast.router.id, zone=ZONE, now=clock.now())
    assert (theirs.taken_off, theirs.waiting) == (0, 0)


async def test_when_to_hear_of_a_router_away_is_a_choice_and_kept(owner: httpx.AsyncClient, cast: Cast) -> None:
    assert "A router does not answer. When do we tell you?" in main(await owner.get("/settings/time"))
    await post(owner, "/settings/time", away_alert_min="60")
    row = await DB.row("SELECT away_alert_min, outage_credit FROM merchants WHERE id = $1", cast.merchant_id)
    assert row
    assert tuple(row) == (60, "auto")
    assert (await post(owner, "/settings/time", away_alert_min="7")).status_code == 422
    assert "After an hour" in main(await owner.get("/settings/time"))
