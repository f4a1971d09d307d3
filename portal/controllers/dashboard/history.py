"""Who did what, when and from where: what people of a shop did, newest first. For owners and managers."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import Parameter
from litestar.response import Stream

from portal import guards, reports, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.frame import ROLES, AnyRequest, Frame, frame_of, page
from portal.controllers.dashboard.history_words import KIND_WORDS, deed_words, place_of
from portal.identity import Actor, history
from portal.identity.history import Deed, Wanted
from portal.msgid import N_

Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
_HEAD = (N_("Time"), N_("Who"), N_("What"), N_("Which"), N_("From where"))
_BATCH = 500


def _asked(request: AnyRequest) -> dict[str, str]:
    """The filters as they stand in the address; what makes no sense is left out."""
    found = {name: request.query_params.get(name, "")[:20] for name in ("who", "kind", "since", "until")}
    if not (found["who"].isascii() and found["who"].isdigit() and len(found["who"]) < 19):
        found["who"] = ""
    return found | {name: "" for name in ("since", "until") if _day(found[name]) is None} | (
        {} if found["kind"] in history.KINDS else {"kind": ""}
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min < day < date.max else None


def _wanted(asked: Mapping[str, str], frame: Frame) -> Wanted:
    since, until = _day(asked["since"]), _day(asked["until"])
    return Wanted(
        user_id=int(asked["who"]) if asked["who"] else None, kind=asked["kind"],
        since=reports.day_start(since, frame.zone) if since else None,
        until=reports.day_start(until + timedelta(days=1), frame.zone) if until else None,
    )  # fmt: skip


@get("/history", guards=[guards.at_merchant])
async def history_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """One page, those below the id `before`."""
    frame, asked = await frame_of(request, actor, here="team"), _asked(request)
    deeds, older = await history.deeds(actor, _wanted(asked, frame), before=before)
    return page(
        request, frame, "dashboard/history.html", deeds=deeds, older=older, before=before, asked=asked, now=clock.now(),
        people=await history.people(actor), kinds=KIND_WORDS, roles=ROLES, words=deed_words, place_of=place_of,
        query=urlencode({name: value for name, value in asked.items() if value}),
    )  # fmt: skip


@get("/history.csv", guards=[guards.at_merchant])
async def history_file(request: AnyRequest, actor: Actor) -> Stream:
    """All that fits the filters as a file, made while it is sent."""
    history.reader(actor)
    frame = await frame_of(request, actor, here="team")
    headers = {"content-disposition": 'attachment; filename="history.csv"', "cache-control": "no-store"}
    lines = _lines(actor, frame, _wanted(_asked(request), frame))
    return Stream(lines, media_type="text/csv", headers=headers)


async def _lines(actor: Actor, frame: Frame, wanted: Wanted) -> AsyncIterator[str]:
    yield spreadsheets.MARK + spreadsheets.row([frame.language.gettext(name) for name in _HEAD])
    before: int | None = None
    while True:
        deeds, before = await history.deeds(actor, wanted, before=before, most=_BATCH)
        yield "".join(_line(frame, deed) for deed in deeds)
        if before is None:
            return


def _line(frame: Frame, deed: Deed) -> str:
    when: datetime = deed.at.astimezone(frame.zone)
    what = frame.language.gettext(deed_words(deed))
    return spreadsheets.row(
        [f"{when:%Y-%m-%d %H:%M:%S}", deed.who or deed.actor, what, f"{deed.entity} {deed.entity_id}", deed.ip]
    )


ROUTES = [history_page, history_file]
