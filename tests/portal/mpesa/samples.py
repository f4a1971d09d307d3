"""Daraja's messages as the documentation prints them or as seen on the sandbox, for every test of the door."""

import json
from datetime import UTC, datetime

from portal.mpesa.credentials import MpesaApp

APP = MpesaApp(
    environment="sandbox",
    base_url="https://sandbox.safaricom.co.ke",
    consumer_key="the-key",
    consumer_secret="the-secret",
    shortcode="174379",
    passkey="bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919",
)
AT = datetime(2026, 11, 20, 21, 30, 5, tzinfo=UTC)
CALLBACK_URL = "https://wifi.example.co.ke/c/0f3a"

#: The sample of the documentation's M-Pesa Express page.
ACCEPTED = (
    b'{"MerchantRequestID":"2654-4b64-97ff-b827b542881d3130","CheckoutRequestID":"ws_CO_180920261803512708374149",'
    b'"ResponseCode":"0","ResponseDescription":"Success. Request accepted for processing",'
    b'"CustomerMessage":"Success. Request accepted for processing"}'
)
PAID = (
    b'{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",'
    b'"ResultCode":0,"ResultDesc":"The service request is processed successfully.","CallbackMetadata":{"Item":['
    b'{"Name":"Amount","Value":1.00},{"Name":"MpesaReceiptNumber","Value":"NLJ7RT61SV"},'
    b'{"Name":"TransactionDate","Value":20191219102115},{"Name":"PhoneNumber","Value":254708374149}]}}}}'
)
CANCELLED = (
    b'{"Body":{"stkCallback":{"MerchantRequestID":"29115-34620561-1","CheckoutRequestID":"ws_CO_191220191020363925",'
    b'"ResultCode":1032,"ResultDesc":"Request cancelled by user."}}}'
)
SPIKE = (
    b'{"fault":{"faultstring":"Spike arrest violation. Allowed rate : MessageRate{messagesPerPeriod=5, '
    b'periodInMicroseconds=60000000, maxBurstMessageCount=1.0}",'
    b'"detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}'
)


def refusal(code: str, message: str = "") -> bytes:
    return json.dumps({"requestId": "1-2-3", "errorCode": code, "errorMessage": message}).encode()
