"""Transaction status, reversal, B2C and balance: acknowledgement first, the truth by ResultURL."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from portal.mpesa.simulator import DarajaSimulator
from portal.mpesa.simulator.records import HandPayment
from portal.mpesa.simulator.world import wait_until

from .conftest import PHONE, Caller, credential, error_of

STATUS = "/mpesa/transactionstatus/v1/query"
REVERSAL = "/mpesa/reversal/v1/request"
B2C = "/mpesa/b2c/v3/paymentrequest"
BALANCE = "/mpesa/accountbalance/v1/query"

FIELDS: dict[str, dict[str, Any]] = {
    STATUS: {
        "CommandID": "TransactionStatusQuery",
        "TransactionID": "UKK0000001",
        "PartyA": "174379",
        "IdentifierType": "4",
    },
    REVERSAL: {
        "CommandID": "TransactionReversal",
        "TransactionID": "UKK0000001",
        "Amount": "25",
        "ReceiverParty": "174379",
        "RecieverIdentifierType": "11",
    },
    B2C: {
        "OriginatorConversationID": "vocha-1",
        "CommandID": "BusinessPayment",
        "Amount": 100,
        "PartyA": "174379",
        "PartyB": PHONE,
    },
    BALANCE: {"CommandID": "AccountBalance", "PartyA": "174379", "IdentifierType": "4"},
}


async def asked(caller: Caller, path: str, **changes: Any) -> dict[str, Any]:
    """Send the command; the Result that came to ResultURL."""
    answer = await caller.command(path, **{**FIELDS[path], **changes})
    assert answer.status_code == 200, answer.text
    assert await wait_until(caller.world, caller.world.is_settled, seconds=5)
    heard = caller.merchant.heard[-1]
    assert heard.path == "/result"
    return heard.json["Result"]


def parameters(result: dict[str, Any]) -> dict[str, Any]:
    return {item["Key"]: item.get("Value") for item in result["ResultParameters"]["ResultParameter"]}


def receive(sim: DarajaSimulator, amount: int = 25) -> HandPayment:
    return sim.pay_by_hand(PHONE, "174379", amount=amount, account="VK7Q2")


@pytest.mark.parametrize("path", FIELDS)
async def test_command_is_acknowledged_before_its_result(sim: DarajaSimulator, caller: Caller, path: str):
    sim.world.turn(result_after_seconds=3)
    answer = await caller.command(path, **FIELDS[path])
    told = answer.json()
    assert set(told) == {"OriginatorConversationID", "ConversationID", "ResponseCode", "ResponseDescription"}
    assert told["ResponseCode"] == "0"
    assert told["ConversationID"].startswith("AG_20261120_")
    assert not caller.merchant.heard
    await sim.skip(3)
    result = caller.merchant.heard[0].json["Result"]
    for name in ("OriginatorConversationID", "ConversationID"):
        assert result[name] == told[name]


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [(path, field, "400.003.02" if path == STATUS else "400.002.02") for path in FIELDS for field in FIELDS[path]]
    + [(path, field, "400.003.02" if path == STATUS else "400.002.02")
       for path in FIELDS for field in ("SecurityCredential", "ResultURL", "QueueTimeOutURL")],
)  # fmt: skip
async def test_missing_field_is_named_by_each_api(caller: Caller, path: str, field: str, code: str):
    refused = await caller.command(path, **{**FIELDS[path], field: None})
    assert error_of(refused) == (400, code, f"Bad Request - Invalid {field}")
    assert not caller.world.conversations


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        (REVERSAL, "RecieverIdentifierType", "4"),
        (REVERSAL, "Remarks", "x"),
        (REVERSAL, "Amount", "10.50"),
        (B2C, "PartyB", "0712345678"),
        (B2C, "CommandID", "BusinessPayBill"),
        (B2C, "Remarks", "x" * 101),
        (BALANCE, "CommandID", "Balance"),
        (STATUS, "CommandID", "TransactionStatus"),
        (STATUS, "ResultURL", "nowhere"),
    ],
)
async def test_unfit_field_is_named(caller: Caller, path: str, field: str, value: str):
    refused = await caller.command(path, **{**FIELDS[path], field: value})
    assert error_of(refused)[2] == f"Bad Request - Invalid {field}"


# -- who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FIELDS)
async def test_wrong_password_is_2001_and_the_third_one_locks(sim: DarajaSimulator, caller: Caller, path: str):
    codes: list[Any] = []
    for number, secret in enumerate(["no", "no", "no", None]):
        changes = {"OriginatorConversationID": f"vocha-{number}"} if path == B2C else {}
        given = credential(secret) if secret else credential()
        codes.append(str((await asked(caller, path, SecurityCredential=given, **changes))["ResultCode"]))
    assert codes == ["2001", "2001", "8006", "8006"]
    await caller.http.post("/_sim/shortcode/174379", json={"unlock": True})
    changes = {"OriginatorConversationID": "vocha-9"} if path == B2C else {}
    assert str((await asked(caller, path, **changes))["ResultCode"]) not in ("2001", "8006")


async def test_right_password_forgives_earlier_wrong_ones(caller: Caller):
    for _ in range(3):
        await asked(caller, BALANCE, SecurityCredential=credential("no"))
        await asked(caller, BALANCE, SecurityCredential=credential("no"))
        assert (await asked(caller, BALANCE))["ResultCode"] == "0"


async def test_credential_of_another_key_opens_nothing(caller: Caller):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    foreign = base64.b64encode(other.encrypt(b"Simulator123#", padding.PKCS1v15())).decode()
    for given in (foreign, "not base64 at all", base64.b64encode(b"short").decode()):
        caller.world.shortcodes["174379"].initiators["testapi"].wrong_tries = 0
        assert (await asked(caller, BALANCE, SecurityCredential=given))["ResultCode"] == "2001"


async def test_credential_may_be_wrapped_in_lines(caller: Caller):
    whole = credential()
    wrapped = "\n".join(whole[start : start + 64] for start in range(0, len(whole), 64))
    assert (await asked(caller, BALANCE, SecurityCredential=wrapped))["ResultCode"] == "0"


async def test_operator_without_the_role_is_21_and_an_unknown_one_2001(sim: DarajaSimulator, caller: Caller):
    sim.world.add_initiator("174379", "viewer", "Viewer123#", roles=frozenset({"balance"}))
    mine = {"Initiator": "viewer", "SecurityCredential": credential("Viewer123#")}
    assert (await asked(caller, BALANCE, **mine))["ResultCode"] == "0"
    assert (await asked(caller, REVERSAL, **mine))["ResultCode"] == 21
    assert (await asked(caller, REVERSAL, Initiator="nobody"))["ResultCode"] == 2001
    assert (await asked(caller, BALANCE, PartyA="999999"))["ResultCode"] == "2001"


# -- status -----------------------------------------------------------------------------------------------------


async def test_status_finds_a_payment_by_its_receipt(sim: DarajaSimulator, caller: Caller):
    payment = receive(sim)
    result = await asked(caller, STATUS, TransactionID=payment.receipt)
    told = parameters(result)
    assert (result["ResultType"], result["ResultCode"]) == (0, 0)
    assert (told["ReceiptNo"], told["Amount"], told["TransactionStatus"]) == (payment.receipt, "25", "Completed")
    assert told["DebitPartyName"] == f"{PHONE} - NJOROGE WAFULA"
    assert told["CreditPartyName"] == "174379 - KILIMANI CORNER"
    assert told["FinalisedTime"] == "20261120123015"
    assert {"Key": "TransactionReason"} in result["ResultParameters"]["ResultParameter"]


async def test_status_can_repeat_a_key_as_the_sample_does(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(result_duplicate_keys=True)
    result = await asked(caller, STATUS, TransactionID=receive(sim).receipt)
    keys = [item["Key"] for item in result["ResultParameters"]["ResultParameter"]]
    assert keys[:2] == ["DebitPartyName", "DebitPartyName"]


async def test_status_finds_a_payout_by_either_conversation_id(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    paid = await asked(caller, B2C)
    for conversation in (paid["OriginatorConversationID"], paid["ConversationID"]):
        told = parameters(await asked(caller, STATUS, TransactionID=None, OriginalConversationID=conversation))
        assert (told["ReceiptNo"], told["Amount"]) == (paid["TransactionID"], "100")
        assert told["CreditPartyName"].startswith(PHONE)


async def test_status_knows_a_rejected_payment_and_not_a_strangers(sim: DarajaSimulator, caller: Caller):
    await caller.register()
    sim.world.shortcodes["174379"].validates = True
    caller.merchant.replies["/validate"] = b'{"ResultCode":"C2B00012"}'
    payment = receive(sim)
    await sim.wait_settled()
    told = parameters(await asked(caller, STATUS, TransactionID=payment.receipt))
    assert told["TransactionStatus"] == "Cancelled"
    sim.world.add_shortcode("600100", passkey="x", name="OTHER")
    other = sim.pay_by_hand(PHONE, "600100", amount=9, account="A")
    unknown = await asked(caller, STATUS, TransactionID=other.receipt)
    assert unknown["ResultCode"] == "R000002"
    assert "ResultParameters" not in unknown


# -- reversal ---------------------------------------------------------------------------------------------------


async def test_reversal_gives_the_money_back_under_its_own_receipt(sim: DarajaSimulator, caller: Caller):
    payment = receive(sim)
    result = await asked(caller, REVERSAL, TransactionID=payment.receipt)
    told = parameters(result)
    assert told["OriginalTransactionID"] == payment.receipt != result["TransactionID"]
    assert told["DebitAccountBalance"] == "Utility Account|KES|0.00|0.00|0.00|0.00"
    assert (told["TransCompletedTime"], told["Amount"]) == (20261120123015, 25.0)
    assert b'"Value":25.00' in caller.merchant.heard[-1].body
    phone = sim.world.phone(PHONE)
    assert (phone.balance_cents, sim.world.shortcodes["174379"].balance_cents) == (500_000, 0)
    back = sim.world.ledger[-1]
    assert (back.kind, back.reverses, back.amount_cents, back.receipt) == (
        "reversal", payment.receipt, -2500, result["TransactionID"],
    )  # fmt: skip
    assert f"Reversal of transaction {payment.receipt} has been successfully reversed" in phone.messages[-1].text


async def test_second_reversal_is_r000001(sim: DarajaSimulator, caller: Caller):
    payment = receive(sim)
    await asked(caller, REVERSAL, TransactionID=payment.receipt)
    again = await asked(caller, REVERSAL, TransactionID=payment.receipt)
    assert (again["ResultCode"], again["ResultDesc"]) == ("R000001", "The transaction has already been reversed.")
    assert len(sim.world.ledger) == 2


async def test_unknown_receipt_and_a_payout_cannot_be_reversed(sim: DarajaSimulator, caller: Caller):
    unknown = await asked(caller, REVERSAL)
    assert (unknown["ResultCode"], unknown["TransactionID"]) == ("R000002", "UKK0000000")
    assert "ResultParameters" not in unknown
    sim.world.shortcodes["174379"].balance_cents = 50_000
    paid = await asked(caller, B2C)
    assert (await asked(caller, REVERSAL, TransactionID=paid["TransactionID"], Amount=100))["ResultCode"] == "R000002"


async def test_payment_to_somebody_else_cannot_be_reversed(sim: DarajaSimulator, caller: Caller):
    sim.world.add_shortcode("600100", passkey="x", name="OTHER")
    other = sim.pay_by_hand(PHONE, "600100", amount=25, account="A")
    sim.world.shortcodes["174379"].balance_cents = 50_000
    assert (await asked(caller, REVERSAL, TransactionID=other.receipt))["ResultCode"] == "R000002"
    assert len(sim.world.ledger) == 1


async def test_reversal_needs_the_whole_amount_and_the_money(sim: DarajaSimulator, caller: Caller):
    payment = receive(sim)
    assert (await asked(caller, REVERSAL, TransactionID=payment.receipt, Amount=10))["ResultCode"] == "R000002"
    sim.world.shortcodes["174379"].balance_cents = 2_499
    assert (await asked(caller, REVERSAL, TransactionID=payment.receipt))["ResultCode"] == 1


# -- B2C --------------------------------------------------------------------------------------------------------


async def test_payout_reaches_the_wallet_with_the_documented_parameters(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    sim.world.turn(b2c_charge_cents=500)
    result = await asked(caller, B2C, Occassion="bonus")
    told = parameters(result)
    assert result["OriginatorConversationID"] == "vocha-1"
    assert told["TransactionReceipt"] == result["TransactionID"] == sim.world.ledger[0].receipt
    assert told["TransactionCompletedDateTime"] == "20.11.2026 12:30:15"
    assert (told["TransactionAmount"], told["B2CUtilityAccountAvailableFunds"]) == (100, 400.0)
    assert told["B2CChargesPaidAccountAvailableFunds"] == -5.0
    assert sim.world.phone(PHONE).balance_cents == 510_000
    assert "You have received Ksh100.00 from KILIMANI CORNER" in sim.world.phone(PHONE).messages[-1].text


async def test_repeated_originator_id_is_refused_and_pays_once(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    await asked(caller, B2C)
    again = await caller.command(B2C, **FIELDS[B2C])
    assert error_of(again) == (500, "500.002.1001", "Duplicate OriginatorConversationID.")
    assert len(sim.world.ledger) == 1


async def test_version_1_of_b2c_takes_no_id_of_ours(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    for _ in range(2):
        answer = await caller.command("/mpesa/b2c/v1/paymentrequest", **FIELDS[B2C])
        assert answer.json()["OriginatorConversationID"] != "vocha-1"
    await sim.wait_settled()
    assert len(sim.world.ledger) == 2


@pytest.mark.parametrize(
    ("amount", "wallet", "utility", "code"),
    [(9, 0, 10**9, 2), (250_001, 0, 10**9, 3), (100, 50_000_000, 10**9, 8), (100, 0, 9_999, 1), (10, 0, 1_000, 0)],
)
async def test_payout_keeps_the_limits(
    sim: DarajaSimulator, caller: Caller, amount: int, wallet: int, utility: int, code: int
):
    sim.world.phone(PHONE).balance_cents = wallet
    sim.world.shortcodes["174379"].balance_cents = utility
    assert (await asked(caller, B2C, Amount=amount))["ResultCode"] == code
    assert len(sim.world.ledger) == (code == 0)


async def test_shortcode_without_the_product_pays_nothing_out(sim: DarajaSimulator, caller: Caller):
    await caller.http.post("/_sim/shortcode/174379", json={"pays_out": False, "utility_cents": 50_000})
    assert (await asked(caller, B2C))["ResultCode"] == 2028


# -- balance and the traps of results ---------------------------------------------------------------------------


async def test_balance_is_one_string_with_codes_as_text(sim: DarajaSimulator, caller: Caller):
    receive(sim)
    result = await asked(caller, BALANCE)
    assert (result["ResultType"], result["ResultCode"]) == ("0", "0")
    accounts = parameters(result)["AccountBalance"].split("&")
    assert accounts[0] == "Working Account|KES|0.00|0.00|0.00|0.00"
    assert "Utility Account|KES|25.00|25.00|0.00|0.00" in accounts
    assert len(accounts) == 5


@pytest.mark.parametrize(("style", "code"), [("number", 0), ("string", "0")])
async def test_result_codes_follow_their_knob(caller: Caller, style: str, code: int | str):
    caller.world.turn(result_code_as=style)
    assert (await asked(caller, BALANCE))["ResultCode"] == code


async def test_reference_item_is_an_object_or_an_array(caller: Caller):
    seen = {type((await asked(caller, BALANCE))["ReferenceData"]["ReferenceItem"])}
    caller.world.turn(reference_item="array")
    items = (await asked(caller, BALANCE))["ReferenceData"]["ReferenceItem"]
    assert items[0]["Key"] == "QueueTimeoutURL"
    assert seen | {type(items)} == {dict, list}
    caller.world.turn(reference_item="random")
    kinds = {type((await asked(caller, BALANCE))["ReferenceData"]["ReferenceItem"]) for _ in range(12)}
    assert kinds == {dict, list}


@pytest.mark.parametrize("executes", [False, True])
async def test_queue_timeout_leaves_the_outcome_open(sim: DarajaSimulator, caller: Caller, executes: bool):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    sim.world.turn(result_road="timeout", queue_timeout_executes=executes)
    await caller.command(B2C, **FIELDS[B2C])
    await sim.wait_settled()
    assert [heard.path for heard in caller.merchant.heard] == ["/timeout"]
    assert len(sim.world.ledger) == executes


async def test_result_can_be_lost_copied_and_stay_away(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(callback_copies=3)
    await caller.command(BALANCE, **FIELDS[BALANCE])
    await sim.wait_settled()
    assert len(caller.merchant.heard) == 3
    sim.world.turn(callback_copies=1, result_road="none")
    await caller.command(BALANCE, **FIELDS[BALANCE])
    await sim.wait_settled()
    assert len(caller.merchant.heard) == 3


async def test_lost_acknowledgement_pays_all_the_same(sim: DarajaSimulator, caller: Caller):
    sim.world.shortcodes["174379"].balance_cents = 50_000
    sim.world.turn(command_fault="empty")
    assert (await caller.command(B2C, **FIELDS[B2C])).content == b""
    await sim.wait_settled()
    assert len(sim.world.ledger) == 1
    sim.world.turn(command_fault="busy")
    assert error_of(await caller.command(B2C, **FIELDS[B2C]))[1] == "500.003.02"


async def test_log_hides_the_credential(caller: Caller):
    await asked(caller, BALANCE)
    log = (await caller.http.get("/_sim/log")).text
    assert '"SecurityCredential":"(hidden)"' in log
    assert credential()[:20] not in log
