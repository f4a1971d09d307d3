"""One voucher: what it is and what happened to it."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import batches, codes, devices, guards, voucher_pages
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.voucher_words import MOVE_WORDS, PROOF_WORDS, VOUCHER_WORDS, WHY_ENDED
from portal.identity import Actor, Role
from portal.vault import Vault

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
_SELLERS = (Role.OWNER, Role.MANAGER, Role.CASHIER)


@get("/vouchers/{voucher_id:int}", guards=[guards.at_merchant])
async def voucher_page(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, voucher_id: RowId
) -> Response[str]:
    """Its history."""
    return await _page(request, actor, voucher_id, vault=vault, clock=clock)


@post("/vouchers/{voucher_id:int}/code", guards=[guards.at_merchant], status_code=200)
async def show_code(
    request: AnyRequest, actor: Actor, *, vault: Vault, clock: Clock, voucher_id: RowId
) -> Response[str]:
    """A paid voucher's code on the shop's screen; it stands in no address, and each look is kept."""
    code = await batches.reveal_code(actor, voucher_id, vault=vault, now=clock.now())
    return await _page(request, actor, voucher_id, vault=vault, clock=clock, shown=codes.print_code(code))


async def _page(
    request: AnyRequest, actor: Actor, voucher_id: int, *, vault: Vault, clock: Clock, shown: str = ""
) -> Response[str]:
    frame = await frame_of(request, actor, here="sales")
    context = {
        "voucher": await voucher_pages.page_of(actor, voucher_id, vault=vault),
        "moves": await voucher_pages.moves_of(actor, voucher_id),
        "stays": await voucher_pages.stays_of(actor, voucher_id),
        "holders": await devices.of_voucher(actor, voucher_id), "proof_words": PROOF_WORDS,
        "voucher_words": VOUCHER_WORDS, "why_ended": WHY_ENDED, "move_words": MOVE_WORDS, "now": clock.now(),
        "may_sell": actor.role in _SELLERS, "shown": shown,
    }  # fmt: skip
    return page(request, frame, "dashboard/voucher.html", **context)


ROUTES = [voucher_page, show_code]
