"""The merchant's choices, and a router's settings as the checkups saw them."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest

from portal.clock import Clock
from portal.db import DB
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import main, snapshot
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]


async def test_choices_are_kept_and_told_with_who_made_them(owner: httpx.AsyncClient, cast: Cast) -> None:
    page = main(await owner.get("/settings/time"))
    assert "Nothing was changed yet" in page
    assert re.search(r'value="auto" class="of-auto" checked', page)
    answer = await post(owner, "/settings/time", outage_credit="ask", early_end="end")
    assert answer.headers["location"] == "/settings/time?saved=true"
    row = await DB.row("SELECT outage_credit, early_end FROM merchants WHERE id = $1", cast.merchant_id)
    assert row
    assert tuple(row) == ("ask", "end")
    page = main(await owner.get("/settings/time?saved=true"))
    assert "Saved." in page
    assert page.count("Amina W.") == 2
    event = await DB.row("SELECT name, actor, data FROM events WHERE entity = 'merchants'")
    assert event
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    assert (event["name"], event["actor"]) == ("settings", f"user:{user}")
    assert json.loads(event["data"]) == {"outage_credit": ["auto", "ask"], "early_end": ["keep", "end"]}
    await post(owner, "/settings/time", outage_credit="ask", early_end="end")
    assert await DB.value("SELECT count(*) FROM events WHERE entity = 'merchants'") == 1, (
        "nothing changed, nothing noted"
    )
    theirs = await DB.value("SELECT outage_credit FROM merchants WHERE id = $1", cast.rival_id)
    assert theirs == "auto"


@pytest.mark.parametrize("wrong", [{"outage_credit": "always"}, {"early_end": ""}])
async def test_what_is_no_choice_is_refused(owner: httpx.AsyncClient, cast: Cast, wrong: dict[str, str]) -> None:
    answer = await post(owner, "/settings/time", **{"outage_credit": "never", "early_end": "keep"} | wrong)
    assert answer.status_code == 422
    assert "Choose one of these." in main(answer)
    assert await DB.value("SELECT outage_credit FROM merchants WHERE id = $1", cast.merchant_id) == "auto"


async def test_two_snapshots_are_compared_item_by_item(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    path, now = f"/routers/{cast.router.id}/settings", clock.now()
    assert "Nothing seen yet" in main(await owner.get(path))
    old = await snapshot(
        cast, at=now - timedelta(days=3), walled_garden_hosts="a.example, b.example", licence="4", zone="UTC"
    )
    new = await snapshot(
        cast, at=now, walled_garden_hosts="b.example, evil.example", licence="4", identity="shop", zone="Africa/Nairobi"
    )
    page = main(await owner.get(path))
    assert "3 settings changed" in page
    assert "the first we have" in page
    for order in ({"one": old, "other": new}, {"one": new, "other": old}):
        page = main(await owner.get(f"{path}/compare?{urlencode(order)}"))
        assert re.findall(r"<del>(.*?)</del>", page) == ["a.example", "UTC"]
        assert re.findall(r"<ins>(.*?)</ins>", page) == ["shop", "evil.example", "Africa/Nairobi"]
        assert "Licence" not in page
    assert "You chose the same one twice" in main(await owner.get(f"{path}/compare?one={old}&other={old}"))
    for query in ("", f"?one={old}", f"?one={old}&other=999999"):
        assert (await owner.get(f"{path}/compare{query}")).status_code == 404


async def test_the_checkup_tells_what_changed_since_yesterday(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    now = clock.now()
    await snapshot(cast, at=now - timedelta(days=2), identity="a", licence="1")
    await snapshot(cast, at=now - timedelta(days=1), identity="a", licence="4")
    path = f"/routers/{cast.router.id}/doctor"
    await snapshot(cast, at=now - timedelta(seconds=1), identity="b", licence="4")
    await snapshot(cast, at=now, identity="b", licence="4")
    page = (await owner.get(path)).text
    assert "1 setting changed since yesterday" in page
    assert "<del>a</del>" in page
    await DB.fetch("DELETE FROM router_checks WHERE at < $1", now - timedelta(hours=1))
    page = (await owner.get(path)).text
    assert "No setting changed since" in page
