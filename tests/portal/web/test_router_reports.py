"""Leaks, outages, snapshots, a voucher's history and the merchant's choices: every page, every button, and who may press it."""

import json
import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from portal import drift, outages
from portal.clock import Clock
from portal.db import DB
from portal.drift import Finding, Kind
from portal.identity import Actor, Role
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.test_routers import events_of, post

CANARY = "<img src=x onerror=alert(1)>\"'"


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def looked(
    cast: Cast, *found: Finding, at: datetime, wish: str = "look", error: str = "", **columns: object
) -> None:
    """A look that is done."""
    stored = msgspec.json.encode(found).decode()
    values = {"before": stored, "after": stored, "target": "{}"} | columns
    await DB.fetch(
        """INSERT INTO drift_looks (merchant_id, router_id, wish, target, asked_by, asked_at, done_at, error, before, after)
           VALUES ($1, $2, $3, $4::jsonb, 'job:drift-routers', $5, $5, $6, $7::jsonb, $8::jsonb)""",
        cast.merchant_id, cast.router.id, wish, values["target"], at, error, values["before"], values["after"],
    )  # fmt: skip


def leak(kind: Kind, who: str, cents: int = 5000, voucher_id: int | None = None) -> Finding:
    return Finding(kind=kind, who=who, at_stake_cents=cents, voucher_id=voucher_id)


async def outage_of(cast: Cast, *, began: datetime, ended: datetime | None, credited: datetime | None = None) -> int:
    return await DB.value(
        """INSERT INTO router_outages (merchant_id, router_id, began_at, ended_at, credited_at)
           VALUES ($1, $2, $3, $4, $5) RETURNING id""",
        cast.merchant_id, cast.router.id, began, ended, credited,
    )  # fmt: skip


async def running(cast: Cast, vault: Vault, *, at: datetime) -> int:
    """A voucher in use on the router since a moment, for a day. Returns its id."""
    voucher = await factories.voucher(
        vault, cast.merchant_id, cast.package_id, status="in_use", router_id=cast.router.id, paid_at=at, started_at=at,
        expires_at=at + timedelta(days=1),
    )  # fmt: skip
    await factories.grant(vault, cast.merchant_id, cast.router.id, voucher, status="present")
    return voucher


async def snapshot(cast: Cast, *, at: datetime, **settings: str) -> int:
    return await DB.value(
        """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
           VALUES ($1, $2, $3, 'ok', '[]', $4::jsonb) RETURNING id""",
        cast.merchant_id, cast.router.id, at, json.dumps({name.replace("_", " "): value for name, value in settings.items()}),
    )  # fmt: skip


def main(answer: httpx.Response) -> str:
    """What stands on the page itself, its white space folded."""
    return re.sub(r"\s+", " ", answer.text.split("<main", 1)[1].split("</main>", 1)[0]).replace("\xa0", " ")


# Leaks and differences


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


# Outages


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


# Vouchers


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


# Choices


async def test_choices_are_kept_and_told_with_who_made_them(owner: httpx.AsyncClient, cast: Cast) -> None:
    page = main(await owner.get("/settings"))
    assert "Nothing was changed yet" in page
    assert re.search(r'value="auto" class="of-auto" checked', page)
    answer = await post(owner, "/settings", outage_credit="ask", early_end="end")
    assert answer.headers["location"] == "/settings?saved=true"
    row = await DB.row("SELECT outage_credit, early_end FROM merchants WHERE id = $1", cast.merchant_id)
    assert row
    assert tuple(row) == ("ask", "end")
    page = main(await owner.get("/settings?saved=true"))
    assert "Saved." in page
    assert page.count("Amina W.") == 2
    event = await DB.row("SELECT name, actor, data FROM events WHERE entity = 'merchants'")
    assert event
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    assert (event["name"], event["actor"]) == ("settings", f"user:{user}")
    assert json.loads(event["data"]) == {"outage_credit": ["auto", "ask"], "early_end": ["keep", "end"]}
    await post(owner, "/settings", outage_credit="ask", early_end="end")
    assert await DB.value("SELECT count(*) FROM events WHERE entity = 'merchants'") == 1, (
        "nothing changed, nothing noted"
    )
    theirs = await DB.value("SELECT outage_credit FROM merchants WHERE id = $1", cast.rival_id)
    assert theirs == "auto"


@pytest.mark.parametrize("wrong", [{"outage_credit": "always"}, {"early_end": ""}])
async def test_what_is_no_choice_is_refused(owner: httpx.AsyncClient, cast: Cast, wrong: dict[str, str]) -> None:
    answer = await post(owner, "/settings", **{"outage_credit": "never", "early_end": "keep"} | wrong)
    assert answer.status_code == 422
    assert "Choose one of these." in main(answer)
    assert await DB.value("SELECT outage_credit FROM merchants WHERE id = $1", cast.merchant_id) == "auto"


# Snapshots


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


# Who may


#: Addresses of the merchant's, with what to put in; {o} outage, {v} voucher, {r} router.
LOOKS = (
    "/drift", "/drift/list", "/outages", "/outages/{o}", "/vouchers/{v}", "/routers/{r}/drift", "/routers/{r}/drift/report",
    "/routers/{r}/outages", "/routers/{r}/settings", "/routers/{r}/settings/compare?one={a}&other={b}",
)  # fmt: skip
FORMS = ("/settings", "/routers/{r}/drift/remove?kind=foreign_user&who=cousin")
BUTTONS = (
    "/drift/look", "/drift/repair", "/settings", "/outages/{o}/credit",
    *(f"/routers/{{r}}/drift/{verb}" for verb in ("look", "repair", "remove", "vouch", "doubt")),
)  # fmt: skip
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


async def test_this_matrix_covers_the_route_table(app: Litestar) -> None:
    ours = re.compile(r"^/(drift|outages|vouchers|settings|routers/\{router_id:int\}/(drift|outages|settings))")
    found = {
        (str(method), re.sub(r"\{(\w)\w*:int\}", r"{\1}", route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute) and ours.match(route.path)
        for method in set(route.methods) - {"OPTIONS", "HEAD"}
    }
    listed = {("GET", path.split("?")[0]) for path in (*LOOKS, *FORMS)} | {("POST", path) for path in BUTTONS}
    assert found == listed


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
        for path in BUTTONS:
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
            assert 'method="post"' not in page.text.split("<main")[-1], path
            assert '/settings"' not in page.text.replace(f'/routers/{cast.router.id}/settings"', ""), path
        for path in FORMS:
            assert (await client.get(path.format(**places))).status_code == 403, path
        for path in BUTTONS:
            assert (await post(client, path.format(**places), **FIELDS)).status_code == 403, path
        assert tuple(await DB.row(counted) or ()) == before
        assert "/settings" not in (await client.get("/account")).text


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
