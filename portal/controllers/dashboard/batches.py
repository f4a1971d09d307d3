"""Making vouchers, and the batches made so far: how far each is, what became of it, stopping it and taking it back."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import batch_pages, batches, codes, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, part
from portal.controllers.dashboard.voucher_frame import MANAGERS, choices, number, typed_in, voucher_page
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
CHOOSE = N_("Choose a package.")
_PAGE_SIZE = 20
_AT_FIRST = {"package": "", "count": "40", "kind": "cash", "prefix": "", "note": ""}


@get("/vouchers/new", guards=[guards.at_merchant])
async def new_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form."""
    batches.manager(actor)
    return await _form(request, actor, typed=_AT_FIRST, ticked=[])


@post("/vouchers", guards=[guards.at_merchant])
async def make(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault) -> Response[Any]:
    """Make a batch and go to it; 422 with the form when something is wrong."""
    batches.manager(actor)
    typed, ticked = await typed_in(request), _ids((await request.form()).getall("routers", []))
    try:
        made = await batches.make(
            actor, _package(typed), count=number(typed.get("count", "")), note_text=typed.get("note", ""), vault=vault,
            now=clock.now(), form_key=typed.get("form_key", "")[:40] or None, kind=typed.get("kind", ""),
            prefix=typed.get("prefix", ""), router_ids=ticked,
        )  # fmt: skip
    except (Invalid, NotFound) as error:
        return await _form(request, actor, typed=typed, ticked=ticked, error=error)
    return see_other(request, f"/vouchers/batches/{made.id}")


def _package(typed: dict[str, str]) -> int:
    found = number(typed.get("package", ""))
    if not found:
        raise Invalid({"package": CHOOSE} | ({} if number(typed.get("count", "")) else {"count": batches.HOW_MANY}))
    return found


def _ids(sent: list[Any]) -> list[int]:
    return [found for each in sent[:500] if (found := number(str(each)))]


async def _form(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], ticked: list[int],
    error: Invalid | NotFound | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="vouchers")
    wrong = error.fields if isinstance(error, Invalid) else {"package": CHOOSE} if error else {}
    more = min(max(1, number(typed.get("count", ""))), batches.LARGEST)
    return voucher_page(
        request, frame, "dashboard/voucher_new.html", status=422 if error else 200, typed=_AT_FIRST | typed, ticked=ticked,
        wrong=wrong, choices=await choices(actor, frame), routers=await batch_pages.routers_of(actor), form_key=codes.hex_token(16),
        safety=await batch_pages.code_safety(actor, more=more), paybill=await batch_pages.paybill(actor.at_merchant()),
        largest=batches.LARGEST,
    )  # fmt: skip


@get("/vouchers/batches", guards=[guards.at_merchant])
async def stock_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """All batches, the newest first."""
    frame = await frame_of(request, actor, here="vouchers")
    listed = await batch_pages.stock(actor, before=before, most=_PAGE_SIZE + 1)
    older = listed[_PAGE_SIZE - 1].id if len(listed) > _PAGE_SIZE else None
    return voucher_page(
        request,
        frame,
        "dashboard/batches.html",
        batches=listed[:_PAGE_SIZE],
        before=before,
        older=older,
        now=clock.now(),
    )


@get("/vouchers/batches/{batch_id:int}", guards=[guards.at_merchant])
async def batch_page(request: AnyRequest, actor: Actor, clock: Clock, batch_id: RowId) -> Response[str]:
    """One batch."""
    return await _batch(request, actor, clock, batch_id)


@get("/vouchers/batches/{batch_id:int}/progress", guards=[guards.at_merchant])
async def progress(request: AnyRequest, actor: Actor, batch_id: RowId) -> Response[str]:
    """How far it is made, as the page asks every second; once it is done the page is loaded anew."""
    frame, batch = await frame_of(request, actor, here="vouchers"), await batch_pages.page_of(actor, batch_id)
    answer = _progress(request, frame, batch)
    if batch.done_at is not None:
        answer.headers["hx-refresh"] = "true"
    return answer


def _progress(request: AnyRequest, frame: Frame, batch: batch_pages.BatchPage) -> Response[str]:
    return part(request, frame, "dashboard/_batch_progress.html", batch=batch, may_make=frame.actor.role in MANAGERS)


@post("/vouchers/batches/{batch_id:int}/cancel", guards=[guards.at_merchant])
async def cancel(request: AnyRequest, actor: Actor, clock: Clock, batch_id: RowId) -> Response[Any]:
    """Stop the making."""
    try:
        await batches.cancel(actor, batch_id, now=clock.now())
    except Conflict as error:
        return await _batch(request, actor, clock, batch_id, error=error)
    return see_other(request, f"/vouchers/batches/{batch_id}")


@post("/vouchers/batches/{batch_id:int}/take-back", guards=[guards.at_merchant])
async def take_back(request: AnyRequest, actor: Actor, clock: Clock, batch_id: RowId) -> Response[Any]:
    """Take back what is not sold, or all of it."""
    typed = await typed_in(request)
    try:
        await batches.take_back(
            actor, batch_id, all_live=typed.get("what") == "all", why=typed.get("why", ""), now=clock.now()
        )
    except (Conflict, Invalid) as error:
        return await _batch(request, actor, clock, batch_id, error=error, typed=typed)
    return see_other(request, f"/vouchers/batches/{batch_id}")


async def _batch(
    request: AnyRequest, actor: Actor, clock: Clock, batch_id: int, *, error: Conflict | Invalid | None = None,
    typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="vouchers")
    told = frame.language.say(error.message, error.params) if isinstance(error, Conflict) else ""
    return voucher_page(
        request, frame, "dashboard/batch.html", status=error.status_code if error else 200, now=clock.now(), told=told,
        batch=await batch_pages.page_of(actor, batch_id), wrong=error.fields if isinstance(error, Invalid) else {},
        typed=typed or {},
    )  # fmt: skip


ROUTES = [new_page, make, stock_page, batch_page, progress, cancel, take_back]
