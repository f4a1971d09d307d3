"""Setup scripts: each is asked for by somebody, given out once within fifteen minutes, and made for one router only.

Kept are the choices and the hash of the word that fetches the script, never the script: it holds the router's password.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import socket
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from asyncpg import Record
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from portal import codes
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Invalid, NotFound, PortalError
from portal.identity import Actor
from portal.merchants import MerchantView, profile
from portal.msgid import N_
from portal.rails import accounts
from portal.routers import pull_keys
from portal.routers.checks import add_hosts
from portal.routers.forms import OUR_USER, PULL, TUNNEL, ScriptOptions, pool_of
from portal.routers.pull_keys import PullKeys
from portal.routers.rights import named, own, own_to_change
from portal.states import note
from portal.vault import Vault
from routeros.script import onboarding
from routeros.script.onboarding import (
    ApiLogin,
    DirectApi,
    ExistingHotspot,
    Family,
    NewHotspot,
    Onboarding,
    PullAgent,
    Trust,
    Variant,
    WireGuard,
)

LIFE = timedelta(minutes=15)
#: Where routers fetch their script, by POST with the word as the body.
FETCH_PATH = "/setup-script"
#: Where routers that ask us do so.
PULL_PATH = "/pull"
NOT_SCRIPTABLE = N_("A script cannot be made from this. Check the router's name and its user.")
_OURS = re.compile("[0-9a-f]{32}")
#: Stands in where a script is only undone and nobody will sign in with it.
_NO_PASSWORD = "not-needed-to-undo"  # noqa: S105  (it is no password)
_NO_KEYS = PullKeys("no-secret-needed-to-undo", "no-key-needed-to-undo")
#: Who signed the certificate most portals have; a router of version 6 or before 7.19 knows no authority by itself.
_AUTHORITY = (Path(__file__).parent / "isrg_root_x1.pem").read_text(encoding="ascii")


class Gone(PortalError):  # noqa: N818
    """The script was given out already, or its fifteen minutes are over."""

    default = N_("This script was used already, or is too old. Make a new one on the router's page.")
    status_code = 410


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A script that waits to be fetched: the word, and until when. `one_liner` "" : only over https can it be fetched."""

    code: str
    expires_at: datetime
    one_liner: str


async def issue(actor: Actor, router_id: int, options: ScriptOptions, *, settings: Settings, now: datetime) -> Issued:
    """Make a script available, once. Those asked for earlier are void."""
    code, expires_at = secrets.token_urlsafe(32), now + LIFE
    async with atomic() as tx:
        row = await own_to_change(tx, actor, router_id)
        merchant_id, who = row["merchant_id"], named(actor)
        await tx.execute(
            "UPDATE router_scripts SET expires_at = $2 WHERE router_id = $1 AND used_at IS NULL AND expires_at > $2",
            router_id,
            now,
        )
        await tx.execute(
            """INSERT INTO router_scripts (merchant_id, router_id, code_hash, options, actor, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)""",
            merchant_id,
            router_id,
            _digest(code),
            msgspec.json.encode(options).decode(),
            who,
            now,
            expires_at,
        )
        await note(tx, "routers", router_id, "script", merchant_id=merchant_id, at=now, actor=who)
    is_secure = settings.base_url.startswith("https://")
    line = onboarding.fetch_line(settings.base_url + FETCH_PATH, code) if is_secure else ""
    return Issued(code=code, expires_at=expires_at, one_liner=line.strip())


async def fetch(
    code: str,
    *,
    settings: Settings,
    vault: Vault,
    now: datetime,
    actor: Actor | None = None,
    router_id: int | None = None,
) -> str:
    """The script, once. NotFound for a word nobody was given, Gone the second time and after fifteen minutes.

    With an actor and a router (the page that shows it) the script must be that router's, of the actor's merchant.
    """
    server = await _our_address(settings)
    async with atomic() as tx:
        script = await tx.row("SELECT * FROM router_scripts WHERE code_hash = $1 FOR UPDATE", _digest(code))
        if script is None or (
            actor is not None and (script["merchant_id"], script["router_id"]) != (actor.at_merchant(), router_id)
        ):
            raise NotFound
        if script["used_at"] is not None or script["expires_at"] <= now:
            raise Gone
        router = await tx.row(
            "SELECT * FROM routers WHERE id = $1 AND status <> 'removed' FOR UPDATE", script["router_id"]
        )
        if router is None:
            raise Gone
        merchant = await profile(script["merchant_id"])
        options = msgspec.json.decode(script["options"], type=ScriptOptions)
        keys = await _new_keys(tx, router, vault)
        hosts = await accounts.hosts_to_open(merchant.id)
        made = _onboarding(router, merchant, options, settings=settings, server=server, keys=keys, hosts=hosts)
        await tx.execute("UPDATE router_scripts SET used_at = $2 WHERE id = $1", script["id"], now)
        await _remember(tx, router, options, keys)
        how = "seen" if actor is not None else "fetched"
        who = named(actor) if actor is not None else f"router:{router['id']}"
        data = {"how": how, "script": script["id"]}
        await note(
            tx, "routers", router["id"], "script_out", merchant_id=merchant.id, at=now, actor=who, data=data
        )  # fmt: skip
    return onboarding.setup_script(made)


async def undo(actor: Actor, router_id: int, *, settings: Settings) -> str:
    """The script that takes everything of ours off the router again. It holds no secret and may be had any time."""
    router = await own(actor, router_id)
    newest: Any = await DB.value(
        "SELECT options FROM router_scripts WHERE router_id = $1 ORDER BY id DESC LIMIT 1", router_id
    )
    options = (
        msgspec.json.decode(newest, type=ScriptOptions) if newest else ScriptOptions(family="7", interface="bridge")
    )
    merchant, server = await profile(router["merchant_id"]), await _our_address(settings)
    key = X25519PrivateKey.generate() if router["way"] == TUNNEL else None
    keys = _Keys(password=_NO_PASSWORD, tunnel=key, pull=_NO_KEYS if router["way"] == PULL else None)
    made = _onboarding(router, merchant, options, settings=settings, server=server, keys=keys)
    return onboarding.undo_script(made)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "replace")).digest()


class _Keys(NamedTuple):
    """What one script makes the router and us know each other by, whatever the way."""

    password: str
    tunnel: X25519PrivateKey | None
    pull: PullKeys | None


async def _new_keys(tx: Tx, router: Record, vault: Vault) -> _Keys:
    if router["way"] == PULL:  # nobody signs in to it
        return _Keys(_NO_PASSWORD, None, await pull_keys.make(tx, router["id"], vault=vault))
    tunnel = X25519PrivateKey.generate() if router["way"] == TUNNEL else None
    return _Keys(await _password_of_ours(tx, router, vault), tunnel, None)


async def _password_of_ours(tx: Tx, router: Record, vault: Vault) -> str:
    """The password of the user the script makes. Signed in as a user of the merchant's so far: ours from now on."""
    place = ("routers", "api_password_sealed")
    password = vault.open(*place, row_id=router["id"], sealed=router["api_password_sealed"])
    if router["api_user"] == OUR_USER and _OURS.fullmatch(password):
        return password
    password = codes.hex_token(16)
    sealed = vault.seal(*place, row_id=router["id"], plaintext=password)
    await tx.execute(
        "UPDATE routers SET api_user = $2, api_password_sealed = $3 WHERE id = $1", router["id"], OUR_USER, sealed
    )
    return password


def _onboarding(
    router: Record, merchant: MerchantView, options: ScriptOptions, *, settings: Settings, server: str, keys: _Keys,
    hosts: tuple[str, ...] = (),
) -> Onboarding:  # fmt: skip
    """Every value checked by the values themselves: what they refuse, no script is made from."""
    gateway, first, last = pool_of(options.network) if options.network else ("", "", "")
    hotspot = NewHotspot(options.network, gateway, first, last) if options.network else ExistingHotspot()
    trust, ca_pem = _trust(settings) if keys.pull else (Trust.BUILT_IN, "")
    try:
        return Onboarding(
            router_name=router["name"], merchant_name=merchant.name[:80], family=Family(options.family),
            interface=options.interface, hotspot=hotspot, portal_url=settings.base_url, site=router["site"],
            help_phone=merchant.help_phone or "-", way=_way(router, options, settings=settings, server=server, keys=keys),
            time_zone=merchant.timezone, garden_hosts=hosts, garden_addresses=(f"{server}/32",), trust=trust,
            ca_pem=ca_pem,
        )  # fmt: skip
    except ValueError as error:
        raise Invalid(message=NOT_SCRIPTABLE) from error


def _way(
    router: Record, options: ScriptOptions, *, settings: Settings, server: str, keys: _Keys
) -> DirectApi | WireGuard | PullAgent:
    if keys.pull is not None:
        return PullAgent(
            url=settings.base_url + PULL_PATH, secret=keys.pull.secret, answer_key=keys.pull.answer_key,
            interval_s=options.interval_s, variant=Variant(options.agent),
        )  # fmt: skip
    login = ApiLogin(user=OUR_USER, password=keys.password)
    if keys.tunnel is not None and settings.tunnel is not None:
        return WireGuard(
            login=login, private_key=_base64(keys.tunnel.private_bytes_raw()),
            server_public_key=settings.tunnel.public_key, endpoint_host=settings.tunnel.endpoint_host,
            endpoint_port=settings.tunnel.endpoint_port, address=router["tunnel_address"],
            server=settings.tunnel.server,
        )  # fmt: skip
    return DirectApi(login=login, server=server, port=router["api_port"])


def _trust(settings: Settings) -> tuple[Trust, str]:
    """How a router that calls us knows that it is us: by the authority that signed our certificate, which comes along."""
    if not settings.base_url.startswith("https://"):
        return Trust.NONE, ""
    return Trust.OURS, settings.router_authority or _AUTHORITY


async def _our_address(settings: Settings) -> str:
    """Our IPv4 address as routers see it."""
    host = settings.router_source or urlsplit(settings.base_url).hostname or ""
    try:
        return str(IPv4Address(host))
    except ValueError:
        pass  # a name
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError as error:
        raise Invalid(message=N_("Our own address is not known. Ask us for help.")) from error
    return str(found[0][4][0])


async def _remember(tx: Tx, router: Record, options: ScriptOptions, keys: _Keys) -> None:
    """What the script makes true about the router: where its login page is, its key in the tunnel, how often it asks."""
    if options.network:
        await add_hosts(tx, router["id"], [pool_of(options.network)[0]])
    if keys.tunnel is not None:
        public = _base64(keys.tunnel.public_key().public_bytes_raw())
        await tx.execute("UPDATE routers SET tunnel_public_key = $2 WHERE id = $1", router["id"], public)
    if keys.pull is not None:
        await tx.execute("UPDATE routers SET pull_interval_s = $2 WHERE id = $1", router["id"], options.interval_s)
