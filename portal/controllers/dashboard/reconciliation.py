"""M-Pesa's lists: what was compared, sending a statement, asking for the last 48 hours, and deciding about what we have not."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import Parameter

from portal.clock import Clock
from portal.controllers.dashboard.close_words import STATUS_WORDS, TAKEN_WORDS, VERDICT_WORDS
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.errors import Invalid, PortalError
from portal.identity import Actor
from portal.msgid import N_
from portal.reconciliation import access, pulling, statement_files, statements, views
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
After = Annotated[int, Parameter(query="after", ge=0, le=2**63 - 1)]
PAGE, LINES = 20, 100
NO_FILE = N_("Choose the file you exported from the M-Pesa organisation portal.")
_WORDS: dict[str, Any] = {"status_words": STATUS_WORDS, "verdict_words": VERDICT_WORDS, "taken_words": TAKEN_WORDS}


@get("/lists")
async def lists_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """What was compared, and the form for a statement."""
    return await _page(request, actor, clock, before=before)


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: int | None = None, error: PortalError | None = None
) -> Response[str]:
    listed = await views.comparisons(actor, before=before, most=PAGE)
    frame = await frame_of(request, actor, here="sales")
    wrong = error.fields if isinstance(error, Invalid) else {}
    return money_page(
        request, frame, "dashboard/lists.html", tab="lists", status=error.status_code if error else 200, lists=listed,
        before=before, older=listed[-1].id if len(listed) == PAGE else None, now=clock.now(), wrong=wrong,
        told=frame.language.say(error.message, error.params) if error else "", accounts=await access.accounts(actor),
        may_decide=access.may_decide(actor), **_WORDS,
    )  # fmt: skip


@post("/lists", request_max_body_size=statement_files.MOST_BYTES + 64 * 1024)
async def send_statement(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Read a statement; 422 with the form when it is none."""
    access.decider(actor)
    form = await request.form()
    account = await access.account(actor, _number(form.get("account")))
    sent = form.get(statement_files.FIELD)
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise statement_files.refuse(NO_FILE)
        made = await _receive(sent, account_id=account["id"], by=access.named(actor), clock=clock)
    except PortalError as error:
        return await _page(request, actor, clock, error=error)
    return see_other(request, f"/lists/{made}")


async def _receive(sent: UploadFile, *, account_id: int, by: str, clock: Clock) -> int:
    with tempfile.TemporaryDirectory(prefix="vocha-statement-") as folder:
        path = Path(folder) / "statement"
        await asyncio.to_thread(_write, sent, path)
        return await statements.receive(path, account_id=account_id, file_name=sent.filename, by=by, now=clock.now())


def _write(sent: UploadFile, path: Path) -> None:
    sent.file.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(sent.file, file)


def _number(told: object) -> int:
    return int(told) if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) < 19 else 0


@post("/lists/pull")
async def pull_now(request: AnyRequest, actor: Actor, clock: Clock) -> Response[bytes]:
    """Wish for a look at M-Pesa's list of the last 48 hours; the worker carries it out within a minute."""
    access.decider(actor)
    account = await access.account(actor, _number((await request.form()).get("account")))
    await pulling.wish(account["id"], asked_by=access.named(actor), now=clock.now())
    return see_other(request, "/lists")


@get("/lists/{list_id:int}")
async def list_page(request: AnyRequest, actor: Actor, clock: Clock, list_id: RowId, after: After = 0) -> Response[str]:
    """One comparison, with every row that is not simply alike."""
    shown = await views.comparison(actor, list_id)
    lines = await views.lines(list_id, after=after, most=LINES)
    frame = await frame_of(request, actor, here="sales")
    return money_page(
        request, frame, "dashboard/list.html", tab="lists", list=shown, lines=lines, now=clock.now(),
        more=lines[-1].id if len(lines) == LINES else None, may_decide=access.may_decide(actor), **_WORDS,
    )  # fmt: skip


@post("/lists/{list_id:int}/take")
async def take(request: AnyRequest, actor: Actor, clock: Clock, list_id: RowId) -> Response[bytes]:
    """Let what we have not be taken in."""
    await views.comparison(actor, list_id)
    access.decider(actor)
    await statements.confirm(list_id, by=access.named(actor), now=clock.now())
    return see_other(request, f"/lists/{list_id}")


@post("/lists/{list_id:int}/drop")
async def drop(request: AnyRequest, actor: Actor, clock: Clock, list_id: RowId) -> Response[bytes]:
    """Leave it as it is."""
    await views.comparison(actor, list_id)
    access.decider(actor)
    await statements.drop(list_id, by=access.named(actor), now=clock.now())
    return see_other(request, f"/lists/{list_id}")


ROUTES = [lists_page, send_statement, pull_now, list_page, take, drop]
