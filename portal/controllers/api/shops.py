"""The shop at the API: who asks, routers, who is online, payments, and how the day goes."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import api_tokens, merchants
from portal.api_tokens import Caller, Scope
from portal.api_views import money, shops
from portal.api_views.cursors import USUAL
from portal.api_views.money import Payment
from portal.api_views.shops import Router, Session, Summary
from portal.clock import Clock
from portal.controllers.api.door import needs
from portal.controllers.api.paging import CursorText, Limit, Page, Place, RowId
from portal.sales import Group, Wanted

AnyRequest = Request[Any, Any, Any]
Days = Annotated[int, Parameter(query="days", ge=1, le=90, description="How many days, today included")]
OfRouter = Annotated[int | None, Parameter(query="routerId", ge=1, le=2**63 - 1, description="Only of this router")]
State = Annotated[Literal["open", "all"], Parameter(query="state", description="open: who is online now")]
OfGroup = Annotated[Group | None, Parameter(query="group", description="Only those that belong together so")]
Since = Annotated[datetime | None, Parameter(query="since", description="Begun at this moment or later, with its zone")]
Until = Annotated[datetime | None, Parameter(query="until", description="Begun before this moment, with its zone")]
PAYMENTS, ROUTERS, PACKAGES = (needs(scope) for scope in (Scope.PAYMENTS_READ, Scope.ROUTERS_READ, Scope.PACKAGES_READ))


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rows the token opens."""

    id: int
    name: str
    currency: str
    timezone: str
    language: str


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """What the token is good for now: `scopes` are those its maker's role allows today. `requests_per_minute`: more are refused."""

    token: str
    scopes: list[str]
    role: str
    expires_at: datetime | None
    requests_per_minute: int
    merchant: Shop


class SyncAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A router will be made equal to what was sold. Done when `is_in_step` at `poll` is true and `reconciled_at` is after `asked_at`."""

    router: Router
    asked_at: datetime
    poll: str


@get("/me", opt={"scopes": []})
async def read_me(caller: Caller) -> Me:
    """Who asks, and what the token is for."""
    shop = await merchants.profile(caller.actor.at_merchant())
    return Me(
        token=caller.name, scopes=sorted(caller.scopes), role=str(caller.actor.role), expires_at=caller.expires_at,
        requests_per_minute=api_tokens.REQUESTS[0],
        merchant=Shop(
            id=shop.id, name=shop.name, currency=shop.currency, timezone=shop.timezone, language=shop.language
        ),
    )  # fmt: skip


@get("/routers", guards=[ROUTERS], opt={"scopes": ["routers:read"]})
async def list_routers(caller: Caller) -> list[Router]:
    """All routers."""
    return await shops.routers(caller.actor)


@get("/routers/{router_id:int}", guards=[ROUTERS], opt={"scopes": ["routers:read"]})
async def read_router(router_id: RowId, caller: Caller) -> Router:
    """One router, and whether it holds what was sold."""
    return await shops.router(caller.actor, router_id)


@post(
    "/routers/{router_id:int}/vouchers/bulk-sync",
    guards=[needs(Scope.ROUTERS_SYNC)],
    opt={"scopes": ["routers:sync"]},
    status_code=202,
)
async def sync_router(router_id: RowId, *, caller: Caller, clock: Clock) -> Response[SyncAsked]:
    """Have a router made equal to what was sold, soon. Vouchers are not copied to routers: a router learns of one when it is used."""
    now = clock.now()
    router = await shops.ask_sync(caller.actor, router_id, now=now)
    poll = f"/api/routers/{router.id}"
    return Response(SyncAsked(router=router, asked_at=now, poll=poll), status_code=202, headers={"location": poll})


@get("/sessions", guards=[ROUTERS], opt={"scopes": ["routers:read"]})
async def list_sessions(
    request: AnyRequest, *, caller: Caller, router_id: OfRouter = None, online: State = "open", limit: Limit = USUAL,
    cursor: CursorText = None,
) -> Response[Page[Session]]:  # fmt: skip
    """Who is online, or was."""
    place = Place.of_request(request, cursor)
    found, after = await shops.sessions(
        caller.actor, router_id=router_id, open_only=online == "open", after=place.after, most=limit
    )
    return place.page(found, after)


@get("/payments", guards=[PAYMENTS], opt={"scopes": ["payments:read"]})
async def list_payments(
    request: AnyRequest, *, caller: Caller, clock: Clock, group: OfGroup = None, since: Since = None, until: Until = None,
    limit: Limit = USUAL, cursor: CursorText = None,
) -> Response[Page[Payment]]:  # fmt: skip
    """Payments, also those that failed."""
    place = Place.of_request(request, cursor)
    wanted = Wanted(group=group, since=since, until=until)
    found, after = await money.payments(caller.actor, wanted, after=place.after, most=limit, now=clock.now())
    return place.page(found, after)


@get("/payments/{payment_id:int}", guards=[PAYMENTS], opt={"scopes": ["payments:read"]})
async def read_payment(payment_id: RowId, *, caller: Caller, clock: Clock) -> Payment:
    """One payment."""
    return await money.payment(caller.actor, payment_id, now=clock.now())


@get("/reports/summary", guards=[needs(Scope.REPORTS_READ)], opt={"scopes": ["reports:read"]})
async def read_summary(*, caller: Caller, clock: Clock, days: Days = 14) -> Summary:
    """How the day goes, and what came in on the days before."""
    return await shops.summary(caller.actor, days=days, now=clock.now())


HANDLERS = [
    read_me, list_routers, read_router, sync_router, list_sessions, list_payments, read_payment, read_summary,
]  # fmt: skip
