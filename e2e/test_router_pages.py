"""axe finds nothing on leaks, outages, settings seen, vouchers and the merchant's choices: with data, empty and in trouble,
light and dark, English and Swahili, desk and phone. And a leak is found, vouched for and ended without JavaScript."""

import json
from datetime import timedelta

import msgspec
import pytest
from playwright.async_api import Page, ViewportSize, expect

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.surroundings import until
from e2e.test_accessibility import LANGUAGES, look
from portal.clock import Clock
from portal.db import DB
from portal.drift import Finding, Kind
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.web import rows

LONG = "a-rather-long-user-name-that-somebody-typed-in-winbox-0123456789"


async def looked(shop: Shop, router_id: int, found: list[Finding], clock: Clock, **columns: str) -> None:
    """A look that is done, or with `done=""` under way."""
    stored = msgspec.json.encode(found).decode()
    values = {"wish": "look", "error": "", "before": stored, "done": "yes", "target": "{}"} | columns
    await DB.fetch(
        """INSERT INTO drift_looks (merchant_id, router_id, wish, target, asked_by, asked_at, done_at, error, before, after)
           VALUES ($1, $2, $3, $8::jsonb, 'job:drift-routers', $4, $5, $6, $7::jsonb, $9::jsonb)""",
        shop.merchant_id, router_id, values["wish"], clock.now(), clock.now() if values["done"] else None, values["error"],
        values["before"], values["target"], stored,
    )  # fmt: skip


async def fill(shop: Shop, vault: Vault, clock: Clock) -> dict[str, int]:
    """A router with everything there is to tell, and others in trouble. Ids by name."""
    now, router = clock.now(), shop.router.id
    for minutes in (400, 300, 200):
        paid = await rows.payment(
            shop.router, shop.packages["1 day"], at=now - timedelta(minutes=minutes), receipt=f"SKL4H7T{minutes}"
        )
        await rows.access(paid, vault, at=now - timedelta(minutes=minutes), is_open=minutes == 200)
    vouchers = [row["id"] for row in await DB.fetch("SELECT id FROM vouchers ORDER BY id")]
    for name, was, became, data in (
        ("start", "paid", "in_use", {}), ("session_ended", None, None, {}),
        ("time_given_back", None, None, {"seconds": 2460, "outage": 1}), ("expire", "in_use", "expired", {"why": "uptime"}),
    ):  # fmt: skip
        await DB.fetch(
            """INSERT INTO events (merchant_id, entity, entity_id, name, was, became, actor, data, at)
               VALUES ($1, 'vouchers', $2, $3, $4, $5, 'user:1', $6::jsonb, $7)""",
            shop.merchant_id, vouchers[0], name, was, became, json.dumps(data), now,
        )  # fmt: skip
    outages: list[int] = []
    for days, minutes in ((9, 4), (3, 190), (0, 41)):
        began = now - timedelta(days=days, minutes=minutes + 60)
        outages.append(
            await DB.value(
                "INSERT INTO router_outages (merchant_id, router_id, began_at, ended_at) VALUES ($1, $2, $3, $4) RETURNING id",
                shop.merchant_id, router, began, began + timedelta(minutes=minutes),
            )
        )  # fmt: skip
    await DB.fetch(
        """INSERT INTO outage_credits (merchant_id, outage_id, voucher_id, seconds, created_at)
           SELECT $1, $2, id, 2460, $3 FROM vouchers""",
        shop.merchant_id, outages[1], now,
    )  # fmt: skip
    await DB.fetch("UPDATE router_outages SET credited_at = $2, credited_by = 'user:1' WHERE id = $1", outages[1], now)
    snapshots: list[int] = []
    garden = "cdn.example, pay.example.co.ke"
    for days, facts in (
        (3, {"identity": "MikroTik", "service telnet": "port 23 for everybody", "walled garden hosts": garden}),
        (
            0,
            {
                "identity": "Main shop",
                "service telnet": "off",
                "walled garden hosts": f"{garden}, evil-with-a-long-name.example.com",
            },
        ),
    ):
        snapshots.append(
            await DB.value(
                """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
                   VALUES ($1, $2, $3, 'ok', '[{"code": "fine", "severity": "ok", "params": {}, "fix": ""}]', $4::jsonb)
                   RETURNING id""",
                shop.merchant_id, router, now - timedelta(days=days), json.dumps(facts),
            )
        )  # fmt: skip
    found = [
        Finding(kind=Kind.MISSING, who="vocha-1", at_stake_cents=4200, voucher_id=vouchers[0]),
        Finding(kind=Kind.CHANGED, who="vocha-2", at_stake_cents=1000, voucher_id=vouchers[1]),
        Finding(kind=Kind.FREE, who="vocha-0123456789abcdef", at_stake_cents=5000),
        Finding(kind=Kind.FOREIGN_ONLINE, who=LONG, at_stake_cents=15000),
        Finding(kind=Kind.FOREIGN_USER, who="cousin", at_stake_cents=0),
        Finding(kind=Kind.BYPASSED, who="02:00:00:00:0E:01", at_stake_cents=1000),
        Finding(kind=Kind.BYPASSED, who="02:00:00:00:0E:02", at_stake_cents=1000),
    ]
    await looked(shop, router, found, clock)
    await DB.fetch(
        """INSERT INTO known_rows (merchant_id, router_id, kind, who, actor, created_at)
           VALUES ($1, $2, 'device', '02:00:00:00:0E:02', 'user:1', $3)""",
        shop.merchant_id, router, now,
    )  # fmt: skip
    made = {"router": router, "voucher": vouchers[0], "outage": outages[2], "credited": outages[1]}
    made |= {"one": snapshots[0], "other": snapshots[1]}
    for name in ("sound", "silent", "busy", "mended", "gone", "paused"):
        status = {"silent": "offline", "paused": "paused"}.get(name, "online")
        made[name] = (
            await factories.router(vault, shop.merchant_id, name=f"Kiosk by the bus stage, {name}", status=status)
        ).id
    await looked(shop, made["sound"], [], clock)
    await looked(shop, made["silent"], found[3:5], clock)
    await looked(shop, made["silent"], [], clock, error="no answer within 5 s")
    await looked(shop, made["busy"], found[:1], clock)
    await looked(shop, made["busy"], [], clock, done="", wish="repair")
    await looked(shop, made["mended"], [], clock, wish="repair", before=msgspec.json.encode(found).decode())
    await looked(shop, made["gone"], [], clock, wish="remove", target=json.dumps({"kind": "foreign_user", "who": LONG}))
    return made


async def signed_in(
    desks: Desks, shop: Shop, *, viewport: ViewportSize, language: str = "en", scripts: bool = True
) -> Page:
    owner = await owner_of(shop)
    dashboard = await desks.open(shop, viewport=viewport, locale=f"{language}-KE", scripts=scripts)
    await dashboard.page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await dashboard.page.wait_for_url("**/home")
    return dashboard.page


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_reports(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    page, found = await signed_in(desks, standing_shop, viewport=viewport, language=language), list[str]()
    bare = standing_shop.router.id
    for name, path in {
        "drift-all-empty": "/drift", "drift-empty": f"/routers/{bare}/drift", "outages-empty": "/outages",
        "router-outages-empty": f"/routers/{bare}/outages", "snapshots-empty": f"/routers/{bare}/settings",
        "settings-empty": "/settings/time", "router-bare": f"/routers/{bare}",
    }.items():  # fmt: skip
        await page.goto(path)
        found += await look(page, f"report-{name}", language)
    made = await fill(standing_shop, vault, clock)
    pages = {
        "drift-all": "/drift", "outages": "/outages", "router": "/routers/{router}", "routers": "/routers",
        "outage-credited": "/outages/{credited}", "voucher": "/vouchers/{voucher}",
        "router-outages": "/routers/{router}/outages", "snapshots": "/routers/{router}/settings",
        "compare": "/routers/{router}/settings/compare?one={one}&other={other}",
        "compare-same": "/routers/{router}/settings/compare?one={one}&other={one}",
        "drift-remove": "/routers/{router}/drift/remove?kind=bypassed&who=02:00:00:00:0E:01",
        "drift-remove-user": f"/routers/{{router}}/drift/remove?kind=foreign_online&who={LONG}",
        **{f"drift-{name}": f"/routers/{{{name}}}/drift"
           for name in ("router", "sound", "silent", "busy", "mended", "gone", "paused")},
    }  # fmt: skip
    for name, path in pages.items():
        await page.goto(path.format(**made))
        found += await look(page, f"report-{name}", language)
    await page.goto("/settings/time")
    await page.locator("#outage_credit-ask").check()
    await page.locator("main form button[type=submit]").click()
    await page.wait_for_url("**saved=true")
    found += await look(page, "report-settings", language)
    await page.goto(f"/outages/{made['outage']}")
    found += await look(page, "report-outage-ask", language)
    assert not found, "\n".join(found)


async def test_a_leak_is_found_vouched_for_and_ended_without_javascript(desks: Desks, shop: Shop) -> None:
    page = await signed_in(desks, shop, viewport=PHONE, scripts=False)
    hotspot = shop.board.hotspot
    for name in ("cousin", "printer"):
        hotspot.users.add({"name": name, "password": "x"})
    path = f"/routers/{shop.router.id}/drift"

    async def says(words: str) -> None:
        async def look_again() -> bool:
            await page.goto(path)
            return words in await page.locator("main").inner_text()

        await until(look_again, f"the report says {words}")

    await page.goto(f"/routers/{shop.router.id}")
    await page.get_by_role("link", name="See the report").click()
    await page.get_by_role("button", name="Look now").click()
    await says("cousin")
    printer = page.get_by_role("listitem").filter(has_text="printer")
    await printer.get_by_role("button", name="I know this one").click()
    await expect(page.locator("main")).to_contain_text("You vouch for these")
    cousin = page.get_by_role("listitem").filter(has_text="cousin")
    await cousin.get_by_role("link", name="Remove…").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Remove this from the router?")
    await page.get_by_role("button", name="Remove it").click()
    await says("cousin is gone from the router.")
    assert not hotspot.users.named("cousin")
    assert hotspot.users.named("printer")
    assert "You vouch for these" in await page.locator("main").inner_text()


async def test_the_report_brings_itself_up_to_date_and_then_asks_no_more(desks: Desks, shop: Shop) -> None:
    page = await signed_in(desks, shop, viewport=DESK)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/drift/report" in request.url else None)
    shop.board.hotspot.users.add({"name": "cousin", "password": "x"})
    await page.goto(f"/routers/{shop.router.id}/drift")
    await page.get_by_role("button", name="Look now").click()
    await expect(page.locator("#router-drift")).to_contain_text("cousin")
    assert await page.locator("#router-drift").get_attribute("hx-trigger") is None
    asked.clear()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.wait_for_timeout(2500)
    assert asked == []


async def test_who_is_online_is_asked_for_only_while_somebody_looks(desks: Desks, standing_shop: Shop) -> None:
    """The page's list of people turns to the router's address by itself, not while the page is hidden, and at once after."""
    page = await signed_in(desks, standing_shop, viewport=DESK)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/people") else None)
    await page.goto(f"/routers/{standing_shop.router.id}")
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => window.away ?? false})"
    )
    await page.evaluate("window.away = true; htmx.trigger('#router-people', 'wake')")
    await page.wait_for_timeout(400)
    assert asked == [], "hidden"
    await page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    for _ in range(60):
        if asked:
            break
        await page.wait_for_timeout(100)
    assert len(asked) >= 1, "at once when it is turned to"
