"""What every Daraja POST passes first: bearer token, JSON body, well-formed fields, shortcode and password.

Source: Daraja 3.0 pages, error tables; how each API spells its mistakes is in spellings.py. Endpoints: stk.py and others.
"""

import base64
import hmac
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request

from portal.mpesa.simulator.errors import DarajaRefusal, invalid
from portal.mpesa.simulator.records import Shortcode, Token
from portal.mpesa.simulator.spellings import spelling_of
from portal.mpesa.simulator.world import World

_TOKEN_ERRORS = {
    "404.001.03": (404, "Invalid Access Token"),
    "401.002.01": (401, "Error Occurred - Invalid Access Token"),
    "400.003.01": (400, "Invalid Access Token"),
    "401.003.01": (401, "Error Occurred - Invalid Access Token"),
}
_SHORTCODE = re.compile(r"\d{5,7}")
_UNFIT_FOR_URL = re.compile(r"[<>\"\s\x00-\x1f]")
_FORM = re.compile(rb"\w+=")
_STAMP = re.compile(r"\d{14}")


def check_token(world: World, request: Request[Any, Any, Any]) -> Token:
    """The live token of the request, or the refusal this API's page documents for a missing, wrong or old one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = world.live_token(value.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        spelled = world.knobs.token_error
        if spelled == "per_api":
            raise DarajaRefusal(*spelling_of(request.url.path).bad_token)
        status, message = _TOKEN_ERRORS[spelled]
        raise DarajaRefusal(status, spelled, message)
    if world.knobs.product_missing:
        raise DarajaRefusal(
            401, "401.003.01", "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"
        )
    return token


async def read_json(request: Request[Any, Any, Any], *, first: str = "BusinessShortCode") -> dict[str, Any]:
    """The JSON object of the body. A form counts as empty, so its `first` field is the invalid one (Daraja's FAQ)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise invalid(first, spelling_of(request.url.path).field_code)
    raw = await request.body()
    if _FORM.match(raw):
        # The header may say JSON: some clients send a form all the same, and find their first field missing.
        raise invalid(first, spelling_of(request.url.path).field_code)
    try:
        body = msgspec.json.decode(raw)
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


def matching(body: dict[str, Any], name: str, pattern: re.Pattern[str], code: str = "400.002.02") -> str:
    """The field, if it has the shape; otherwise a refusal with the code, naming it."""
    value = text(body, name)
    if not pattern.fullmatch(value):
        raise invalid(name, code)
    return value


def web_address(body: dict[str, Any], name: str, code: str = "400.002.02") -> str:
    """Any absolute http(s) URL: Daraja does not look whether its host resolves (observed)."""
    url = text(body, name)
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise invalid(name, code) from error
    if not is_fit or _UNFIT_FOR_URL.search(url):
        raise invalid(name, code)
    return url


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
