"""Pages about money: a payment told whole, found by whatever people type, money that fits nothing decided once, references."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from portal import batches, c2b_questions, voucher_entry
from portal.c2b_questions import Question
from portal.clock import Clock
from portal.db import DB
from portal.devices import hint
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, actor, receipt
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

PHONE = "254712345678"
LOOKS = ("/sales", "/sales.csv", "/payments/{p}", "/suspense", "/suspense/{s}", "/references", "/references/{b}",
         "/references/{b}/print", "/references/{b}/file.csv")  # fmt: skip
FORMS = ("/suspense/{s}", "/references", "/references/{b}/code")


@pytest.fixture
async def stall(cast: Cast, vault: Vault, clock: Clock) -> Stall:
    """The owner's shop, selling through the platform's paybill."""
    account = await factories.mpesa_account(vault)
    user = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    return Stall(
        vault, clock, cast.merchant_id, account, cast.router, cast.package_id, actor(cast.merchant_id, user_id=user)
    )


@pytest.fixture
async def own_stall(stall: Stall, vault: Vault) -> Stall:
    """The same, with a paybill of its own: what fits nothing there is the merchant's to decide."""
    stall.account_id = await factories.mpesa_account(vault, merchant_id=stall.merchant_id, shortcode="600111")
    return stall


@pytest.fixture
async def owner(app: Litestar, cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as found:
        await sign_in(found, cast.owner)
        yield found


@pytest.fixture
async def cashier(app: Litestar, cast: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as found:
        await sign_in(found, cast.cashier)
        yield found


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send a form with its token."""
    return await client.post(path, data={"_csrf": await form_token(client, "/account"), **fields})


async def message(stall: Stall, payment_id: int, body: str, *, repeats: int = 0) -> int:
    """A stored message of M-Pesa about a payment, handled."""
    return await DB.value(
        """INSERT INTO callbacks (merchant_id, payment_id, account_id, road, named_id, body, body_hash, source, is_trusted,
                                  received_at, repeats, handled_at, outcome)
           VALUES ($1, $2, $3, 'stk', $2, $4::bytea, sha256($4::bytea), '196.201.214.200', true, $5, $6, $5, 'sold') RETURNING id""",
        stall.merchant_id, payment_id, stall.account_id, body.encode(), stall.clock.now(), repeats,
    )  # fmt: skip


async def test_a_payments_page_tells_everything_in_order(stall: Stall, owner: httpx.AsyncClient) -> None:
    attempt, code = await stall.attempt(phone=PHONE), receipt()
    await DB.fetch(
        """INSERT INTO exchanges (merchant_id, payment_id, verb, asked_at, took_ms, http_status, code, said)
           VALUES ($1, $2, 'push', $3, 412, 200, 'accepted', '')""",
        stall.merchant_id, attempt.payment_id, stall.clock.now(),
    )  # fmt: skip
    await message(stall, attempt.payment_id, '{"Body":{"stkCallback":{}}}', repeats=2)
    await stall.stk(attempt, code)
    page = (await owner.get(f"/payments/{attempt.payment_id}")).text
    for words in ("We asked M-Pesa to ask the phone", "412 ms, HTTP 200", "came 2 more times", "Paid", "Booked as a sale",
                  "As it came", "stkCallback", code, "0712 345 678", "Copy for support"):  # fmt: skip
        assert words in page, words
    assert page.index("We asked M-Pesa to ask") < page.index("Booked as a sale")
    support = page.split("<textarea", 1)[1].split("</textarea>", 1)[0]
    assert "0712" not in support
    assert PHONE not in support


async def test_a_cashier_sees_no_whole_number_and_no_message_as_it_came(
    stall: Stall, cashier: httpx.AsyncClient
) -> None:
    attempt = await stall.attempt(phone=PHONE)
    await message(stall, attempt.payment_id, f'{{"PhoneNumber": {PHONE}}}')
    await stall.stk(attempt, receipt())
    page = (await cashier.get(f"/payments/{attempt.payment_id}")).text
    assert "0712 ••• 678" in page
    assert "0712 345 678" not in page
    assert PHONE not in page
    assert "As it came" not in page


async def test_one_box_finds_a_payment_by_phone_receipt_reference_and_code(
    stall: Stall, owner: httpx.AsyncClient
) -> None:
    attempt, code = await stall.attempt(phone=PHONE), receipt()
    await stall.stk(attempt, code)
    other = await stall.attempt(phone="254700000126")
    voucher = await DB.row("SELECT v.id, v.code_sealed FROM vouchers v")
    assert voucher is not None
    secret = stall.vault.open("vouchers", "code_sealed", row_id=voucher["id"], sealed=voucher["code_sealed"])
    sms = f"{code} Confirmed. Ksh10.00 sent to SHOP for account X on 20/11/26"
    for typed in ("0712 345 678", "+254712345678", code.lower(), attempt.reference.lower(), secret.lower(), sms):
        page = (await owner.get("/sales", params={"q": typed})).text
        assert f"/payments/{attempt.payment_id}" in page, typed
        assert f"/payments/{other.payment_id}" not in page, typed
        assert page.count(secret) <= (typed == secret), typed
    assert "Nothing found" in (await owner.get("/sales", params={"q": "0733 000 000"})).text


async def test_a_search_finds_nothing_of_another_merchant(stall: Stall, app: Litestar, cast: Cast) -> None:
    attempt, code = await stall.attempt(phone=PHONE), receipt()
    await stall.stk(attempt, code)
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        for typed in ("0712 345 678", code, attempt.reference):
            assert "Nothing found" in (await rival.get("/sales", params={"q": typed})).text, typed


async def test_the_list_is_narrowed_by_address_and_pages_keep_the_filter(
    cast: Cast, stall: Stall, owner: httpx.AsyncClient, clock: Clock
) -> None:
    for hours in range(55):
        await rows.payment(cast.router, cast.package_id, at=clock.now() - timedelta(hours=hours), status="failed")
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now(), receipt="SKL4H7T2QX")
    page = (await owner.get("/sales?show=paid")).text
    assert re.findall(r'href="/payments/(\d+)"', page) == [str(paid)]
    page = (await owner.get("/sales?show=failed")).text
    assert page.count('href="/payments/') == 50
    older = re.search(r'href="(/sales\?show=failed&amp;before=\d+)" rel="next"', page)
    assert older is not None
    assert (await owner.get(older[1].replace("&amp;", "&"))).text.count('href="/payments/') == 5
    yesterday = (clock.now() + timedelta(hours=3) - timedelta(days=1)).date().isoformat()
    found = (await owner.get(f"/sales?since={yesterday}&until={yesterday}")).text
    assert found.count('href="/payments/') == 24
    assert "No sales like this" in (await owner.get("/sales?show=refunds")).text
    assert (await owner.get("/sales?since=garbage")).status_code == 200


async def test_the_file_is_whole_and_no_formula(cast: Cast, owner: httpx.AsyncClient, clock: Clock) -> None:
    for number in range(501):
        await rows.payment(
            cast.router, cast.package_id, at=clock.now() - timedelta(minutes=number), name="=cmd|' /C calc'!A1"
        )
    answer = await owner.get("/sales.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(lines) == 502
    assert {line[2] for line in lines[1:]} == {"'=cmd|' /C calc'!A1"}
    assert {line[1] for line in lines[1:]} == {factories.PHONE}


async def test_a_cashiers_file_has_no_whole_number(cast: Cast, cashier: httpx.AsyncClient, clock: Clock) -> None:
    await rows.payment(cast.router, cast.package_id, at=clock.now())
    text = (await cashier.get("/sales.csv")).text
    assert "0712 ••• 678" in text
    assert factories.PHONE not in text


async def _held(stall: Stall, typed: str = "WRONG", cents: int = 1000, **more: Any) -> int:
    taken = await stall.hand(typed, cents, **more)
    assert taken.suspense_id is not None
    return taken.suspense_id


async def test_what_fits_nothing_is_suggested_to_the_purchase_of_the_same_phone(
    own_stall: Stall, owner: httpx.AsyncClient
) -> None:
    attempt = await own_stall.attempt(phone=PHONE)
    held = await _held(own_stall, payer_hint="2547 ***** 678")
    assert f"/suspense/{held}" in (await owner.get("/suspense")).text
    page = (await owner.get(f"/suspense/{held}")).text
    assert f'value="checkout-{attempt.checkout_id}"' in page
    assert "The same phone wanted to buy this" in page
    assert "Nothing has this account number." in page


async def test_a_decision_needs_the_amount_typed(own_stall: Stall, owner: httpx.AsyncClient) -> None:
    attempt = await own_stall.attempt(phone=PHONE)
    held = await _held(own_stall, payer_hint="2547 ***** 678")
    wish = {"decision": f"checkout-{attempt.checkout_id}", "note": "showed me the SMS"}
    for sure in ("", "1", "100", "ten"):
        answer = await post(owner, f"/suspense/{held}", **wish, sure=sure)
        assert answer.status_code == 422, sure
        assert "Type the amount that came in" in answer.text
    assert await DB.value("SELECT count(*) FROM vouchers") == 0
    answer = await post(owner, f"/suspense/{held}", **wish, sure="10")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/suspense/{held}")
    assert await DB.value("SELECT voucher_id IS NOT NULL FROM checkouts WHERE id = $1", attempt.checkout_id)
    page = (await owner.get(f"/suspense/{held}")).text
    assert "Decided by Amina W." in page
    assert "showed me the SMS" in page
    assert "Given to a purchase" in (await owner.get("/suspense?done=true")).text
    assert "Nothing to decide" in (await owner.get("/suspense")).text
    again = await post(owner, f"/suspense/{held}", **wish, sure="10")
    assert again.status_code == 409
    assert "Somebody has decided about this money already." in again.text


async def test_a_package_is_sold_with_it_and_the_code_is_sent(own_stall: Stall, owner: httpx.AsyncClient) -> None:
    held = await _held(own_stall)
    answer = await post(
        owner, f"/suspense/{held}", decision="package", package=str(own_stall.package_id), phone="0712345678", sure="10"
    )
    assert answer.status_code == 303
    assert await DB.value("SELECT status FROM vouchers") == "paid"
    row = await DB.row("SELECT kind, recipient FROM messages WHERE kind = 'voucher_code'")
    assert row is not None
    assert row["recipient"] == PHONE


async def test_a_package_that_costs_more_is_not_sold(own_stall: Stall, owner: httpx.AsyncClient) -> None:
    held = await _held(own_stall, cents=500)
    answer = await post(owner, f"/suspense/{held}", decision="package", package=str(own_stall.package_id), sure="5")
    assert answer.status_code == 422
    assert await DB.value("SELECT count(*) FROM vouchers") == 0
    assert await DB.value("SELECT status FROM suspense") == "open"


async def test_another_merchants_package_is_not_sold(own_stall: Stall, owner: httpx.AsyncClient, cast: Cast) -> None:
    held = await _held(own_stall)
    answer = await post(owner, f"/suspense/{held}", decision="package", package=str(cast.rival_package_id), sure="10")
    assert answer.status_code == 404
    assert await DB.value("SELECT status FROM suspense") == "open"


async def test_a_reference_typed_by_staff_names_the_voucher(own_stall: Stall, owner: httpx.AsyncClient) -> None:
    voucher_id, reference = await own_stall.voucher()
    held = await _held(own_stall)
    wrong = await post(owner, f"/suspense/{held}", decision="reference", reference="K7QM2XWQ", sure="10")
    assert wrong.status_code == 422
    answer = await post(owner, f"/suspense/{held}", decision="reference", reference=reference.lower(), sure="10")
    assert answer.status_code == 303
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher_id) == "paid"


async def test_a_cashier_looks_and_decides_nothing(own_stall: Stall, cashier: httpx.AsyncClient) -> None:
    held = await _held(own_stall)
    page = (await cashier.get(f"/suspense/{held}")).text
    assert "Only the owner or a manager can decide about money." in page
    assert 'id="decision-form"' not in page
    assert (await post(cashier, f"/suspense/{held}", decision="keep", sure="10")).status_code == 403
    assert await DB.value("SELECT status FROM suspense") == "open"


async def test_the_platforms_money_is_the_operators_to_decide(
    stall: Stall, app: Litestar, cast: Cast, owner: httpx.AsyncClient
) -> None:
    voucher_id, reference = await stall.voucher()
    held = await _held(stall)
    assert (await owner.get(f"/suspense/{held}")).status_code == 404
    async with browser(app) as operator:
        await sign_in(operator, cast.operator)
        assert f"/suspense/{held}" in (await operator.get("/suspense")).text
        answer = await post(operator, f"/suspense/{held}", decision="reference", reference=reference, sure="10")
    assert answer.status_code == 303
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher_id) == "paid"


async def test_references_are_made_handed_out_paid_and_the_code_released(
    stall: Stall, owner: httpx.AsyncClient
) -> None:
    made = await post(owner, "/references", package=str(stall.package_id), count="3", note="for the market")
    assert made.status_code == 303
    path = made.headers["location"]
    references = await DB.fetch("SELECT id, payment_reference FROM vouchers ORDER BY id")
    secrets = [
        stall.vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
        for row in await DB.fetch("SELECT id, code_sealed FROM vouchers")
    ]
    printed = f"/vouchers/batches/{path.rsplit('/', 1)[1]}/print"
    assert (await owner.get(f"{path}/print")).headers["location"] == printed
    for where in (path, f"{path}/file.csv"):
        text = (await owner.get(where)).text
        assert all(row["payment_reference"] in text for row in references), where
        assert not any(secret in text.replace("-", "") for secret in secrets), where
    early = await post(owner, f"{path}/code", voucher=str(references[0]["id"]))
    assert early.status_code == 409
    await stall.hand(references[0]["payment_reference"])
    await stall.hand(references[1]["payment_reference"], 400)
    page = (await owner.get(path)).text
    assert "1 of 3 paid" in page
    assert "KES 4 came, KES 6 is missing" in page.replace("\u00a0", " ")
    shown = await post(owner, f"{path}/code", voucher=str(references[0]["id"]))
    assert shown.status_code == 200
    assert any(secret in shown.text.replace("-", "") for secret in secrets)
    assert shown.headers["cache-control"] == "no-store"
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'code_shown'") == 1


async def test_a_batch_needs_a_package_and_a_number(
    stall: Stall, owner: httpx.AsyncClient, cashier: httpx.AsyncClient
) -> None:
    package = str(stall.package_id)
    for fields in (
        {"package": "", "count": "3"},
        {"package": package, "count": "0"},
        {"package": package, "count": "x"},
    ):
        assert (await post(owner, "/references", **fields)).status_code == 422, fields
    assert (await post(cashier, "/references", package=package, count="3")).status_code == 403
    assert await DB.value("SELECT count(*) FROM vouchers") == 0


async def _one_of_each(stall: Stall) -> dict[str, int]:
    attempt = await stall.attempt(phone=PHONE)
    await stall.voucher()
    return {"p": attempt.payment_id, "s": await _held(stall), "b": await DB.value("SELECT id FROM batches")}


async def test_strangers_find_nothing_and_change_nothing(own_stall: Stall, app: Litestar, cast: Cast) -> None:
    places = await _one_of_each(own_stall)
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        before = await DB.value("SELECT count(*) FROM events")
        for path in (path for path in LOOKS if "{" in path):
            assert (await rival.get(path.format(**places))).status_code == 404, path
        for path in (path for path in FORMS if "{" in path):
            answer = await post(rival, path.format(**places), decision="keep", sure="10", voucher="1")
            assert answer.status_code == 404, path
        assert await DB.value("SELECT count(*) FROM events") == before
    async with browser(app) as nobody:
        for path in LOOKS:
            assert (await nobody.get(path.format(**places))).status_code == 303, path


async def test_every_page_about_money_speaks_swahili(own_stall: Stall, owner: httpx.AsyncClient) -> None:
    places = await _one_of_each(own_stall)
    english = re.compile(r"\b(the|you|your|this|with|package|money|nothing|customer|choose|paid)\b", re.IGNORECASE)
    for path in (path for path in LOOKS if not path.endswith((".csv", "/print"))):
        page = (await owner.get(path.format(**places), params={"l": "sw"})).text
        body = re.sub(r"<(script|pre|textarea)\b.*?</\1>|<[^>]+>", " ", page.split("<main", 1)[1], flags=re.DOTALL)
        body = body.replace("Airtel Money", "")
        assert not english.search(body), (path, english.search(body))


async def test_a_refused_payment_by_hand_is_found_and_told_in_the_payments_story(
    owner: httpx.AsyncClient, own_stall: Stall, app: Litestar, cast: Cast
) -> None:
    attempt = await own_stall.attempt()
    for typed, answer in (("SHOP", "C2B00012"), (attempt.reference, "0")):
        await c2b_questions.keep(
            Question(
                merchant_id=own_stall.merchant_id, account_id=own_stall.account_id, asked_at=own_stall.clock.now(),
                answer=answer, why="unknown", receipt="UKK41H7QZD", typed=typed, amount_cents=5000,
            )
        )  # fmt: skip
    for q in ("shop", "UKK41H7QZD"):
        page = await owner.get("/sales", params={"q": q})
        assert "Refused: nobody knows the account number." in page.text
        assert "KES\xa050" in page.text
    told = await owner.get(f"/payments/{attempt.payment_id}")
    assert "M-Pesa asked whether to take a payment by hand: yes" in told.text
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert "Refused" not in (await rival.get("/sales", params={"q": "UKK41H7QZD"})).text


async def test_a_voucher_sold_by_hand_waits_for_nobody_until_it_is_used(owner: httpx.AsyncClient, stall: Stall) -> None:
    voucher, reference = await stall.voucher()
    await stall.hand(reference, 5000)
    stall.clock.shift(timedelta(minutes=5))
    page = await owner.get("/sales")
    assert "Sold, not used yet" in page.text
    assert "Paid, not online" not in page.text
    code = await batches.reveal_code(stall.owner, voucher, vault=stall.vault, now=stall.clock.now())
    await voucher_entry.redeem(
        stall.router, code, hint("02:11:22:33:44:77", "10.5.50.8"), vault=stall.vault, now=stall.clock.now()
    )
    assert "Paid, not online" in (await owner.get("/sales")).text


async def test_a_second_tap_makes_no_second_batch(owner: httpx.AsyncClient, stall: Stall) -> None:
    key = re.search(r'name="form_key" value="([0-9a-f]+)"', (await owner.get("/references")).text)
    assert key is not None
    fields = {"package": str(stall.package_id), "count": "3", "note": "", "form_key": key[1]}
    first, second = await post(owner, "/references", **fields), await post(owner, "/references", **fields)
    assert first.headers["location"] == second.headers["location"]
    assert await DB.value("SELECT count(*) FROM vouchers") == 3
    third = await post(owner, "/references", **fields | {"form_key": "another"})
    assert third.headers["location"] != first.headers["location"]
