"""The same mistake, spelt as each API's page spells it."""

import pytest

from .conftest import Caller, error_of

STK = "/mpesa/stkpush/v1/processrequest"
REVERSAL = "/mpesa/reversal/v1/request"
B2C = "/mpesa/b2c/v3/paymentrequest"
BALANCE = "/mpesa/accountbalance/v1/query"
REGISTER = "/mpesa/c2b/v2/registerurl"
STATUS = "/mpesa/transactionstatus/v1/query"
PULL = "/pulltransactions/v1/query"
QR = "/mpesa/qrcode/v1/generate"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (STK, 404, "404.001.03"),
        (REVERSAL, 404, "404.001.03"),
        (QR, 404, "404.001.03"),
        (B2C, 401, "401.002.01"),
        (BALANCE, 401, "401.002.01"),
        (REGISTER, 400, "400.003.01"),
        (STATUS, 400, "400.003.01"),
        (PULL, 401, "401.001"),
    ],
)
async def test_bad_token_is_spelt_by_each_api(caller: Caller, path: str, status: int, code: str):
    refused = await caller.http.post(path, json={}, headers={"Authorization": "Bearer dead"})
    assert error_of(refused)[:2] == (status, code)
    caller.world.turn(token_error="401.003.01")
    refused = await caller.http.post(path, json={}, headers={"Authorization": "Bearer dead"})
    assert error_of(refused)[:2] == (401, "401.003.01")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (STK, 405, "405.001"),
        (B2C, 405, "405.001"),
        (BALANCE, 405, "405.001"),
        (REGISTER, 404, "404.001.04"),
        (STATUS, 404, "404.001.04"),
    ],
)
async def test_wrong_verb_is_spelt_by_each_api(caller: Caller, path: str, status: int, code: str):
    assert error_of(await caller.http.get(path))[:2] == (status, code)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/mpesa/stkpush/v2/processrequest", "404.001.01"),
        ("/mpesa/c2b/v2/registerurls", "404.003.01"),
        ("/mpesa/c2b/v3/registerurl", "404.003.01"),
        ("/mpesa/b2c/v2/paymentrequest", "404.002.01"),
        ("/mpesa/accountbalance/v2/query", "404.002.01"),
    ],
)
async def test_wrong_path_is_spelt_by_each_api(caller: Caller, path: str, code: str):
    assert error_of(await caller.post(path, {}))[:2] == (404, code)


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        (STK, "BusinessShortCode", "400.002.02"),
        (REVERSAL, "RecieverIdentifierType", "400.002.02"),
        (REGISTER, "ShortCode", "400.003.02"),
        (B2C, "OriginatorConversationID", "400.002.02"),
    ],
)
@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "application/json"])
async def test_form_body_makes_the_first_field_invalid_whatever_the_header_says(
    caller: Caller, path: str, field: str, code: str, media_type: str
):
    bearer = (await caller.token()).json()["access_token"]
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": media_type}
    refused = await caller.http.post(path, content=b"ShortCode=174379&Amount=1", headers=headers)
    assert error_of(refused) == (400, code, f"Bad Request - Invalid {field}")


async def test_broken_json_is_an_invalid_payload(caller: Caller):
    bearer = (await caller.token()).json()["access_token"]
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    refused = await caller.http.post(REGISTER, content=b'{"ShortCode": ', headers=headers)
    assert error_of(refused) == (400, "400.002.05", "Invalid Request Payload")
