"""What an agent who signs in may open: the sell screen, the own account, and what everybody has for oneself. Nothing else of the shop.

Stands before every page of the dashboard, so that a new page is closed to agents until it says otherwise."""

from typing import Any

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from portal import guards
from portal.errors import Forbidden
from portal.msgid import N_
from portal.web import see_other

#: In a handler's `opt`: open to agents.
FOR_AGENTS = "for_agents"
_OWN = ("/account", "/more", "/prove", "/sign-out", "/switch")
_FIRST = ("/", "/home")
NOT_FOR_AGENTS = N_("This page is for the people of the shop. You have Sell and My account.")


class ToOwnPage(Forbidden):
    """An agent came to the shop's first page: on to the agent's own."""


async def agents_keep_to_their_own(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: whoever signs in as an agent sees nothing of the shop."""
    session = await guards.load_session(connection)
    if session is None or session.actor.agent_id is None or handler.opt.get(FOR_AGENTS):
        return
    path = connection.url.path
    if path in _FIRST:
        raise ToOwnPage(NOT_FOR_AGENTS)
    if not any(path == own or path.startswith(f"{own}/") for own in _OWN):
        raise Forbidden(NOT_FOR_AGENTS)


def to_own_page(request: Request[Any, Any, Any], _error: ToOwnPage) -> Response[bytes]:
    """Answer to ToOwnPage."""
    return see_other(request, "/sell")


HANDLERS: dict[Any, Any] = {ToOwnPage: to_own_page}
