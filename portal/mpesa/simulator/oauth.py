"""`GET /oauth/v1/generate`: Basic credentials for a bearer token. Source: Daraja 3.0 page "Authorization"."""

import base64
import binascii
import hmac
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from portal.mpesa.simulator.answers import Answer, fault_answer, json_answer
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.records import App
from portal.mpesa.simulator.world import World


@get("/oauth/v1/generate")
async def generate(request: Request[Any, Any, Any], world: NamedDependency[World]) -> ASGIApp:
    """A new token; the app's old one dies. Wrong keys get HTTP 400 with an empty body (observed)."""
    fault = world.knobs.oauth_fault
    if request.query_params.get("grant_type") != "client_credentials":
        raise DarajaRefusal(400, "400.008.02", "Invalid grant type passed")
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise DarajaRefusal(400, "400.008.01", "Invalid authentication type passed")
    app = _app_of(world, encoded)
    if app is None:
        return Answer(400, b"")
    token = world.issue_token(app)
    # The documented figure is one second less than the documented lifetime.
    seconds = max(0, int(world.knobs.token_seconds) - 1)
    answer = json_answer(
        {"access_token": token.value, "expires_in": str(seconds) if world.knobs.expires_in_as == "string" else seconds}
    )
    return answer if fault == "none" else fault_answer(world, fault, answer.body)


def _app_of(world: World, encoded: str) -> App | None:
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    app = world.apps.get(key)
    return app if app and hmac.compare_digest(app.consumer_secret.encode(), secret.encode()) else None
