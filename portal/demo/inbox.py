"""What arrived on the demo's phones and in its mailboxes, with a way to answer an SMS. In the demo only."""

from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post

from portal.demo.cast import TIMEZONE
from portal.demo.wiring import Files, Pages, World
from portal.web import clock as clock_of
from portal.web import day

AnyRequest = Request[Any, Any, Any]
PATH = "/demo/inbox"
_NAMES = {"sms": "SMS", "email": "Mail", "telegram": "Telegram", "webhook": "Webhook"}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


@get(PATH)
async def inbox(request: AnyRequest, world: World, pages: Pages, assets: Files) -> Response[str]:
    """Everything, or with `?to=` what one number, address or chat got; the newest first."""
    to, channel = request.query_params.get("to", ""), request.query_params.get("channel", "")
    letters = world.post.letters.all(channel=channel, to=to)[::-1]
    body = pages.get_template("inbox.html").render(
        letters=letters[:100], to=to, channel=channel, names=_NAMES, asset=assets.url, zone=ZoneInfo(TIMEZONE), path=PATH,
        clock=clock_of, day=day, may_answer=to.isdecimal() and channel in ("", "sms"),
    )  # fmt: skip
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": _POLICY,
        "cache-control": "no-store",
    }
    return Response(body, headers={**headers, "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"})


@post(f"{PATH}/answer", status_code=303)
async def answer(request: AnyRequest, world: World) -> Response[bytes]:
    """An SMS back: STOP, START, or anything."""
    form = await request.form()
    to, text = str(form.get("to", ""))[:15], str(form.get("text", ""))[:160]
    if to.isdecimal() and text.strip():
        await world.rails.awake("post")
        world.post.office.answer(to, text)
    location = f"{PATH}?{urlencode({'to': to})}"
    return Response(b"", status_code=303, headers={"location": location, "cache-control": "no-store"})


HANDLERS = [inbox, answer]
