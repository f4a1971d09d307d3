"""A forgotten password: asking for a link, and choosing a new one by it."""

import asyncio
import time
from typing import Any

from litestar import Response, get, post

from portal import guards
from portal.clock import Clock
from portal.controllers.outside import AnyRequest, outside, typed_in, wrong_words
from portal.errors import Invalid, PortalError, TooMany
from portal.identity import LinkOver, links, resets
from portal.identity.links import Purpose
from portal.vault import Vault
from portal.web import see_other

#: Every answer takes as long: how long the work took would tell whether there is an account. Seconds.
_LEAST_S = 0.25


@get("/forgot")
async def forgot_page(request: AnyRequest) -> Response[str]:
    """The form; afterwards that a mail is on its way, if there is an account."""
    return await outside(request, "identity/forgot.html", is_sent="sent" in request.query_params, email="", error="")


@post("/forgot", status_code=200)
async def forgot(request: AnyRequest, clock: Clock, vault: Vault) -> Response[Any]:
    """Mail a link; the same answer in the same time for every address."""
    began, email = time.monotonic(), (await typed_in(request)).get("email", "")
    settings, address = guards.settings_of(request), guards.browser_of(request).address
    try:
        await resets.ask(email, address=address, settings=settings, vault=vault, now=clock.now())
    except TooMany as error:
        words = wrong_words(request, error)
        return await outside(request, "identity/forgot.html", status=429, is_sent=False, email=email[:254], error=words)
    await asyncio.sleep(max(0.0, _LEAST_S - (time.monotonic() - began)))
    return see_other(request, "/forgot?sent")


@get("/reset")
async def reset_page(request: AnyRequest, clock: Clock) -> Response[str]:
    """The form behind the link."""
    return await _reset(request, clock, request.query_params.get("t", ""))


async def _reset(request: AnyRequest, clock: Clock, token: str, *, error: PortalError | None = None) -> Response[str]:
    try:
        row = await links.find(token, Purpose.RESET, now=clock.now())
    except LinkOver as over:
        return await outside(request, "identity/over.html", status=410, words=wrong_words(request, over))
    return await outside(
        request, "identity/reset.html", status=error.status_code if error else 200, token=token, email=row["email"],
        wrong=error.fields if isinstance(error, Invalid) else {},
    )  # fmt: skip


@post("/reset", status_code=200)
async def reset(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Choose the password, then sign in with it: a second step is asked for there."""
    typed = await typed_in(request)
    try:
        await resets.reset(typed.get("t", ""), typed.get("password", ""), now=clock.now())
    except (Invalid, LinkOver) as error:
        return await _reset(request, clock, typed.get("t", ""), error=error)
    return see_other(request, "/sign-in")


ROUTES = [forgot_page, forgot, reset_page, reset]
