"""What a customer's link shows: a receipt or an invoice with its credit notes, in either language, to read and to print. The link is
the only key; nothing on the page lets anybody in anywhere."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, get
from litestar.params import Parameter

from portal import i18n
from portal.clock import Clock
from portal.controllers.dashboard.paper_words import WORDS
from portal.errors import NotFound
from portal.invoices import sending
from portal.merchants import profile
from portal.signing import Signer, TokenError
from portal.web import language_of, render

AnyRequest = Request[Any, Any, Any]
Token = Annotated[str, Parameter(max_length=300)]
Size = Annotated[Literal["a4", "mm80", "mm58"], Parameter(query="paper")]


@get("/r/{token:str}")
async def receipt(request: AnyRequest, token: Token, clock: Clock, signer: Signer, paper: Size = "a4") -> Response[str]:
    """The papers, the first made with the first look."""
    try:
        papers = await sending.opened(token, signer, now=clock.now())
    except TokenError as error:
        raise NotFound from error
    merchant = await profile(papers[0].merchant_id)
    return render(
        request, "receipt.html",
        {"papers": papers, "size": paper, "base": f"/r/{token}", "languages": i18n.NAMES, **WORDS},
        language=language_of(request, fallback=merchant.language),
    )  # fmt: skip


ROUTER = Router(path="/", route_handlers=[receipt])
