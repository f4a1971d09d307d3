import base64

import pytest

from portal.errors import MpesaRefused
from portal.mpesa.credentials import MpesaApp, TransactionType
from portal.mpesa.messages import plain_description, push_body, query_body, timestamp
from tests.portal.mpesa.samples import APP, AT, CALLBACK_URL


def push(**changes: object) -> dict[str, str | int]:
    given = {
        "phone": "254708374149",
        "amount_cents": 2500,
        "reference": "K7QM2XWP",
        "description": "1 hour",
        "callback_url": CALLBACK_URL,
        "at": AT,
    }
    return push_body(APP, **(given | changes))  # type: ignore[arg-type]


def test_a_push_carries_every_field_the_documentation_asks_for():
    assert push() == {
        "BusinessShortCode": "174379",
        "Password": base64.b64encode(f"174379{APP.passkey}20261121003005".encode()).decode(),
        "Timestamp": "20261121003005",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 25,
        "PartyA": "254708374149",
        "PartyB": "174379",
        "PhoneNumber": "254708374149",
        "CallBackURL": CALLBACK_URL,
        "AccountReference": "K7QM2XWP",
        "TransactionDesc": "1 hour",
    }


def test_a_till_is_paid_through_its_store_number():
    till = MpesaApp(
        environment="sandbox",
        base_url="https://sandbox.safaricom.co.ke",
        consumer_key="k",
        consumer_secret="s",
        shortcode="600100",
        passkey="p",
        transaction_type=TransactionType.BUY_GOODS,
        party_b="5301234",
    )
    body = push_body(
        till,
        phone="254708374149",
        amount_cents=100,
        reference="A1",
        description="",
        callback_url=CALLBACK_URL,
        at=AT,
    )
    assert (body["BusinessShortCode"], body["PartyB"]) == ("600100", "5301234")
    assert body["TransactionType"] == "CustomerBuyGoodsOnline"


def test_the_timestamp_is_nairobi_time_whatever_the_zone_given():
    assert timestamp(AT) == timestamp(AT.astimezone()) == "20261121003005"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_cents": 0}, "Amount"),
        ({"amount_cents": 2550}, "Amount"),
        ({"amount_cents": 25_000_100}, "Amount"),
        ({"amount_cents": -100}, "Amount"),
        ({"phone": "255712345678"}, "PhoneNumber"),
        ({"phone": "0712345678"}, "PhoneNumber"),
        ({"reference": ""}, "AccountReference"),
        ({"reference": "ABCDEFGHJKLMN"}, "AccountReference"),
        ({"reference": "k7qm2"}, "AccountReference"),
        ({"callback_url": "https://WIFI.example/c/1"}, "CallBackURL"),
        ({"callback_url": "https://<your-url>/c"}, "CallBackURL"),
        ({"callback_url": "wifi.example/c"}, "CallBackURL"),
    ],
)
def test_what_daraja_would_refuse_or_drop_is_not_sent(change: dict[str, object], field: str):
    with pytest.raises(MpesaRefused, match=f"Invalid {field}"):
        push(**change)


def test_the_largest_amount_is_a_quarter_million():
    assert push(amount_cents=25_000_000)["Amount"] == 250_000


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Saa 3 @ #1 & more", "Saa 3 1 more"),
        ("", "WiFi"),
        ("€€€", "WiFi"),
        ("A very long description", "A very long d"),
    ],
)
def test_a_description_is_plain_short_and_never_missing(typed: str, sent: str):
    assert plain_description(typed) == sent


def test_a_query_is_signed_like_a_push():
    body = query_body(APP, checkout_request_id="ws_CO_1", at=AT)
    assert body["CheckoutRequestID"] == "ws_CO_1"
    assert body["Password"] == push()["Password"]
