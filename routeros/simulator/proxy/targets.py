"""Where a proxied request wants to go, and whether that may be dialled: only loopback ever is.

Pure. What is neither loopback nor mapped to loopback belongs to the stub internet.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from routeros.simulator.proxy.wire import BadMessageError

#: "host" or "host:port" to "127.0.0.1:8000" or "127.0.0.1" (same port); None or absent: the stub internet.
Resolve = Callable[[str], str | None] | Mapping[str, str]

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_LOCALHOST = "127.0.0.1"


def split_authority(authority: str, *, default_port: int | None) -> tuple[str, int]:
    """Split "host:port" into a lower-case host without brackets and a port. Raises BadMessageError."""
    try:
        parts = urlsplit(f"//{authority}")
        host, port = (parts.hostname or "").rstrip("."), parts.port or default_port
    except ValueError as error:
        raise BadMessageError("not an authority") from error
    if not port or parts.username is not None or parts.netloc != authority or not _is_host(host):
        raise BadMessageError("not an authority")
    return host, port


def split_target(target: str, host_header: str, *, default_port: int = 80) -> tuple[str, int, str]:
    """Give host, port and path-with-query of an absolute-form target, or of an origin-form one with its Host header
    (a hotspot also sees requests of browsers that know of no proxy). Raises BadMessageError."""
    if target.startswith("/") or target == "*":
        return *split_authority(host_header, default_port=default_port), target
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() != "http":
        raise BadMessageError("not an http target")
    end = next((at for at, letter in enumerate(rest) if letter in "/?#"), len(rest))
    host, port = split_authority(rest[:end], default_port=80)
    tail = rest[end:].partition("#")[0]
    return host, port, tail if tail.startswith("/") else f"/{tail}"


def dial_address(host: str, port: int, resolve: Resolve | None) -> tuple[str, int] | None:
    """Give the loopback address to connect to, None for the stub internet.

    `resolve` mapping to anything that is not loopback raises ValueError: this simulator never leaves the machine.
    """
    mapped = _lookup(resolve, f"{host}:{port}") or _lookup(resolve, host)
    if mapped is not None:
        bare = f"[{mapped}]" if ":" in mapped and not mapped.startswith("[") and mapped.count(":") > 1 else mapped
        parts = urlsplit(f"//{bare}")
        mapped_host = _loopback(parts.hostname or "")
        if mapped_host is None:
            raise ValueError(f"{host} may only be mapped to a loopback address")
        return mapped_host, parts.port or port
    loopback = _loopback(host)
    return None if loopback is None else (loopback, port)


def _lookup(resolve: Resolve | None, name: str) -> str | None:
    if resolve is None:
        return None
    return resolve(name) if callable(resolve) else resolve.get(name)


def _loopback(host: str) -> str | None:
    if host == "localhost":
        return _LOCALHOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    is_ours = address == ipaddress.IPv6Address("::1") or (address.version == 4 and address.is_loopback)
    return str(address) if is_ours else None


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return bool(_NAME.fullmatch(host))
