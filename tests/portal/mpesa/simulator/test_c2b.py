"""C2B: registration by the page's rules, validation as asked for, confirmation as documented."""

import hashlib
from typing import Any

import pytest

from portal.mpesa.simulator import CannotPay, DarajaSimulator
from portal.mpesa.simulator.hand_payments import pay_by_hand

from .conftest import PHONE, Caller, error_of


async def paid(sim: DarajaSimulator, *, amount: int = 5, account: str = "VK7Q2") -> Any:
    payment = sim.pay_by_hand(PHONE, "174379", amount=amount, account=account)
    await sim.wait_settled()
    return payment


@pytest.mark.parametrize(("version", "description"), [("v1", "success"), ("v2", "Success")])
async def test_registration_answers_with_the_misspelling(caller: Caller, version: str, description: str):
    answer = await caller.register(version)
    assert answer.status_code == 200
    assert set(answer.json()) == {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"}
    assert (answer.json()["ResponseCode"], answer.json()["ResponseDescription"]) == ("0", description)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ResponseType", "completed"),
        ("ResponseType", "COMPLETED"),
        ("ResponseType", "Canceled"),
        ("ResponseType", None),
        ("ShortCode", "999999"),
        ("ShortCode", None),
        ("ConfirmationURL", "/relative"),
        ("ConfirmationURL", None),
        ("ValidationURL", "ftp://127.0.0.1/x"),
    ],
)
async def test_unfit_registration_names_its_field(caller: Caller, field: str, value: str | None):
    refused = await caller.register(**{field: value})
    assert error_of(refused) == (400, "400.003.02", f"Bad Request - Invalid {field}")
    assert caller.world.shortcodes["174379"].registration is None


async def test_sandbox_lets_urls_be_overwritten(caller: Caller):
    await caller.register()
    again = await caller.register(ConfirmationURL=caller.merchant.url + "/other")
    registration = caller.world.shortcodes["174379"].registration
    assert (again.status_code, registration and registration.confirmation_url) == (200, caller.merchant.url + "/other")


async def test_production_registers_once_until_the_urls_are_deleted(caller: Caller):
    caller.world.turn(c2b_rules="production")
    urls = {"ConfirmationURL": "https://pay.example/a", "ValidationURL": "https://pay.example/b"}
    assert (await caller.register(**urls)).status_code == 200
    assert error_of(await caller.register(**urls)) == (500, "500.003.1001", "Urls are already registered.")
    await caller.http.post("/_sim/shortcode/174379", json={"forget_urls": True})
    assert (await caller.register(**urls)).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://pay.example/c2b",
        "https://pay.example/M-Pesa/c2b",
        "https://safaricom.example/c2b",
        "https://pay.example/CMD",
        "https://pay.example/sqlite",
        "https://abc.ngrok.io/c2b",
    ],
)
async def test_production_refuses_plain_http_and_forbidden_words(caller: Caller, url: str):
    caller.world.turn(c2b_rules="production")
    refused = await caller.register(ConfirmationURL=url, ValidationURL="https://pay.example/b")
    assert error_of(refused)[2] == "Bad Request - Invalid ConfirmationURL"


async def test_shortcode_of_the_old_broker_cannot_register(caller: Caller):
    caller.world.shortcodes["174379"].is_on_old_broker = True
    status, code, message = error_of(await caller.register())
    assert (status, code, message[:27]) == (500, "500.003.1001", "Duplicate notification info")


async def test_strict_sandbox_registers_no_urls_for_174379(caller: Caller):
    caller.world.turn(persona="sandbox")
    assert error_of(await caller.register())[2] == "Bad Request - Invalid ShortCode"


async def test_confirmation_is_all_strings_and_masks_the_number(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    payment = await paid(sim)
    (heard,) = caller.merchant.heard
    assert heard.path == "/confirm"
    assert heard.json == {
        "TransactionType": "Pay Bill",
        "TransID": payment.receipt,
        "TransTime": "20261120123015",
        "TransAmount": "5.00",
        "BusinessShortCode": "174379",
        "BillRefNumber": "VK7Q2",
        "InvoiceNumber": "",
        "OrgAccountBalance": "5.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 678",
        "FirstName": "NJOROGE",
        "MiddleName": "",
        "LastName": "",
    }


async def test_version_1_hashes_the_number(sim: DarajaSimulator, caller: Caller):
    await caller.register("v1")
    await paid(sim)
    assert caller.merchant.heard[0].json["MSISDN"] == hashlib.sha256(PHONE.encode()).hexdigest()


async def test_mask_and_names_follow_their_knobs(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.turn(msisdn_mask="starred", payer_names="blank")
    await paid(sim)
    sim.world.turn(payer_names="full")
    await paid(sim)
    first, second = (heard.json for heard in caller.merchant.heard)
    assert (first["MSISDN"], first["FirstName"]) == ("25471****678", "")
    assert (second["FirstName"], second["LastName"]) == ("NJOROGE", "WAFULA")


@pytest.mark.parametrize("account", [" vk7q2 ", "vk 7q2", "🙂", "0O1Il", "Wi-Fi for the shop!!"])
async def test_account_number_arrives_as_typed(sim: DarajaSimulator, caller: Caller, account: str):
    await caller.register()
    await paid(sim, account=account)
    assert caller.merchant.heard[0].json["BillRefNumber"] == account


async def test_till_has_no_account_and_is_paid_by_its_own_number(sim: DarajaSimulator, caller: Caller):
    sim.world.add_shortcode("600997", passkey="x", name="CORNER TILL", till="522533")
    await caller.register(ShortCode="600997")
    sim.pay_by_hand(PHONE, "522533", amount=7)
    await sim.wait_settled()
    heard = caller.merchant.heard[0].json
    assert (heard["TransactionType"], heard["BusinessShortCode"], heard["BillRefNumber"]) == (
        "Buy Goods", "522533", "",
    )  # fmt: skip
    with pytest.raises(CannotPay, match="not known"):
        sim.pay_by_hand(PHONE, "600997", amount=7)


async def test_without_urls_the_payment_completes_silently(sim: DarajaSimulator, caller: Caller):
    payment = await paid(sim)
    assert (payment.status, sim.world.ledger[0].receipt) == ("completed", payment.receipt)
    assert not caller.merchant.heard


async def test_validation_is_asked_only_where_it_was_switched_on(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    await paid(sim)
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.replies["/validate"] = b'{"ResultCode":"0","ResultDesc":"Accepted"}'
    await paid(sim)
    assert [heard.path for heard in caller.merchant.heard] == ["/confirm", "/validate", "/confirm"]
    question, told = (heard.json for heard in caller.merchant.heard[1:])
    assert question["OrgAccountBalance"] == ""
    assert (told["OrgAccountBalance"], told["TransID"]) == ("10.00", question["TransID"])


@pytest.mark.parametrize("given", [b'"T-99"', b"99", b"null"])
async def test_third_party_id_comes_back_in_the_confirmation(sim: DarajaSimulator, caller: Caller, given: bytes):
    await caller.register()
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.replies["/validate"] = b'{"ResultCode":0,"ResultDesc":"ok","ThirdPartyTransID":%s}' % given
    await paid(sim)
    expected = given.decode().strip('"').replace("null", "")
    assert caller.merchant.heard[1].json["ThirdPartyTransID"] == expected


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("C2B00011", "phone number is not accepted"),
        ("C2B00012", "account number is invalid"),
        ("C2B00013", "amount is invalid"),
        ("C2B00014", "your details are not accepted"),
        ("C2B00015", "business number is invalid"),
        ("C2B00016", "cannot take it now"),
        ("1", "cannot take it now"),
    ],
)
async def test_rejection_moves_no_money_and_decides_the_message(
    sim: DarajaSimulator, caller: Caller, code: str, told: str
):
    await caller.register()
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.replies["/validate"] = b'{"ResultCode":"%s","ResultDesc":"Rejected"}' % code.encode()
    payment = await paid(sim)
    assert (payment.status, payment.reason, sim.world.ledger) == ("cancelled", code, [])
    assert told in sim.world.phone(PHONE).messages[-1].text
    assert [heard.path for heard in caller.merchant.heard] == ["/validate"]


@pytest.mark.parametrize(("response_type", "status"), [("Completed", "completed"), ("Cancelled", "cancelled")])
@pytest.mark.parametrize("way", ["slow", "error", "refusal with a verdict", "nonsense", "dead"])
async def test_silence_at_validation_ends_as_registered(
    sim: DarajaSimulator, caller: Caller, response_type: str, status: str, way: str
):
    dead = {"ValidationURL": "http://127.0.0.1:1/validate"} if way == "dead" else {}
    await caller.register(ResponseType=response_type, **dead)
    sim.world.shortcodes["174379"].validates = True
    if way == "slow":
        sim.world.turn(validation_timeout_seconds=0.05)
        caller.merchant.delay_seconds = 0.2
    elif way == "error":
        caller.merchant.answers = [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n"]
    elif way == "refusal with a verdict":
        other = b"C2B00012" if status == "completed" else b"0"
        caller.merchant.replies["/validate"] = b'{"ResultCode":"%s"}' % other
        caller.merchant.answers = [b"HTTP/1.1 500 Oops\r\n"]
    elif way == "nonsense":
        caller.merchant.replies["/validate"] = b'{"Result":0}'
    payment = await paid(sim)
    assert payment.status == status


async def test_money_spent_while_the_merchant_thinks_is_not_spent_twice(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.replies["/validate"] = b'{"ResultCode":0}'
    sim.world.phone(PHONE).balance_cents = 1_000
    payments = [sim.pay_by_hand(PHONE, "174379", amount=10, account=name) for name in ("A", "B")]
    await sim.wait_settled()
    assert sorted(payment.status for payment in payments) == ["completed", "declined"]
    assert sim.world.phone(PHONE).balance_cents == 0


@pytest.mark.parametrize(
    ("order", "paths"), [("after", ["/callback/abc", "/confirm"]), ("before", ["/confirm", "/callback/abc"])]
)
async def test_stk_payment_is_confirmed_by_c2b_with_the_same_receipt(
    sim: DarajaSimulator, caller: Caller, order: str, paths: list[str]
):
    await caller.register()
    sim.world.turn(stk_confirmation=order)
    caller.merchant.delay_seconds = 0.05
    push = await caller.pushed()
    await sim.approve(PHONE)
    await sim.wait_settled()
    assert [heard.path for heard in caller.merchant.heard] == paths
    confirmation = next(heard for heard in caller.merchant.heard if heard.path == "/confirm")
    assert (confirmation.json["TransID"], confirmation.json["BillRefNumber"]) == (push.receipt, "VK7Q2")
    assert len(sim.world.ledger) == 1


async def test_stk_confirmation_can_be_off_and_needs_a_payment(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    await caller.push()
    await sim.cancel(PHONE)
    sim.world.turn(stk_confirmation="off")
    await caller.push(Amount=26)
    await sim.approve(PHONE)
    await sim.wait_settled()
    assert [heard.path for heard in caller.merchant.heard] == ["/callback/abc"] * 2


async def test_lost_stk_callback_leaves_the_confirmation(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.turn(callback_lost=True, callback_kinds=["stk"])
    await caller.push()
    await sim.approve(PHONE)
    await sim.wait_settled()
    assert [heard.path for heard in caller.merchant.heard] == ["/confirm"]


async def test_simulate_pays_without_a_pin_and_only_in_the_sandbox(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    body = {
        "ShortCode": 174379, "CommandID": "CustomerPayBillOnline", "Amount": 1, "Msisdn": int(PHONE),
        "BillRefNumber": "Test Ref",
    }  # fmt: skip
    answer = await caller.post("/mpesa/c2b/v2/simulate", body)
    await sim.wait_settled()
    assert answer.json()["ResponseDescription"] == "Accept the service request successfully."
    assert "OriginatorCoversationID" in answer.json()
    assert caller.merchant.heard[0].json["BillRefNumber"] == "Test Ref"
    assert sim.world.phone(PHONE).balance_cents == 499_900
    goods = await caller.post("/mpesa/c2b/v2/simulate", body | {"CommandID": "CustomerBuyGoodsOnline"})
    assert error_of(goods)[2] == "Bad Request - Invalid CommandID"
    sim.world.turn(c2b_rules="production")
    assert error_of(await caller.post("/mpesa/c2b/v2/simulate", body))[:2] == (404, "404.003.01")


@pytest.mark.parametrize(
    ("amount", "account", "pin", "told"),
    [
        (0, "A", None, "amount"),
        (250_001, "A", None, "amount"),
        (10, " ", None, "account number"),
        (10, "x" * 21, None, "20 characters"),
        (10, "A", "0000", "wrong PIN"),
        (6_000, "A", None, "enough money"),
    ],
)
async def test_phone_refuses_what_cannot_be_paid(
    sim: DarajaSimulator, caller: Caller, amount: int, account: str, pin: str | None, told: str
):
    body = {"number": "174379", "amount": amount, "account": account, "pin": pin}
    refused = await caller.http.post(f"/_sim/phone/{PHONE}/pay", json=body)
    status, code, message = error_of(refused)
    assert (status, code) == (409, "sim.cannot_pay")
    assert told in message
    assert not sim.world.ledger


async def test_third_wrong_pin_by_hand_locks_the_phone(sim: DarajaSimulator):
    codes: list[str] = []
    for pin in ("0", "0", "0", "1234"):
        with pytest.raises(CannotPay) as refused:
            pay_by_hand(sim.world, PHONE, "174379", amount=1, account="A", pin=pin)
        codes.append(refused.value.result_code)
    assert codes == ["2001", "2001", "8006", "8006"]


async def test_more_than_the_day_allows_is_refused(sim: DarajaSimulator):
    phone = sim.world.phone(PHONE)
    phone.balance_cents = 90_000_000
    for _ in range(2):
        sim.pay_by_hand(PHONE, "174379", amount=250_000, account="A")
    with pytest.raises(CannotPay, match="daily") as refused:
        sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    assert refused.value.result_code == "4"
    sim.world.advance(24 * 3600)
    sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
