"""Gateways as rows: which a merchant has, entering and taking out keys. Secrets go in sealed and come out only into a gateway.

Replaced keys are a new row: reports about what went out by the old ones still find it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from asyncpg import Record

from portal import codes
from portal.addresses import literal
from portal.db import DB, Tx, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.gateways.plain_http import PlainHttpOptions, TemplateError, read_template
from portal.gateways.smtp import PORTS, SmtpOptions, is_address
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.routers.rights import named
from portal.states import note
from portal.vault import Vault

_TABLE = "message_gateways"
#: The kinds people choose from, and the channel of each; the console is for developers only.
KINDS: Mapping[str, str] = {
    "africastalking": "sms", "http": "sms", "smtp": "email", "telegram": "telegram", "webhook": "webhook",
}  # fmt: skip
ONLY_OWNER = N_("Only the owner can change by what messages go out: they cost money.")
NEEDED = N_("Fill this in.")
_TOO_LONG = N_("This is too long. Copy it again.")
_NOT_HTTPS = N_("Write the whole address, beginning with https://")
_NOT_HOST = N_("Write the name of the mail server, for example smtp.example.co.ke")
_NOT_PORT = N_("One of these ports: 465, 587, 25 or 2525.")
_NOT_MAIL = N_("Write a mail address, for example shop@example.co.ke")
_NOT_TEMPLATE = N_("Write a JSON object with {to} and {text} in it, as the gateway's manual shows it.")
_NOT_KEY = N_("Keys have only letters, digits and signs. Copy it again, without spaces or emoji.")
_CHOOSE = N_("Choose one of these.")
_MOST = 400


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway without its secret. `reports` is the path its provider is told; `signing_key` is shown once, by `enter`."""

    id: int
    merchant_id: int | None
    channel: str
    kind: str
    user_name: str
    sender: str
    options: dict[str, Any]
    has_inbox: bool
    is_charged: bool
    trouble: str | None
    trouble_text: str | None
    trouble_at: datetime | None
    created_at: datetime
    reports: str


async def in_use(merchant_id: int | None) -> dict[str, GatewayView]:
    """By channel, what a merchant's messages go out by: its own gateway, else the platform's."""
    rows = await DB.fetch(
        """SELECT DISTINCT ON (channel) * FROM message_gateways
           WHERE ended_at IS NULL AND (merchant_id = $1 OR merchant_id IS NULL) AND (channel <> 'webhook' OR merchant_id = $1)
           ORDER BY channel, merchant_id NULLS LAST""",
        merchant_id,
    )
    return {row["channel"]: _view(row) for row in rows}


async def enter(actor: Actor, kind: str, form: Mapping[str, str], *, vault: Vault, now: datetime) -> int:
    """Enter a gateway in place of the one of its channel; its id. Invalid by field, Forbidden, NotFound: no such kind."""
    merchant_id = actor.at_merchant()
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    if kind not in KINDS:
        raise NotFound
    options = options_of(kind, form)
    async with atomic() as tx:
        return await put(
            tx, kind, merchant_id=merchant_id, user_name=form.get("user_name", "").strip(),
            sender=form.get("sender", "").strip(), options=options, secret=form.get("secret", "").strip(), vault=vault,
            now=now, by=named(actor), has_inbox=form.get("has_inbox") == "yes",
        )  # fmt: skip


def options_of(kind: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What a form says besides the names and the secret; Invalid, by field, when anything of it cannot be."""
    wrong = {
        name: _TOO_LONG for name in ("user_name", "sender", "secret", "url", "host") if len(form.get(name, "")) > _MOST
    }
    needed = {
        "africastalking": ("user_name", "secret"), "http": ("url",), "smtp": ("host", "sender"), "telegram": ("secret",),
        "webhook": ("url", "secret"),
    }[kind]  # fmt: skip
    wrong |= {name: NEEDED for name in needed if not form.get(name, "").strip()}
    wrong |= _wrong_value(kind, form, wrong)
    if wrong:
        raise Invalid(wrong)
    if kind == "http":
        return _http_options(form)
    if kind == "smtp":
        return _smtp_options(form)
    return {"url": form["url"].strip()} if kind == "webhook" else {}


def _wrong_value(kind: str, form: Mapping[str, str], wrong: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    secret = form.get("secret", "").strip()
    if "secret" not in wrong and not _may_travel(kind, secret):
        found["secret"] = _NOT_KEY
    if kind in ("http", "webhook") and "url" not in wrong and not _is_https(form["url"].strip()):
        found["url"] = _NOT_HTTPS
    if kind == "smtp" and "host" not in wrong and not _is_host(form["host"].strip()):
        found["host"] = _NOT_HOST
    if kind == "smtp" and "sender" not in wrong and not is_address(form["sender"].strip()):
        found["sender"] = _NOT_MAIL
    return found


def _may_travel(kind: str, secret: str) -> bool:
    """Whether a request's head or address, where these kinds put it, can carry this key: ASCII alone."""
    if kind not in ("africastalking", "http", "telegram"):
        return True
    return secret.isascii() and secret.isprintable() and (kind == "http" or " " not in secret)


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" and port in (None, 443) and not parts.username and not parts.fragment
    return plain and url.isascii() and url.isprintable() and " " not in url and _is_host(host)


def _is_host(host: str) -> bool:
    try:
        literal(host)
    except ValueError:
        return False
    return bool(host)


def _smtp_options(form: Mapping[str, str]) -> dict[str, Any]:
    port, tls = form.get("port", "587").strip(), form.get("tls", "starttls")
    if not port.isascii() or not port.isdecimal() or int(port) not in PORTS:
        raise Invalid({"port": _NOT_PORT})
    if tls not in ("tls", "starttls"):
        raise Invalid({"tls": _CHOOSE})
    return msgspec.to_builtins(SmtpOptions(host=form["host"].strip(), port=int(port), tls=tls))


def _http_options(form: Mapping[str, str]) -> dict[str, Any]:
    wanted = {name: form[name].strip() for name in PlainHttpOptions.__struct_fields__ if form.get(name, "").strip()}
    wanted.pop("repeats_safely", None)
    try:
        read_template(wanted.get("template", PlainHttpOptions(url="").template))
    except TemplateError as error:
        raise Invalid({"template": _NOT_TEMPLATE}) from error
    try:
        options = msgspec.convert(wanted | {"repeats_safely": form.get("repeats_safely") == "yes"}, PlainHttpOptions)
    except msgspec.ValidationError as error:
        raise Invalid({"method": _CHOOSE}) from error
    if not options.header_name.isascii() or not all(char.isalnum() or char == "-" for char in options.header_name):
        raise Invalid({"header_name": _CHOOSE})
    return msgspec.to_builtins(options)


async def put(
    tx: Tx, kind: str, *, merchant_id: int | None, user_name: str, sender: str, options: Mapping[str, Any], secret: str,
    vault: Vault, now: datetime, by: str, has_inbox: bool = False, is_charged: bool = True,
) -> int:  # fmt: skip
    """The step of `enter`, also for the platform's (`merchant_id` None)."""
    channel = KINDS.get(kind, "sms")  # the console stands for SMS
    # Two forms at once: one after the other, instead of an error for the second.
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"{_TABLE} {merchant_id or 0} {channel}")
    await end(tx, channel, merchant_id=merchant_id, now=now)
    gateway_id = await tx.value("SELECT nextval('message_gateways_id_seq')")
    sealed = vault.seal(_TABLE, "secret_sealed", row_id=gateway_id, plaintext=secret) if secret else None
    await tx.execute(
        """INSERT INTO message_gateways (id, merchant_id, channel, kind, user_name, sender, options, secret_sealed, token,
                                         has_inbox, is_charged, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12)""",
        gateway_id,
        merchant_id,
        channel,
        kind,
        user_name[:120],
        sender[:254],
        msgspec.json.encode(options).decode(),
        sealed,
        codes.hex_token(32),
        has_inbox,
        is_charged,
        now,
    )
    data = {"kind": kind, "channel": channel}
    await note(tx, _TABLE, gateway_id, "gateway_set", merchant_id=merchant_id, at=now, actor=by, data=data)
    return gateway_id


async def take_out(actor: Actor, channel: str, *, now: datetime) -> None:
    """Send no more by the merchant's own. NotFound: it has none."""
    merchant_id = actor.at_merchant()
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    async with atomic() as tx:
        ended = await end(tx, channel, merchant_id=merchant_id, now=now)
        if ended is None:
            raise NotFound
        await note(tx, _TABLE, ended, "gateway_out", merchant_id=merchant_id, at=now, actor=named(actor))


async def end(tx: Tx, channel: str, *, merchant_id: int | None, now: datetime) -> int | None:
    """Take the live gateway of a channel out; its id."""
    return await tx.value(
        """UPDATE message_gateways SET ended_at = $3
           WHERE coalesce(merchant_id, 0) = coalesce($1::bigint, 0) AND channel = $2 AND ended_at IS NULL RETURNING id""",
        merchant_id,
        channel,
        now,
    )


def _view(row: Record) -> GatewayView:
    names = set(GatewayView.__struct_fields__) - {"options", "reports"}
    plain = {name: value for name, value in row.items() if name in names}
    options = cast("dict[str, Any]", msgspec.json.decode(row["options"]))
    return GatewayView(**plain, options=options, reports=f"/api/sms/{row['token']}")
