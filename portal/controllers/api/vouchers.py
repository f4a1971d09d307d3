"""Vouchers at the API: made, listed, exported, looked up, taken back, given more time; and the batches they were made in."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from portal import api_tokens, batches, spreadsheets, voucher_deeds
from portal.api_tokens import Caller, Scope
from portal.api_views import shops
from portal.api_views import vouchers as views
from portal.api_views.cursors import USUAL
from portal.api_views.vouchers import Batch, Voucher, Wanted
from portal.clock import Clock
from portal.controllers.api.door import form_key, needs
from portal.controllers.api.paging import CursorText, Limit, Page, Place, RowId
from portal.states import VoucherStatus
from portal.vault import Vault

AnyRequest = Request[Any, Any, Any]
Status = Annotated[VoucherStatus | None, Parameter(query="status", description="Only those that stand so")]
OfPackage = Annotated[int | None, Parameter(query="packageId", ge=1, le=2**63 - 1, description="Only of this package")]
OfBatch = Annotated[int | None, Parameter(query="batchId", ge=1, le=2**63 - 1, description="Only of this batch")]
Reference = Annotated[
    str | None, Parameter(query="paymentReference", max_length=12, description="The one with this payment reference")
]
Format = Annotated[Literal["csv", "jsonl"], Parameter(query="format", description="csv, or one JSON object a line")]
READ, WRITE, CODES = needs(Scope.VOUCHERS_READ), needs(Scope.VOUCHERS_WRITE), Scope.VOUCHERS_CODES


class Generate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to make. `kind` reference: each is paid for by its payment reference; cash: a card whose code is handed out for cash.
    `only_here`: the codes work at this router alone."""

    package_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    count: int
    note: Annotated[str, msgspec.Meta(max_length=120)] = ""
    kind: Literal["reference", "cash"] = "reference"
    prefix: Annotated[str, msgspec.Meta(max_length=6)] = ""
    only_here: bool = True


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """The batch, and its vouchers as far as they are made, 200 at most: list the rest by `batchId`."""

    batch: Batch
    vouchers: list[Voucher]


class Revoke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a voucher is taken back, for the history."""

    why: Annotated[str, msgspec.Meta(min_length=3, max_length=200)]


class Extend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much more time, and why, for the history."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=90 * 24 * 60)]
    why: Annotated[str, msgspec.Meta(min_length=3, max_length=200)]


async def _vault_for(caller: Caller, vault: Vault, clock: Clock) -> Vault | None:
    """The vault for whoever may see codes; that they were told is kept."""
    if CODES not in caller.scopes:
        return None
    await api_tokens.note_codes(caller, now=clock.now())
    return vault


@post("/routers/{router_id:int}/vouchers/generate", guards=[WRITE], opt={"scopes": ["vouchers:write"]})
async def generate_vouchers(
    request: AnyRequest, router_id: RowId, data: Generate, *, caller: Caller, clock: Clock, vault: Vault
) -> Response[Generated]:
    """Make vouchers, 1 to 10,000 at once, unsold. 201 when all are made; 202 when the rest follows, Location then says where to look."""
    await shops.router(caller.actor, router_id)
    made = await batches.make(
        caller.actor, data.package_id, count=data.count, note_text=data.note, kind=data.kind, prefix=data.prefix,
        router_ids=[router_id] if data.only_here else [], form_key=form_key(request, caller), vault=vault, now=clock.now(),
    )  # fmt: skip
    batch = await views.batch(caller.actor, made.id)
    some, _ = await views.vouchers(
        caller.actor,
        Wanted(batch_id=made.id),
        after=views.NEWEST,
        most=200,
        vault=await _vault_for(caller, vault, clock),
    )
    status = 201 if batch.done_at else 202
    return Response(
        Generated(batch=batch, vouchers=some), status_code=status, headers={"location": f"/api/batches/{made.id}"}
    )


@get("/routers/{router_id:int}/vouchers", guards=[READ], opt={"scopes": ["vouchers:read"]})
async def list_router_vouchers(
    request: AnyRequest, router_id: RowId, *, caller: Caller, clock: Clock, vault: Vault, status: Status = None,
    package_id: OfPackage = None, batch_id: OfBatch = None, limit: Limit = USUAL, cursor: CursorText = None,
) -> Response[Page[Voucher]]:  # fmt: skip
    """Vouchers bought or used at a router, or made for it alone."""
    await shops.router(caller.actor, router_id)
    wanted = Wanted(status=status, package_id=package_id, batch_id=batch_id, router_id=router_id)
    return await _page(request, caller, wanted, limit=limit, cursor=cursor, clock=clock, vault=vault)


@get("/vouchers", guards=[READ], opt={"scopes": ["vouchers:read"]})
async def list_vouchers(
    request: AnyRequest, *, caller: Caller, clock: Clock, vault: Vault, status: Status = None, package_id: OfPackage = None,
    batch_id: OfBatch = None, reference: Reference = None, limit: Limit = USUAL, cursor: CursorText = None,
) -> Response[Page[Voucher]]:  # fmt: skip
    """All vouchers of the merchant."""
    wanted = Wanted(status=status, package_id=package_id, batch_id=batch_id, reference=reference)
    return await _page(request, caller, wanted, limit=limit, cursor=cursor, clock=clock, vault=vault)


async def _page(
    request: AnyRequest, caller: Caller, wanted: Wanted, *, limit: int, cursor: str | None, clock: Clock, vault: Vault
) -> Response[Page[Voucher]]:
    place = Place.of_request(request, cursor)
    found, after = await views.vouchers(
        caller.actor, wanted, after=place.after, most=limit, vault=await _vault_for(caller, vault, clock)
    )
    return place.page(found, after)


@get("/vouchers/{voucher_id:int}", guards=[READ], opt={"scopes": ["vouchers:read"]})
async def read_voucher(voucher_id: RowId, *, caller: Caller, clock: Clock, vault: Vault) -> Voucher:
    """One voucher."""
    return await views.voucher(caller.actor, voucher_id, vault=await _vault_for(caller, vault, clock))


@post("/vouchers/{voucher_id:int}/revoke", guards=[WRITE], opt={"scopes": ["vouchers:write"]}, status_code=200)
async def revoke_voucher(voucher_id: RowId, data: Revoke, *, caller: Caller, clock: Clock, vault: Vault) -> Voucher:
    """Take a voucher back: its code works no more, its devices are taken off. Money is not given back by this."""
    await voucher_deeds.revoke(caller.actor, voucher_id, why=data.why, now=clock.now())
    return await views.voucher(caller.actor, voucher_id, vault=await _vault_for(caller, vault, clock))


@post("/vouchers/{voucher_id:int}/extend", guards=[WRITE], opt={"scopes": ["vouchers:write"]}, status_code=200)
async def extend_voucher(voucher_id: RowId, data: Extend, *, caller: Caller, clock: Clock, vault: Vault) -> Voucher:
    """Give a sold voucher more time for nothing, 1 minute to 90 days."""
    await voucher_deeds.add_time(
        caller.actor, voucher_id, amount=str(data.minutes), unit="minutes", why=data.why, now=clock.now()
    )
    return await views.voucher(caller.actor, voucher_id, vault=await _vault_for(caller, vault, clock))


@get("/batches/{batch_id:int}", guards=[READ], opt={"scopes": ["vouchers:read"]})
async def read_batch(batch_id: RowId, *, caller: Caller) -> Batch:
    """One batch, and how far it is made."""
    return await views.batch(caller.actor, batch_id)


@get("/routers/{router_id:int}/vouchers/export", guards=[READ], opt={"scopes": ["vouchers:read"], "streams": True})
async def export_vouchers(
    router_id: RowId, *, caller: Caller, clock: Clock, vault: Vault, status: Status = None, package_id: OfPackage = None,
    batch_id: OfBatch = None, kind: Format = "csv",
) -> Stream:  # fmt: skip
    """The same as the list, whole: a stream of CSV, or of one JSON object a line. Cells are safe to open in a spreadsheet."""
    await shops.router(caller.actor, router_id)
    wanted = Wanted(status=status, package_id=package_id, batch_id=batch_id, router_id=router_id)
    pages = views.every(caller.actor, wanted, vault=await _vault_for(caller, vault, clock))
    name = f'attachment; filename="vouchers-{router_id}.{kind}"'
    told = {"content-disposition": name, "cache-control": "no-store"}
    if kind == "csv":
        return Stream(_csv(pages), media_type="text/csv", headers=told)
    return Stream(_lines(pages), media_type="application/x-ndjson", headers=told)


async def _lines(pages: AsyncGenerator[list[Voucher]]) -> AsyncGenerator[bytes]:
    encoder = msgspec.json.Encoder()
    async for page in pages:
        yield encoder.encode_lines(page)


async def _csv(pages: AsyncGenerator[list[Voucher]]) -> AsyncGenerator[bytes]:
    yield spreadsheets.row(Voucher.__struct_fields__).encode()
    async for page in pages:
        yield "".join(
            spreadsheets.row([_cell(value) for value in msgspec.structs.astuple(one)]) for one in page
        ).encode()


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


HANDLERS = [
    generate_vouchers,
    list_router_vouchers,
    list_vouchers,
    read_voucher,
    revoke_voucher,
    extend_voucher,
    read_batch,
    export_vouchers,
]
