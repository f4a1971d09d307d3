"""The operator's pages about merchants: the list, inviting one, one of them, its terms, pausing, notes; and looking at it as its owner."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Dependency, Parameter

from portal import guards
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import ROLES, frame_of, page
from portal.controllers.dashboard.operator_words import ENTRY_WORDS, KINDS, ROUTER_STATES, STATES
from portal.controllers.dashboard.payout_words import PAYOUT_WORDS
from portal.errors import Invalid, NotFound, PortalError
from portal.identity import Actor, sign_ups
from portal.platform import merchants, visits
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
After = Annotated[int | None, Parameter(query="after", ge=1, le=2**63 - 1)]
Query = Annotated[str, Parameter(query="q", max_length=254)]
Kind = Annotated[str, Parameter(query="kind", max_length=12)]
State = Annotated[str, Parameter(query="state", max_length=8)]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
_FIELDS = ("email", "kind", "commission", "why", "note", "how", "reason")
_WORDS: dict[str, Any] = {
    "kinds": KINDS, "states": STATES, "entry_words": ENTRY_WORDS, "router_words": ROUTER_STATES, "payout_words": PAYOUT_WORDS,
    "roles": ROLES,
}  # fmt: skip


@get("/operator/merchants", guards=[guards.operator_only])
async def merchants_page(
    request: AnyRequest, actor: Actor, clock: Clock, *, q: Query = "", kind: Kind = "", sells: State = "", after: After = None
) -> Response[str]:  # fmt: skip
    """All of them, by name."""
    kind, sells = kind if kind in KINDS else "", sells if sells in STATES else ""
    listed = await merchants.listed(actor, now=clock.now(), q=q, kind=kind, state=sells, after=after)
    frame = await frame_of(request, actor, here="operator")
    more = listed[-1].id if len(listed) == merchants.PAGE_SIZE else None
    chosen = {"q": q, "kind": kind, "state": sells}
    return page(
        request,
        frame,
        "operator/merchants.html",
        merchants=listed,
        chosen=chosen,
        after=after,
        more=more,
        now=clock.now(),
        **_WORDS,
    )


async def _typed(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, ""))[:254] for name in _FIELDS if name in sent}


@get("/operator/merchants/new", guards=[guards.operator_only])
async def new_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form for an invitation."""
    return await _new(request, actor, typed={"kind": "personal"})


async def _new(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], link: str = "", error: PortalError | None = None
) -> Response[str]:
    frame = await frame_of(request, actor, here="operator")
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error and not wrong else ""
    answer = page(request, frame, "operator/new.html", typed=typed, link=link, wrong=wrong, told=told, **_WORDS)
    answer.status_code = 422 if error else 200
    return answer


@post("/operator/merchants", guards=[guards.operator_only], status_code=200)
async def invite(
    request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault, settings: TheSettings
) -> Response[str]:
    """Invite an owner to open a shop; the link is shown once, and mailed."""
    typed = await _typed(request)
    kind = typed.get("kind", "")
    if kind not in KINDS:
        return await _new(request, actor, typed=typed, error=Invalid({"kind": merchants.WHICH_KIND}))
    try:
        link = await sign_ups.invite(
            typed.get("email", ""), kind=kind, made_by=actor.user_id, settings=settings, vault=vault, now=clock.now()
        )
    except (Invalid, NotFound) as error:
        return await _new(request, actor, typed=typed, error=error)
    return await _new(request, actor, typed=typed, link=link)


@get("/operator/merchants/{merchant_id:int}", guards=[guards.operator_only])
async def merchant_page(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[str]:
    """One of them."""
    return await _one(request, actor, clock, merchant_id)


async def _one(
    request: AnyRequest, actor: Actor, clock: Clock, merchant_id: int, *, typed: dict[str, str] | None = None,
    error: Invalid | None = None,
) -> Response[str]:  # fmt: skip
    found = await merchants.one(actor, merchant_id, now=clock.now())
    frame = await frame_of(request, actor, here="operator")
    own = "" if found.own_bp is None else f"{found.own_bp / 100:g}"
    answer = page(
        request, frame, "operator/merchant.html", merchant=found, visits=await visits.of(actor, merchant_id), now=clock.now(),
        typed={"kind": found.kind, "commission": own, "how": "look"} | (typed or {}), wrong=error.fields if error else {},
        **_WORDS,
    )  # fmt: skip
    answer.status_code = 422 if error else 200
    return answer


@post("/operator/merchants/{merchant_id:int}/terms", guards=[guards.operator_only])
async def set_terms(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[Any]:
    """Another kind or commission."""
    typed = await _typed(request)
    kind, commission = typed.get("kind", ""), typed.get("commission", "")
    try:
        await merchants.set_terms(actor, merchant_id, kind=kind, commission=commission, now=clock.now())
    except Invalid as error:
        return await _one(request, actor, clock, merchant_id, typed=typed, error=error)
    return see_other(request, f"/operator/merchants/{merchant_id}")


@post("/operator/merchants/{merchant_id:int}/pause", guards=[guards.operator_only])
async def pause(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[Any]:
    """Let nothing be sold there."""
    typed = await _typed(request)
    try:
        await merchants.pause(actor, merchant_id, why=typed.get("why", ""), now=clock.now())
    except Invalid as error:
        return await _one(request, actor, clock, merchant_id, typed=typed, error=error)
    return see_other(request, f"/operator/merchants/{merchant_id}")


@post("/operator/merchants/{merchant_id:int}/resume", guards=[guards.operator_only])
async def resume(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[Any]:
    """Let it sell again."""
    await merchants.resume(actor, merchant_id, why=(await _typed(request)).get("why", ""), now=clock.now())
    return see_other(request, f"/operator/merchants/{merchant_id}")


@post("/operator/merchants/{merchant_id:int}/notes", guards=[guards.operator_only])
async def write_note(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[Any]:
    """A note, for operators only."""
    typed = await _typed(request)
    try:
        await merchants.write_note(actor, merchant_id, typed.get("note", ""), now=clock.now())
    except Invalid as error:
        return await _one(request, actor, clock, merchant_id, typed=typed, error=error)
    return see_other(request, f"/operator/merchants/{merchant_id}")


@post("/operator/merchants/{merchant_id:int}/visit", guards=[guards.operator_only])
async def begin_visit(request: AnyRequest, actor: Actor, clock: Clock, merchant_id: RowId) -> Response[Any]:
    """Look at it as its owner sees it."""
    typed, session = await _typed(request), await guards.load_session(request)
    assert session is not None
    try:
        how, reason = typed.get("how", ""), typed.get("reason", "")
        await visits.begin(session, merchant_id, how=how, reason=reason, now=clock.now())
    except Invalid as error:
        return await _one(request, actor, clock, merchant_id, typed=typed, error=error)
    return see_other(request, "/home")


@post("/visit/end")
async def end_visit(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Stop looking at somebody's shop."""
    session = await guards.load_session(request)
    merchant_id = await visits.end(session, now=clock.now()) if session else None
    return see_other(request, f"/operator/merchants/{merchant_id}" if merchant_id else "/")


ROUTES = [
    merchants_page, new_page, invite, merchant_page, set_terms, pause, resume, write_note, begin_visit, end_visit,
]  # fmt: skip
