"""Clients we did not write: mpesakit and python-daraja (PyPI) and mpesa-api (npm) do their everyday work.

Only where they send is changed. Where they keep to the documentation they succeed; where they do not, they meet the
error that Daraja documents.
"""

import asyncio
import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import python_daraja.payment as python_daraja
import requests
from mpesakit import MpesaClient
from mpesakit.b2c import B2CCommandIDType
from mpesakit.errors import MpesaApiException
from mpesakit.security import generate_security_credential
from pydantic import ValidationError

from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    DarajaSimulator,
)

from .conftest import PHONE, Caller, credential

HERE = Path(__file__).parent
STAMP = "20261120123015"
PASSWORD = base64.b64encode(f"174379{SANDBOX_PASSKEY}{STAMP}".encode()).decode()


# -- mpesakit ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kit(sim: DarajaSimulator) -> MpesaClient:
    client = MpesaClient(DEFAULT_KEY, DEFAULT_SECRET)
    client.http_client.base_url = sim.url
    return client


def _push(kit: MpesaClient, url: str, **changes: Any) -> Any:
    fields = {
        "business_short_code": 174379, "transaction_type": "CustomerPayBillOnline", "amount": 25, "party_a": PHONE,
        "party_b": "174379", "phone_number": PHONE, "callback_url": url, "account_reference": "VK7Q2",
        "transaction_desc": "WiFi", "password": PASSWORD, "timestamp": STAMP,
    }  # fmt: skip
    return kit.stk_push(**(fields | changes))


async def test_mpesakit_pushes_asks_and_reads_the_callback(sim: DarajaSimulator, caller: Caller, kit: MpesaClient):
    accepted = await asyncio.to_thread(_push, kit, caller.merchant.url + "/callback")
    assert accepted.is_successful()
    await sim.approve(PHONE)
    await sim.wait_settled()
    told = kit.process_stk_callback(caller.merchant.heard[0].json)
    assert told.Body.stkCallback.CheckoutRequestID == accepted.CheckoutRequestID
    answer = await asyncio.to_thread(
        kit.stk_query, business_short_code=174379, checkout_request_id=accepted.CheckoutRequestID,
        password=PASSWORD, timestamp=STAMP,
    )  # fmt: skip
    assert str(answer.ResultCode) == "0"


async def test_mpesakit_hears_of_wrong_keys_and_a_wrong_passkey(sim: DarajaSimulator, caller: Caller, kit: MpesaClient):
    with pytest.raises(MpesaApiException) as refused:
        await asyncio.to_thread(_push, kit, caller.merchant.url, password="bm9wZQ==")
    assert (refused.value.error.status_code, refused.value.error.error_message) == (500, "Wrong credentials")
    kit.token_manager.consumer_secret = "no"
    kit.token_manager._access_token = None
    with pytest.raises(MpesaApiException) as refused:
        await asyncio.to_thread(_push, kit, caller.merchant.url)
    assert refused.value.error_code == "AUTH_INVALID_CREDENTIALS"


async def test_mpesakit_registers_and_receives_a_payment(sim: DarajaSimulator, caller: Caller, kit: MpesaClient):
    url = caller.merchant.url
    registered = await asyncio.to_thread(kit.c2b.register_url, 174379, "Completed", url + "/confirm", url + "/validate")
    assert registered.is_successful()
    sim.pay_by_hand(PHONE, "174379", amount=5, account="VK7Q2")
    await sim.wait_settled()
    assert caller.merchant.heard[0].json["TransAmount"] == "5.00"


async def test_mpesakit_pays_out_reads_balance_status_and_reversal(
    sim: DarajaSimulator, caller: Caller, kit: MpesaClient
):
    sim.world.shortcodes["174379"].balance_cents = 100_000
    payment = sim.pay_by_hand(PHONE, "174379", amount=25, account="VK7Q2")
    url, secret, me = caller.merchant.url, credential(), DEFAULT_INITIATOR

    async def result(call: Callable[..., Any], **fields: Any) -> dict[str, Any]:
        fields |= {"security_credential": secret, "queue_timeout_url": url + "/t", "result_url": url + "/r"}
        acknowledged = await asyncio.to_thread(call, **fields)
        assert acknowledged.is_successful()
        await sim.wait_settled()
        return caller.merchant.heard[-1].json

    paid = await result(
        kit.b2c.send_payment, originator_conversation_id="kit-1", initiator_name=me,
        command_id=B2CCommandIDType.BusinessPayment, amount=100, party_a="174379", party_b=PHONE, remarks="test",
    )  # fmt: skip
    assert paid["Result"]["TransactionID"] == sim.world.ledger[-1].receipt
    with pytest.raises(ValidationError, match="ResultParameters"):
        # It expects a list where Daraja's page shows an object with one: its mistake, not the simulator's.
        kit.process_b2c_callback(paid)
    balance = kit.process_account_balance_callback(
        await result(
            kit.balance.query, initiator=me, command_id="AccountBalance", party_a=174379, identifier_type=4,
            remarks="test",
        )
    )  # fmt: skip
    assert str(balance.Result.ResultCode) == "0"
    status = await result(
        kit.transactions.query_status, initiator=me, transaction_id=payment.receipt, party_a=174379,
        identifier_type=4, remarks="test", command_id="TransactionStatusQuery",
    )  # fmt: skip
    assert status["Result"]["ResultCode"] == 0
    with pytest.raises(ValidationError, match="ResultParameters"):
        kit.process_transactions_callback(status)
    back = await result(
        kit.reversal.reverse, initiator=me, transaction_id=payment.receipt, amount=25, receiver_party=174379,
        remarks="test",
    )  # fmt: skip
    assert back["Result"]["TransactionID"] == sim.world.ledger[-1].receipt
    with pytest.raises(ValidationError, match="valid string"):
        # Daraja's page shows numbers here.
        kit.process_reversal_callback(back)
    assert [row.kind for row in sim.world.ledger] == ["c2b", "b2c", "reversal"]


# It leaves the certificate's file open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_mpesakits_own_credential_holds_a_timestamp_and_is_refused(
    sim: DarajaSimulator, caller: Caller, kit: MpesaClient
):
    own = generate_security_credential(DEFAULT_INITIATOR_PASSWORD, cert_path=str(CERTIFICATE_FILE))
    await asyncio.to_thread(
        kit.balance.query, initiator=DEFAULT_INITIATOR, security_credential=own, command_id="AccountBalance",
        party_a=174379, identifier_type=4, remarks="test", result_url=caller.merchant.url,
        queue_timeout_url=caller.merchant.url,
    )  # fmt: skip
    await sim.wait_settled()
    assert caller.merchant.heard[0].json["Result"]["ResultCode"] == "2001"


async def test_mpesakit_draws_a_qr_code(kit: MpesaClient):
    drawn = await asyncio.to_thread(
        kit.dynamic_qr.generate, merchant_name="SHOP", ref_no="VK7Q2", amount=25.0, trx_code="PB", cpi="174379",
        size="300",
    )  # fmt: skip
    assert base64.b64decode(drawn.QRCode).startswith(b"\x89PNG")


# -- python-daraja ----------------------------------------------------------------------------------------------


@pytest.fixture
def daraja(sim: DarajaSimulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """python-daraja writes the sandbox's address into every call: the transport sends it elsewhere."""
    plain = requests.request

    def elsewhere(method: str, url: str, **options: Any) -> requests.Response:
        return plain(method, url.replace("https://sandbox.safaricom.co.ke", sim.url), timeout=5, **options)

    monkeypatch.setattr(python_daraja.requests, "request", elsewhere)
    for name, value in {
        "CONSUMER_KEY": DEFAULT_KEY, "CONSUMER_SECRET": DEFAULT_SECRET, "PASSKEY": SANDBOX_PASSKEY,
        "SHORT_CODE": "174379", "ACCOUNT_TYPE": "PAYBILL",
    }.items():  # fmt: skip
        monkeypatch.setattr(python_daraja, name, value)
    return python_daraja


async def test_python_daraja_gets_a_token_and_its_forms_are_refused(sim: DarajaSimulator, caller: Caller, daraja: Any):
    assert len(await asyncio.to_thread(daraja._get_access_token)) == 28
    pushed = await asyncio.to_thread(daraja.trigger_stk_push, int(PHONE), 25, caller.merchant.url, "VK7Q2", "WiFi")
    assert (pushed["errorCode"], pushed["errorMessage"]) == ("400.002.02", "Bad Request - Invalid BusinessShortCode")
    registered = await asyncio.to_thread(daraja.register_urls, caller.merchant.url, caller.merchant.url, "Completed")
    assert (registered["errorCode"], registered["errorMessage"]) == ("400.003.02", "Bad Request - Invalid ShortCode")
    assert not sim.world.pushes
    bodies = [exchange.request for exchange in sim.world.log if exchange.target.endswith("processrequest")]
    assert bodies[0].startswith("BusinessShortCode=174379&")


async def test_python_daraja_with_wrong_keys_trips_over_the_empty_body(daraja: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(daraja, "CONSUMER_SECRET", "no")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        await asyncio.to_thread(daraja._get_access_token)


# -- mpesa-api (npm) --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mpesa-api as locked by version and checksum, installed from the registry; skipped where that cannot be."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm or node is not installed here")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "play.cjs"):
        shutil.copy(HERE / "npm_stranger" / name, folder)
    return folder


async def _run(folder: Path, *command: str, seconds: float, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return -1, "took too long"
    return process.returncode or 0, output.decode()


async def test_npm_client_works_where_it_is_right_and_meets_the_true_errors(
    sim: DarajaSimulator, caller: Caller, npm_folder: Path
):
    code, output = await _run(
        npm_folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", seconds=60
    )
    if code:
        pytest.skip(f"the npm registry did not give mpesa-api: {output[-200:]}")
    sim.world.shortcodes["174379"].balance_cents = 100_000
    payment = sim.pay_by_hand(PHONE, "174379", amount=25, account="VK7Q2")
    sim.world.turn(auto_answer="pin")
    given = {
        "port": sim.url.rpartition(":")[2], "key": DEFAULT_KEY, "secret": DEFAULT_SECRET, "passkey": SANDBOX_PASSKEY,
        "initiator": DEFAULT_INITIATOR, "password": DEFAULT_INITIATOR_PASSWORD, "certificate": str(CERTIFICATE_FILE),
        "merchant": caller.merchant.url, "phone": PHONE, "receipt": payment.receipt,
    }  # fmt: skip
    code, output = await _run(npm_folder, "node", "play.cjs", seconds=20, GIVEN=json.dumps(given))
    assert code == 0, output
    told = json.loads(output)
    await sim.wait_settled()
    assert {
        name: told[name].get("ResponseCode")
        for name in ("register", "simulate", "push", "b2c", "status", "balance", "reverse")
    } == dict.fromkeys(("register", "simulate", "push", "b2c", "status", "balance", "reverse"), "0")
    assert told["reverseByDefault"]["errorMessage"] == "Bad Request - Invalid RecieverIdentifierType"
    assert told["wrongPasskey"]["errorMessage"] == "Wrong credentials"
    assert told["wrongKeys"] == {"statusCode": 400, "data": ""}
    assert [row.kind for row in sim.world.ledger] == ["c2b", "c2b", "stk", "b2c", "reversal"]
    results = [str(heard.json["Result"]["ResultCode"]) for heard in caller.merchant.heard if heard.path == "/result"]
    assert results == ["0"] * 4
