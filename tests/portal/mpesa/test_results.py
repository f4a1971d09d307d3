"""Results of asynchronous requests: the envelope with its traps, and what each verb tells."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.mpesa import evidence
from portal.mpesa.initiator_codes import CODES, Verb, Verdict, verdict_of
from portal.mpesa.messages import Malformed
from portal.mpesa.result_facts import Balance, Party, balances_of, payout_of, reversal_of, transaction_of
from portal.mpesa.results import TIMED_OUT, Result, read_result, timed_out
from tests.portal.mpesa.envelopes import BALANCES, PAID_OUT, REVERSED, STATUS, pairs, result

AT = datetime(2026, 11, 20, 18, 30, 5, tzinfo=UTC)


def read(raw: bytes, verb: Verb | None = None) -> Result:
    found = read_result(raw, verb=verb)
    assert isinstance(found, Result)
    return found


@pytest.mark.parametrize("code", [0, "0", 0.0])
def test_a_result_code_is_read_as_number_and_as_text(code: object):
    found = read(result(code))
    assert (found.verdict, found.result_code) == (Verdict.DONE, "0")
    assert found.originator_conversation_id == "53e3-4aa8-9fe0-8fb5e4092cdd000001"
    assert found.conversation_id == "AG_20261120_2010364430d9bbdaf872"
    assert found.receipt == "UKK0000000"


@pytest.mark.parametrize(
    "references",
    [
        {"Key": "Occasion"},
        {"Key": "QueueTimeoutURL", "Value": "x"},
        [{"Key": "QueueTimeoutURL", "Value": "x"}, {"Key": "Occasion"}],
        [],
        "nonsense",
    ],
)
def test_a_reference_item_may_be_an_object_or_a_list(references: object):
    found = read(result(references=references))
    assert all(pair.key in {"QueueTimeoutURL", "Occasion"} for pair in found.references)
    assert found.verdict is Verdict.DONE


def test_keys_that_come_twice_or_without_a_value_say_only_what_they_say():
    twice = [
        {"Key": "Amount", "Value": 1},
        {"Key": "Amount", "Value": 2},
        {"Key": "Reason"},
        {"Key": "B", "Value": "b"},
    ]
    found = read(result(0, [*twice, {"Key": "B", "Value": "b"}]))
    assert found.all("Amount") == [1, 2]
    assert found.only("Amount") is None
    assert found.only("Reason") is None
    assert found.only("B") == "b"


def test_a_failure_without_parameters_is_read():
    found = read(result("R000002", ResultDesc="The OriginalTransactionID is invalid."), Verb.REVERSAL)
    assert (found.verdict, found.result_text) == (Verdict.FAILED, "The OriginalTransactionID is invalid.")
    assert found.parameters == ()


def test_a_result_that_announces_further_messages_decides_nothing():
    assert read(result(0, ResultType=1)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"Result":{}}', b'{"Result":[]}', b"[1]", b'{"Result":{"ResultCode":null}}']
)
def test_what_is_no_result_is_malformed(raw: bytes):
    assert isinstance(read_result(raw), Malformed)


@pytest.mark.parametrize("raw", [b"", b"<html>", result(0), b'{"OriginatorConversationID":"a-1"}'])
def test_a_queue_timeout_always_means_that_nothing_is_known(raw: bytes):
    found = timed_out(raw, verb=Verb.B2C)
    assert (found.verdict, found.result_code) == (Verdict.UNKNOWN, TIMED_OUT)
    assert found.receipt is None


def test_a_queue_timeout_keeps_the_ids_it_names():
    assert timed_out(b'{"OriginatorConversationID":"a-1"}').originator_conversation_id == "a-1"
    assert timed_out(result(0)).conversation_id == "AG_20261120_2010364430d9bbdaf872"


@given(st.binary(max_size=200), st.recursive(st.none() | st.text(max_size=9) | st.integers(), st.lists, max_leaves=8))
def test_no_bytes_and_no_parameters_break_the_readers(raw: bytes, parameters: object):
    read_result(raw)
    timed_out(raw)
    found = read_result(result(0, parameters))
    assert isinstance(found, Result)
    for facts in (transaction_of, reversal_of, payout_of, balances_of):
        facts(found)


def test_a_status_tells_the_transaction():
    found = transaction_of(read(result(0, STATUS)))
    assert (found.status, found.receipt, found.amount_cents, found.finalised_at) == (
        "Completed",
        "UKK41H7QZD",
        5000,
        AT,
    )
    assert found.debit == (Party(number="254708374149", name="Amina Otieno"),)
    assert found.credit == (Party(number="600638", name="Kilimani Corner"),)
    assert found.is_completed
    assert found.is_paid_to(("600638",))


def test_a_completed_payment_to_us_is_evidence():
    inbound = evidence.of_status(7, transaction_of(read(result(0, STATUS))), shortcodes=("600638",), is_trusted=True)
    assert inbound is not None
    assert (inbound.receipt, inbound.amount_cents, inbound.phone) == ("UKK41H7QZD", 5000, "254708374149")
    assert (inbound.payer_name, inbound.reference, inbound.happened_at) == ("Amina Otieno", "", AT)


def changed(**values: object) -> list[dict[str, object]]:
    return [{**row, "Value": values[str(row["Key"])]} if row["Key"] in values else row for row in STATUS]


@pytest.mark.parametrize(
    "told",
    [
        changed(TransactionStatus="Pending"),
        changed(TransactionStatus=None),
        changed(CreditPartyName="600639 - Another Shop"),
        changed(DebitPartyName="600638 - Kilimani Corner", CreditPartyName="254708374149 - Amina Otieno"),
        [row for row in STATUS if row["Key"] != "CreditPartyName"],
        [*STATUS, {"Key": "DebitPartyName", "Value": "600638 - Kilimani Corner"}],
        changed(Amount="50.005"),
        changed(Amount="0"),
        changed(ReceiptNo=""),
        [*STATUS, {"Key": "Amount", "Value": "500"}],
    ],
)
def test_anything_but_a_clear_payment_to_us_is_no_evidence(told: object):
    found = transaction_of(read(result(0, told)))
    assert evidence.of_status(7, found, shortcodes=("600638",), is_trusted=True) is None


def test_a_reversal_tells_its_own_receipt_and_the_one_it_took_back():
    found = reversal_of(read(result(0, REVERSED, transaction="UKK52PAWR9"), Verb.REVERSAL))
    assert (found.receipt, found.original_receipt, found.amount) == ("UKK52PAWR9", "UKK41H7QZD", Decimal("50.0"))
    assert found.completed_at == datetime(2026, 11, 20, 18, 30, 11, tzinfo=UTC)


def test_a_payout_tells_receiver_moment_and_what_is_left():
    found = payout_of(read(result(0, PAID_OUT, transaction="UKK632NMUA"), Verb.B2C))
    assert (found.receipt, found.amount, found.is_registered) == ("UKK632NMUA", Decimal(1500), True)
    assert (found.receiver.number, found.completed_at) == ("254708374149", AT)
    assert (found.utility_cents, found.working_cents) == (895_960, -300)


def test_balances_are_read_with_their_signs_and_what_is_available():
    assert balances_of(read(result("0", BALANCES), Verb.BALANCE)) == (
        Balance(account="Working Account", currency="KES", current_cents=70_000_000, available_cents=69_000_000),
        Balance(account="Float Account", currency="KES", current_cents=0, available_cents=0),
        Balance(account="Utility Account", currency="KES", current_cents=22_803_750, available_cents=22_803_750),
        Balance(account="Charges Paid Account", currency="KES", current_cents=-154_000, available_cents=-154_000),
    )


@pytest.mark.parametrize(
    ("told", "count"),
    [
        ("Working Account|KES|700000.00", 1),
        ("", 0),
        ("Working Account|KES|seven", 0),
        ("A|KES|1.00&&B", 1),
        ("A|K|1.00", 0),
        (5, 0),
    ],
)
def test_a_balance_that_cannot_be_read_is_left_out(told: object, count: int):
    assert len(balances_of(read(result(0, pairs({"AccountBalance": told}))))) == count


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ("0", Verdict.DONE),
        ("R000001 15", Verdict.ALREADY),
        ("1 2 3 4 8 24 25 29 2040 R000002 100000005", Verdict.FAILED),
        ("11 18 20 21 22 2001 2006 2028 8006 SFC_IC0003 100000010", Verdict.SETUP),
        ("26 100000001 100000002 100000011", Verdict.BUSY),
        ("17 19 100000000 100000004 100000007 100000009", Verdict.UNKNOWN),
    ],
)
def test_every_listed_code_has_its_verdict(codes: str, verdict: Verdict):
    for code in codes.split():
        assert verdict_of(None, code) is verdict
        assert code in CODES


@given(st.text(max_size=12).filter(lambda code: code not in CODES))
def test_a_code_nobody_listed_is_unknown_and_never_a_failure(code: str):
    for verb in (None, *Verb):
        assert verdict_of(verb, code) is Verdict.UNKNOWN


def test_a_number_that_is_not_on_mpesa_fails_a_payout_but_an_unknown_operator_is_our_setup():
    assert verdict_of(Verb.B2C, "SFC_IC0003") is Verdict.FAILED
    assert verdict_of(Verb.REVERSAL, "SFC_IC0003") is Verdict.SETUP
