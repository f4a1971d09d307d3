"""Devices: what a phone's login page tells about it. Hints only: anyone can send any MAC."""

import ipaddress
import re
from datetime import datetime

import msgspec

from portal.db import Tx
from portal.errors import Invalid
from portal.msgid import N_

_MAC = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}")


class DeviceHint(msgspec.Struct, frozen=True):
    """A device as the hotspot told it: MAC in capitals with colons, address on the hotspot (IPv4, as hotspots have)."""

    mac: str
    ip: str


def hint(mac: str, ip: str) -> DeviceHint:
    """Check and normalise what the login page sent; Invalid when it cannot be a device."""
    plain = mac.strip().upper().replace("-", ":")
    if not _MAC.fullmatch(plain) or int(plain[:2], 16) & 1 or plain == "00:00:00:00:00:00":
        raise Invalid({"mac": N_("Open this page from the Wi-Fi.")})
    try:
        address = ipaddress.IPv4Address(ip.strip())
    except ValueError as error:
        raise Invalid({"ip": N_("Open this page from the Wi-Fi.")}) from error
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved:
        raise Invalid({"ip": N_("Open this page from the Wi-Fi.")})
    return DeviceHint(plain, str(address))


async def seen(tx: Tx, merchant_id: int, mac: str, *, now: datetime) -> None:
    """Remember that a device was here."""
    await tx.execute(
        """INSERT INTO devices (merchant_id, mac, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $3)
           ON CONFLICT (merchant_id, mac) DO UPDATE SET last_seen_at = excluded.last_seen_at""",
        merchant_id,
        mac,
        now,
    )
