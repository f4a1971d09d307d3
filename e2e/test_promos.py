"""Promo codes at the captive page and in the shop, reminders and a voucher's devices: axe finds nothing, small and wide, in both
languages; a customer buys with a code, and gets a package for nothing. Each page is kept as a picture on the way."""

from datetime import timedelta

import pytest
from playwright.async_api import ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.test_accessibility import LANGUAGES, Tour, look
from portal.clock import Clock
from portal.db import DB
from tests.flows.world import Shop
from tests.portal.web import rows


async def promo(shop: Shop, clock: Clock, code: str, percent: int, most: int | None = None) -> int:
    return await DB.value(
        """INSERT INTO promos (merchant_id, code, kind, percent, starts_at, most_uses, package_ids)
           VALUES ($1, $2, 'percent', $3, $4, $5, '{}') RETURNING id""",
        shop.merchant_id, code, percent, clock.now() - timedelta(days=2), most,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_customer_sees_the_price_before_paying_it(
    standing_wifi: Wifi, standing_shop: Shop, clock: Clock, language: str
) -> None:
    await promo(standing_shop, clock, "KARIBU20", 20)
    await promo(standing_shop, clock, "GIFT100", 100, most=5)
    await DB.fetch("INSERT INTO reminder_choices (merchant_id, win_back) VALUES ($1, true)", standing_shop.merchant_id)
    tour = Tour(await standing_wifi.join(), standing_shop, language)
    await tour.arrive()
    package = f"/c/{standing_shop.router.site}/buy/{standing_shop.packages['1 day']}"
    await tour.open("buy-with-promo", package)
    await tour.page.locator("a[href*='/promo?']").tap()
    await tour.page.wait_for_selector("#c")
    await tour.examine("promo-code")
    await tour.page.locator("#c").fill("nobodys")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("promo-wrong")
    await tour.page.locator("#c").fill("karibu 20")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("#t")
    await tour.examine("promo-price")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("promo-no-number")
    await tour.page.locator("#t").fill("0712 345 678")
    await tour.page.locator("[type=checkbox]").tap()
    await tour.page.locator("button").tap()
    await tour.page.wait_for_url("**/w/**")
    assert await DB.value("SELECT amount_cents FROM payments") % 100 == 0
    assert await DB.value("SELECT wants_offers FROM checkouts")
    await tour.arrive()
    await tour.open("promo-code", f"{package}/promo")
    await tour.page.locator("#c").fill("gift100")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[name=price]", state="attached")
    await tour.examine("promo-gift")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_url("**/w/**")
    assert await DB.value("SELECT count(*) FROM vouchers WHERE price_cents = 0") == 1
    assert not tour.found, "\n".join(tour.found)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_shops_promos(
    desks: Desks, standing_shop: Shop, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    await page.goto("/promos")
    found += await look(page, "promos-empty", language)
    await page.goto("/promos/new")
    await page.locator("main form button").click()
    await page.wait_for_selector("[aria-invalid]")
    found += await look(page, "promo-new-error", language)
    await page.locator("#code").fill("karibu 20")
    await page.locator("#percent").fill("20")
    await page.locator("#most_uses").fill("50")
    await page.locator("main form button").click()
    await page.wait_for_selector("dl.facts")
    found += await look(page, "promo-unused", language)
    await fill(standing_shop, clock)
    await page.reload()
    found += await look(page, "promo", language)
    await page.goto("/promos")
    found += await look(page, "promos", language)
    await page.goto("/settings/reminders")
    found += await look(page, "reminders", language)
    voucher = await DB.value("SELECT min(id) FROM vouchers")
    await page.goto(f"/vouchers/{voucher}")
    found += await look(page, "voucher-devices", language)
    assert not found, "\n".join(found)


async def fill(shop: Shop, clock: Clock) -> None:
    """Uses of the promo on some days, and a device with two MACs."""
    package, promo_id = shop.packages["1 day"], await DB.value("SELECT id FROM promos")
    terms = '{"name": "1 day", "duration_s": 86400}'
    for n in range(9):
        at, phone = clock.now() - timedelta(days=n * n % 25, hours=n), f"25471234567{n}"
        voucher = await DB.value(
            """INSERT INTO vouchers (merchant_id, package_id, code_hash, code_sealed, payment_reference, status, price_cents, terms,
                                     paid_at) VALUES ($1, $2, $3::text::bytea, '', $3, 'paid', 4000, $4, $5) RETURNING id""",
            shop.merchant_id, package, f"REF{n}", terms, at,
        )  # fmt: skip
        payment = await rows.payment(
            shop.router, package, at=at, status="pending" if n == 8 else "paid", cents=4000, phone=phone
        )
        checkout = await DB.value(
            """UPDATE checkouts SET voucher_id = $2 WHERE id = (SELECT checkout_id FROM payments WHERE id = $1) RETURNING id""",
            payment, None if n == 8 else voucher,
        )  # fmt: skip
        await DB.fetch(
            """INSERT INTO redemptions (promo_id, merchant_id, checkout_id, phone, mac, price_cents, off_cents, created_at)
               VALUES ($1, $2, $3, $4, '02:AA:00:00:00:01', 5000, 1000, $5)""",
            promo_id, shop.merchant_id, checkout, phone, at,
        )  # fmt: skip
    first = await DB.value("SELECT min(id) FROM vouchers")
    root = None
    for mac in ("02:AA:00:00:00:01", "06:BB:00:00:00:02"):
        device = await DB.value(
            "INSERT INTO devices (merchant_id, mac, same_as_id) VALUES ($1, $2, $3) RETURNING id",
            shop.merchant_id,
            mac,
            root,
        )
        root = root or device
        await DB.fetch(
            "INSERT INTO device_vouchers (merchant_id, device_id, voucher_id) VALUES ($1, $2, $3)",
            shop.merchant_id,
            device,
            first,
        )
        await DB.fetch(
            "INSERT INTO device_sightings (merchant_id, device_id, router_id) VALUES ($1, $2, $3)",
            shop.merchant_id, device, shop.router.id,
        )  # fmt: skip
