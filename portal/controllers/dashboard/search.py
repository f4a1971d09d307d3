"""One box for everything a customer may say: a phone, a voucher's code or reference, an M-PESA code, a customer number. What is found
alone is opened at once."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import guards, sales, searches, suspense, voucher_lists
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.timeline_words import METHOD_WORDS, REFUSAL_WORDS
from portal.controllers.dashboard.voucher_words import VOUCHER_WORDS
from portal.controllers.dashboard.words import SALE_WORDS
from portal.identity import Actor
from portal.sales import Wanted
from portal.searches import Hits
from portal.vault import Vault
from portal.voucher_lists import VoucherLine
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Query = Annotated[str, Parameter(query="q", max_length=500)]
#: So many of each are listed.
MOST = 50


@get("/search", guards=[guards.at_merchant])
async def search(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault, q: Query = "") -> Response[Any]:
    """What the box finds; the one thing itself when there is no other."""
    typed = q.strip()
    hits = (
        await searches.find(actor, typed, vault=vault) if typed else Hits(payment_ids=(), suspense_ids=(), vouchers=())
    )
    vouchers = (await voucher_lists.find(actor, typed, vault=vault))[:MOST] if typed else []
    if path := _only(hits, vouchers):
        return see_other(request, path)
    frame = await frame_of(request, actor, here="search")
    found = await sales.latest(actor, now=clock.now(), most=MOST, wanted=Wanted(ids=hits.payment_ids))
    return page(
        request, frame, "dashboard/search.html", q=typed, hits=hits, vouchers=vouchers, sales=found.sales, now=clock.now(),
        held=await suspense.some(actor, hits.suspense_ids), sale_words=SALE_WORDS, methods=METHOD_WORDS,
        voucher_words=VOUCHER_WORDS, refusal_words=REFUSAL_WORDS, most=MOST,
    )  # fmt: skip


def _only(hits: Hits, vouchers: list[VoucherLine]) -> str | None:
    """The address of the one thing found. A voucher goes before the payments that bought it."""
    if hits.suspense_ids or hits.refused or len(hits.subscribers) + len(vouchers) > 1:
        return None
    if vouchers:
        return None if hits.subscribers else f"/vouchers/{vouchers[0].id}"
    if hits.subscribers:
        return f"/subscribers/{hits.subscribers[0][0]}"
    return f"/payments/{hits.payment_ids[0]}" if len(hits.payment_ids) == 1 else None


ROUTES = [search]
