import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.mpesa.messages import Malformed, StkResult, read_callback
from portal.mpesa.result_codes import Meaning
from tests.portal.mpesa.samples import CANCELLED, PAID


def callback(**changes: object) -> bytes:
    document = json.loads(PAID)
    document["Body"]["stkCallback"].update(changes)
    return json.dumps(document).encode()


def items(*pairs: tuple[str, object]) -> bytes:
    return callback(CallbackMetadata={"Item": [{"Name": name, "Value": value} for name, value in pairs]})


def read(raw: bytes) -> StkResult:
    found = read_callback(raw)
    assert isinstance(found, StkResult)
    return found


def test_a_paid_callback_is_read_exactly():
    result = read(PAID)
    assert result.meaning is Meaning.PAID
    assert result.result_code == "0"
    assert result.receipt == "NLJ7RT61SV"
    assert result.amount == Decimal("1.00")
    assert result.amount_cents == 100
    assert result.phone == "254708374149"
    assert result.paid_at == datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC)
    assert result.checkout_request_id == "ws_CO_191220191020363925"
    assert result.is_complete


def test_a_cancelled_callback_has_nothing_but_its_code():
    result = read(CANCELLED)
    assert result.meaning is Meaning.FAILED_RETRY
    assert (result.receipt, result.amount_cents, result.phone, result.paid_at) == (None, None, None, None)
    assert not result.is_complete


@pytest.mark.parametrize("amount", [10, 10.0, "10", "10.00"])
def test_ten_shillings_are_ten_in_any_spelling(amount: object):
    assert read(items(("Amount", amount))).amount_cents == 1000


def test_ten_forty_stays_ten_forty():
    assert read(items(("Amount", 10.40))).amount_cents == 1040


@pytest.mark.parametrize("amount", [None, "ten", "", -1, True, [10], 0.001, 1e30, "1e3"])
def test_a_success_whose_amount_cannot_be_read_must_be_verified(amount: object):
    result = read(items(("Amount", amount), ("MpesaReceiptNumber", "NLJ7RT61SV")))
    assert result.meaning is Meaning.PAID
    assert result.amount_cents is None
    assert not result.is_complete


def test_items_may_come_in_any_order_and_without_a_value():
    raw = callback(
        CallbackMetadata={
            "Item": [
                {"Name": "Balance"},
                {"Name": "MpesaReceiptNumber", "Value": "nlj7rt61sv "},
                "junk",
                None,
                {"Value": 3},
                {"Name": "Amount", "Value": 5},
            ]
        }
    )
    result = read(raw)
    assert (result.receipt, result.amount_cents) == ("NLJ7RT61SV", 500)
    assert result.is_complete


def test_an_item_told_twice_differently_is_not_believed():
    assert read(items(("Amount", 5), ("Amount", 500))).amount is None
    assert read(items(("Amount", 5), ("Amount", 5))).amount_cents == 500


def test_one_item_may_stand_without_a_list():
    assert read(callback(CallbackMetadata={"Item": {"Name": "Amount", "Value": 5}})).amount_cents == 500


@pytest.mark.parametrize(
    ("code", "read_as", "meaning"),
    [("0", "0", Meaning.PAID), (0.0, "0", Meaning.PAID), ("SFC_IC0003", "SFC_IC0003", Meaning.CONFIG)],
)
def test_a_result_code_may_be_text(code: object, read_as: str, meaning: Meaning):
    result = read(callback(ResultCode=code))
    assert (result.result_code, result.meaning) == (read_as, meaning)


@pytest.mark.parametrize("phone", ["2547******149", None])
def test_a_masked_or_absent_phone_does_not_matter(phone: str | None):
    result = read(items(("Amount", 5), ("MpesaReceiptNumber", "NLJ7RT61SV"), ("PhoneNumber", phone)))
    assert result.phone == phone
    assert result.is_complete


@pytest.mark.parametrize("receipt", ["", "NLJ7 RT61", "X" * 21, None, "'; DROP", "НLJ7RT61SV"])
def test_a_receipt_that_is_none_is_left_out(receipt: object):
    assert read(items(("MpesaReceiptNumber", receipt))).receipt is None


@pytest.mark.parametrize("date", [20191319102115, "2019", None, 99999999999999, "00010101000000"])
def test_an_impossible_date_is_left_out(date: object):
    assert read(items(("TransactionDate", date))).paid_at is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"Body":[]}',
        b'{"Body":{"stkCallback":"x"}}',
        b'{"Body":{"stkCallback":{"ResultCode":0}}}',
        b'{"Body":{"stkCallback":{"CheckoutRequestID":"x","ResultCode":null}}}',
        b'{"Body":{"stkCallback":{"CheckoutRequestID":"x","ResultCode":true}}}',
        b'{"Body":{"stkCallback":{"CheckoutRequestID":"x","ResultCode":NaN}}}',
        b"[" * 60_000,
        b'{"a":' * 12_000,
        PAID.replace(b"1.00", b"1e99999999999999999999"),
        PAID.replace(b'"Value":1.00', b'"Value":' + b"9" * 5_000),
        PAID + b" " * 70_000,
        b"\xff\xfe\x00",
        callback(CheckoutRequestID="x" * 65),
    ],
    ids=range(18),
)
def test_a_malformed_callback_is_told_and_nothing_breaks(raw: bytes):
    assert isinstance(read_callback(raw), Malformed)


def test_an_amount_made_to_exhaust_memory_is_left_out():
    result = read(PAID.replace(b"1.00", b"1e999999999"))
    assert result.amount is None


def test_texts_are_safe_to_store():
    result = read(callback(ResultDesc="a\u0000b\ud800c\nd" + "x" * 500))
    assert result.result_text.startswith("a b c d")
    assert len(result.result_text) == 200
    result.result_text.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(code=JSON, description=JSON, request_id=JSON, metadata=JSON, value=JSON)
def test_no_values_break_the_callback_reader(
    code: object, description: object, request_id: object, metadata: object, value: object
):
    named = [
        {"Name": name, "Value": value} for name in ("Amount", "MpesaReceiptNumber", "TransactionDate", "PhoneNumber")
    ]
    for extra in (metadata, {"Item": metadata}, {"Item": named}):
        for identity in (request_id, "ws_CO_1"):
            raw = callback(ResultCode=code, ResultDesc=description, CheckoutRequestID=identity, CallbackMetadata=extra)
            found = read_callback(raw)
            assert isinstance(found, Malformed) or len(found.result_code) <= 24
