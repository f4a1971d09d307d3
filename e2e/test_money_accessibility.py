"""axe finds nothing on the pages about money, of the merchant and of the customer: light and dark, small and wide, English and Swahili.

Each page is kept as a picture on the way."""

from datetime import timedelta

import pytest
from playwright.async_api import ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.test_accessibility import LANGUAGES, Tour, fill_the_day, look
from portal import batches
from portal.clock import Clock
from portal.db import DB, atomic
from portal.evidence import Inbound, Road
from portal.payments import take
from portal.vault import Vault
from tests.flows.world import Shop
from tests.portal.captive.stages import Stage
from tests.portal.payments.stall import actor


@pytest.fixture
def stage(standing_shop: Shop, vault: Vault, clock: Clock) -> Stage:
    """Checkouts in any state, which nobody works on."""
    return Stage(standing_shop.router, standing_shop.packages["1 day"], vault=vault, clock=clock)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_paying_by_hand(
    standing_wifi: Wifi, standing_shop: Shop, stage: Stage, language: str
) -> None:
    tour = Tour(await standing_wifi.join(), standing_shop, language)
    await tour.arrive()
    waiting, part = await stage.waiting(sent=True), await stage.underpaid()
    for name, path in (
        ("hand", f"/w/{waiting}/hand"), ("hand-rest", f"/w/{part}/hand"), ("underpaid", f"/w/{part}"),
        ("paid", f"/w/{waiting}/paid"), ("claim", f"/c/{standing_shop.router.site}/paid"),
    ):  # fmt: skip
        await tour.open(name, path)
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("claim-error")
    await tour.open("paid", f"/w/{waiting}/paid")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("paid-error")
    await tour.page.get_by_role("textbox").fill("UE92Q3N5H7")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("textarea", state="detached")
    await tour.examine("looking")
    await DB.fetch("UPDATE mpesa_accounts SET transaction_type = 'CustomerBuyGoodsOnline'")
    await tour.open("hand-till", f"/w/{waiting}/hand")
    assert not tour.found, "\n".join(tour.found)


async def money_moves(shop: Shop, stage: Stage, vault: Vault, clock: Clock) -> dict[str, int]:
    """A sale with a long history, a batch with some paid, money that fits nothing, one of it decided."""
    await fill_the_day(shop, vault, clock)
    now, account = clock.now(), await DB.value("SELECT id FROM mpesa_accounts")
    await DB.fetch("UPDATE mpesa_accounts SET merchant_id = $1", shop.merchant_id)
    owner = actor(shop.merchant_id, user_id=await DB.value("SELECT min(id) FROM users"))
    made = await batches.make(owner, shop.packages["1 day"], count=4, note_text="market", vault=vault, now=now)
    token = await stage.waiting(sent=True)
    payment = await DB.row(
        "SELECT p.id, p.account_reference FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE c.token = $1",
        token,
    )
    assert payment is not None
    came = (("SKL4H7W001", 5000, payment["account_reference"]), ("SKL4H7W002", 5000, made.references[0]),
            ("SKL4H7W003", 2000, made.references[1]), ("SKL4H7W004", 1000, "NANCY WANJIKU"), ("SKL4H7W005", 7500, ""))  # fmt: skip
    for receipt, cents, reference in came:
        inbound = Inbound(
            road=Road.C2B, receipt=receipt, amount_cents=cents, is_trusted=True, account_id=account, reference=reference,
            payer_hint="2547 ***** 126", payer_name="NANCY", happened_at=now - timedelta(seconds=4),
        )  # fmt: skip
        async with atomic() as tx:
            await take(tx, inbound, vault=vault, now=now)
    await DB.fetch(
        """INSERT INTO exchanges (merchant_id, payment_id, verb, asked_at, took_ms, http_status, code, said)
           VALUES ($1, $2, 'push', $3, 412, 200, 'accepted', ''),
                  ($1, $2, 'query', $3, 10021, NULL, 'ReadTimeout', 'the answer was lost')""",
        shop.merchant_id, payment["id"], now - timedelta(seconds=30),
    )  # fmt: skip
    body = (
        b'{"TransID":"SKL4H7W001","BusinessShortCode":"174379","BillRefNumber":"%s","MSISDN":"2547 ***** 126"}'
        % payment["account_reference"].encode()
    )
    await DB.fetch(
        """INSERT INTO callbacks (merchant_id, payment_id, account_id, road, named_id, body, body_hash, source, is_trusted,
                                  received_at, repeats, handled_at, outcome)
           VALUES ($1, $2, $3, 'c2b', $2, $4::bytea, sha256($4::bytea), '196.201.214.200', true, $5, 1, $5, 'sold')""",
        shop.merchant_id, payment["id"], account, body, now,
    )  # fmt: skip
    held = await DB.fetch("SELECT id FROM suspense ORDER BY id")
    return {"payment": payment["id"], "batch": made.id, "held": held[0]["id"]}


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_merchants_money(
    desks: Desks, standing_shop: Shop, stage: Stage, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    for name in ("sales", "suspense", "references"):
        await page.goto(f"/{name}")
        found += await look(page, f"money-{name}-empty", language)
    ids = await money_moves(standing_shop, stage, vault, clock)
    for name, path in (
        ("sales", "/sales"), ("sales-nothing", "/sales?show=refunds&way=stk"), ("search", "/sales?q=0712345678"),
        ("search-nothing", "/sales?q=0733000000"), ("search-held", "/sales?q=SKL4H7W004"),
        ("payment", f"/payments/{ids['payment']}"), ("suspense", "/suspense?done=true"),
        ("suspense-item", f"/suspense/{ids['held']}"), ("references", "/references"),
        ("batch", f"/references/{ids['batch']}"),
    ):  # fmt: skip
        await page.goto(path)
        found += await look(page, f"money-{name}", language)
    await page.goto(f"/suspense/{ids['held']}")
    await page.locator("#decision-form button").click()
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "money-suspense-error", language)
    await page.goto("/references")
    await page.locator("#count").fill("0")
    await page.locator("main form button").click()
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "money-references-error", language)
    await page.goto(f"/references/{ids['batch']}")
    await page.locator("main form button").first.click()
    await page.wait_for_selector("[role=status]")
    found += await look(page, "money-batch-code", language)
    assert not found, "\n".join(found)
