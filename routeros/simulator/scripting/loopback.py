"""A fetcher that reaches services on this very machine: each host name it knows leads to one loopback port.

For demonstrations. TLS is left out: an `https://` address reaches the same plain port, as behind a proxy.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import urllib.parse
from collections.abc import Mapping

from routeros.simulator.scripting.fetching import FetchFailed, FetchReply, FetchRequest

_MOST = 8 * 1024 * 1024
_SECONDS = 10.0


class LoopbackFetcher:
    """`hosts` says which name (with `:port` when the address has one) is on which loopback address and port.

    ValueError for an address that is not loopback. Calls run in threads, so the services may live in the same loop.
    """

    def __init__(self, hosts: Mapping[str, tuple[str, int]]) -> None:
        for address, _port in hosts.values():
            if not ipaddress.ip_address(address).is_loopback:
                raise ValueError("a simulated router reaches loopback only")
        self._hosts = dict(hosts)

    async def __call__(self, request: FetchRequest) -> FetchReply:
        """Answer a request. Raises FetchFailed."""
        parts = urllib.parse.urlsplit(request.url)
        if parts.netloc not in self._hosts:
            raise FetchFailed("resolving error")
        return await asyncio.to_thread(_fetch, self._hosts[parts.netloc], parts, request)


def _fetch(place: tuple[str, int], parts: urllib.parse.SplitResult, request: FetchRequest) -> FetchReply:
    connection = http.client.HTTPConnection(*place, timeout=_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            request.method, target, request.body or None, {**dict(request.headers), "Host": parts.netloc}
        )
        answer = connection.getresponse()
        body = answer.read(_MOST + 1)
        return FetchReply(answer.status, body, tuple(answer.getheaders()), answer.reason)
    except ConnectionRefusedError:
        raise FetchFailed("connection refused") from None
    except (OSError, http.client.HTTPException):
        raise FetchFailed("connection timeout") from None
    finally:
        connection.close()
