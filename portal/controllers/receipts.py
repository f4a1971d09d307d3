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
    base, names = f"/r/{token}", i18n.NAMES
    logo = f"{base}/logo.png" if merchant.look.logo else ""
    return render(
        request, "receipt.html", {"papers": papers, "logo": logo, "size": paper, "base": base, "languages": names, **WORDS},
        language=language_of(request, fallback=merchant.language),
    )  # fmt: skip


@get("/r/{token:str}/logo.png")
async def shops_logo(token: Token, clock: Clock, signer: Signer) -> Response[bytes]:
    """The shop's logo; NotFound when there is none."""
    try:
        picture = await sending.logo(token, signer, now=clock.now())
    except TokenError as error:
        raise NotFound from error
    if not picture:
        raise NotFound
    return Response(picture, media_type="image/png", headers={"cache-control": "private, max-age=60"})


ROUTER = Router(path="/", route_handlers=[receipt, shops_logo])
