"""The pages before paying: packages, the phone number, a voucher's code."""

from datetime import timedelta

import httpx

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.portal.captive.conftest import IP, MAC, Phone, Shop, hidden_fields
from tests.portal.captive.stages import Stage

NBSP = "\u00a0"


async def test_a_phone_sent_by_its_router_sees_what_is_on_sale(phone: Phone) -> None:
    page = await phone.arrive()
    assert page.status_code == 200
    for words in (
        "Choose a package",
        "Kilimani Corner",
        "1 hour",
        f"KES{NBSP}10",
        f"KES{NBSP}900",
        f"0700{NBSP}000{NBSP}000",
    ):
        assert words in page.text
    assert page.text.count("/buy/") == 3


async def test_another_merchants_packages_are_not_shown_or_sold(phone: Phone, shop: Shop, vault: Vault) -> None:
    stranger = await factories.merchant("Stranger")
    theirs = await factories.package(stranger, name="Stolen", price_cents=100)
    assert "Stolen" not in (await phone.arrive()).text
    form = await phone.form()
    path = f"{shop.path}/buy/{theirs}"
    shown = await phone.browser.get(path, params={"d": form["d"]})
    sold = await phone.browser.post(path, data={**form, "phone": "0712345678"})
    assert (shown.status_code, sold.status_code) == (404, 404)
    assert "Kilimani Corner" in shown.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_a_package_that_cannot_be_is_not_found(phone: Phone, shop: Shop) -> None:
    visit = await phone.visit()
    for package in ["0", "-1", "99999999", "9223372036854775808", "9" * 60, "x", "1.5", "%00", "1%20or%201"]:
        page = await phone.browser.get(f"{shop.path}/buy/{package}", params={"d": visit})
        assert page.status_code == 404, package


async def test_an_unknown_site_is_a_plain_page_not_a_failure(browser: httpx.AsyncClient, shop: Shop) -> None:
    for site in ["0" * 32, "x", "%00", "a" * 5000, "..%2f", "%ff", "'; DROP TABLE routers; --"]:
        page = await browser.get(f"/c/{site}", params={"mac": MAC, "ip": IP})
        assert page.status_code == 404, site
        assert "Kilimani" not in page.text, site


MALFORMED = [
    ("", IP), ("x", IP), ("A4:5E:60:11:22", IP), ("A4:5E:60:11:22:3G", IP), ("FF:FF:FF:FF:FF:FF", IP), ("01:00:5E:00:00:01", IP),
    ("00:00:00:00:00:00", IP), (MAC + "\x00", IP), ("'" * 17, IP), ("<script>alert(1)</script>", IP), ("A" * 9000, IP),
    (MAC, ""), (MAC, "x"), (MAC, "10.5.50"), (MAC, "10.5.50.256"), (MAC, "::1"), (MAC, "127.0.0.1"), (MAC, "0.0.0.0"),
    (MAC, "255.255.255.255"), (MAC, "10.5.50.20\x00"), (MAC, "10.5.50.20/24"), (MAC, "１0.5.50.20"), (MAC, "$(ip)"), ("$(mac)", IP),
]  # fmt: skip


async def test_a_malformed_device_is_told_to_come_by_the_wifi(phone: Phone) -> None:
    for mac, ip in MALFORMED:
        page = await phone.arrive(mac=mac, ip=ip)
        assert page.status_code == 400
        assert "Open this page from the WiFi" in page.text
        assert "/buy/" not in page.text
        assert 'href="http://10.5.50.1/login"' in page.text


async def test_raw_bytes_in_the_query_never_fail(browser: httpx.AsyncClient, shop: Shop) -> None:
    for query in ["mac=%ff%fe&ip=%00", "mac=%E2%28%A1&ip=1", "mac&ip", "mac[]=1&ip[]=2", "&&==&mac=" + "%41" * 3000]:
        assert (await browser.get(f"{shop.path}?{query}")).status_code in (200, 400), query


async def test_opened_from_elsewhere_the_page_sells_nothing(browser: httpx.AsyncClient, shop: Shop) -> None:
    page = await browser.get(shop.path)
    assert page.status_code == 200
    assert "Open this page from the WiFi" in page.text
    assert "/buy/" not in page.text


async def test_the_routers_own_words_help_but_are_never_repeated(phone: Phone) -> None:
    page = await phone.arrive(error="user <b>vocha-1</b> has reached uptime limit")
    assert "Your time is up. Choose a package to go on." in page.text
    assert "vocha-1" not in page.text
    assert 'class="n"' not in (await phone.arrive(error="radius <script>")).text


async def test_with_nothing_on_sale_a_voucher_still_works(phone: Phone) -> None:
    await DB.fetch("UPDATE packages SET is_active = false")
    page = await phone.arrive()
    assert "No packages on sale yet" in page.text
    assert "/code?" in page.text


async def test_while_the_router_is_offline_nobody_can_begin_to_pay(phone: Phone) -> None:
    form = await phone.form()
    await DB.fetch("UPDATE routers SET status = 'offline'")
    listed = await phone.browser.get(phone.shop.path, params={"d": form["d"]})
    asked = await phone.browser.get(phone.buy_path(), params={"d": form["d"]})
    posted = await phone.browser.post(phone.buy_path(), data={**form, "phone": "0712345678"})
    for page in (listed, asked, posted):
        assert "The WiFi is down right now" in page.text
        assert 'name="phone"' not in page.text
    assert (posted.status_code, "retry-after" in posted.headers) == (503, True)
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_without_an_mpesa_account_no_payment_begins(phone: Phone) -> None:
    form = await phone.form()
    await DB.fetch("DELETE FROM mpesa_accounts")
    page = await phone.browser.post(phone.buy_path(), data={**form, "phone": "0712345678"})
    assert (page.status_code, "M‑PESA is down right now" in page.text) == (503, True)


async def test_paying_begins_a_checkout_and_goes_to_its_page(phone: Phone) -> None:
    answer = await phone.buy()
    assert answer.status_code == 303
    row = await DB.row("SELECT token, phone, mac, ip, language, price_cents FROM checkouts")
    assert row is not None
    assert answer.headers["location"].startswith(f"/w/{row['token']}?d=")
    assert (row["phone"], row["mac"], row["ip"], row["price_cents"]) == ("254712345678", MAC, IP, 5000)
    page = await phone.browser.get(answer.headers["location"])
    assert (page.status_code, "Check your phone" in page.text) == (200, True)


async def test_a_number_that_is_no_kenyan_mobile_is_asked_for_again(phone: Phone) -> None:
    for typed in [
        "",
        " ",
        "0712 345",
        "0712 345 6789",
        "+255712345678",
        "0201234567",
        "hello",
        "0712<345>678",
        "\x00",
        "9" * 500,
        "٠٧١٢",
    ]:
        page = await phone.buy(phone=typed)
        assert page.status_code == 422, typed
        assert f"Enter a Safaricom number, like 0712{NBSP}345{NBSP}678" in page.text
        assert 'aria-invalid="true"' in page.text
        assert "<title>Error:" in page.text
        assert await DB.value("SELECT count(*) FROM checkouts") == 0
        assert hidden_fields(page.text)["d"]


async def test_a_wrong_number_is_kept_as_it_was_typed(phone: Phone) -> None:
    assert 'value="0712 345 &#34;&gt;x"' in (await phone.buy(phone='0712 345 ">x')).text


async def test_the_same_form_posted_twice_is_one_checkout(phone: Phone) -> None:
    form = {**await phone.form(), "phone": "0712345678"}
    first = await phone.browser.post(phone.buy_path(), data=form)
    second = await phone.browser.post(phone.buy_path(), data=form)
    assert first.headers["location"] == second.headers["location"]
    assert await DB.value("SELECT count(*) FROM checkouts") == 1


async def test_a_flooded_number_is_left_in_peace(phone: Phone, stage: Stage) -> None:
    for package in (0, 1, 2):
        assert (await phone.buy(package)).status_code == 303
    await DB.fetch("UPDATE payments SET status = 'failed'")
    page = await phone.buy(0)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "M‑PESA asks us to wait" in page.text
    assert f"10{NBSP}minutes" in page.text


async def test_a_voucher_connects_without_paying(phone: Phone, stage: Stage) -> None:
    token = await stage.paid()
    code = await stage.code_of(token)
    visit = await phone.visit()
    answer = await phone.browser.post(f"{phone.shop.path}/code", data={"d": visit, "code": code.lower()})
    assert answer.status_code == 303
    assert (await phone.browser.get(answer.headers["location"])).status_code == 200


async def test_wrong_used_and_foreign_codes_get_one_answer(phone: Phone, stage: Stage, vault: Vault) -> None:
    over, good = await stage.over(), await stage.paid()
    used, foreign = await stage.code_of(over), await stage.code_of(good)
    await DB.fetch("UPDATE vouchers SET merchant_id = $1 WHERE status = 'paid'", await factories.merchant("Stranger"))
    answers: set[str] = set()
    for code in (used, foreign, "22222222222"):
        page = await phone.browser.post(f"{phone.shop.path}/code", data={"d": await phone.visit(), "code": code})
        assert page.status_code == 422
        answers.add(page.text.split('id="e">')[1].split("<")[0])
    assert len(answers) == 1


async def test_guessing_codes_ends_in_a_pause(phone: Phone) -> None:
    visit = await phone.visit()
    for _ in range(5):
        await phone.browser.post(f"{phone.shop.path}/code", data={"d": visit, "code": "AAAAAAAAAA"})
    page = await phone.browser.post(f"{phone.shop.path}/code", data={"d": visit, "code": "AAAAAAAAAA"})
    assert (page.status_code, "Too many codes were tried" in page.text) == (429, True)


async def test_the_language_asked_for_stays_through_the_purchase(phone: Phone) -> None:
    page = await phone.arrive(l="sw")
    assert "Chagua kifurushi" in page.text
    assert page.text.count("&amp;l=sw") >= 4
    form = await phone.form()
    answer = await phone.browser.post(f"{phone.buy_path()}?l=sw", data={**form, "phone": "0712345678"})
    assert "l=sw" in answer.headers["location"]
    assert await DB.value("SELECT language FROM checkouts") == "sw"
    plain = answer.headers["location"].partition("?")[0]
    assert "Angalia simu yako" in (await phone.browser.get(plain)).text


async def test_the_phones_own_language_is_spoken(phone: Phone) -> None:
    page = await phone.browser.get(
        phone.shop.path, params={"mac": MAC, "ip": IP}, headers={"accept-language": "sw-KE,en;q=0.8"}
    )
    assert 'lang="sw"' in page.text
    assert "Chagua kifurushi" in page.text


async def test_an_old_visit_must_start_again(phone: Phone, clock: Clock) -> None:
    form = await phone.form()
    clock.shift(timedelta(hours=4))
    page = await phone.browser.post(phone.buy_path(), data={**form, "phone": "0712345678"})
    assert page.status_code == 400
    assert 'href="http://10.5.50.1/login"' in page.text
