"""The people of a shop: who works there as what, invitations, and handing the shop over."""

from collections.abc import Awaitable
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import ROLES, AnyRequest, frame_of, page
from portal.controllers.outside import typed_in
from portal.errors import Conflict, Invalid, PortalError, TooMany
from portal.identity import Actor, roles, teams
from portal.msgid import N_
from portal.vault import Vault
from portal.web import see_other

RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
AT_MERCHANT = [guards.at_merchant, guards.fresh]
PAGE: dict[str, Any] = {"page": "/team"}
#: What each role may do, for who chooses one.
ROLE_HINTS = {
    "owner": N_("Everything, money and keys too."),
    "manager": N_("Everything but payout numbers, keys and owners."),
    "cashier": N_("Sells, looks customers up, keeps a drawer."),
    "viewer": N_("Looks, and changes nothing."),
}


@get("/team", guards=[guards.at_merchant])
async def team_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """Everybody, and who is invited."""
    return await _page(request, actor, clock)


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, error: PortalError | None = None, typed: dict[str, str] | None = None,
    link: str = "",
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="team")
    wrong = error.fields if isinstance(error, Invalid) else {}
    answer = page(
        request, frame, "dashboard/team.html", members=await teams.members(actor), wrong=wrong, link=link, now=clock.now(),
        invitations=await teams.invitations(actor, now=clock.now()), typed=typed or {"role": "cashier"}, roles=ROLES,
        told=frame.language.say(error.message, error.params) if error and not wrong else "", hints=ROLE_HINTS,
        may_give=teams.roles_for(actor), needs_second=await roles.needs_second(actor),
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@post("/team/invite", guards=AT_MERCHANT, opt=PAGE, status_code=200)
async def invite(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """Mail an invitation; where no mail can go out, its link is shown this once."""
    typed, settings = await typed_in(request), guards.settings_of(request)
    teams.manager(actor)
    try:
        link = await teams.invite(
            actor, typed.get("email", ""), typed.get("role", ""), settings=settings, vault=vault, now=clock.now()
        )
    except (Invalid, TooMany) as error:
        kept = {"email": typed.get("email", "")[:254], "role": typed.get("role", "")}
        return await _page(request, actor, clock, error=error, typed=kept)
    return await _page(request, actor, clock, link=link) if link else see_other(request, "/team")


@post("/team/invitations/{link_id:int}/withdraw", guards=[guards.at_merchant])
async def withdraw(request: AnyRequest, actor: Actor, link_id: RowId, clock: Clock) -> Response[Any]:
    """Take an invitation back."""
    await teams.withdraw(actor, link_id, now=clock.now())
    return see_other(request, "/team")


@post("/team/{user_id:int}/role", guards=AT_MERCHANT, opt=PAGE)
async def give_role(request: AnyRequest, actor: Actor, user_id: RowId, clock: Clock) -> Response[Any]:
    """Another role."""
    wanted = (await typed_in(request)).get("role", "")
    return await _after(request, actor, clock, roles.give(actor, user_id, wanted, now=clock.now()))


@post("/team/{user_id:int}/remove", guards=AT_MERCHANT, opt=PAGE)
async def remove(request: AnyRequest, actor: Actor, user_id: RowId, clock: Clock) -> Response[Any]:
    """Out of the team."""
    return await _after(request, actor, clock, roles.remove(actor, user_id, now=clock.now()))


@post("/team/{user_id:int}/hand-over", guards=AT_MERCHANT, opt=PAGE)
async def hand_over(request: AnyRequest, actor: Actor, user_id: RowId, clock: Clock) -> Response[Any]:
    """Make somebody owner in one's own place."""
    password = (await typed_in(request)).get("password", "")
    return await _after(request, actor, clock, roles.hand_over(actor, user_id, password=password, now=clock.now()))


@post("/team/second-step", guards=AT_MERCHANT, opt=PAGE)
async def second_step(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Whether owners and managers must have a second step."""
    is_needed = (await typed_in(request)).get("needed") == "yes"
    return await _after(request, actor, clock, roles.need_second(actor, is_needed=is_needed, now=clock.now()))


async def _after(request: AnyRequest, actor: Actor, clock: Clock, deed: Awaitable[None]) -> Response[Any]:
    try:
        await deed
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, error=error)
    return see_other(request, "/team")


ROUTES = [team_page, invite, withdraw, give_role, remove, hand_over, second_step]
