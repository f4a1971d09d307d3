"""Passkeys (WebAuthn level 3, checked by Yubico's fido2): registered with a name, and signing in with or without an address typed.

The person is always verified by the authenticator (fingerprint, face or PIN), so a passkey alone is enough. A challenge is a row that
is used once. Without JavaScript in the browser none of this is offered; the other ways stay."""

import hashlib
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import links
from portal.identity.actors import Actor, Browser, How, NewSession, fold_email, named, printable
from portal.identity.links import LinkOver, Purpose
from portal.identity.second import new_codes_in, tell
from portal.identity.signing_in import open_known_in
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Passkeys one person may have.
MOST = 12
NOT_TAKEN = N_("The passkey was not accepted. Try again, or sign in another way.")
NAMELESS = N_("Give the passkey a name, such as “My phone”.")
ENOUGH = N_("You have as many passkeys as one may have. Remove one first.")
KNOWN = N_("This passkey is registered already.")


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as its owner sees it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


async def listed(user_id: int) -> list[Passkey]:
    """A person's, the oldest first."""
    rows = await DB.fetch(
        "SELECT id, name, created_at, last_used_at FROM passkeys WHERE user_id = $1 ORDER BY id", user_id
    )
    return [Passkey(**dict(row)) for row in rows]


def _server(settings: Settings) -> Any:
    from fido2.server import Fido2Server  # noqa: PLC0415  (loaded with the first use: memory)
    from fido2.webauthn import PublicKeyCredentialRpEntity  # noqa: PLC0415

    logging.getLogger("fido2").setLevel(logging.WARNING)  # it logs the names of credentials
    entity = PublicKeyCredentialRpEntity(id=urlsplit(settings.base_url).hostname or "", name="Vocha")
    return Fido2Server(entity, attestation=None, verify_origin=lambda origin: origin == settings.base_url)


def _credential(stored: bytes) -> Any:
    from fido2.webauthn import AttestedCredentialData  # noqa: PLC0415  (loaded with the first use: memory)

    return AttestedCredentialData(stored)


async def _challenge(tx: Tx, user_id: int | None, *, now: datetime) -> bytes:
    """A challenge that is good once, for five minutes; for registering only for this person."""
    made = await links.make(tx, Purpose.PASSKEY, user_id=user_id, now=now)
    return made.token.encode()


async def registration(actor: Actor, *, settings: Settings, now: datetime) -> str:
    """What the browser needs to make a passkey, as JSON (PublicKeyCredentialCreationOptions). Conflict: enough of them."""
    from fido2.webauthn import PublicKeyCredentialUserEntity  # noqa: PLC0415  (loaded with the first use: memory)

    async with atomic() as tx:
        if await tx.value("SELECT count(*) FROM passkeys WHERE user_id = $1", actor.user_id) >= MOST:
            raise Conflict(ENOUGH)
        handle: bytes = await tx.value(
            "UPDATE users SET handle = coalesce(handle, $2) WHERE id = $1 RETURNING handle",
            actor.user_id, secrets.token_bytes(32),
        )  # fmt: skip
        challenge = await _challenge(tx, actor.user_id, now=now)
        stored = await tx.fetch("SELECT credential FROM passkeys WHERE user_id = $1", actor.user_id)
    options, _ = _server(settings).register_begin(
        PublicKeyCredentialUserEntity(id=handle, name=actor.email, display_name=actor.name),
        [_credential(row["credential"]) for row in stored], resident_key_requirement="required",
        user_verification="required", challenge=challenge,
    )  # fmt: skip
    return json.dumps(dict(options)["publicKey"])


async def register(actor: Actor, sent: str, *, name: str, settings: Settings, vault: Vault, now: datetime) -> list[str]:
    """Keep what the browser made. Returns new recovery codes where the person has none, shown this once.

    Invalid: no name, or nothing an authenticator made for us just now; Conflict: registered already."""
    title = " ".join(printable(name).split())[:60]
    if not title:
        raise Invalid({"name": NAMELESS})
    answer = _read(sent)
    async with atomic() as tx:
        challenge = await _used(tx, answer, actor.user_id, now=now)
        try:
            data = _server(settings).register_complete(_state(challenge), answer)
        except (ValueError, TypeError, KeyError, AssertionError) as error:
            log.info("passkey refused", extra={"why": str(error)[:80]})
            raise Invalid({"passkey": NOT_TAKEN}) from error
        kept = data.credential_data
        made = await tx.value(
            """INSERT INTO passkeys (user_id, name, credential_id, credential, sign_count, created_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential_id) DO NOTHING RETURNING id""",
            actor.user_id, title, kept.credential_id, bytes(kept), data.counter, now,
        )  # fmt: skip
        if made is None:
            raise Conflict(KNOWN)
        await tell(tx, actor, "passkey_added", N_("a passkey was added"), now=now)
        left = await tx.value(
            "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL", actor.user_id
        )
        return [] if left else await new_codes_in(tx, actor, vault=vault, now=now)


async def remove(actor: Actor, passkey_id: int, *, now: datetime) -> None:
    """It signs nobody in any more. NotFound for anybody else's."""
    async with atomic() as tx:
        gone = await tx.value(
            "DELETE FROM passkeys WHERE id = $1 AND user_id = $2 RETURNING id", passkey_id, actor.user_id
        )
        if gone is None:
            raise NotFound
        await tell(tx, actor, "passkey_removed", N_("a passkey was removed"), now=now)


async def rename(actor: Actor, passkey_id: int, name: str, *, now: datetime) -> None:
    """Call it something else. NotFound, Invalid."""
    title = " ".join(printable(name).split())[:60]
    if not title:
        raise Invalid({"name": NAMELESS})
    async with atomic() as tx:
        done = await tx.value(
            "UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2 RETURNING id",
            passkey_id,
            actor.user_id,
            title,
        )
        if done is None:
            raise NotFound
        await note(
            tx, "users", actor.user_id, "passkey_renamed", merchant_id=actor.merchant_id, at=now, actor=named(actor)
        )


async def assertion(*, settings: Settings, now: datetime, email: str = "", user_id: int | None = None) -> str:
    """What the browser needs to sign in, as JSON (PublicKeyCredentialRequestOptions). With an address, only that account's passkeys:
    an account without any, and an address without account, get a name made of the address, so that nobody learns which it is."""
    async with atomic() as tx:
        challenge = await _challenge(tx, user_id, now=now)
        stored = await tx.fetch(
            """SELECT p.credential_id FROM passkeys p JOIN users u ON u.id = p.user_id
               WHERE u.email = $1 AND $1 <> '' OR u.id = $2 ORDER BY p.id""",
            fold_email(email), user_id,
        )  # fmt: skip
    names = [row["credential_id"] for row in stored]
    if email and not names:
        key = settings.secret_keys[0][1]
        names = [hashlib.sha256(b"vocha no passkey 1" + key + fold_email(email).encode()).digest()]
    options, _ = _server(settings).authenticate_begin(
        _descriptors(names) if names else None, user_verification="required", challenge=challenge
    )
    return json.dumps(dict(options)["publicKey"])


def _descriptors(names: Sequence[bytes]) -> list[Any]:
    from fido2.webauthn import PublicKeyCredentialDescriptor, PublicKeyCredentialType  # noqa: PLC0415  (as above)

    return [PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=name) for name in names]


async def check(tx: Tx, sent: str, *, settings: Settings, now: datetime, user_id: int | None = None) -> int:
    """Whose passkey signed our challenge just now; only `user_id`'s when given. Invalid for anything else.

    A counter that goes back is a copied authenticator (WebAuthn 6.1.1); most passkeys of phones keep none and stay at 0."""
    answer = _read(sent)
    challenge = await _used(tx, answer, user_id, now=now)
    row = await tx.row("SELECT * FROM passkeys WHERE credential_id = $1 FOR UPDATE", _id_of(answer))
    if row is None or user_id not in (None, row["user_id"]):
        raise Invalid({"passkey": NOT_TAKEN})
    try:
        _server(settings).authenticate_complete(_state(challenge), [_credential(row["credential"])], answer)
        count = _count_of(answer)
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        log.info("passkey refused", extra={"why": str(error)[:80]})
        raise Invalid({"passkey": NOT_TAKEN}) from error
    if (count or row["sign_count"]) and count <= row["sign_count"]:
        log.warning("a passkey's counter went back", extra={"passkey": row["id"]})
        raise Invalid({"passkey": NOT_TAKEN})
    await tx.execute("UPDATE passkeys SET sign_count = $2, last_used_at = $3 WHERE id = $1", row["id"], count, now)
    return row["user_id"]


async def sign_in(sent: str, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """Open a session for whoever's passkey this is. Invalid."""
    async with atomic() as tx:
        user_id = await check(tx, sent, settings=settings, now=now)
        return await open_known_in(tx, user_id, browser=browser, how=How.PASSKEY, settings=settings, now=now)


async def finish(token: str, sent: str, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """The second step by a passkey of the same person. Invalid, LinkOver."""
    async with atomic() as tx:
        waiting = await links.use(tx, token, Purpose.SECOND, now=now)
        user_id = await check(tx, sent, settings=settings, now=now, user_id=waiting["user_id"])
        return await open_known_in(tx, user_id, browser=browser, how=How.PASSKEY, settings=settings, now=now)


def _read(sent: str) -> dict[str, Any]:
    """What the browser sent, as JSON; Invalid for anything else."""
    try:
        return msgspec.json.decode(sent[:20_000], type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid({"passkey": NOT_TAKEN}) from error


async def _used(tx: Tx, answer: Mapping[str, Any], user_id: int | None, *, now: datetime) -> bytes:
    """The challenge the answer signed, used up by this; Invalid when it is none of ours, or another person's."""
    from fido2.utils import websafe_decode  # noqa: PLC0415  (loaded with the first use: memory)

    try:
        said: dict[str, Any] = msgspec.json.decode(websafe_decode(answer["response"]["clientDataJSON"]))
        challenge: bytes = websafe_decode(said["challenge"])
        row = await links.use(tx, challenge.decode("ascii"), Purpose.PASSKEY, now=now)
    except (LinkOver, KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise Invalid({"passkey": NOT_TAKEN}) from error
    if user_id is not None and row["user_id"] != user_id:
        raise Invalid({"passkey": NOT_TAKEN})
    return challenge


def _state(challenge: bytes) -> dict[str, Any]:
    from fido2.utils import websafe_encode  # noqa: PLC0415  (loaded with the first use: memory)

    return {"challenge": websafe_encode(challenge), "user_verification": "required"}


def _id_of(answer: Mapping[str, Any]) -> bytes:
    from fido2.utils import websafe_decode  # noqa: PLC0415  (loaded with the first use: memory)

    try:
        return websafe_decode(answer["rawId"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid({"passkey": NOT_TAKEN}) from error


def _count_of(answer: Mapping[str, Any]) -> int:
    from fido2.utils import websafe_decode  # noqa: PLC0415  (loaded with the first use: memory)
    from fido2.webauthn import AuthenticatorData  # noqa: PLC0415

    return AuthenticatorData(websafe_decode(answer["response"]["authenticatorData"])).counter
