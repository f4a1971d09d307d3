"""Dynamic QR: a base64 PNG at once. Paying by it is a payment by hand, which arrives as C2B.

Source: Daraja 3.0 page "Dynamic QR". What Safaricom writes into its codes is unknown: this one holds readable text.
"""

import base64
import re
from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from portal.mpesa.simulator.answers import json_answer
from portal.mpesa.simulator.gate import check_token, matching, read_json, text
from portal.mpesa.simulator.qr_picture import CAPACITY, qr_png
from portal.mpesa.simulator.world import World

_CODE = re.compile(r"BG|WA|PB|SM|SB")
_AMOUNT = re.compile(r"\d{1,6}(\.\d{1,2})?")
_SIZE = re.compile(r"\d{2,4}")
_TEXT = re.compile(r".{1,100}")
DEFAULT_SIZE = 300


@post("/mpesa/qrcode/v1/generate", status_code=200)
async def generate(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    check_token(world, request)
    body = await read_json(request, first="MerchantName")
    name = matching(body, "MerchantName", _TEXT)
    reference = matching(body, "RefNo", _TEXT)
    if isinstance(body.get("Amount"), float):
        # "Numeric", says the page; other APIs refuse what is not whole.
        body["Amount"] = f"{body['Amount']:g}"
    amount = matching(body, "Amount", _AMOUNT)
    code = matching(body, "TrxCode", _CODE)
    party = matching(body, "CPI", re.compile(r"\d{4,12}"))
    size = int(matching(body, "Size", _SIZE)) if text(body, "Size") else DEFAULT_SIZE
    content = "|".join(("SIMULATOR", code, party, amount, reference, name)).encode()[:CAPACITY]
    return json_answer(
        {
            # A conversation id and not a zero, as in the page's sample.
            "ResponseCode": world.new_conversation_id(),
            "RequestID": world.new_request_id(),
            "ResponseDescription": "QR Code Successfully Generated.",
            "QRCode": base64.b64encode(qr_png(content, size)).decode(),
        }
    )


HANDLERS = [generate]
