"""Bringing codes from another system: send a file, see what would be made, have it made, take it back."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from litestar.response import Stream

from portal import batch_pages, codes, error_pages, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.import_words import (
    KIND_WORDS,
    OUTCOME_WORDS,
    SOURCE_WORDS,
    STATUS_WORDS,
    VERDICT_WORDS,
    WHY_WORDS,
)
from portal.errors import Conflict, Invalid, PortalError
from portal.exports.names import attachment, file_name
from portal.identity import Actor
from portal.imports import looks, plain, sending
from portal.imports.letters import FIELD, MOST_BYTES, TOO_BIG
from portal.msgid import N_
from portal.spreadsheets import MARK, row
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
After = Annotated[int, Parameter(query="after", ge=-1, le=2**63 - 1)]
Only = Annotated[str, Parameter(query="only", max_length=4)]
NO_FILE = N_("Choose the file.")
_PAGE_SIZE = 20
_WORDS: dict[str, Any] = {
    "sources": SOURCE_WORDS, "statuses": STATUS_WORDS, "kinds": KIND_WORDS, "verdicts": VERDICT_WORDS, "outcomes": OUTCOME_WORDS,
    "reasons": {why.value: words for why, words in WHY_WORDS.items()},
}  # fmt: skip
_AT_FIRST = {"source": "mikhmon", "router": "all", "weak_days": "60", "sold": "later"}


class FileTooBig(PortalError):  # noqa: N818
    """A body beyond the limit, refused before it is read."""

    default = TOO_BIG
    status_code = 413


def _too_big(request: AnyRequest, _error: HTTPException) -> Response[Any]:
    return error_pages.portal_error(request, FileTooBig())


@get("/imports", guards=[guards.at_merchant])
async def imports_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """What was brought before, and the form."""
    sending.manager(actor)
    return await _page(request, actor, clock, typed=_AT_FIRST, before=before)


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, typed: dict[str, str], before: int | None = None,
    error: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="vouchers")
    listed = await looks.latest(actor, before=before, most=_PAGE_SIZE)
    wrong = error.fields if isinstance(error, Invalid) else {}
    answer = page(
        request, frame, "dashboard/imports.html", imports=listed, before=before, typed=_AT_FIRST | typed, wrong=wrong,
        told=frame.language.say(error.message, error.params) if error and not wrong else "", now=clock.now(),
        older=listed[-1].id if len(listed) == _PAGE_SIZE else None, routers=await batch_pages.routers_of(actor),
        form_key=codes.hex_token(16), weak_days=sending.WEAK_DAYS, **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@post(
    "/imports",
    guards=[guards.at_merchant],
    request_max_body_size=MOST_BYTES + 64 * 1024,
    exception_handlers={413: _too_big},
)
async def send(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault) -> Response[Any]:
    """Keep a file to be looked at; 422 with the form when it is none."""
    sending.manager(actor)
    form = await request.form()
    typed = {name: value[:200] for name, value in form.items() if isinstance(value, str)}
    try:
        raw, name = await _file_of(form.get(FIELD))
        made = await sending.send(
            actor, raw, source=typed.get("source", ""), file_name=name, router=typed.get("router", "all"),
            weak_days=typed.get("weak_days", ""), sold=typed.get("sold", ""), form_key=typed.get("form_key", "")[:40],
            settings=guards.settings_of(request), vault=vault, now=clock.now(),
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, f"/imports/{made}")


async def _file_of(sent: object) -> tuple[bytes, str]:
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Invalid({FIELD: NO_FILE})
    sent.file.seek(0)
    return await asyncio.to_thread(sent.file.read, MOST_BYTES + 1), sent.filename


@get("/imports/template.csv", guards=[guards.at_merchant])
async def template_file(actor: Actor) -> Response[str]:
    """The empty CSV."""
    sending.manager(actor)
    return Response(MARK + plain.template(), media_type="text/csv", headers=attachment("vocha-import.csv"))


@get("/imports/{import_id:int}", guards=[guards.at_merchant])
async def import_page(
    request: AnyRequest, actor: Actor, clock: Clock, import_id: RowId, *, only: Only = "", after: After = -1
) -> Response[str]:
    """One of them, with its rows."""
    return await _one(request, actor, clock, import_id, only=only, after=after)


async def _one(
    request: AnyRequest, actor: Actor, clock: Clock, import_id: int, *, only: str = "", after: int = -1,
    error: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    found = await looks.one(actor, import_id)
    only = only if only in VERDICT_WORDS else ""
    listed = (
        [] if found.status in ("waiting", "failed") else await looks.rows_of(actor, import_id, only=only, after=after)
    )
    frame = await frame_of(request, actor, here="vouchers")
    answer = page(
        request, frame, "dashboard/import.html", brought=found, rows=listed, only=only, after=after, now=clock.now(),
        more=listed[-1].place if len(listed) == looks.PAGE_SIZE else None,
        told=frame.language.say(error.message, error.params) if error else "", **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@get("/imports/{import_id:int}/state", guards=[guards.at_merchant])
async def import_state(request: AnyRequest, actor: Actor, import_id: RowId) -> Response[str]:
    """How far it is, as the page asks every second; once the worker has nothing to do the page is loaded anew."""
    frame, found = await frame_of(request, actor, here="vouchers"), await looks.one(actor, import_id)
    answer = part(request, frame, "dashboard/_import_state.html", brought=found, **_WORDS)
    if not found.is_open:
        answer.headers["hx-refresh"] = "true"
    return answer


@get("/imports/{import_id:int}/skipped.csv", guards=[guards.at_merchant])
async def skipped_file(request: AnyRequest, actor: Actor, clock: Clock, import_id: RowId) -> Stream:
    """What was left out and why, as a file."""
    await looks.one(actor, import_id)
    frame = await frame_of(request, actor, here="vouchers")
    assert frame.merchant is not None
    name = file_name(f"import-{import_id}", frame.merchant.name, clock.now().astimezone(frame.zone).date(), "csv")
    return Stream(_skipped(frame, import_id), media_type="text/csv", headers=attachment(name))


async def _skipped(frame: Frame, import_id: int) -> AsyncGenerator[str]:
    say = frame.language.gettext
    yield MARK + row([say(N_("Line")), say(N_("What")), say(N_("Name")), say(N_("Package")), say(N_("Why"))])
    after = -1
    while rows := await looks.rows_of(frame.actor, import_id, only="skip", after=after, most=1000):
        for each in rows:
            why = WHY_WORDS.get(each.why) if each.why else None  # pyright: ignore[reportArgumentType, reportCallIssue]
            words = say(why) if why else say(OUTCOME_WORDS["kept"][1]) if each.outcome == "kept" else ""
            yield row([each.line, say(KIND_WORDS[each.kind]), each.name, each.package, words])
        after = rows[-1].place


@post("/imports/{import_id:int}/start", guards=[guards.at_merchant])
async def start(request: AnyRequest, actor: Actor, clock: Clock, import_id: RowId) -> Response[Any]:
    """Have it taken over."""
    return await _do(request, actor, clock, import_id, verb=sending.start)


@post("/imports/{import_id:int}/drop", guards=[guards.at_merchant])
async def drop(request: AnyRequest, actor: Actor, clock: Clock, import_id: RowId) -> Response[Any]:
    """Do not take it over."""
    return await _do(request, actor, clock, import_id, verb=sending.drop)


@post("/imports/{import_id:int}/undo", guards=[guards.at_merchant])
async def undo(request: AnyRequest, actor: Actor, clock: Clock, import_id: RowId) -> Response[Any]:
    """Take back what nobody touched since."""
    return await _do(request, actor, clock, import_id, verb=sending.undo)


async def _do(request: AnyRequest, actor: Actor, clock: Clock, import_id: int, *, verb: Any) -> Response[Any]:
    try:
        await verb(actor, import_id, now=clock.now())
    except Conflict as error:
        return await _one(request, actor, clock, import_id, error=error)
    return see_other(request, f"/imports/{import_id}")


ROUTES = [
    imports_page, send, template_file, import_page, import_state, skipped_file, start, drop, undo,
]  # fmt: skip
