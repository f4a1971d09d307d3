import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.mpesa.credentials import Token
from portal.mpesa.messages import PushAccepted, QueryAnswer, read_callback, read_push, read_query, read_token
from portal.mpesa.refusals import Failure, Kind
from portal.mpesa.result_codes import RESULT_CODES, Meaning, meaning_of, result_code
from tests.portal.mpesa.samples import ACCEPTED, APP, AT, SPIKE, refusal

# The answer to a token request


@pytest.mark.parametrize("expires_in", ['"3599"', "3599", "3599.0"])
def test_a_token_lives_as_long_as_told_in_either_spelling(expires_in: str):
    raw = f'{{"access_token":"c9SQxWWhmdVRlyh0zh8gZDTkubVF","expires_in":{expires_in}}}'.encode()
    token = read_token(200, raw, headers={}, now=AT)
    assert isinstance(token, Token)
    assert token.value == "c9SQxWWhmdVRlyh0zh8gZDTkubVF"
    assert (token.expires_at - AT).total_seconds() == 3599


def test_a_token_is_not_in_its_repr():
    assert "hidden" not in repr(Token("hidden", AT))
    assert "the-secret" not in repr(APP)
    assert APP.passkey not in repr(APP)


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (400, b"", Kind.CONFIG),
        (400, refusal("400.008.01", "Invalid Authentication passed"), Kind.CONFIG),
        (400, refusal("400.008.02", "Invalid grant type passed"), Kind.CONFIG),
        (401, refusal("401.003.01", "Invalid Access Token"), Kind.CONFIG),
        (429, SPIKE, Kind.BUSY),
        (500, refusal("500.003.02", "System is busy"), Kind.BUSY),
        (200, b"{}", Kind.UNKNOWN),
        (200, b'{"access_token":""}', Kind.UNKNOWN),
        (200, b'{"access_token":"a\\r\\nX-Evil: 1"}', Kind.UNKNOWN),
        (503, b"<html>", Kind.UNKNOWN),
    ],
)
def test_a_token_that_is_not_given_says_why(status: int, raw: bytes, kind: Kind):
    failure = read_token(status, raw, headers={}, now=AT)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


# The answer to a push


def test_an_accepted_push_gives_its_ids():
    assert read_push(200, ACCEPTED, headers={}) == PushAccepted(
        merchant_request_id="2654-4b64-97ff-b827b542881d3130",
        checkout_request_id="ws_CO_180920261803512708374149",
        description="Success. Request accepted for processing",
    )


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (400, refusal("400.002.02", "Bad Request - Invalid Amount"), Kind.REFUSED),
        (405, refusal("405.001", "Method Not Allowed"), Kind.REFUSED),
        (404, refusal("404.001.03", "Invalid Access Token"), Kind.BAD_TOKEN),
        (401, refusal("401.002.01", "Error Occurred - Invalid Access Token - abc"), Kind.BAD_TOKEN),
        (400, refusal("400.003.01", "Invalid Access Token"), Kind.BAD_TOKEN),
        (401, refusal("401.003.01", "Error Occurred - Invalid Access Token"), Kind.BAD_TOKEN),
        (401, refusal("401.003.01", "Invalid API call as no apiproduct match found"), Kind.CONFIG),
        (404, refusal("404.001.01", "Resource not found"), Kind.CONFIG),
        (500, refusal("500.001.1001", "Merchant does not exist"), Kind.CONFIG),
        (500, refusal("500.001.1001", "Wrong credentials"), Kind.CONFIG),
        (
            500,
            refusal("500.001.1001", "Unable to lock subscriber, a transaction is already in process"),
            Kind.PROMPT_OPEN,
        ),
        (500, refusal("500.001.1001", "Something nobody has seen"), Kind.UNKNOWN),
        (500, refusal("500.003.02", "System is busy. Please try again in few minutes."), Kind.BUSY),
        (500, refusal("500.003.02", "Error Occurred: Spike Arrest Violation"), Kind.BUSY),
        (500, refusal("500.003.03", "Error Occurred: Quota Violation"), Kind.BUSY),
        (500, refusal("500.003.1001", "Internal Server Error"), Kind.UNKNOWN),
        (500, refusal("599.999.99", "New"), Kind.UNKNOWN),
        (429, SPIKE, Kind.BUSY),
        (429, refusal("500.003.02", "Too many"), Kind.BUSY),
        (429, b"<html>slow down</html>", Kind.BUSY),
        (200, b'{"ResponseCode":"1","ResponseDescription":"Rejected"}', Kind.REFUSED),
        (200, b'{"ResponseCode":"26","ResponseDescription":"SystemTooBusy"}', Kind.BUSY),
        (200, b'{"ResponseCode":"100000000","ResponseDescription":"Request was cached"}', Kind.UNKNOWN),
        (200, b'{"ResponseCode":"0"}', Kind.UNKNOWN),
        (200, b"", Kind.UNKNOWN),
        (200, ACCEPTED[:-20], Kind.UNKNOWN),
        (200, b"[]", Kind.UNKNOWN),
        (302, ACCEPTED, Kind.UNKNOWN),
        (403, b"<html>Request unsuccessful</html>", Kind.UNKNOWN),
        (503, b"<html>", Kind.UNKNOWN),
        (500, b"", Kind.UNKNOWN),
    ],
)
def test_every_refused_push_is_sorted_by_whether_it_may_have_been_carried_out(status: int, raw: bytes, kind: Kind):
    failure = read_push(status, raw, headers={})
    assert isinstance(failure, Failure)
    assert failure.kind is kind


def test_a_refusal_keeps_darajas_words():
    failure = read_push(400, refusal("400.002.02", "Bad Request - Invalid Amount"), headers={})
    assert failure == Failure(kind=Kind.REFUSED, code="400.002.02", message="Bad Request - Invalid Amount")


@pytest.mark.parametrize(
    ("raw", "headers", "seconds"),
    [
        (SPIKE, {}, 12),
        (SPIKE, {"retry-after": "7"}, 7),
        (SPIKE, {"retry-after": "999999"}, 3600),
        (SPIKE, {"retry-after": "soon"}, 12),
        (b"", {}, 30),
        (refusal("500.003.03", "Quota Violation"), {}, 900),
        (SPIKE.replace(b"messagesPerPeriod=5", b"messagesPerPeriod=0"), {}, 30),
    ],
)
def test_a_busy_answer_says_when_to_come_back(raw: bytes, headers: dict[str, str], seconds: float):
    failure = read_push(429, raw, headers=headers)
    assert isinstance(failure, Failure)
    assert failure.retry_after == seconds


# The answer to a query


def test_a_paid_query_has_no_receipt_to_give():
    raw = b'{"ResponseCode":"0","CheckoutRequestID":"ws_CO_1","ResultCode":"0","ResultDesc":"processed"}'
    assert read_query(200, raw, headers={}) == QueryAnswer(
        meaning=Meaning.PAID, result_code="0", result_text="processed", checkout_request_id="ws_CO_1"
    )


@pytest.mark.parametrize(
    ("status", "raw", "meaning"),
    [
        (200, b'{"ResultCode":"4999","ResultDesc":"still under processing"}', Meaning.PENDING),
        (500, refusal("500.001.1001", "The transaction is being processed"), Meaning.PENDING),
        (400, refusal("400.002.02", "Bad Request - Invalid CheckoutRequestID"), Meaning.PENDING),
        (500, refusal("500.001.1001", "The transaction does not Exist"), Meaning.UNKNOWN),
        (200, b'{"ResultCode":"1032"}', Meaning.FAILED_RETRY),
        (200, b'{"ResultCode":1037}', Meaning.KEEP_WATCHING),
        (200, b'{"ResultCode":"77777"}', Meaning.UNKNOWN),
    ],
)
def test_not_yet_and_not_known_are_answers_and_never_failures(status: int, raw: bytes, meaning: Meaning):
    answer = read_query(status, raw, headers={})
    assert isinstance(answer, QueryAnswer)
    assert answer.meaning is meaning


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (429, SPIKE, Kind.BUSY),
        (400, refusal("400.002.02", "Bad Request - Invalid Timestamp"), Kind.REFUSED),
        (500, refusal("500.001.1001", "Merchant does not exist"), Kind.CONFIG),
        (404, refusal("404.001.03", "Invalid Access Token"), Kind.BAD_TOKEN),
        (200, b'{"ResponseCode":"0"}', Kind.UNKNOWN),
    ],
)
def test_a_query_without_an_answer_says_why(status: int, raw: bytes, kind: Kind):
    failure = read_query(status, raw, headers={})
    assert isinstance(failure, Failure)
    assert failure.kind is kind


# Result codes


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        ("0", Meaning.PAID),
        ("1 2 3 4 8 17 26 1001 1025 9999 1032 2001 8006 E3008", Meaning.FAILED_RETRY),
        ("1019 1037", Meaning.KEEP_WATCHING),
        ("2028 SFC_IC0003", Meaning.CONFIG),
        ("4999", Meaning.PENDING),
        ("5 00 10320 -1", Meaning.UNKNOWN),
    ],
)
def test_every_listed_code_has_its_meaning_and_no_other_code_means_failure(codes: str, meaning: Meaning):
    for code in codes.split():
        assert meaning_of(code) is meaning
        assert (code in RESULT_CODES) == (meaning is not Meaning.UNKNOWN)


def test_the_same_amount_waits_two_minutes():
    assert result_code("17").wait_s == 120
    assert result_code("1032").wait_s == 0


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(raw: bytes):
    read_callback(raw)
    for status in (200, 400, 500):
        read_push(status, raw, headers={})
        read_query(status, raw, headers={})
        read_token(status, raw, headers={}, now=AT)
