import asyncio
import re
from typing import Any

import pytest

from portal.mpesa.simulator import DarajaSimulator

from .conftest import OTHER_PHONE, PHONE, Caller, error_of

PUSH = "/mpesa/stkpush/v1/processrequest"


async def test_good_push_is_accepted_with_ids_of_the_real_shape(caller: Caller):
    answer = await caller.push()
    body = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\d+", body.pop("MerchantRequestID"))
    # 09:30:15.123 UTC is 12:30:15.123 in Nairobi.
    assert body.pop("CheckoutRequestID") == "ws_CO_20112026123015123712345678"
    success = "Success. Request accepted for processing"
    assert body == {"ResponseCode": "0", "ResponseDescription": success, "CustomerMessage": success}


async def test_account_reference_is_never_echoed(caller: Caller):
    assert "VK7Q2" not in (await caller.push()).text


async def test_numbers_are_accepted_as_text_and_as_numbers(caller: Caller):
    text = {"BusinessShortCode": "174379", "Amount": "25", "PartyB": "174379", "PartyA": PHONE, "PhoneNumber": PHONE}
    assert (await caller.push(**text)).status_code == 200
    numbers = {name: int(value) for name, value in text.items()} | {"PhoneNumber": int(OTHER_PHONE)}
    assert (await caller.push(**numbers)).status_code == 200


@pytest.mark.parametrize("amount", [0, -1, "0", 250_001, "10.5", 10.0, "ten", "", None, True, "1e3"])
async def test_amount_that_is_not_whole_kes_within_bounds_is_refused(caller: Caller, amount: Any):
    assert error_of(await caller.push(Amount=amount)) == (400, "400.002.02", "Bad Request - Invalid Amount")


@pytest.mark.parametrize("amount", [1, 250_000])
async def test_amounts_at_the_bounds_are_accepted(caller: Caller, amount: int):
    assert (await caller.push(Amount=amount)).status_code == 200


@pytest.mark.parametrize("phone", ["0712345678", "+254712345678", "25471234567", "2547123456789", "254812345678", ""])
@pytest.mark.parametrize("name", ["PhoneNumber", "PartyA"])
async def test_phone_of_another_shape_is_refused(caller: Caller, name: str, phone: str):
    changes = {"PhoneNumber": PHONE, "PartyA": PHONE} | {name: phone}
    assert error_of(await caller.push(**changes)) == (400, "400.002.02", f"Bad Request - Invalid {name}")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"BusinessShortCode": "12"}, "BusinessShortCode"),
        ({"Password": None}, "Password"),
        ({"Timestamp": "2026-11-20"}, "Timestamp"),
        ({"Timestamp": "20261340123015"}, "Timestamp"),
        ({"TransactionType": "PayBill"}, "TransactionType"),
        ({"PartyB": None}, "PartyB"),
        ({"CallBackURL": None}, "CallBackURL"),
        ({"CallBackURL": "https://<your-host>/x"}, "CallBackURL"),
        ({"CallBackURL": "mailto:a@b.c"}, "CallBackURL"),
        ({"CallBackURL": "https://[broken/x"}, "CallBackURL"),
        ({"AccountReference": None}, "AccountReference"),
        ({"AccountReference": True}, "AccountReference"),
        ({"TransactionDesc": None}, "Remarks"),
        ({"TransactionDesc": ""}, "Remarks"),
    ],
)
async def test_wrong_field_is_named(caller: Caller, changes: dict[str, Any], field: str):
    assert error_of(await caller.push(**changes)) == (400, "400.002.02", f"Bad Request - Invalid {field}")


async def test_host_that_does_not_resolve_is_accepted(caller: Caller):
    assert (await caller.push(CallBackURL="https://no-such-host.invalid/x")).status_code == 200


async def test_form_body_is_read_as_having_no_shortcode(caller: Caller):
    await caller.push(PhoneNumber=OTHER_PHONE)
    headers = {"Authorization": f"Bearer {caller.bearer}"}
    refused = await caller.http.post(PUSH, data=caller.fields(), headers=headers)
    assert error_of(refused) == (400, "400.002.02", "Bad Request - Invalid BusinessShortCode")


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"\xff"])
async def test_body_that_is_no_json_object_is_refused(caller: Caller, body: bytes):
    await caller.push(PhoneNumber=OTHER_PHONE)
    headers = {"Authorization": f"Bearer {caller.bearer}", "Content-Type": "application/json"}
    assert error_of(await caller.http.post(PUSH, content=body, headers=headers))[0] == 400


async def test_huge_body_is_refused(caller: Caller):
    assert error_of(await caller.push(TransactionDesc="x" * 70_000))[0] == 413


async def test_other_password_is_wrong_credentials(caller: Caller):
    assert error_of(await caller.push(Password="MTIz")) == (500, "500.001.1001", "Wrong credentials")


async def test_password_made_with_another_stamp_is_wrong_credentials(caller: Caller):
    assert error_of(await caller.push(Timestamp="20261120123016"))[2] == "Wrong credentials"


async def test_unknown_shortcode_does_not_exist(caller: Caller):
    refused = await caller.push(BusinessShortCode=600123)
    assert error_of(refused) == (500, "500.001.1001", "Merchant does not exist")


@pytest.mark.parametrize("path", [PUSH, "/mpesa/stkpushquery/v1/query"])
async def test_get_is_not_allowed(caller: Caller, path: str):
    assert error_of(await caller.http.get(path)) == (405, "405.001", "GET Method Not Allowed")


async def test_wrong_path_is_not_found(caller: Caller):
    refused = await caller.http.post("/mpesa/stkpush/v2/processrequest", json={})
    assert error_of(refused) == (404, "404.001.01", "Resource not found")


async def test_push_without_a_token_is_refused(caller: Caller):
    assert error_of(await caller.http.post(PUSH, json=caller.fields()))[1] == "404.001.03"


async def test_second_push_to_a_busy_phone_is_refused(caller: Caller):
    await caller.push()
    status, code, message = error_of(await caller.push(Amount=99))
    assert (status, code) == (500, "500.001.1001")
    assert message.startswith("Unable to lock subscriber, a transaction is already in process")


async def test_phone_is_free_again_after_the_result(sim: DarajaSimulator, caller: Caller):
    await caller.push()
    await sim.cancel(PHONE)
    assert (await caller.push(Amount=99)).status_code == 200


async def test_of_twenty_pushes_at_once_to_one_phone_one_is_accepted(caller: Caller):
    await caller.push(PhoneNumber=OTHER_PHONE)
    answers = await asyncio.gather(*(caller.push(Amount=amount) for amount in range(1, 21)))
    assert sorted(answer.status_code for answer in answers) == [200] + [500] * 19


async def test_ids_are_unique_when_the_clock_stands_still(sim: DarajaSimulator, caller: Caller):
    ids: set[str] = set()
    for amount in range(1, 6):
        push = await caller.pushed(Amount=amount)
        ids |= {push.checkout_request_id, push.merchant_request_id}
        await sim.cancel(PHONE)
    assert len(ids) == 10
