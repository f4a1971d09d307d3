"""Pages of lists: `items`, `next_cursor`, and the same as a Link header (RFC 8288)."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response
from litestar.params import Parameter

from portal.api_views import cursors
from portal.api_views.cursors import After
from portal.clock import Clock
from portal.signing import Signer

T = TypeVar("T")
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1, description="The row's id")]
Limit = Annotated[int, Parameter(query="limit", ge=1, le=cursors.MOST, description="How many rows a page has")]
CursorText = Annotated[
    str | None, Parameter(query="cursor", max_length=400, description="`next_cursor` of the page before")
]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Rows, the newest first. `next_cursor` null: there are no more."""

    items: list[T]
    next_cursor: str | None


class Place(msgspec.Struct, frozen=True):
    """A request for a page: where it begins, and how the next one is named."""

    request: Request[Any, Any, Any]
    after: After
    of: str

    @classmethod
    def of_request(cls, request: Request[Any, Any, Any], cursor: str | None) -> "Place":
        """The place a request asks for; Invalid for a cursor that is not of this list."""
        clock: Clock = request.app.state["clock"]
        signer: Signer = request.app.state["signer"]
        query = request.query_params.multi_items()
        named = sorted((key, value) for key, value in query if key not in ("cursor", "limit"))
        of = f"{request.scope['path']}?{urlencode(named)}"
        return cls(request, cursors.unseal(cursor, of, signer=signer, now=clock.now()), of)

    def page(self, items: Sequence[T], after: After | None) -> Response[Page[T]]:
        """The page as an answer, with the address of the next one."""
        if after is None:
            return Response(Page(items=list(items), next_cursor=None))
        clock: Clock = self.request.app.state["clock"]
        signer: Signer = self.request.app.state["signer"]
        text = cursors.seal(after, self.of, signer=signer, now=clock.now())
        kept = [(key, value) for key, value in self.request.query_params.multi_items() if key != "cursor"]
        path = f"{self.request.scope['path']}?{urlencode([*kept, ('cursor', text)])}"
        return Response(Page(items=list(items), next_cursor=text), headers={"link": f'<{path}>; rel="next"'})
