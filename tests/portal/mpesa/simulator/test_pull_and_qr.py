"""Pull finds what callbacks lost, within 48 hours; the QR code is a picture."""

import base64
import struct
from typing import Any

import httpx
import pytest

from portal.mpesa.simulator import DarajaSimulator
from portal.mpesa.simulator.qr_picture import qr_png

from .conftest import PHONE, Caller, error_of

QUERY = "/pulltransactions/v1/query"
WINDOW = {"ShortCode": "174379", "StartDate": "2026-11-18 0:00:00", "EndDate": "2026-12-01 10:10:000"}


async def register(caller: Caller) -> httpx.Response:
    body = {
        "ShortCode": "174379", "RequestType": "Pull", "NominatedNumber": "0722000000",
        "CallBackURL": "https://pay.example/pull",
    }  # fmt: skip
    return await caller.post("/pulltransactions/v1/register", body)


async def pulled(caller: Caller, **changes: Any) -> list[dict[str, Any]]:
    answer = (await caller.post(QUERY, WINDOW | {"OffSetValue": "0"} | changes)).json()
    assert answer["ResponseCode"] == ("1000" if answer["Response"] != [[]] else "1001")
    return answer["Response"][0]


async def test_registration_is_noticed_the_second_time(caller: Caller):
    assert [(await register(caller)).json()["ResponseStatus"] for _ in range(2)] == ["1000", "1001"]


async def test_query_needs_the_registration(caller: Caller):
    assert error_of(await caller.post(QUERY, WINDOW)) == (400, "400.001", "Bad Request - Invalid ShortCode")


async def test_nothing_is_a_list_in_a_list(caller: Caller):
    await register(caller)
    answer = (await caller.post(QUERY, WINDOW)).json()
    assert (answer["ResponseCode"], answer["Response"]) == ("1001", [[]])


async def test_payments_by_both_roads_are_found_with_the_full_number(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    sim.world.turn(callback_lost=True)
    push = await caller.pushed()
    await sim.approve(PHONE)
    sim.pay_by_hand(PHONE, "174379", amount=10, account="vk 7q2")
    first, second = await pulled(caller)
    assert first == {
        "transactionId": push.receipt,
        "trxDate": "2026-11-20T09:30:15Z",
        "msisdn": int(PHONE),
        "sender": "NJOROGE WAFULA",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": "VK7Q2",
        "amount": "25.00",
        "organizationname": "KILIMANI CORNER",
    }
    assert second["billreference"] == "vk 7q2"


async def test_rows_older_than_48_hours_are_gone(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    old = sim.pay_by_hand(PHONE, "174379", amount=1, account="OLD")
    sim.world.advance(3600)
    sim.pay_by_hand(PHONE, "174379", amount=2, account="NEW")
    sim.world.advance(47 * 3600)
    caller.bearer = ""
    assert [row["billreference"] for row in await pulled(caller)] == ["OLD", "NEW"]
    sim.world.advance(1)
    caller.bearer = ""
    rows = await pulled(caller)
    assert [row["billreference"] for row in rows] == ["NEW"]
    assert old.receipt not in str(rows)


async def test_window_is_nairobi_time_to_the_second(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    at = "2026-11-20 12:30:15"
    assert len(await pulled(caller, StartDate=at, EndDate=at)) == 1
    assert await pulled(caller, StartDate="2026-11-20 12:30:16") == []
    assert await pulled(caller, EndDate="2026-11-20 12:30:14") == []
    assert len(await pulled(caller, StartDate="2026-11-20 12:30")) == 1


async def test_pages_follow_the_offset(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    for number in range(250):
        sim.pay_by_hand(PHONE, "174379", amount=1, account=f"N{number}")
    pages = [await pulled(caller, OffSetValue=str(offset)) for offset in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [row["billreference"] for page in pages for row in page] == [f"N{number}" for number in range(250)]


async def test_rows_appear_after_their_delay(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    sim.world.turn(pull_delay_seconds=600)
    sim.pay_by_hand(PHONE, "174379", amount=1, account="A")
    assert await pulled(caller) == []
    sim.world.advance(600)
    assert len(await pulled(caller)) == 1


async def test_payouts_and_reversals_are_not_pulled(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    sim.pay_by_hand(PHONE, "174379", amount=100, account="A")
    body = {
        "CommandID": "BusinessPayment", "Amount": 50, "PartyA": "174379", "PartyB": PHONE,
        "OriginatorConversationID": "x",
    }  # fmt: skip
    await caller.command("/mpesa/b2c/v3/paymentrequest", **body)
    await sim.wait_settled()
    assert len(sim.world.ledger) == 2
    assert len(await pulled(caller)) == 1


@pytest.mark.parametrize("change", [{"StartDate": "2026-13-01 00:00"}, {"EndDate": "today"}, {"OffSetValue": "-1"}])
async def test_unreadable_window_is_refused(caller: Caller, change: dict[str, str]):
    await register(caller)
    refused = await caller.post(QUERY, WINDOW | change)
    assert error_of(refused) == (400, "400.001", f"Bad Request - Invalid {next(iter(change))}")


async def test_query_by_get_is_answered_too(sim: DarajaSimulator, caller: Caller):
    await register(caller)
    headers = {"Authorization": f"Bearer {caller.bearer}"}
    answer = await caller.http.request("GET", QUERY, json=WINDOW, headers=headers)
    assert answer.json()["ResponseCode"] == "1001"


async def test_qr_is_a_square_png_of_the_size_asked_for(caller: Caller):
    body = {"MerchantName": "TEST SUPERMARKET", "RefNo": "VK7Q2", "Amount": 1, "TrxCode": "PB", "CPI": "174379"}
    answer = (await caller.post("/mpesa/qrcode/v1/generate", body | {"Size": "300"})).json()
    assert answer["ResponseDescription"] == "QR Code Successfully Generated."
    picture = base64.b64decode(answer["QRCode"])
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (300, 300)
    assert (await caller.post("/mpesa/qrcode/v1/generate", body | {"Amount": 25.0})).status_code == 200
    refused = await caller.post("/mpesa/qrcode/v1/generate", body | {"TrxCode": "XX"})
    assert error_of(refused)[2] == "Bad Request - Invalid TrxCode"


def test_qr_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="too long"):
        qr_png(b"x" * 107, 300)
