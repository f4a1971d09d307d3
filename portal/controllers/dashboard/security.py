"""How one signs in: password, address, authenticator app, recovery codes; and proving again that it is oneself. For everybody's own
account. Passkeys and sessions: `proofs`."""

from typing import Any

from litestar import Response, get, post

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import AnyRequest, frame_of, page
from portal.controllers.outside import typed_in
from portal.errors import Conflict, Invalid, NotFound, PortalError, TooMany
from portal.headers import safe_next
from portal.identity import Actor, LinkOver, Session, notices, passkeys, proving, resets, second
from portal.vault import Vault
from portal.web import see_other

#: Open to somebody who has still to set a second step up.
ALONE: dict[str, Any] = {guards.ALONE: True}
FILE_HEADERS = {"content-disposition": 'attachment; filename="vocha-recovery-codes.txt"', "cache-control": "no-store"}


async def session_of(request: AnyRequest) -> Session:
    """The session of a signed-in request."""
    session = await guards.load_session(request)
    if session is None:
        raise NotFound
    return session


async def security(
    request: AnyRequest, actor: Actor, *, error: PortalError | None = None, typed: dict[str, str] | None = None, told: str = "",
    status: int = 200, sent_to: str = "",
) -> Response[str]:  # fmt: skip
    """The page of all proofs, with what went wrong."""
    frame = await frame_of(request, actor, here="account")
    wrong = error.fields if isinstance(error, Invalid) else {}
    words = frame.language.say(error.message, error.params) if error and not wrong else told
    session = await session_of(request)
    answer = page(
        request, frame, "dashboard/security.html", standing=await second.standing(actor.user_id), wrong=wrong, told=words,
        passkeys=await passkeys.listed(actor.user_id), typed=typed or {}, lacks_second=session.lacks_second, sent_to=sent_to,
        can_mail=await notices.can_mail(),
    )  # fmt: skip
    answer.status_code = error.status_code if error else status
    return answer


@get("/account/security", opt=ALONE)
async def security_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """All ways in."""
    return await security(request, actor, sent_to=request.query_params.get("sent", "")[:254])


@post("/account/password", opt=ALONE)
async def change_password(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Another password, the old one typed."""
    typed, session = await typed_in(request), await session_of(request)
    try:
        await resets.change_password(session, typed.get("old", ""), typed.get("password", ""), now=clock.now())
    except (Invalid, TooMany) as error:
        return await security(request, actor, error=error)
    return see_other(request, "/account/security?done")


@post("/account/email", guards=[guards.fresh], opt=ALONE | {"page": "/account/security"})
async def change_email(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """Mail a link to the new address."""
    typed, session, settings = await typed_in(request), await session_of(request), guards.settings_of(request)
    try:
        await resets.ask_email(session, typed.get("email", ""), settings=settings, vault=vault, now=clock.now())
    except (Invalid, TooMany) as error:
        return await security(request, actor, error=error, typed={"email": typed.get("email", "")[:254]})
    return see_other(request, "/account/security?sent=1")


@get("/account/email/confirm", opt=ALONE)
async def email_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The button behind the link: what opens links by itself confirms nothing."""
    frame = await frame_of(request, actor, here="account")
    return page(request, frame, "dashboard/email_confirm.html", token=request.query_params.get("t", "")[:64])


@post("/account/email/confirm", opt=ALONE)
async def confirm_email(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Use the new address from now on."""
    token = (await typed_in(request)).get("t", "")
    try:
        await resets.confirm_email(await session_of(request), token, now=clock.now())
    except (LinkOver, Conflict) as error:
        return await security(request, actor, error=error)
    return see_other(request, "/account/security?done")


# -- the authenticator app and recovery codes --------------------------------------------------------------------


@get("/account/app", guards=[guards.fresh], opt=ALONE)
async def app_page(request: AnyRequest, actor: Actor, vault: Vault) -> Response[Any]:
    """The secret, as a picture and to be typed."""
    return await _app(request, actor, vault)


async def _app(request: AnyRequest, actor: Actor, vault: Vault, *, error: PortalError | None = None) -> Response[Any]:
    try:
        draft = await second.begin_app(actor, vault=vault)
    except Conflict:
        return see_other(request, "/account/security")
    frame = await frame_of(request, actor, here="account")
    told = frame.language.say(error.message, error.params) if error and not isinstance(error, Invalid) else ""
    answer = page(
        request, frame, "dashboard/app.html", draft=draft, picture=second.picture(draft.uri), told=told,
        wrong=error.fields if isinstance(error, Invalid) else {},
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@post("/account/app", guards=[guards.fresh], opt=ALONE | {"page": "/account/app"}, status_code=200)
async def confirm_app(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """The app's first code; with the recovery codes, shown this once."""
    try:
        made = await second.confirm_app(actor, (await typed_in(request)).get("code", ""), vault=vault, now=clock.now())
    except (Invalid, TooMany) as error:
        return await _app(request, actor, vault, error=error)
    except Conflict:
        return see_other(request, "/account/security")
    return await codes_page(request, actor, made) if made else see_other(request, "/account/security?done")


async def codes_page(request: AnyRequest, actor: Actor, made: list[str]) -> Response[str]:
    """Recovery codes, shown this once."""
    frame = await frame_of(request, actor, here="account")
    return page(request, frame, "dashboard/recovery_codes.html", made=made)


@post("/account/app/remove", guards=[guards.fresh], opt=ALONE)
async def remove_app(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """No code is asked for any more."""
    await second.remove_app(actor, now=clock.now())
    return see_other(request, "/account/security?done")


@post("/account/codes", guards=[guards.fresh], opt=ALONE, status_code=200)
async def new_codes(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """Ten new recovery codes in place of the ones before."""
    if not (await second.standing(actor.user_id)).is_on:
        return see_other(request, "/account/security")
    return await codes_page(request, actor, await second.new_codes(actor, vault=vault, now=clock.now()))


@post("/account/codes/file", guards=[guards.fresh], opt=ALONE, status_code=200)
async def codes_file(request: AnyRequest, actor: Actor, vault: Vault) -> Response[str]:
    """The codes just shown as a file: the page sends them back, as nobody else has them."""
    shown = (await typed_in(request)).get("codes", "").split()
    if not await second.are_codes_of(actor, shown, vault=vault):
        raise NotFound
    text = "".join(f"{line}\r\n" for line in (f"Vocha, {actor.email}", "", *shown))
    return Response(text, media_type="text/plain; charset=utf-8", headers=FILE_HEADERS)


# -- proving again -----------------------------------------------------------------------------------------------


@get("/prove", opt=ALONE)
async def prove_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """Password, code or passkey, before something dangerous."""
    return await _prove(request, actor, target=safe_next(request.query_params.get("next")))


async def _prove(request: AnyRequest, actor: Actor, *, target: str, error: PortalError | None = None) -> Response[str]:
    frame = await frame_of(request, actor, here="account")
    answer = page(
        request, frame, "dashboard/prove.html", next=target, standing=await second.standing(actor.user_id),
        wrong=error.fields if isinstance(error, Invalid) else {},
        told=frame.language.say(error.message, error.params) if error and not isinstance(error, Invalid) else "",
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@post("/prove", opt=ALONE, status_code=200)
async def prove(request: AnyRequest, actor: Actor, clock: Clock, vault: Vault) -> Response[Any]:
    """On to where one was going."""
    typed, session = await typed_in(request), await session_of(request)
    target, settings = safe_next(typed.get("next")), guards.settings_of(request)
    try:
        await proving.prove(session, typed, settings=settings, vault=vault, now=clock.now())
    except (Invalid, TooMany) as error:
        return await _prove(request, actor, target=target, error=error)
    return see_other(request, target)


ROUTES = [
    security_page,
    change_password,
    change_email,
    email_page,
    confirm_email,
    app_page,
    confirm_app,
    remove_app,
    new_codes,
    codes_file,
    prove_page,
    prove,
]
