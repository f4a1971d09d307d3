"""Results and confirmations in the shapes the documentation prints, with values of our own."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from portal.mpesa.credentials import Initiator, MpesaApp
from portal.mpesa.initiated import ResultUrls
from tests.portal.mpesa.samples import APP, AT

URLS = ResultUrls(
    result="https://wifi.example.co.ke/cb/0f3a/result", timeout="https://wifi.example.co.ke/cb/0f3a/timeout"
)
ACK = (
    b'{"OriginatorConversationID":"f1e2-4b95-a71d-b30d3cdbb7a7000001","ConversationID":"AG_20261120_20106e9209f64bebd05b",'
    b'"ResponseCode":"0","ResponseDescription":"Accept the service request successfully."}'
)


def confirmation(**changes: object) -> bytes:
    """A C2B confirmation: every value is text."""
    fields: dict[str, object] = {
        "TransactionType": "Pay Bill",
        "TransID": "UKK41H7QZD",
        "TransTime": "20261120213005",
        "TransAmount": "50.00",
        "BusinessShortCode": "600638",
        "BillRefNumber": "K7QM2XWP",
        "InvoiceNumber": "",
        "OrgAccountBalance": "30671.00",
        "ThirdPartyTransID": "",
        "MSISDN": "25470****149",
        "FirstName": "Amina",
        "MiddleName": "",
        "LastName": "Otieno",
    }
    return json.dumps(fields | changes).encode()


def result(
    code: object = 0,
    parameters: object = None,
    *,
    references: object = None,
    transaction: str = "UKK0000000",
    **more: object,
) -> bytes:
    """A result envelope; without parameters there is no ResultParameters, as in a failure."""
    body: dict[str, object] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        "OriginatorConversationID": "53e3-4aa8-9fe0-8fb5e4092cdd000001",
        "ConversationID": "AG_20261120_2010364430d9bbdaf872",
        "TransactionID": transaction,
        "ReferenceData": {
            "ReferenceItem": references or {"Key": "QueueTimeoutURL", "Value": "https://internal.example/submit"}
        },
    }
    if parameters is not None:
        body["ResultParameters"] = {"ResultParameter": parameters}
    return json.dumps({"Result": body | more}).encode()


def pairs(named: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"Key": key, "Value": value} for key, value in named.items()]


STATUS = [
    {"Key": "DebitPartyName", "Value": "254708374149 - Amina Otieno"},
    {"Key": "CreditPartyName", "Value": "600638 - Kilimani Corner"},
    {"Key": "OriginatorConversationID", "Value": "3211-416020-3"},
    {"Key": "InitiatedTime", "Value": "20261120213001"},
    {"Key": "TransactionReason"},
    {"Key": "ReasonType", "Value": "Pay Bill Online"},
    {"Key": "TransactionStatus", "Value": "Completed"},
    {"Key": "FinalisedTime", "Value": "20261120213005"},
    {"Key": "Amount", "Value": "50"},
    {"Key": "ConversationID", "Value": "AG_20261120_000041b09c22e613d6c9"},
    {"Key": "ReceiptNo", "Value": "UKK41H7QZD"},
]
REVERSED = pairs(
    {
        "DebitAccountBalance": "Utility Account|KES|7722.62|7722.62|0.00|0.00",
        "Amount": 50.00,
        "TransCompletedTime": 20261120213011,
        "OriginalTransactionID": "UKK41H7QZD",
        "Charge": 0.00,
        "CreditPartyPublicName": "254708374149 - Amina Otieno",
        "DebitPartyPublicName": "600638 - Kilimani Corner",
    }
)
PAID_OUT = pairs(
    {
        "TransactionAmount": 1500,
        "TransactionReceipt": "UKK632NMUA",
        "ReceiverPartyPublicName": "254708374149 - Amina Otieno",
        "TransactionCompletedDateTime": "20.11.2026 21:30:05",
        "B2CUtilityAccountAvailableFunds": 8959.60,
        "B2CWorkingAccountAvailableFunds": -3.00,
        "B2CRecipientIsRegisteredCustomer": "Y",
        "B2CChargesPaidAccountAvailableFunds": -1980.00,
    }
)
BALANCES = pairs(
    {
        "AccountBalance": "Working Account|KES|700000.00|690000.00|0.00|0.00&Float Account|KES|0.00|0.00|0.00|0.00"
        "&Utility Account|KES|228037.50|228037.50|0.00|0.00&Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00",
        "BOCompletedTime": "20261120213005",
    }
)


def certificate(
    *, starts: datetime = AT - timedelta(days=1), ends: datetime = AT + timedelta(days=365), bits: int = 2048
) -> tuple[str, rsa.RSAPrivateKey]:
    """A certificate like Safaricom's, and the key to open what was encrypted with it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return _signed(key, starts, ends), key


def certificate_without_rsa() -> str:
    return _signed(ec.generate_private_key(ec.SECP256R1()), AT - timedelta(days=1), AT + timedelta(days=1))


def _signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, starts: datetime, ends: datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test of the initiator's password")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(starts.astimezone(UTC)).not_valid_after(ends.astimezone(UTC))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def signing_app(pem: str, *, password: str = "Secret#1", **changes: object) -> MpesaApp:
    """An app with an initiator."""
    fields = {name: getattr(APP, name) for name in MpesaApp.__slots__}
    initiator = Initiator(name="vochaapi", password=password, certificate=pem)
    return MpesaApp(**{**fields, "initiator": initiator, **changes})
