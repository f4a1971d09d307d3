"""Pages of monthly customers in a browser: the shop's and the customer's own. axe finds nothing on any of them; a shop changes a
billing day and sees first what it costs."""

from typing import NamedTuple

import pytest
from playwright.async_api import ViewportSize, expect

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Person, owner_of
from e2e.test_accessibility import LANGUAGES, look
from portal.db import DB
from portal.signing import Signer
from portal.subscribers import deciding, links, looks, opening, taking
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.payments.stall import actor


class Homes(NamedTuple):
    """Three subscribers: paid with a family, in grace by PPPoE, and closed with money left."""

    person: Person
    family: int
    late: int
    closed: int


async def homes(shop: Shop, vault: Vault) -> Homes:
    person = await owner_of(shop)
    user = await DB.value("SELECT user_id FROM memberships WHERE merchant_id = $1 AND role = 'owner'", shop.merchant_id)
    owner, now = actor(shop.merchant_id, user_id=user), shop.clock.now()
    await factories.router(vault, shop.merchant_id, name="Branch", site="b" * 32)
    made: list[int] = []
    for number, (name, kind) in enumerate((("Wanjiku Njeri", "hotspot"), ("Otieno", "pppoe"), ("Amina", "hotspot"))):
        package = await factories.package(
            shop.merchant_id, name=f"Home {number + 1}0", price_cents=150_000 * (number + 1), duration_s=2_678_400,
            period="month", devices=3, rate_down_kbps=10_000, clock_from="purchase",
        )  # fmt: skip
        wish = opening.Wish(
            name=name, phone="0712345678", kind=kind, router=str(shop.router.id), package=str(package), billing_day="5",
            user_name="otieno" if kind == "pppoe" else "",
        )  # fmt: skip
        made.append(await opening.open_account(owner, wish, form_key=str(number) * 32, vault=vault, now=now))
    family, late, closed = made
    for who in (family, closed):
        await taking.take_cash(owner, who, "6500", form_key=f"{who:032}", vault=vault, now=now)
    await deciding.add_device(owner, family, "02:11:22:33:44:55", name="Phone of Njeri", now=now)
    await deciding.close(owner, closed, why="moved away", now=now)
    return Homes(person, family, late, closed)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_pages_of_subscribers(
    desks: Desks, standing_shop: Shop, vault: Vault, signer: Signer, viewport: ViewportSize, language: str
) -> None:
    lived = await homes(standing_shop, vault)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await dashboard.sign_in(lived.person.email, lived.person.password)
    for name, path in (
        ("list", "/subscribers"), ("new", "/subscribers/new"), ("packages", "/subscribers/packages"),
        ("late", f"/subscribers/{lived.late}"), ("closed", f"/subscribers/{lived.closed}"),
        ("statement", f"/subscribers/{lived.family}/statement"), ("day", f"/subscribers/{lived.family}?day=20"),
    ):  # fmt: skip
        await page.goto(path)
        found += await look(page, f"subscribers-{name}", language)
    for name, who in (("all-open", lived.family), ("all-open-late", lived.late), ("all-open-closed", lived.closed)):
        await page.goto(f"/subscribers/{who}")
        for summary in await page.locator("main summary").all():
            await summary.click()
        found += await look(page, f"subscribers-{name}", language)
    await page.goto(f"/subscribers/{lived.family}?day=77")
    found += await look(page, "subscribers-wrong-day", language)
    now = standing_shop.clock.now()
    own = links.path(await looks.full(lived.late, now=now), signer, now=now)
    for name, path in (("own", own), ("own-statement", f"{own}/statement")):
        await page.goto(path)
        found += await look(page, f"subscribers-{name}", language)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_a_shop_sees_what_another_billing_day_costs_before_it_changes(
    desks: Desks, standing_shop: Shop, vault: Vault, scripts: bool
) -> None:
    lived = await homes(standing_shop, vault)
    dashboard = await desks.open(standing_shop, viewport=PHONE, scripts=scripts)
    await dashboard.sign_in(lived.person.email, lived.person.password)
    page = dashboard.page
    await page.goto(f"/subscribers/{lived.family}")
    await page.get_by_text("Another billing day").click()
    await page.get_by_label("Day of the month a bill is due").fill("20")
    await page.locator("#billing-day").get_by_role("button", name="See what it costs").click()
    await expect(page.locator("#billing-day")).to_contain_text("From tomorrow")
    await page.get_by_role("button", name="Make it day 20").click()
    await page.wait_for_url(f"**/subscribers/{lived.family}")
    assert await DB.value("SELECT billing_day FROM subscribers WHERE id = $1", lived.family) == 20
