"""What every Daraja POST passes first: bearer token, JSON body, shortcode and password. Endpoints: oauth.py, stk.py.

Source: Daraja 3.0 pages, error tables; which spelling of the token error an API uses is a knob.
"""

import base64
import hmac
import re
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request

from portal.mpesa.simulator.errors import DarajaRefusal, invalid
from portal.mpesa.simulator.records import Shortcode, Token
from portal.mpesa.simulator.world import World

_TOKEN_ERRORS = {
    "404.001.03": (404, "Invalid Access Token"),
    "401.002.01": (401, "Error Occurred - Invalid Access Token"),
    "400.003.01": (400, "Invalid Access Token"),
    "401.003.01": (401, "Error Occurred - Invalid Access Token"),
}
_SHORTCODE = re.compile(r"\d{5,7}")
_STAMP = re.compile(r"\d{14}")


def check_token(world: World, request: Request[Any, Any, Any]) -> Token:
    """The live token of the request, or the refusal the STK page documents for a missing, wrong or old one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = world.live_token(value.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        status, message = _TOKEN_ERRORS[world.knobs.token_error]
        raise DarajaRefusal(status, world.knobs.token_error, message)
    if world.knobs.product_missing:
        raise DarajaRefusal(
            401, "401.003.01", "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"
        )
    return token


async def read_json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The JSON object of the body. A form counts as empty: "Invalid BusinessShortCode", says Daraja's FAQ."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise invalid("BusinessShortCode")
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError as error:
        raise DarajaRefusal(400, "400.002.05", "Invalid Request Payload") from error
    if not isinstance(body, dict):
        raise DarajaRefusal(400, "400.002.05", "Invalid Request Payload")
    return {str(name): value for name, value in body.items()}


def text(body: dict[str, Any], name: str) -> str:
    """A field as text: Daraja takes strings and whole numbers alike, nothing else. Empty when absent."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def matching(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """The field, if it has the shape; otherwise 400.002.02 naming it."""
    value = text(body, name)
    if not pattern.fullmatch(value):
        raise invalid(name)
    return value


def check_shape(body: dict[str, Any]) -> tuple[str, str, str]:
    """BusinessShortCode, Password and Timestamp, well formed. Staleness of the stamp is not checked (unknown)."""
    number = matching(body, "BusinessShortCode", _SHORTCODE)
    password = text(body, "Password")
    if not password:
        raise invalid("Password")
    stamp = matching(body, "Timestamp", _STAMP)
    try:
        datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007  (only its shape matters)
    except ValueError as error:
        raise invalid("Timestamp") from error
    return number, password, stamp


def check_password(world: World, number: str, password: str, stamp: str) -> Shortcode:
    """The shortcode, if it exists and base64(shortcode + passkey + Timestamp) is the password."""
    shortcode = world.shortcodes.get(number)
    if shortcode is None:
        raise DarajaRefusal(500, "500.001.1001", "Merchant does not exist")
    expected = base64.b64encode(f"{number}{shortcode.passkey}{stamp}".encode())
    if not hmac.compare_digest(expected, password.encode()):
        raise DarajaRefusal(500, "500.001.1001", "Wrong credentials")
    return shortcode
