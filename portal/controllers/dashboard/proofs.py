"""One's passkeys and sessions: added, named, removed; seen, ended. For everybody's own account."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, frame_of, page
from portal.controllers.dashboard.security import ALONE, codes_page, security, session_of
from portal.controllers.outside import as_json, typed_in
from portal.errors import Conflict, Invalid
from portal.identity import Actor, passkeys, sessions, signing_in
from portal.msgid import N_
from portal.vault import Vault
from portal.web import see_other

#: By what a session was opened.
HOW_WORDS = {
    "password": N_("by password"), "passkey": N_("by passkey"), "totp": N_("by password and app"),
    "recovery": N_("by recovery code"), "link": N_("by a mailed link"),
}  # fmt: skip
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@post("/account/passkeys/options", guards=[guards.fresh], opt=ALONE, status_code=200)
async def options(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """What the browser needs to make a passkey."""
    return as_json(await passkeys.registration(actor, settings=guards.settings_of(request), now=clock.now()))


@post("/account/passkeys", guards=[guards.fresh], opt=ALONE, status_code=200)
async def add(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """Keep the passkey the browser made; with recovery codes, shown this once, when there are none yet."""
    typed, settings = await typed_in(request), guards.settings_of(request)
    name = typed.get("name", "")
    try:
        made = await passkeys.register(
            actor, typed.get("passkey", ""), name=name, settings=settings, vault=vault, now=clock.now()
        )
    except (Invalid, Conflict) as error:
        return await security(request, actor, error=error, typed={"name": name[:60]})
    return await codes_page(request, actor, made) if made else see_other(request, "/account/security?done")


@post("/account/passkeys/{passkey_id:int}/remove", guards=[guards.fresh], opt=ALONE)
async def remove(request: AnyRequest, actor: Actor, passkey_id: RowId, clock: Clock) -> Response[Any]:
    """It signs in no more."""
    await passkeys.remove(actor, passkey_id, now=clock.now())
    return see_other(request, "/account/security?done")


@post("/account/passkeys/{passkey_id:int}/name", opt=ALONE)
async def rename(request: AnyRequest, actor: Actor, passkey_id: RowId, clock: Clock) -> Response[Any]:
    """Call it something else."""
    try:
        await passkeys.rename(actor, passkey_id, (await typed_in(request)).get("name", ""), now=clock.now())
    except Invalid as error:
        return await security(request, actor, error=error)
    return see_other(request, "/account/security?done")


@post("/prove/options", opt=ALONE, status_code=200)
async def prove_options(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """What one's passkey is to sign to prove who one is."""
    settings = guards.settings_of(request)
    return as_json(await passkeys.assertion(settings=settings, now=clock.now(), user_id=actor.user_id))


@get("/account/sessions", opt=ALONE)
async def sessions_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """Every browser one is signed in with."""
    frame, session = await frame_of(request, actor, here="account"), await session_of(request)
    listed = await sessions.listed(session, settings=guards.settings_of(request), now=clock.now())
    return page(
        request, frame, "dashboard/sessions.html", sessions=listed, now=clock.now(), name_of=signing_in.name_of,
        how_words=HOW_WORDS,
    )  # fmt: skip


@post("/account/sessions/{session_id:int}/end", opt=ALONE)
async def end_session(request: AnyRequest, session_id: RowId, clock: Clock) -> Response[Any]:
    """End one of them."""
    await sessions.revoke(await session_of(request), session_id, now=clock.now())
    return see_other(request, "/account/sessions")


@post("/account/sessions/end-others", opt=ALONE)
async def end_others(request: AnyRequest, clock: Clock) -> Response[Any]:
    """End all but this one."""
    await sessions.revoke_others(await session_of(request), now=clock.now())
    return see_other(request, "/account/sessions")


ROUTES = [options, add, remove, rename, prove_options, sessions_page, end_session, end_others]
