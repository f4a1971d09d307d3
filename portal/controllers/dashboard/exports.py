"""Lists to save as files: which there are, and each, sent while it is read."""

from datetime import date, timedelta
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import Provide
from litestar.params import Parameter
from litestar.response import Stream

from portal import guards, reports
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, page
from portal.controllers.dashboard.voucher_words import SHOW_WORDS, VOUCHER_WORDS
from portal.controllers.dashboard.vouchers import provide_chosen, wanted_of
from portal.errors import Forbidden
from portal.exports import files
from portal.exports.files import Wording
from portal.exports.names import attachment, file_name
from portal.identity import Actor, Role
from portal.printing import cards_of, prints
from portal.vault import Vault
from portal.voucher_lists import Wanted

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Day = Annotated[str, Parameter(max_length=10)]


def provide_span(since: Day = "", until: Day = "") -> tuple[str, str]:
    """Dependency `span`: the first and the last day, as the address names them."""
    return since, until


_SPAN = {"span": Provide(provide_span, sync_to_thread=False)}


@get("/exports", guards=[guards.at_merchant])
async def exports_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """What can be saved."""
    frame = await frame_of(request, actor, here="vouchers")
    return page(request, frame, "print/exports.html", shows=SHOW_WORDS, may_see_events=_is_manager(actor))


@get(
    "/exports/vouchers.csv", guards=[guards.at_merchant],
    dependencies={"chosen": Provide(provide_chosen, sync_to_thread=False)},
)  # fmt: skip
async def vouchers_file(request: AnyRequest, actor: Actor, clock: Clock, chosen: dict[str, str]) -> Stream:
    """All vouchers that fit the filters of their list, without their codes."""
    frame = await frame_of(request, actor, here="vouchers")
    return _file(frame, clock, "vouchers", files.vouchers(actor, wanted_of(chosen, frame), _wording(frame)))


@get("/vouchers/batches/{batch_id:int}/vouchers.csv", guards=[guards.at_merchant])
async def batch_file(request: AnyRequest, actor: Actor, clock: Clock, batch_id: RowId) -> Stream:
    """One batch's vouchers, without their codes."""
    await cards_of.wanted_of(actor, batch_id=batch_id)
    frame = await frame_of(request, actor, here="vouchers")
    lines = files.vouchers(actor, Wanted(batch_id=batch_id), _wording(frame))
    return _file(frame, clock, f"batch-{batch_id}", lines)


@post("/vouchers/batches/{batch_id:int}/codes.csv", guards=[guards.at_merchant], status_code=200)
async def codes_file(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault, batch_id: RowId) -> Stream:
    """One batch's codes, where they may be seen; asked for by a form, and written down with how many."""
    wanted = await cards_of.wanted_of(actor, batch_id=batch_id)
    if not cards_of.may_print(actor, wanted):
        raise Forbidden(prints.ONLY_SELLERS)
    frame, amount = await frame_of(request, actor, here="vouchers"), await cards_of.counted(wanted)
    await prints.note_shown(
        actor, wanted, name="codes_exported", cards_shown=amount.codes, codes_shown=amount.codes, now=clock.now()
    )
    return _file(frame, clock, f"codes-{batch_id}", files.codes_of(actor, batch_id, _wording(frame), vault=vault))


@get("/exports/batches.csv", guards=[guards.at_merchant])
async def batches_file(request: AnyRequest, actor: Actor, clock: Clock) -> Stream:
    """All batches."""
    frame = await frame_of(request, actor, here="vouchers")
    return _file(frame, clock, "batches", files.batches(actor, _wording(frame)))


@get("/exports/events.csv", guards=[guards.at_merchant], dependencies=_SPAN)
async def events_file(request: AnyRequest, actor: Actor, clock: Clock, span: tuple[str, str]) -> Stream:
    """What happened, for owners and managers."""
    frame = await frame_of(request, actor, here="vouchers")
    since, until = (_moment(text, frame, later=later) for later, text in enumerate(span))
    return _file(frame, clock, "events", files.events(actor, _wording(frame), since=since, until=until))


def _file(frame: Frame, clock: Clock, what: str, lines: Any) -> Stream:
    assert frame.merchant is not None
    name = file_name(what, frame.merchant.name, clock.now().astimezone(frame.zone).date(), "csv")
    return Stream(lines, media_type="text/csv", headers=attachment(name))


def _wording(frame: Frame) -> Wording:
    return Wording(frame.language.gettext, frame.zone, {name: words for name, (_, words) in VOUCHER_WORDS.items()})


def _moment(text: str, frame: Frame, *, later: int) -> Any:
    """The first moment of a day, or of the one after it; a day nobody can read does not count."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return reports.day_start(day + timedelta(days=later), frame.zone) if day < date.max else None


def _is_manager(actor: Actor) -> bool:
    return actor.role in (Role.OWNER, Role.MANAGER)


ROUTES = [exports_page, vouchers_file, batch_file, codes_file, batches_file, events_file]
