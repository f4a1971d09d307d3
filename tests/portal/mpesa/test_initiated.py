"""Requests an initiator signs: their fields, with Daraja's own misspellings, the credential, and the first answer."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from portal.errors import MpesaConfig, MpesaRefused
from portal.mpesa import initiated, security
from portal.mpesa.initiated import Ack, PayoutKind, ResultUrls
from portal.mpesa.initiator_codes import Verb
from portal.mpesa.refusals import Failure, Kind
from tests.portal.mpesa.envelopes import ACK, URLS, certificate, certificate_without_rsa, signing_app
from tests.portal.mpesa.samples import AT, refusal

PEM, KEY = certificate()
APP = signing_app(PEM)


def test_a_status_is_asked_by_receipt_or_by_conversation():
    by_receipt = initiated.status_body(APP, "sealed", about="ukk41h7qzd", urls=URLS)
    assert by_receipt == {
        "Initiator": "vochaapi", "SecurityCredential": "sealed", "CommandID": "TransactionStatusQuery",
        "TransactionID": "UKK41H7QZD", "PartyA": "174379", "IdentifierType": "4", "Remarks": "Status",
        "ResultURL": URLS.result, "QueueTimeOutURL": URLS.timeout,
    }  # fmt: skip
    by_id = initiated.status_body(APP, "sealed", about="7071-4170-a0e5-8345632bad442144258", urls=URLS)
    assert by_id["OriginalConversationID"] == "7071-4170-a0e5-8345632bad442144258"
    assert "TransactionID" not in by_id


def test_a_reversal_carries_darajas_misspelling():
    body = initiated.reversal_body(
        APP, "sealed", transaction="UKK41H7QZD", amount_cents=5000, urls=URLS, remarks="Twice @ paid & sorry"
    )
    assert body == {
        "Initiator": "vochaapi", "SecurityCredential": "sealed", "CommandID": "TransactionReversal",
        "TransactionID": "UKK41H7QZD", "Amount": "50", "ReceiverParty": "174379", "RecieverIdentifierType": "11",
        "Remarks": "Twice paid sorry", "ResultURL": URLS.result, "QueueTimeOutURL": URLS.timeout,
    }  # fmt: skip


def test_a_payout_carries_our_id_and_its_own_names():
    body = initiated.b2c_body(
        signing_app(PEM, b2c_shortcode="600992"), "sealed", our_id="payout-17_a", phone="254708374149", amount_cents=150_000,
        kind=PayoutKind.BUSINESS, urls=URLS, remarks="x", occasion="November",
    )  # fmt: skip
    assert body == {
        "OriginatorConversationID": "payout-17_a", "InitiatorName": "vochaapi", "SecurityCredential": "sealed",
        "CommandID": "BusinessPayment", "Amount": "1500", "PartyA": "600992", "PartyB": "254708374149", "Remarks": "OK",
        "ResultURL": URLS.result, "QueueTimeOutURL": URLS.timeout, "Occassion": "November",
    }  # fmt: skip


def test_without_a_shortcode_of_its_own_the_account_pays_out_itself():
    body = initiated.b2c_body(
        APP, "s", our_id="a", phone="254708374149", amount_cents=1000, kind=PayoutKind.BUSINESS, urls=URLS, remarks="Pay"
    )  # fmt: skip
    assert body["PartyA"] == "174379"
    assert "Occassion" not in body


def test_a_balance_is_asked_for_the_shortcode():
    body = initiated.balance_body(APP, "sealed", urls=URLS)
    assert (body["CommandID"], body["PartyA"], body["IdentifierType"]) == ("AccountBalance", "174379", "4")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("OriginatorConversationID", {"our_id": "has space"}),
        ("OriginatorConversationID", {"our_id": ""}),
        ("PartyB", {"phone": "0708374149"}),
        ("Amount", {"amount_cents": 900}),
        ("Amount", {"amount_cents": 1050}),
        ("Amount", {"amount_cents": 25_000_100}),
        ("ResultURL", {"urls": ResultUrls(result="https://Wifi.example/x", timeout=URLS.timeout)}),
        ("QueueTimeOutURL", {"urls": ResultUrls(result=URLS.result, timeout="")}),
    ],
)
def test_a_payout_daraja_would_refuse_is_not_sent(field: str, changes: dict[str, object]):
    good: dict[str, object] = {
        "our_id": "a", "phone": "254708374149", "amount_cents": 1000, "kind": PayoutKind.BUSINESS, "urls": URLS,
        "remarks": "Pay",
    }  # fmt: skip
    with pytest.raises(MpesaRefused, match=field):
        initiated.b2c_body(APP, "s", **{**good, **changes})  # pyright: ignore[reportArgumentType]


def test_an_accepted_request_gives_its_ids():
    assert initiated.read_ack(200, ACK, headers={}, verb=Verb.REVERSAL) == Ack(
        originator_conversation_id="f1e2-4b95-a71d-b30d3cdbb7a7000001",
        conversation_id="AG_20261120_20106e9209f64bebd05b",
        description="Accept the service request successfully.",
    )


def coded(code: object) -> bytes:
    return json.dumps({"ResponseCode": code, "ResponseDescription": "no", "ConversationID": "AG_1"}).encode()


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (500, refusal("500.002.1001", "Duplicate OriginatorConversationID."), Kind.ALREADY),
        (500, refusal("500.002.1001", "Service is currently under maintenance. Please try again later"), Kind.BUSY),
        (500, refusal("500.002.1001", "something else"), Kind.UNKNOWN),
        (500, refusal("00.002.1001", "Service is currently under maintenance. Please try again later"), Kind.BUSY),
        (401, refusal("401.002.01", "Error Occurred - Invalid Access Token - abc"), Kind.BAD_TOKEN),
        (404, refusal("404.001.03", "Invalid Access Token"), Kind.BAD_TOKEN),
        (400, refusal("400.003.01", "Invalid Access Token"), Kind.BAD_TOKEN),
        (400, refusal("400.002.02", "Bad Request - Invalid TransactionID"), Kind.REFUSED),
        (404, refusal("404.002.01", "Resource not found"), Kind.CONFIG),
        (405, refusal("405.001", "GET Method Not Allowed"), Kind.REFUSED),
        (500, refusal("500.001.1001", "Internal Server Error"), Kind.UNKNOWN),
        (500, refusal("500.003.1001", "Internal Server Error"), Kind.UNKNOWN),
        (500, refusal("500.003.02", "Error Occurred: Spike Arrest Violation"), Kind.BUSY),
        (500, refusal("500.003.03", "Quota Violation"), Kind.BUSY),
        (200, coded("2001"), Kind.CONFIG),
        (200, coded(21), Kind.CONFIG),
        (200, coded("1"), Kind.REFUSED),
        (200, coded("15"), Kind.ALREADY),
        (200, coded("26"), Kind.BUSY),
        (200, coded("100000000"), Kind.UNKNOWN),
        (200, coded("777"), Kind.UNKNOWN),
        (200, b'{"ResponseCode":"0"}', Kind.UNKNOWN),
        (200, ACK[:-30], Kind.UNKNOWN),
        (200, b"", Kind.UNKNOWN),
        (503, b"<html>", Kind.UNKNOWN),
    ],
)
def test_every_refused_request_is_sorted_by_whether_it_may_have_been_carried_out(status: int, raw: bytes, kind: Kind):
    found = initiated.read_ack(status, raw, headers={}, verb=Verb.REVERSAL)
    assert isinstance(found, Failure)
    assert found.kind is kind


def test_the_credential_is_the_plain_password_under_the_certificates_key():
    sealed = security.security_credential(APP.initiator, now=AT)
    assert KEY.decrypt(base64.b64decode(sealed, validate=True), PKCS1v15()) == b"Secret#1"
    assert sealed != security.security_credential(APP.initiator, now=AT), "the padding is random"


@pytest.mark.parametrize(
    ("pem", "after", "said"),
    [
        (PEM, timedelta(days=365), security.EXPIRED),
        (PEM, timedelta(days=-2), security.TOO_EARLY),
        ("", timedelta(0), security.NO_CERTIFICATE),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", timedelta(0), security.BAD_CERTIFICATE),
        ("a public key, perhaps", timedelta(0), security.BAD_CERTIFICATE),
        (certificate_without_rsa(), timedelta(0), security.BAD_CERTIFICATE),
    ],
)
def test_a_certificate_that_will_not_do_is_refused_in_words(pem: str, after: timedelta, said: str):
    with pytest.raises(MpesaConfig) as caught:
        security.security_credential(signing_app(pem).initiator, now=AT + after)
    assert caught.value.message == said


def test_without_an_initiator_nothing_is_signed():
    with pytest.raises(MpesaConfig) as caught:
        security.security_credential(None, now=AT)
    assert caught.value.message == security.NO_INITIATOR


def test_a_password_longer_than_the_key_takes_is_refused_in_words():
    with pytest.raises(MpesaConfig) as caught:
        security.security_credential(signing_app(PEM, password="x" * 300).initiator, now=AT)
    assert caught.value.message == security.TOO_LONG


def test_no_secret_is_in_a_repr():
    assert "Secret#1" not in repr(APP)
    assert "Secret#1" not in repr(APP.initiator)
