"""Payments by hand: registering, validation, confirmation, and the disguises of the payer's number."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import MpesaRefused
from portal.mpesa import c2b, evidence
from portal.mpesa.c2b import Confirmation, Payer, Registered, Validation
from portal.mpesa.credentials import TransactionType
from portal.mpesa.messages import Malformed
from portal.mpesa.refusals import Failure, Kind
from tests.portal.mpesa.envelopes import confirmation, signing_app
from tests.portal.mpesa.samples import APP, refusal

PAID_URL, CHECK_URL = "https://wifi.example.co.ke/cb/0f3a/paid", "https://wifi.example.co.ke/cb/0f3a/check"


def read(raw: bytes) -> Confirmation:
    found = c2b.read_confirmation(raw)
    assert isinstance(found, Confirmation)
    return found


def test_a_confirmation_tells_receipt_amount_reference_and_moment():
    found = read(confirmation())
    assert (found.receipt, found.amount, found.amount_cents) == ("UKK41H7QZD", Decimal("50.00"), 5000)
    assert (found.shortcode, found.reference, found.transaction_type) == ("600638", "K7QM2XWP", "Pay Bill")
    assert found.payer_name == "Amina Otieno"
    assert found.paid_at == datetime(2026, 11, 20, 18, 30, 5, tzinfo=UTC)
    assert found.payer == Payer(kind="masked", text="25470****149")


@pytest.mark.parametrize(
    ("told", "kind", "text"),
    [
        ("2547 ***** 126", "masked", "2547*****126"),
        ("25470****149", "masked", "25470****149"),
        (hashlib.sha256(b"254708374149").hexdigest(), "hashed", hashlib.sha256(b"254708374149").hexdigest()),
        (hashlib.sha256(b"254708374149").hexdigest().upper(), "hashed", hashlib.sha256(b"254708374149").hexdigest()),
        ("254708374149", "full", "254708374149"),
        (254708374149, "full", "254708374149"),
        ("0708374149", "full", "254708374149"),
        (708374149, "full", "254708374149"),
        ("", "none", ""),
        (None, "none", ""),
        ("private", "none", ""),
    ],
)
def test_a_payers_number_is_read_in_every_disguise(told: object, kind: str, text: str):
    assert read(confirmation(MSISDN=told)).payer == Payer(kind=kind, text=text)


@pytest.mark.parametrize(
    ("told", "fits"),
    [
        ("25470****149", True),
        ("2547 ***** 149", True),
        ("2547 ***** 126", False),
        ("25411****149", False),
        (hashlib.sha256(b"254708374149").hexdigest(), True),
        (hashlib.sha256(b"254708374148").hexdigest(), False),
        ("254708374149", True),
        ("", None),
    ],
)
def test_a_hint_fits_a_phone_or_not_or_says_nothing(told: str, fits: bool | None):
    assert c2b.read_payer(told).fits("254708374149") is fits


@pytest.mark.parametrize(
    "reference", [" k7qm 2xwp ", "K7QM2XWP🙂", "house no. 4, second floor", "", "'; DROP TABLE", "٠٧١٢"]
)
def test_a_reference_comes_as_it_was_typed_whatever_junk_it_is(reference: str):
    assert read(confirmation(BillRefNumber=reference)).reference == reference.strip()


def test_blank_names_and_a_till_are_no_trouble():
    found = read(confirmation(FirstName="", LastName="", BillRefNumber="", TransactionType="Buy Goods", MSISDN=""))
    assert (found.payer_name, found.reference, found.transaction_type) == ("", "", "Buy Goods")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"null", b"{", b"\xff", confirmation(TransID=""), confirmation(TransAmount="fifty"),
        confirmation(TransAmount="-5.00"), confirmation(TransAmount=None), confirmation(InvoiceNumber="x" * 70_000),
    ],
)  # fmt: skip
def test_what_is_no_confirmation_is_malformed_and_never_an_error(raw: bytes):
    assert isinstance(c2b.read_confirmation(raw), Malformed)


@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["TransID", "TransAmount", "MSISDN"]), st.text(max_size=90)),
)
def test_no_bytes_and_no_texts_break_the_reader(raw: bytes, fields: dict[str, str]):
    c2b.read_confirmation(raw)
    c2b.read_confirmation(confirmation(**fields))


def test_a_confirmation_becomes_evidence_with_the_number_hidden_or_in_full():
    hidden = evidence.of_confirmation(7, read(confirmation()), is_trusted=False)
    assert hidden is not None
    assert (hidden.account_id, hidden.receipt, hidden.amount_cents, hidden.reference) == (
        7,
        "UKK41H7QZD",
        5000,
        "K7QM2XWP",
    )
    assert (hidden.phone, hidden.payer_hint, hidden.is_trusted) == (None, "25470****149", False)
    full = evidence.of_confirmation(7, read(confirmation(MSISDN="254708374149")), is_trusted=True)
    assert full is not None
    assert (full.phone, full.payer_hint, full.is_trusted) == ("254708374149", "", True)


@pytest.mark.parametrize("told", ["10.404", "0.00", "0"])
def test_an_amount_that_is_not_one_of_whole_cents_is_no_evidence(told: str):
    assert evidence.of_confirmation(7, read(confirmation(TransAmount=told)), is_trusted=True) is None


def test_registering_names_both_addresses_and_the_answer_in_sentence_case():
    body = c2b.register_body(APP, response_type="Completed", confirmation_url=PAID_URL, validation_url=CHECK_URL)
    assert body == {
        "ShortCode": "174379", "ResponseType": "Completed", "ConfirmationURL": PAID_URL, "ValidationURL": CHECK_URL
    }  # fmt: skip
    assert c2b.register_path("v1") == "/mpesa/c2b/v1/registerurl"
    assert c2b.register_path("v2") == "/mpesa/c2b/v2/registerurl"


@pytest.mark.parametrize("response_type", ["completed", "CANCELLED", "Canceled", ""])
def test_another_spelling_of_the_response_type_is_not_sent(response_type: str):
    with pytest.raises(MpesaRefused, match="ResponseType"):
        c2b.register_body(APP, response_type=response_type, confirmation_url=PAID_URL, validation_url=CHECK_URL)


@pytest.mark.parametrize("spelled", ["OriginatorCoversationID", "OriginatorConversationID"])
def test_a_registration_is_read_with_the_misspelt_id_and_without(spelled: str):
    raw = json.dumps({spelled: "7619-37765134-1", "ResponseCode": "0", "ResponseDescription": "success"}).encode()
    assert c2b.read_registered(200, raw, headers={}) == Registered(
        originator_conversation_id="7619-37765134-1", description="success"
    )


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (500, refusal("500.003.1001", "Urls are already registered"), Kind.ALREADY),
        (500, refusal("500.003.1001", "Duplicate notification info, SP ID is 1, correlator is 2"), Kind.ALREADY),
        (500, refusal("500.003.1001", "Internal Server Error"), Kind.UNKNOWN),
        (400, refusal("400.003.01", "Invalid Access Token"), Kind.BAD_TOKEN),
        (400, refusal("400.003.02", "Bad Request"), Kind.REFUSED),
        (400, refusal("400.002.05", "Invalid Request Payload"), Kind.REFUSED),
        (404, refusal("404.003.01", "Resource not found"), Kind.CONFIG),
        (404, refusal("404.001.04", "Invalid Authentication Header"), Kind.CONFIG),
        (500, refusal("500.003.02", "Error Occurred: Spike Arrest Violation"), Kind.BUSY),
        (500, refusal("500.003.03", "Error Occurred: Quota Violation"), Kind.BUSY),
        (200, b'{"ResponseCode":"1","ResponseDescription":"no"}', Kind.REFUSED),
    ],
)
def test_every_refused_registration_is_sorted(status: int, raw: bytes, kind: Kind):
    found = c2b.read_registered(status, raw, headers={})
    assert isinstance(found, Failure)
    assert found.kind is kind


def test_a_simulated_payment_names_paybill_and_reference_or_the_till_alone():
    body = c2b.simulate_body(APP, phone="254708374149", amount_cents=5000, reference="K7QM2XWP")
    assert (body["CommandID"], body["Amount"], body["BillRefNumber"]) == ("CustomerPayBillOnline", 50, "K7QM2XWP")
    till = signing_app("", transaction_type=TransactionType.BUY_GOODS, party_b="600000")
    body = c2b.simulate_body(till, phone="254708374149", amount_cents=5000, reference="K7QM2XWP")
    assert (body["CommandID"], body["ShortCode"], body["BillRefNumber"]) == ("CustomerBuyGoodsOnline", "600000", None)


def test_production_simulates_nothing():
    with pytest.raises(MpesaRefused):
        c2b.simulate_body(
            signing_app("", environment="production"), phone="254708374149", amount_cents=100, reference="A"
        )


def test_our_answers_to_a_validation_are_in_darajas_words():
    assert c2b.validation_answer(Validation.ACCEPT) == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert c2b.validation_answer(Validation.ACCEPT, third_party_id="1234")["ThirdPartyTransID"] == "1234"
    assert c2b.validation_answer(Validation.BAD_ACCOUNT) == {"ResultCode": "C2B00012", "ResultDesc": "Rejected"}
    assert c2b.CONFIRMED == {"ResultCode": 0, "ResultDesc": "Success"}
