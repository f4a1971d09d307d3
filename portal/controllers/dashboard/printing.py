"""Vouchers on paper: choosing one, the sheet to print from the browser, and PDFs made by the worker.

Codes stand in no address, and on no page that is only looked at: a sheet with codes is the answer to a form, and is written down."""

import asyncio
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import codes, guards, i18n
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page, part
from portal.controllers.dashboard.print_words import PAPERS, STATES
from portal.errors import Conflict, Forbidden, Invalid, NotFound, PortalError
from portal.exports.names import attachment, file_name
from portal.identity import Actor
from portal.printing import prints
from portal.printing.cards import speaks
from portal.printing.cards_of import Wanted, cards, counted, logo_of, may_print, samples, sheet_for, wanted_of
from portal.printing.layouts import DEFAULT, LAYOUTS
from portal.printing.sheets import Sheet
from portal.printing.squares import square, svg_path
from portal.vault import Vault
from portal.web import render, see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Ids = Annotated[str, Parameter(query="ids", max_length=10_000)]
Paper = Annotated[str, Parameter(query="layout", max_length=8)]
#: Cards on one sheet in the browser; a PDF has all of them.
_ON_SCREEN = {"a4-40": 120, "a4-24": 120, "mm80": 60, "mm58": 60}


@get("/vouchers/batches/{batch_id:int}/print", guards=[guards.at_merchant])
async def batch_choice(request: AnyRequest, actor: Actor, batch_id: RowId, layout: Paper = "") -> Response[str]:
    """Paper, language, and how much it is; nothing secret yet."""
    return await _choice(request, actor, await wanted_of(actor, batch_id=batch_id), layout=layout)


@get("/vouchers/print", guards=[guards.at_merchant])
async def chosen_choice(request: AnyRequest, actor: Actor, ids: Ids = "", layout: Paper = "") -> Response[str]:
    """The same for vouchers chosen one by one."""
    return await _choice(request, actor, await wanted_of(actor, ids=ids), layout=layout)


@post("/vouchers/batches/{batch_id:int}/print", guards=[guards.at_merchant])
async def batch_pdf(request: AnyRequest, actor: Actor, batch_id: RowId, *, clock: Clock) -> Response[Any]:
    """Have a PDF made of a batch."""
    return await _ask(request, actor, await wanted_of(actor, batch_id=batch_id), clock=clock)


@post("/vouchers/print", guards=[guards.at_merchant])
async def chosen_pdf(request: AnyRequest, actor: Actor, *, clock: Clock) -> Response[Any]:
    """Have a PDF made of chosen vouchers."""
    ids = str((await request.form()).get("ids", ""))[:10_000]
    return await _ask(request, actor, await wanted_of(actor, ids=ids), clock=clock)


@post("/vouchers/batches/{batch_id:int}/print/sheet", guards=[guards.at_merchant], status_code=200)
async def batch_sheet(
    request: AnyRequest, actor: Actor, batch_id: RowId, *, clock: Clock, vault: Vault
) -> Response[str]:
    """Cards of a batch, to print from the browser."""
    wanted = await wanted_of(actor, batch_id=batch_id)
    return await _sheet(request, actor, wanted, clock=clock, vault=vault)


@post("/vouchers/print/sheet", guards=[guards.at_merchant], status_code=200)
async def chosen_sheet(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[str]:
    """Chosen cards, to print from the browser."""
    wanted = await wanted_of(actor, ids=str((await request.form()).get("ids", ""))[:10_000])
    return await _sheet(request, actor, wanted, clock=clock, vault=vault)


@get("/prints", guards=[guards.at_merchant])
async def prints_list(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """One's own PDFs."""
    found = await prints.mine(actor, before=before, most=20)
    frame = await frame_of(request, actor, here="vouchers")
    older = found[-1].id if len(found) == 20 else None
    return page(
        request, frame, "print/prints.html", prints=found, before=before, older=older, papers=PAPERS, states=STATES,
        now=clock.now(),
    )  # fmt: skip


@get("/prints/logo.png", guards=[guards.at_merchant])
async def print_logo(actor: Actor) -> Response[bytes]:
    """The merchant's logo, for sheets in the browser; NotFound when there is none."""
    logo = await logo_of(actor.at_merchant())
    if not logo:
        raise NotFound
    return Response(logo, media_type="image/png", headers={"cache-control": "private, max-age=60"})


@get("/prints/{print_id:int}", guards=[guards.at_merchant])
async def print_page(request: AnyRequest, actor: Actor, print_id: RowId, clock: Clock) -> Response[str]:
    """How far one is, and then the file."""
    return await _print(request, actor, print_id, clock, template="print/print.html")


@get("/prints/{print_id:int}/state", guards=[guards.at_merchant])
async def print_state(request: AnyRequest, actor: Actor, print_id: RowId, clock: Clock) -> Response[str]:
    """The part of it that changes."""
    return await _print(request, actor, print_id, clock, template="print/_state.html")


@get("/prints/{print_id:int}/vouchers.pdf", guards=[guards.at_merchant])
async def print_file(
    request: AnyRequest, actor: Actor, print_id: RowId, *, clock: Clock, vault: Vault
) -> Response[bytes]:
    """The PDF; each fetch is written down."""
    frame = await frame_of(request, actor, here="vouchers")
    pdf = await prints.fetch(actor, print_id, settings=guards.settings_of(request), vault=vault, now=clock.now())
    assert frame.merchant is not None
    name = file_name("vouchers", frame.merchant.name, clock.now().astimezone(frame.zone).date(), "pdf")
    return Response(pdf, media_type="application/pdf", headers=attachment(name))


async def _print(request: AnyRequest, actor: Actor, print_id: int, clock: Clock, *, template: str) -> Response[str]:
    found = await prints.one(actor, print_id)
    frame = await frame_of(request, actor, here="vouchers")
    answer = part if template.startswith("print/_") else page
    return answer(
        request, frame, template, print=found, papers=PAPERS, states=STATES, now=clock.now(), back=_path(found),
        ends_at=found.ready_at + prints.KEPT if found.ready_at else None,
    )  # fmt: skip


def _path(of: Wanted | prints.Print) -> str:
    """Where a print of these is chosen."""
    if of.batch_id is not None:
        return f"/vouchers/batches/{of.batch_id}/print"
    return f"/vouchers/print?ids={','.join(map(str, of.voucher_ids))}"


async def _choice(
    request: AnyRequest, actor: Actor, wanted: Wanted, *, layout: str = "", language: str = "",
    wrong: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="vouchers")
    assert frame.merchant is not None
    shape = LAYOUTS.get(layout, LAYOUTS[DEFAULT])
    spoken = speaks(language or frame.merchant.language)
    sheet, amount = (
        await sheet_for(wanted.merchant_id, shape.name, spoken, settings=guards.settings_of(request)),
        await counted(wanted),
    )
    shown = await samples(wanted, spoken)
    answer = page(
        request, frame, "print/choice.html", layout=shape, papers=PAPERS, sheet=sheet, amount=amount, path=_path(wanted),
        base=_path(wanted).partition("?")[0], ids=",".join(map(str, wanted.voucher_ids)), languages=i18n.NAMES,
        chosen=spoken.code, may_print=may_print(actor, wanted), wrong=wrong, form_key=codes.hex_token(16),
        cards=shown, squares=_squares(sheet, [""] * len(shown)), only=prints.ONLY_SELLERS,
    )  # fmt: skip
    answer.status_code = wrong.status_code if wrong else 200
    return answer


async def _typed(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, ""))[:64] for name in ("layout", "language", "form_key", "after")}


async def _ask(request: AnyRequest, actor: Actor, wanted: Wanted, *, clock: Clock) -> Response[Any]:
    typed = await _typed(request)
    layout, language = typed["layout"], typed["language"]
    try:
        made = await prints.ask(
            actor, wanted, layout=layout, language=language, now=clock.now(), form_key=typed["form_key"] or None
        )
    except (Conflict, Invalid) as wrong:
        return await _choice(request, actor, wanted, layout=layout, language=language, wrong=wrong)
    return see_other(request, f"/prints/{made.id}")


async def _sheet(request: AnyRequest, actor: Actor, wanted: Wanted, *, clock: Clock, vault: Vault) -> Response[str]:
    if not may_print(actor, wanted):
        raise Forbidden(prints.ONLY_SELLERS)
    typed, frame = await _typed(request), await frame_of(request, actor, here="vouchers")
    layout, language = LAYOUTS.get(typed["layout"], LAYOUTS[DEFAULT]), speaks(typed["language"])
    after, most = _number(typed["after"]), _ON_SCREEN[layout.name]
    shown = [card async for card in cards(wanted, language, vault=vault, after=after, most=most)]
    if shown:
        secret = sum(card.shows_code for card in shown)
        await prints.note_shown(actor, wanted, cards_shown=len(shown), codes_shown=secret, now=clock.now())
    sheet, amount = (
        await sheet_for(wanted.merchant_id, layout.name, language, settings=guards.settings_of(request)),
        await counted(wanted),
    )
    context = {
        "frame": frame, "layout": layout, "sheet": sheet, "cards": shown, "amount": amount, "path": _path(wanted),
        "base": _path(wanted).partition("?")[0], "ids": ",".join(map(str, wanted.voucher_ids)), "after": after,
        "squares": await asyncio.to_thread(_squares, sheet, [card.secret for card in shown]), "papers": PAPERS,
        "more": shown[-1].id if len(shown) == most and amount.cards > most else None,
    }  # fmt: skip
    return render(request, "print/sheet.html", context, language=frame.language)


def _squares(sheet: Sheet, secrets: list[str]) -> list[tuple[int, str]]:
    """Each card's square: its size in dots, and its path."""
    made = [square(sheet.address, secret) for secret in secrets]
    return [(len(matrix), svg_path(matrix)) for matrix in made]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


ROUTES = [
    batch_choice, chosen_choice, batch_pdf, chosen_pdf, batch_sheet, chosen_sheet, prints_list, print_page, print_state,
    print_logo, print_file,
]  # fmt: skip
