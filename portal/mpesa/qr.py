"""Dynamic QR: a picture the M-Pesa app pays from. Building the request, reading the picture. Pure.

Source: Daraja documentation, Dynamic QR. What is paid with it arrives as a C2B confirmation with `reference`.
"""

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from portal.mpesa.credentials import MpesaApp, TransactionType
from portal.mpesa.fields import opaque_id, plain, require, shillings_of
from portal.mpesa.loose_json import read_object
from portal.mpesa.refusals import Failure, Kind, sort_failure

PATH = "/mpesa/qrcode/v1/generate"
MOST_BYTES = 524_288
_PNG = b"\x89PNG\r\n\x1a\n"
_LONGEST_NAME = 22


class QrCode(msgspec.Struct, frozen=True, kw_only=True):
    """A square PNG."""

    png: bytes
    request_id: str = ""


def qr_body(app: MpesaApp, *, name: str, reference: str, amount_cents: int, pixels: int = 300) -> dict[str, str | int]:
    """The JSON that asks for a picture paying `amount_cents` to our paybill or till with `reference`."""
    require(re.fullmatch(r"[A-Z0-9]{1,12}", reference), "RefNo")
    require(100 <= pixels <= 1000, "Size")
    return {
        "MerchantName": plain(name, _LONGEST_NAME, otherwise="WiFi"),
        "RefNo": reference,
        "Amount": shillings_of(amount_cents),
        "TrxCode": "BG" if app.transaction_type is TransactionType.BUY_GOODS else "PB",
        "CPI": app.receiver,
        "Size": str(pixels),
    }


def read_qr(status: int, raw: bytes, *, headers: Mapping[str, str]) -> QrCode | Failure:
    """The picture. Its ResponseCode is an id and not a code, so the picture itself decides."""
    document = read_object(raw, most=MOST_BYTES) or {}
    told = document.get("QRCode")
    if status != 200 or not isinstance(told, str):
        return sort_failure(status, raw, headers)
    try:
        png = base64.b64decode("".join(told.split()), validate=True)
    except (binascii.Error, ValueError):
        png = b""
    if not png.startswith(_PNG):
        return Failure(kind=Kind.UNKNOWN, code="HTTP 200", message="no picture")
    return QrCode(png=png, request_id=opaque_id(document.get("RequestID")) or "")
