"""Checks for settings: each turns a text into a value or raises ValueError saying what to write instead.

Reader collects what is wrong, so that one start names everything. Which settings exist: see config.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from portal.errors import PortalError
from portal.mpesa.callback_urls import BANNED_HOSTS, BANNED_WORDS

T = TypeVar("T")
Network = IPv4Network | IPv6Network

PREFIX = "PORTAL_"
_LONGEST_FILE = 65_536
_UNWELCOME = (*BANNED_WORDS, *BANNED_HOSTS)


class SettingsError(PortalError):
    """The start is impossible. `problems` pairs each variable with what to write there."""

    default = "Some settings are missing or wrong."

    def __init__(self, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.problems = list(problems)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {name}: write {wanted}" for name, wanted in self.problems)])


class Tunnel(NamedTuple):
    """Our end of the WireGuard tunnel routers dial into. Ours is the first address of `network`, theirs are the rest."""

    network: IPv4Network
    endpoint_host: str
    endpoint_port: int
    public_key: str

    @property
    def server(self) -> str:
        """Our address inside the tunnel."""
        return str(self.network[1])


class Reader:
    """Reads PORTAL_* and remembers every problem; call `stop_if_wrong` before using what was read."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[tuple[str, str]] = []

    def problem(self, name: str, wanted: str) -> None:
        """Note that a variable (without its prefix) is wrong. Never put its value in `wanted`: it may be a secret."""
        self._problems.append((PREFIX + name, wanted))

    def has_problem(self, name: str) -> bool:
        """Whether a variable, or the file standing in for it, was already found wrong."""
        return any(found in {PREFIX + name, f"{PREFIX}{name}_FILE"} for found, _ in self._problems)

    def stop_if_wrong(self) -> None:
        if self._problems:
            raise SettingsError(self._problems)

    def plain(self, name: str, check: Callable[[str], T], *, default: str) -> T:
        """The checked value; an empty variable counts as absent. After a problem the default stands in."""
        found = self._checked(name, self._text(name), check=check)
        return check(default) if found is None else found

    def optional(self, name: str, check: Callable[[str], T]) -> T | None:
        return self._checked(name, self._text(name), check=check)

    def secret(self, name: str, check: Callable[[str], T]) -> T | None:
        """From the variable itself or from the file that NAME_FILE points to; not both."""
        path = self._text(f"{name}_FILE")
        if not path:
            return self._checked(name, self._text(name), check=check)
        if self._text(name):
            self.problem(name, f"either this or {PREFIX}{name}_FILE, not both")
            return None
        try:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(_LONGEST_FILE).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            self.problem(f"{name}_FILE", f"the path of a readable file ({reason})")
            return None
        if not text:
            self.problem(f"{name}_FILE", "the path of a file that is not empty")
            return None
        return self._checked(f"{name}_FILE", text, check=check)

    def _text(self, name: str) -> str:
        return self._env.get(PREFIX + name, "").strip()

    def _checked(self, name: str, text: str, *, check: Callable[[str], T]) -> T | None:
        if not text:
            return None
        try:
            return check(text)
        except ValueError as error:
            self.problem(name, str(error))
            return None


def database_url(text: str) -> str:
    wanted = "postgresql://user:password@host:5432/database, or nothing for the embedded database"
    parts = _split(text, wanted)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise ValueError(wanted)
    return text


def authority(text: str) -> str:
    """A certificate as routers take it: one, in PEM, short enough for a file of RouterOS 6."""
    wanted = (
        "one certificate in PEM, at most 4000 characters, best by its file: PORTAL_ROUTER_AUTHORITY_FILE=/path/root.pem"
    )
    pem = text.replace("\r\n", "\n").strip() + "\n"
    if (
        not re.fullmatch(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n", pem)
        or len(pem) > 4000
    ):
        raise ValueError(wanted)
    return pem


def directory(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("the path of a folder; there is a file of that name")
    return path


def host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,255}", text):
        raise ValueError("an address to listen on, like 127.0.0.1")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return check


def one_of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"one of: {', '.join(choices)}")
        return text.lower()

    return check


def web_address(text: str) -> str:
    """Scheme, host and port only, in lower case, no slash at the end."""
    wanted = "an address like https://wifi.example.co.ke, without a path"
    parts = _split(text, wanted)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(wanted)
    if (
        parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not re.fullmatch(r"[\w.:\[\]-]+", parts.netloc, re.ASCII)
    ):
        raise ValueError(wanted)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def public_callback_base(text: str) -> str:
    """Where production M-Pesa can reach us: https, a public name, none of the words Safaricom refuses."""
    address = web_address(text)
    name = urlsplit(address).hostname or ""
    if not address.startswith("https://") or "." not in name or is_loopback(name) or _is_private(name):
        raise ValueError("the https address at which M-Pesa reaches this server from the internet")
    unwelcome = [word for word in _UNWELCOME if word in address]
    if unwelcome:
        raise ValueError(f"an address without {unwelcome[0]!r} in it: Safaricom refuses that")
    return address


def mpesa_address(environment: str) -> Callable[[str], str]:
    """The simulator for loopback and for nothing else: play money must never buy real access, nor the reverse."""

    def check(text: str) -> str:
        address = web_address(text)
        local = is_loopback(urlsplit(address).hostname or "")
        if environment == "loopback" and not local:
            raise ValueError("the simulator's address on this machine, like http://127.0.0.1:8100")
        if environment != "loopback" and (local or not address.startswith("https://")):
            raise ValueError(f"an https address for the {environment} environment, or nothing")
        return address

    return check


def is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _is_private(name: str) -> bool:
    try:
        return not ip_address(name).is_global
    except ValueError:
        return False


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and CIDR ranges, separated by commas or spaces; "none" for none at all."""
    if text.lower() == "none":
        return ()
    try:
        return tuple(ip_network(part) for part in re.split(r"[\s,]+", text) if part)
    except ValueError as error:
        raise ValueError("addresses or ranges like 10.0.0.1, 10.1.0.0/16, separated by commas") from error


def read_tunnel(read: Reader) -> Tunnel | None:
    """All three settings of the tunnel, or none."""
    network = read.optional("TUNNEL_NETWORK", private_network)
    endpoint = read.optional("TUNNEL_ENDPOINT", endpoint_address)
    key = read.optional("TUNNEL_PUBLIC_KEY", wireguard_key)
    if network and endpoint and key:
        return Tunnel(network, *endpoint, key)
    if network or endpoint or key:
        for name, given in (("TUNNEL_NETWORK", network), ("TUNNEL_ENDPOINT", endpoint), ("TUNNEL_PUBLIC_KEY", key)):
            if not given and not read.has_problem(name):
                read.problem(name, "its value too: a tunnel needs network, endpoint and public key")
    return None


def private_network(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise ValueError("a private range like 10.99.0.0/16") from error
    if not network.is_private or network.is_loopback or network.num_addresses < 8:
        raise ValueError("a private range like 10.99.0.0/16")
    return network


def endpoint_address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})", text)
    if found is None or not 0 < int(found[2]) < 65_536:
        raise ValueError("where routers reach the tunnel, like vpn.example.co.ke:51820")
    return found[1], int(found[2])


def wireguard_key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", text):
        raise ValueError("the server's WireGuard public key (wg pubkey)")
    return text


def ipv4_address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise ValueError("an IPv4 address like 197.248.10.4") from error


def cron_secret(text: str) -> str:
    if len(text) < 32 or not text.isascii() or not text.isprintable():
        raise ValueError("32 characters or more, hard to guess (openssl rand -hex 32)")
    return text


def frame_ancestors(text: str) -> str:
    """Goes into a header: only sources, never a second directive."""
    source = r"(?:'none'|'self'|https?://(?:\*\.)?[A-Za-z0-9.-]+(?::[0-9]{1,5})?)"
    if not re.fullmatch(rf"{source}(?: {source})*", text) or ("'none'" in text and text != "'none'"):
        raise ValueError("'none', 'self' or addresses like https://shop.example, separated by spaces")
    return text


def _split(text: str, wanted: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no number is only noticed when asked for
    except ValueError as error:
        raise ValueError(wanted) from error
    return parts
