"""Where a shop's cards may be used, and how a phone there gets to its own router's page."""

import ipaddress

import msgspec

from portal.captive import links
from portal.db import DB


class Places(msgspec.Struct, frozen=True):
    """The names of a merchant's routers, and a login page that leads each phone to the router it is at; None: none has one.

    Any router's will do: behind another router it is intercepted like every page, and that one says where it came from."""

    names: list[str]
    login: str | None


async def places_of(merchant_id: int) -> Places:
    """A merchant's. An address is taken rather than a name, which only its own router knows."""
    rows = await DB.fetch(
        "SELECT name, hotspot_hosts FROM routers WHERE merchant_id = $1 AND status <> 'removed' ORDER BY name, id LIMIT 20",
        merchant_id,
    )
    hosts = [host.strip() for row in rows for host in row["hotspot_hosts"].split(",") if host.strip()]
    hosts.sort(key=lambda host: not _is_address(host))
    return Places([row["name"] for row in rows], links.login_link("", hosts))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition(":")[0])
    except ValueError:
        return False
    return True
