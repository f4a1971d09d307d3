"""Every code the documentation and the field know has a meaning and a sentence, in English and Swahili, with the next step."""

import re
from datetime import UTC, datetime

import pytest

from portal.captive.failures import FAILURES, OTHERWISE, failure
from portal.errors import (
    MpesaAlready,
    MpesaBusy,
    MpesaConfig,
    MpesaError,
    MpesaPromptOpen,
    MpesaRefused,
    MpesaUnknown,
)
from portal.i18n import Language
from portal.mpesa import checks, security, sentences
from portal.mpesa.initiator_codes import CODES, Verb
from portal.mpesa.messages import read_token
from portal.mpesa.refusals import Failure, error_of, sort_failure
from portal.mpesa.result_codes import RESULT_CODES
from tests.portal.mpesa.samples import SPIKE, refusal

SW = Language("sw")
_T = "Invalid Access Token"


def _codes(listed: str) -> list[str]:
    return re.findall(r"\S+", listed)


#: What a request may be answered with instead of being taken: HTTP status, errorCode, errorMessage, its class.
REFUSALS = [
    (404, "404.001.03", _T, MpesaConfig),
    (401, "401.002.01", f"Error Occurred - {_T} - abc", MpesaConfig),
    (400, "400.003.01", _T, MpesaConfig),
    (401, "401.003.01", _T, MpesaConfig),
    (401, "401.001", _T, MpesaConfig),
    (401, "401.003.01", "Invalid API call as no apiproduct match found", MpesaConfig),
    (400, "400.002.02", "Bad Request - Invalid Amount", MpesaRefused),
    (404, "404.001.01", "Resource not found", MpesaConfig),
    (404, "404.002.01", "Resource not found", MpesaConfig),
    (404, "404.003.01", "Resource not found", MpesaConfig),
    (404, "404.001.04", "Invalid Authentication Header", MpesaConfig),
    (405, "405.001", "Method Not Allowed", MpesaRefused),
    (400, "400.002.05", "Invalid Request Payload", MpesaRefused),
    (400, "400.003.02", "Bad Request", MpesaRefused),
    (400, "400.001", "Invalid ShortCode", MpesaConfig),
    (400, "400.008.01", "Invalid Authentication passed", MpesaConfig),
    (400, "400.008.02", "Invalid grant type passed", MpesaConfig),
    (500, "500.001.1001", "Merchant does not exist", MpesaConfig),
    (500, "500.001.1001", "Wrong credentials", MpesaConfig),
    (500, "500.001.1001", "Unable to lock subscriber, a transaction is already in process", MpesaPromptOpen),
    (500, "500.001.1001", "The transaction is being processed", MpesaUnknown),
    (500, "500.001.1001", "The transaction does not Exist", MpesaUnknown),
    (500, "500.001.1001", "Internal Server Error", MpesaUnknown),
    (500, "500.002.1001", "Duplicate OriginatorConversationID.", MpesaAlready),
    (500, "500.002.1001", "Service is currently under maintenance. Please try again later", MpesaBusy),
    (500, "00.002.1001", "Service is currently under maintenance. Please try again later", MpesaBusy),
    (500, "500.003.02", "System is busy. Please try again in few minutes.", MpesaBusy),
    (500, "500.003.02", "Error Occurred: Spike Arrest Violation", MpesaBusy),
    (500, "500.003.03", "Error Occurred: Quota Violation", MpesaBusy),
    (500, "500.003.1001", "Internal Server Error", MpesaUnknown),
    (500, "500.003.1001", "Urls are already registered", MpesaAlready),
    (500, "500.003.1001", "Duplicate notification info, SP ID is 1, correlator is 2", MpesaAlready),
]
#: Outcomes of a push, by the documentation and as seen.
PUSHES = _codes("0 1 2 3 4 8 17 26 1001 1019 1025 9999 1032 1037 2001 2028 SFC_IC0003 8006 4999 E3008")
#: Outcomes of the rest, as ResultCode or ResponseCode.
RESULTS = _codes(
    "0 1 2 3 4 8 11 15 17 18 19 20 21 22 24 25 26 29 2001 2006 2028 2040 8006 R000001 R000002 SFC_IC0003 100000000 100000001 "
    "100000002 100000004 100000005 100000007 100000009 100000010 100000011"
)
VALIDATIONS = [f"C2B000{number}" for number in range(11, 17)]
#: Codes that say a person must act, or wait: the sentence must say what to do, not only what is wrong.
STEP = re.compile(
    r"\b(try|enter|set|ask|check|copy|delete|download|report|move|split|use|wait|withdraw|make|give|go live|run|register|add|"
    r"pay|call|look|leave|answer|again|nothing|done|paid|sell|keep|take|refused|sent|write)\b",
    re.IGNORECASE,
)


def is_told_in_both(sentence: str) -> None:
    assert sentence.endswith("."), sentence
    assert STEP.search(sentence), f"no next step: {sentence}"
    assert SW.gettext(sentence) != sentence, f"not in Swahili: {sentence}"


@pytest.mark.parametrize(("status", "code", "said", "error"), REFUSALS)
def test_every_refusal_has_a_class_and_a_sentence(status: int, code: str, said: str, error: type[MpesaError]):
    found = error_of(sort_failure(status, refusal(code, said), {}))
    assert type(found) is error
    words = sentences.of_refusal(code, said)
    assert words is not None
    is_told_in_both(words)
    assert sentences.with_words(found, "push").message == words
    assert said not in words


@pytest.mark.parametrize(("status", "code", "said", "error"), REFUSALS)
def test_a_push_that_was_not_taken_tells_the_customer_whose_fault_it_is_not(
    status: int, code: str, said: str, error: type[MpesaError]
):
    if error in (MpesaAlready, MpesaUnknown) or code == "400.001":
        return  # no push ends so: it is asked about, or was no push
    told = failure("prompt_open" if error is MpesaPromptOpen else code)
    assert told is not OTHERWISE, "nothing was sent, so no SMS can say that it was paid"
    assert SW.gettext(told.advice) != told.advice


def test_the_gateways_own_refusal_has_a_sentence():
    failure = sort_failure(429, SPIKE, {})
    assert isinstance(error_of(failure), MpesaBusy)
    words = sentences.of_refusal(failure.code, failure.message)
    assert words is not None
    is_told_in_both(words)


def test_an_empty_answer_about_the_token_says_that_the_keys_are_wrong():
    failure = read_token(400, b"", headers={}, now=datetime.now(UTC))
    assert isinstance(failure, Failure)
    words = sentences.of_refusal(failure.code, failure.message)
    assert words is not None
    assert "consumer key" in words
    is_told_in_both(words)


@pytest.mark.parametrize("code", PUSHES)
def test_every_outcome_of_a_push_has_words_for_merchant_and_customer(code: str):
    assert code in RESULT_CODES
    is_told_in_both(sentences.PUSHES[code])
    if code not in {"0", "4999"}:  # paid, and not decided yet: no failure to tell
        assert SW.gettext(FAILURES[code].heading) != FAILURES[code].heading
        assert SW.gettext(FAILURES[code].advice) != FAILURES[code].advice


def test_no_outcome_of_a_push_was_forgotten_here():
    assert set(PUSHES) == set(RESULT_CODES) == set(sentences.PUSHES)


@pytest.mark.parametrize("code", RESULTS)
@pytest.mark.parametrize("verb", [None, *Verb])
def test_every_outcome_of_an_initiators_request_has_words(verb: Verb | None, code: str):
    is_told_in_both(sentences.of_result(verb, code))


def test_no_outcome_of_an_initiators_request_was_forgotten_here():
    assert set(RESULTS) == set(CODES) == set(sentences.RESULTS) - {"timeout"}


@pytest.mark.parametrize("code", VALIDATIONS)
def test_every_refusal_of_a_payment_by_hand_has_words(code: str):
    is_told_in_both(sentences.VALIDATIONS[code])


def test_a_code_nobody_knows_is_told_as_open_and_never_as_failed():
    for words in (sentences.of_result(Verb.B2C, "777"), sentences.of_push("777")):
        assert "stays open" in words
        is_told_in_both(words)


def test_what_is_said_about_certificates_and_addresses_is_in_both_languages():
    for name in ("NO_INITIATOR", "NO_CERTIFICATE", "BAD_CERTIFICATE", "EXPIRED", "TOO_EARLY", "TOO_LONG"):
        is_told_in_both(getattr(security, name))
    for sentence in checks.FAULTS.values():
        is_told_in_both(sentence)
