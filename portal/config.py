"""Settings: read once from PORTAL_* variables, frozen, passed down. Nothing else reads the environment.

A secret may be given as a file: PORTAL_X_FILE holds the path. What is missing or wrong stops the start, all of it named
at once, each with what to write. The checks themselves: see config_values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from portal import config_values as values
from portal.config_backups import Backups, read_backups
from portal.config_values import Network, Reader, SettingsError, Tunnel
from portal.config_watching import Watching, read_watching
from portal.secret_keys import SecretKeys, load_or_make, parse_keys

__all__ = ["MPESA_URLS", "SAFARICOM_SOURCES", "Network", "Settings", "SettingsError", "Tunnel"]

#: Published callback addresses (Daraja documentation, IP whitelisting). A hint, never the only proof: a callback from
#: elsewhere is kept and verified by a query, because a refused callback does not come back.
SAFARICOM_SOURCES = (
    "196.201.214.200,196.201.214.206,196.201.214.207,196.201.214.208,196.201.213.114,196.201.213.44,"
    "196.201.212.127,196.201.212.138,196.201.212.129,196.201.212.136,196.201.212.74,196.201.212.69"
)
MPESA_URLS = {"sandbox": "https://sandbox.safaricom.co.ke", "production": "https://api.safaricom.co.ke"}


class _Mpesa(NamedTuple):
    environment: str
    url: str
    callback_base: str
    trusted_sources: tuple[Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a start needs. Secrets are kept out of its repr."""

    #: None: the embedded PostgreSQL, its data under `data_dir`.
    database_url: str | None = field(repr=False)
    data_dir: Path
    #: Where callbacks wait while the database is away; a disk that keeps what it promises.
    spool_dir: Path
    #: More than this is not spooled: M-Pesa is answered 503 then.
    spool_most_bytes: int
    #: Where people reach us, no slash at the end. Links are built from it, never from a Host header.
    base_url: str
    host: str
    #: 0: any free one.
    port: int
    #: (key id, 32 bytes), newest first: the first one seals and signs, all of them open and verify.
    secret_keys: SecretKeys = field(repr=False)
    #: sandbox, production or loopback (the simulator).
    mpesa_environment: str
    mpesa_url: str
    mpesa_callback_base: str
    mpesa_trusted_sources: tuple[Network, ...]
    #: Simulators of other rails by name ("airtel", "paystack"), instead of the providers themselves.
    rail_urls: Mapping[str, str]
    #: Simulators of message gateways by name ("africastalking", "telegram"), instead of the providers themselves.
    gateway_urls: Mapping[str, str]
    #: Only these may tell us a client's address by X-Forwarded-For.
    trusted_proxies: tuple[Network, ...]
    #: Where routers may be besides the public internet; any port is allowed there.
    router_networks: tuple[Network, ...]
    #: Where merchants' webhooks may lead besides public https addresses; http and any port are allowed there.
    webhook_networks: tuple[Network, ...]
    #: Our IPv4 address as routers see it, "" when it is the one `base_url` leads to.
    router_source: str
    #: PEM of the authority that signed the certificate of `base_url`, for routers that ask us; "" for Let's Encrypt's root.
    router_authority: str
    #: None: no router can be reached by a tunnel.
    tunnel: Tunnel | None
    #: None: the cron endpoint is off.
    cron_secret: str | None = field(repr=False)
    #: Who may knock there; None: whoever has the secret.
    cron_networks: tuple[Network, ...] | None
    backups: Backups
    #: Who watches us from outside.
    watching: Watching
    #: What stands behind `frame-ancestors` in the content security policy.
    frame_ancestors: str
    #: debug, info, warning or error.
    log_level: str
    #: json or console.
    log_format: str
    worker_concurrency: int
    #: open: anybody opens a shop; invite: whoever the operator invited; closed: nobody.
    sign_up: str
    #: A staff session ends after this long without a request …
    session_idle: timedelta
    #: … and after this long in any case.
    session_lifetime: timedelta

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read and check all of it; SettingsError names every variable that is wrong and what to write. With the embedded database
        and no keys given, a key is made once in `data_dir`/secret.key (mode 0600)."""
        read = Reader(env)
        database_url = read.secret("DATABASE_URL", values.database_url)
        base_url = read.plain("BASE_URL", values.web_address, default="http://127.0.0.1:8000")
        mpesa = _read_mpesa(read, base_url)
        idle, lifetime = _read_sessions(read)
        data_dir = read.plain("DATA_DIR", values.directory, default="var")
        own = "127.0.0.0/8" if mpesa.environment == "loopback" else "none"
        plain = cls(
            database_url=database_url,
            data_dir=data_dir,
            spool_dir=read.optional("SPOOL_DIR", values.directory) or data_dir / "spool",
            spool_most_bytes=read.plain("SPOOL_MOST_MB", values.whole(1, 100_000), default="512") * 1024 * 1024,
            base_url=base_url,
            host=read.plain("HOST", values.host, default="127.0.0.1"),
            port=read.plain("PORT", values.whole(0, 65_535), default="8000"),
            trusted_proxies=read.plain("TRUSTED_PROXIES", values.networks, default="none"),
            router_networks=read.plain("ROUTER_NETWORKS", values.networks, default=own),
            webhook_networks=read.plain("WEBHOOK_NETWORKS", values.networks, default="none"),
            router_source=read.optional("ROUTER_SOURCE", values.ipv4_address) or "",
            router_authority=read.secret("ROUTER_AUTHORITY", values.authority) or "",
            tunnel=values.read_tunnel(read),
            cron_secret=read.secret("CRON_SECRET", values.cron_secret),
            cron_networks=read.optional("CRON_NETWORKS", values.networks),
            backups=read_backups(read),
            watching=read_watching(read),
            frame_ancestors=read.plain("FRAME_ANCESTORS", values.frame_ancestors, default="'none'"),
            log_level=read.plain("LOG_LEVEL", values.one_of("debug", "info", "warning", "error"), default="info"),
            log_format=read.plain("LOG_FORMAT", values.one_of("json", "console"), default="json"),
            worker_concurrency=read.plain("WORKER_CONCURRENCY", values.whole(1, 200), default="10"),
            mpesa_environment=mpesa.environment,
            mpesa_url=mpesa.url,
            mpesa_callback_base=mpesa.callback_base,
            mpesa_trusted_sources=mpesa.trusted_sources,
            rail_urls=_read_urls(read, "airtel", "paystack"),
            gateway_urls=_read_urls(read, "africastalking", "telegram"),
            sign_up=read.plain("SIGN_UP", values.one_of("open", "invite", "closed"), default="invite"),
            session_idle=idle,
            session_lifetime=lifetime,
            # Last, because it may write a file: no other problem may be left by then.
            secret_keys=_read_keys(read, data_dir, embedded=database_url is None),
        )
        read.stop_if_wrong()
        return plain


def _read_mpesa(read: Reader, base_url: str) -> _Mpesa:
    known = values.one_of("sandbox", "production", "loopback")
    environment = read.plain("MPESA_ENVIRONMENT", known, default="sandbox")
    url = read.optional("MPESA_URL", values.mpesa_address(environment)) or MPESA_URLS.get(environment, "")
    if not url and not read.has_problem("MPESA_URL"):
        read.problem("MPESA_URL", "the simulator's address on this machine, like http://127.0.0.1:8100")
    reachable = values.public_callback_base if environment == "production" else values.web_address
    callback_base = read.optional("MPESA_CALLBACK_BASE", reachable)
    if callback_base is None and not read.has_problem("MPESA_CALLBACK_BASE"):
        callback_base = base_url
        try:
            reachable(base_url)
        except ValueError as error:
            read.problem("MPESA_CALLBACK_BASE", f"{error} (PORTAL_BASE_URL cannot stand in for it)")
    listed = "127.0.0.1,::1" if environment == "loopback" else SAFARICOM_SOURCES
    return _Mpesa(
        environment=environment,
        url=url,
        callback_base=callback_base or base_url,
        trusted_sources=read.plain("MPESA_TRUSTED_SOURCES", values.networks, default=listed),
    )


def _read_urls(read: Reader, *names: str) -> Mapping[str, str]:
    found = {name: read.optional(f"{name.upper()}_URL", values.web_address) for name in names}
    return {name: url for name, url in found.items() if url}


def _read_sessions(read: Reader) -> tuple[timedelta, timedelta]:
    idle = timedelta(hours=read.plain("SESSION_IDLE_HOURS", values.whole(1, 24 * 90), default="12"))
    lifetime = timedelta(days=read.plain("SESSION_LIFETIME_DAYS", values.whole(1, 90), default="7"))
    if idle > lifetime:
        read.problem("SESSION_IDLE_HOURS", "no more hours than PORTAL_SESSION_LIFETIME_DAYS has")
    return idle, lifetime


def _read_keys(read: Reader, data_dir: Path, *, embedded: bool) -> SecretKeys:
    keys = read.secret("SECRET_KEYS", parse_keys)
    if keys is None and not embedded and not read.has_problem("SECRET_KEYS"):
        read.problem(
            "SECRET_KEYS", "name:64 hex digits, the same on every machine (openssl rand -hex 32 makes the digits)"
        )
    read.stop_if_wrong()
    if keys is not None:
        return keys
    try:
        return load_or_make(data_dir / "secret.key")
    except (OSError, ValueError) as error:
        read.problem("DATA_DIR", f"a folder we may write to, with a sound secret.key in it ({error})")
        return ()
