"""One voucher: what it is and what happened to it."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import guards, voucher_pages
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.voucher_words import MOVE_WORDS, VOUCHER_WORDS, WHY_ENDED
from portal.identity import Actor
from portal.vault import Vault


@get("/vouchers/{voucher_id:int}", guards=[guards.at_merchant])
async def voucher_page(
    request: Request[Any, Any, Any],
    actor: Actor,
    *,
    vault: Vault,
    clock: Clock,
    voucher_id: Annotated[int, Parameter(ge=1, le=2**63 - 1)],
) -> Response[str]:
    """Its history."""
    frame = await frame_of(request, actor, here="sales")
    context = {
        "voucher": await voucher_pages.page_of(actor, voucher_id, vault=vault),
        "moves": await voucher_pages.moves_of(actor, voucher_id),
        "stays": await voucher_pages.stays_of(actor, voucher_id),
        "voucher_words": VOUCHER_WORDS, "why_ended": WHY_ENDED, "move_words": MOVE_WORDS, "now": clock.now(),
    }  # fmt: skip
    return page(request, frame, "dashboard/voucher.html", **context)


ROUTES = [voucher_page]
