"""Pull's pages in every shape they come, and the picture of a dynamic QR."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import MpesaRefused
from portal.mpesa import evidence, pull, qr
from portal.mpesa.credentials import TransactionType
from portal.mpesa.pull import PullPage, PullRegistered
from portal.mpesa.refusals import Failure, Kind
from tests.portal.mpesa.envelopes import signing_app
from tests.portal.mpesa.samples import APP, AT, SPIKE, refusal

ROW = {
    "transactionId": "UKK41H7QZD", "trxDate": "2026-11-20T18:30:05Z", "msisdn": 708374149, "sender": "MPESA",
    "transactiontype": "c2b-pay-bill-debit", "billreference": "k7qm 2xwp", "amount": "50.00",
    "organizationname": "Kilimani Corner",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


def page(rows: object, code: object = "1000", name: str = "Response") -> bytes:
    return json.dumps(
        {"ResponseRefID": "1-2-3", "ResponseCode": code, "ResponseMessage": "Success", name: rows}
    ).encode()


def read(raw: bytes, offset: int = 0) -> PullPage:
    found = pull.read_page(200, raw, headers={}, offset=offset)
    assert isinstance(found, PullPage)
    return found


@pytest.mark.parametrize("rows", [[[ROW]], [ROW], ROW, [[], [ROW]], json.dumps([[ROW]])])
@pytest.mark.parametrize("name", ["Response", "Transaction", "Transactions"])
def test_a_row_is_found_however_deep_the_list_is(rows: object, name: str):
    found = read(page(rows, name=name), offset=100)
    assert (len(found.rows), found.unreadable, found.next_offset) == (1, 0, 101)
    [row] = found.rows
    assert (row.receipt, row.amount_cents, row.reference, row.organisation) == (
        "UKK41H7QZD", 5000, "k7qm 2xwp", "Kilimani Corner"
    )  # fmt: skip
    assert row.paid_at == datetime(2026, 11, 20, 18, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (200, page("[[]]", "1001", "Transaction")),
        (200, page([[]], 1001)),
        (200, page([[]])),
        (
            500,
            refusal("500", "Failed to retrieve transactions. The short code does not have any available transactions."),
        ),
    ],
)
def test_nothing_has_several_shapes_and_ends_the_pages(status: int, raw: bytes):
    assert pull.read_page(status, raw, headers={}, offset=0) == PullPage()


def test_pages_go_on_by_offset_until_an_empty_one():
    many = [{**ROW, "transactionId": f"UKK4{number:06}"} for number in range(100)]
    first = read(page([many]))
    assert (len(first.rows), first.next_offset) == (100, 100)
    assert read(page([[]]), offset=100).next_offset is None


def test_a_row_that_makes_no_sense_is_counted_and_not_dropped_in_silence():
    found = read(page([[ROW, {**ROW, "amount": "fifty"}, {"transactionId": ""}, "?", 7]]))
    assert (len(found.rows), found.unreadable, found.next_offset) == (1, 4, 5)


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (400, refusal("400.001", "Invalid ShortCode"), Kind.CONFIG),
        (401, refusal("401.001", "Invalid Access Token"), Kind.BAD_TOKEN),
        (401, refusal("401.003.01", "Invalid API call as no apiproduct match found"), Kind.CONFIG),
        (429, SPIKE, Kind.BUSY),
        (500, b"", Kind.UNKNOWN),
        (200, page([[]], "1005"), Kind.REFUSED),
        (200, b'{"ResponseCode":"1000"}', Kind.UNKNOWN),
        (200, page(None), Kind.UNKNOWN),
        (200, b"", Kind.UNKNOWN),
        (200, b'{"ShortCode":"600000","OffSetValue":"0"}', Kind.UNKNOWN),
    ],
)
def test_no_answer_is_never_taken_for_an_empty_list(status: int, raw: bytes, kind: Kind):
    found = pull.read_page(status, raw, headers={}, offset=0)
    assert isinstance(found, Failure)
    assert found.kind is kind


@given(st.binary(max_size=200), st.recursive(st.none() | st.text(max_size=9) | st.integers(), st.lists, max_leaves=8))
def test_no_bytes_break_the_reader(raw: bytes, rows: object):
    for status in (200, 500):
        pull.read_page(status, raw, headers={}, offset=0)
        pull.read_registered(status, raw, headers={})
        qr.read_qr(status, raw, headers={})
    pull.read_page(200, page(rows), headers={}, offset=0)


def test_a_row_is_trusted_evidence_with_the_number_in_full():
    [row] = read(page([[ROW]])).rows
    inbound = evidence.of_pull_row(7, row)
    assert inbound is not None
    assert (inbound.receipt, inbound.amount_cents, inbound.phone) == ("UKK41H7QZD", 5000, "254708374149")
    assert (inbound.reference, inbound.is_trusted, inbound.account_id) == ("k7qm 2xwp", True, 7)


def test_a_row_with_a_fraction_of_a_cent_is_no_evidence():
    [row] = read(page([[{**ROW, "amount": 233.805}]])).rows
    assert evidence.of_pull_row(7, row) is None


def test_a_page_is_asked_for_in_nairobi_time():
    assert pull.query_body(APP, since=AT - timedelta(hours=48), until=AT, offset=100, now=AT) == {
        "ShortCode": "174379",
        "StartDate": "2026-11-19 00:30:05",
        "EndDate": "2026-11-21 00:30:05",
        "OffSetValue": "100",
    }


@pytest.mark.parametrize(
    ("since", "until", "offset"),
    [
        (AT - timedelta(hours=48, seconds=1), AT, 0),
        (AT, AT, 0),
        (AT, AT - timedelta(hours=1), 0),
        (AT - timedelta(hours=1), AT, -1),
    ],
)
def test_a_span_that_pull_does_not_have_is_not_asked_for(since: datetime, until: datetime, offset: int):
    with pytest.raises(MpesaRefused):
        pull.query_body(APP, since=since, until=until, offset=offset, now=AT)


def test_registering_for_pull_twice_is_as_good_as_once():
    raw = b'{"ResponseRefID":"1-2","ResponseStatus":"%s","ShortCode":"600000","ResponseDescription":"Registered"}'
    assert pull.read_registered(200, raw % b"1000", headers={}) == PullRegistered(
        reference="1-2", description="Registered"
    )
    again = pull.read_registered(200, raw % b"1001", headers={})
    assert isinstance(again, PullRegistered)
    assert again.is_repeat
    assert isinstance(pull.read_registered(200, raw % b"1002", headers={}), Failure)


def test_registering_for_pull_names_number_and_address():
    url = "https://wifi.example.co.ke/cb/0f3a/paid"
    assert pull.register_body(APP, number="254722000000", callback_url=url) == {
        "ShortCode": "174379", "RequestType": "Pull", "NominatedNumber": "254722000000", "CallBackURL": url
    }  # fmt: skip
    with pytest.raises(MpesaRefused):
        pull.register_body(APP, number="0722000000", callback_url=url)


def test_a_qr_picture_is_asked_for_paybill_and_till():
    body = qr.qr_body(APP, name="Kilimani & Corner Shop of Friends", reference="K7QM2XWP", amount_cents=5000)
    assert body == {
        "MerchantName": "Kilimani Corner Shop o", "RefNo": "K7QM2XWP", "Amount": 50, "TrxCode": "PB", "CPI": "174379",
        "Size": "300",
    }  # fmt: skip
    till = signing_app("", transaction_type=TransactionType.BUY_GOODS, party_b="373132")
    body = qr.qr_body(till, name="Shop", reference="K7QM2XWP", amount_cents=5000)
    assert (body["TrxCode"], body["CPI"]) == ("BG", "373132")


def test_the_picture_itself_says_whether_there_is_one():
    told = {
        "ResponseCode": "AG_20191219_000043fdf61864fe9ff5",
        "RequestID": "16738-1",
        "QRCode": base64.b64encode(PNG).decode(),
    }
    found = qr.read_qr(200, json.dumps(told).encode(), headers={})
    assert isinstance(found, qr.QrCode)
    assert (found.png, found.request_id) == (PNG, "16738-1")
    for broken in ("", "not base64!", base64.b64encode(b"GIF89a").decode()):
        assert isinstance(qr.read_qr(200, json.dumps(told | {"QRCode": broken}).encode(), headers={}), Failure)
