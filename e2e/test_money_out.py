"""Refunds and payouts as people see them: axe finds nothing, nothing sticks out, light and dark, English and Swahili."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import LANGUAGES, look
from portal import payouts, refunds
from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.payouts import Plan
from portal.refunds import Road, Scope, Wish
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.web import rows


async def sold(shop: Shop, vault: Vault, clock: Clock, receipt: str) -> int:
    """A payment of KES 800 with its receipt and an unused voucher."""
    at = clock.now() - timedelta(hours=2)
    account = await DB.value("SELECT id FROM mpesa_accounts ORDER BY id LIMIT 1")
    paid = await rows.payment(shop.router, shop.packages["1 day"], at=at, cents=80_000, receipt=receipt)
    await rows.access(paid, vault, at=at, voucher="paid", is_open=False)
    await factories.receipt(
        shop.merchant_id, amount_cents=80_000, receipt=receipt, payment_id=paid, account_id=account,
        phone=factories.PHONE,
    )  # fmt: skip
    return paid


async def fill(shop: Shop, vault: Vault, clock: Clock) -> dict[str, str]:
    """Refunds and payouts in every state worth a look; addresses by name."""
    now = clock.now()
    master = await DB.value(
        "SELECT user_id FROM memberships WHERE merchant_id = $1 AND role = 'owner'", shop.merchant_id
    )
    cashier = await factories.user("juma@kilimani.test", shop.merchant_id, role="cashier", name="Juma K.")

    def actor(user_id: int, role: Role) -> Actor:
        return Actor(
            user_id=user_id, merchant_id=shop.merchant_id, role=role, is_operator=False, name="A", email="a@b.test"
        )

    owner, juma = actor(master, Role.OWNER), actor(cashier, Role.CASHIER)
    made: dict[str, int] = {}
    for name, who, road in (
        ("wanted", juma, Road.REVERSAL), ("failed", owner, Road.REVERSAL), ("cash", owner, Road.CASH),
        ("done", owner, Road.CREDIT), ("unknown", owner, Road.B2C),
    ):  # fmt: skip
        paid = await sold(shop, vault, clock, f"UKK41H7Q{len(made)}A")
        wish = Wish(scope=Scope.WHOLE, road=road, why="No internet all day; she asked at the counter.")
        made[name] = await refunds.request(who, paid, wish, now=now)
    words = "Your M-Pesa account has too little money. Put money on its utility account, then try again."
    for name in ("failed", "unknown"):
        await DB.fetch("UPDATE refunds SET status = $2, last_error = $3 WHERE id = $1", made[name], name, words)
    await sold(shop, vault, clock, "UKK41H7Q9Z")
    await payouts.set_plan(owner, Plan(schedule="weekly", weekday=5), now=now)
    [held] = await payouts.ask(owner, amount_cents=20_000, form_key="a", now=now)
    [done] = await payouts.ask(owner, amount_cents=10_000, form_key="b", now=now)
    await DB.fetch("UPDATE payouts SET held_why = 'number' WHERE id = $1", held)
    await DB.fetch("UPDATE payouts SET status = 'done', done_at = $2, receipt = 'UKK51H7Q9Z' WHERE id = $1", done, now)
    fresh = await sold(shop, vault, clock, "UKK41H7Q9Y")
    return {f"refund-{name}": f"/refunds/{refund}" for name, refund in made.items()} | {
        "refunds": "/refunds", "refunds-open": "/refunds?open=true", "refund-new": f"/payments/{fresh}/refund",
        "payouts": "/payouts", "payout-held": f"/payouts/{held}", "payout-done": f"/payouts/{done}",
        "statement": "/payouts/statement",
    }  # fmt: skip


async def errors(page: Page, language: str) -> list[str]:
    """The forms with something wrong in them."""
    found: list[str] = []
    await page.goto("/payouts")
    await page.locator("form[action='/payouts'] input[name=amount]").fill("999999")
    await page.locator("form[action='/payouts'] button").click()
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "out-payouts-error", language)
    return found


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_refunds_and_payouts(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await dashboard.sign_in(*owner)
    for name in ("refunds", "payouts", "payouts/statement"):
        await page.goto(f"/{name}")
        found += await look(page, f"out-{name.replace('/', '-')}-empty", language)
    for name, path in (await fill(standing_shop, vault, clock)).items():
        await page.goto(path)
        found += await look(page, f"out-{name}", language)
    found += await errors(page, language)
    assert not found, "\n".join(found)
