"""Pages of the terms of money: the merchant's limit for refunds, and, for the operator, what payouts cost each merchant."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, money_terms
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid
from portal.identity import Actor, Role
from portal.money import AmountError, parse_amount
from portal.money_terms import AMOUNT, FEE
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
After = Annotated[int, Parameter(query="after", ge=0, le=2**63 - 1)]
Saved = Annotated[bool, Parameter(query="saved")]


@get("/settings/money", guards=[guards.at_merchant])
async def terms_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """What a merchant's people may give back alone, and what a payout costs."""
    return await _own(request, actor, is_saved=saved)


@post("/settings/money", guards=[guards.at_merchant])
async def save_limit(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep another limit; 422 with the form when something is wrong."""
    sent = await request.form()
    typed = {"limit": str(sent.get("limit", ""))[:20]}
    try:
        cents = _cents(typed["limit"], "limit", AMOUNT)
        await money_terms.set_refund_limit(actor, cents, password=str(sent.get("password", ""))[:200], now=clock.now())
    except Invalid as error:
        return await _own(request, actor, typed=typed, error=error)
    return see_other(request, "/settings/money?saved=true")


def _cents(text: str, field: str, sentence: str) -> int:
    try:
        return parse_amount(text.strip())
    except AmountError as error:
        raise Invalid({field: sentence}) from error


async def _own(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str] | None = None, error: Invalid | None = None,
    is_saved: bool = False,
) -> Response[str]:  # fmt: skip
    terms = await money_terms.of_merchant(actor)
    frame = await frame_of(request, actor, here="account")
    answer = page(
        request, frame, "dashboard/money_terms.html", terms=terms, wrong=error.fields if error else {}, is_saved=is_saved,
        typed=typed or {"limit": str(terms.refund_limit_cents // 100)}, may_change=actor.role is Role.OWNER,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@get("/operator/fees", guards=[guards.operator_only])
async def fees_page(request: AnyRequest, actor: Actor, after: After = 0, saved: Saved = False) -> Response[str]:
    """What a payout costs each merchant."""
    return await _fees(request, actor, after=after, is_saved=saved)


@post("/operator/fees", guards=[guards.operator_only])
async def save_fee(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep another fee for one merchant."""
    sent = await request.form()
    named, typed = str(sent.get("merchant", ""))[:18], str(sent.get("fee", ""))[:20]
    merchant_id = int(named) if named.isascii() and named.isdigit() else 0
    try:
        await money_terms.set_fee(actor, merchant_id, _cents(typed, "fee", FEE), now=clock.now())
    except Invalid as error:
        return await _fees(request, actor, after=max(0, merchant_id - 1), typed={merchant_id: typed}, error=error)
    return see_other(request, f"/operator/fees?after={max(0, merchant_id - 1)}&saved=true")


async def _fees(
    request: AnyRequest, actor: Actor, *, after: int, typed: dict[int, str] | None = None, error: Invalid | None = None,
    is_saved: bool = False,
) -> Response[str]:  # fmt: skip
    listed = await money_terms.of_all(actor, after=after)
    frame = await frame_of(request, actor, here="operator")
    answer = page(
        request, frame, "dashboard/fees.html", listed=listed, typed=typed or {}, is_saved=is_saved, after=after,
        wrong=error.fields if error else {}, more=listed[-1].merchant_id if len(listed) == money_terms.PAGE_SIZE else None,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


ROUTES = [terms_page, save_limit, fees_page, save_fee]
