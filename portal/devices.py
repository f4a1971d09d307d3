"""Devices: what a phone's login page tells about it, and the vouchers it showed. A MAC is a hint, for anyone can send any; what
proves a device is the voucher's own link, its code, or having bought it. Nothing here lets anybody in."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import DB, Tx, atomic
from portal.errors import Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.states import note

#: A router lists a device that left for some minutes more; who is online together for longer is not one device.
NOTICED_WITHIN = timedelta(minutes=10)

_MAC = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}")


class Proof(StrEnum):
    """How a device showed that a voucher is its own: it was bought there, its code was typed, or its link was opened."""

    BOUGHT = "bought"
    CODE = "code"
    LINK = "link"


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


def is_random(mac: str) -> bool:
    """Whether a device made this MAC up: phones do so per network, and again when its owner says so (IEEE 802c, local bit)."""
    return bool(int(mac[:2], 16) & 2)


_HELD = """WITH d AS (
  INSERT INTO devices (merchant_id, mac, first_seen_at, last_seen_at) VALUES ($1, $2, $5, $5)
  ON CONFLICT (merchant_id, mac) DO UPDATE SET last_seen_at = greatest(devices.last_seen_at, excluded.last_seen_at) RETURNING id
), s AS (
  INSERT INTO device_sightings (merchant_id, device_id, router_id, first_seen_at, last_seen_at)
  SELECT $1, id, $3, $5, $5 FROM d ON CONFLICT (device_id, router_id)
  DO UPDATE SET last_seen_at = greatest(device_sightings.last_seen_at, excluded.last_seen_at)
)
INSERT INTO device_vouchers (merchant_id, device_id, voucher_id, proof, first_at, last_at)
SELECT $1, id, $4, $6, $5, $5 FROM d ON CONFLICT (device_id, voucher_id) DO UPDATE SET last_at = excluded.last_at
RETURNING device_id"""


async def held(
    tx: Tx, merchant_id: int, mac: str, *, voucher_id: int, router_id: int, proof: Proof, now: datetime
) -> None:
    """A device showed that a voucher is its own. Remembered by its MAC, which is a hint: what it may do hangs on the voucher."""
    device_id = await tx.value(_HELD, merchant_id, mac, router_id, voucher_id, now, proof.value)
    if proof is Proof.LINK and is_random(mac):
        await _recognise(tx, device_id, mac, merchant_id=merchant_id, voucher_id=voucher_id, now=now)


#: Another MAC of the voucher's, the last one seen; none where the package is for several devices, for they share the link.
_OTHER = """SELECT coalesce(d.same_as_id, d.id) AS root, d.mac FROM device_vouchers h JOIN devices d ON d.id = h.device_id
JOIN vouchers v ON v.id = h.voucher_id
WHERE h.voucher_id = $1 AND h.device_id <> $2 AND coalesce((v.terms ->> 'devices')::int, 1) = 1
ORDER BY h.last_at DESC, d.id DESC LIMIT 1"""
#: Online at the same time for longer than a router takes to notice that one has left.
_TOGETHER = """WITH stays AS (
  SELECT s.mac, s.started_at, coalesce(s.ended_at, s.seen_at) AS until FROM hotspot_sessions s
  JOIN access_grants g ON g.id = s.grant_id
  WHERE s.mac = ANY($3) AND g.voucher_id IN (SELECT voucher_id FROM device_vouchers WHERE device_id = ANY($1))
)
SELECT EXISTS (SELECT FROM stays a JOIN stays b ON b.mac <> a.mac
               WHERE least(a.until, b.until) - greatest(a.started_at, b.started_at) > $2)"""


async def _recognise(tx: Tx, device_id: int, mac: str, *, merchant_id: int, voucher_id: int, now: datetime) -> None:
    """The voucher's own link, shown from a made-up MAC: the same device with a new one, unless both were online together."""
    other = await tx.row(_OTHER, voucher_id, device_id)
    if other is None or other["root"] == device_id:
        return
    if await tx.value(_TOGETHER, [device_id, other["root"]], NOTICED_WITHIN, [mac, other["mac"]]):
        return
    joined = await tx.fetch(
        """UPDATE devices SET same_as_id = $2
           WHERE id IN (SELECT id FROM devices WHERE (id = $1 AND same_as_id IS NULL) OR same_as_id = $1 ORDER BY id FOR UPDATE)
           RETURNING id""",
        device_id,
        other["root"],
    )
    if joined:
        await note(
            tx, "devices", device_id, "same_device", merchant_id=merchant_id, at=now,
            data={"as": other["root"], "voucher": voucher_id},
        )  # fmt: skip


async def sighted(tx: Tx, merchant_id: int, router_id: int, macs: Collection[str], *, now: datetime) -> None:
    """Devices we know were seen on a router: two statements, however many."""
    rows = await tx.fetch(
        """UPDATE devices d SET last_seen_at = greatest(d.last_seen_at, $3)
           FROM (SELECT id FROM devices WHERE merchant_id = $1 AND mac = ANY($2) ORDER BY id FOR UPDATE) n
           WHERE d.id = n.id RETURNING d.id""",
        merchant_id,
        list(macs),
        now,
    )
    if rows:
        await tx.execute(
            """INSERT INTO device_sightings (merchant_id, device_id, router_id, first_seen_at, last_seen_at)
               SELECT $1, id, $2, $4, $4 FROM unnest($3::bigint[]) AS n (id) ORDER BY id ON CONFLICT (device_id, router_id)
               DO UPDATE SET last_seen_at = greatest(device_sightings.last_seen_at, excluded.last_seen_at)""",
            merchant_id,
            router_id,
            [row["id"] for row in rows],
            now,
        )


class HolderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A device of a voucher, with all its MACs (the last one seen first) and where it was seen: (router, last time)."""

    macs: Sequence[str]
    is_random: bool
    proof: str
    first_at: datetime
    last_at: datetime
    seen: Sequence[tuple[str, datetime]]


_HOLDERS = """SELECT coalesce(d.same_as_id, d.id) AS root, d.mac, h.proof, h.first_at, h.last_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(r.name, s.last_seen_at) ORDER BY s.last_seen_at DESC), '[]')
        FROM device_sightings s JOIN routers r ON r.id = s.router_id WHERE s.device_id = d.id) AS seen
FROM device_vouchers h JOIN devices d ON d.id = h.device_id
WHERE h.voucher_id = $1 AND h.merchant_id = $2 ORDER BY h.last_at DESC, d.id DESC LIMIT 100"""


async def of_voucher(actor: Actor, voucher_id: int) -> list[HolderLine]:
    """The devices that showed a voucher, the last one first; MACs known to be one device's are one line."""
    by_root: dict[int, list[Record]] = {}
    for row in await DB.fetch(_HOLDERS, voucher_id, actor.at_merchant()):
        by_root.setdefault(row["root"], []).append(row)
    return [_line(rows) for rows in by_root.values()]


def _line(rows: Sequence[Record]) -> HolderLine:
    seen: dict[str, datetime] = {}
    for row in rows:
        for router, at in msgspec.json.decode(row["seen"], type=list[tuple[str, datetime]]):
            seen[router] = max(at, seen.get(router, at))
    return HolderLine(
        macs=[row["mac"] for row in rows],
        is_random=is_random(rows[0]["mac"]),
        proof=min(rows, key=lambda row: row["first_at"])["proof"],
        first_at=min(row["first_at"] for row in rows),
        last_at=max(row["last_at"] for row in rows),
        seen=sorted(seen.items(), key=lambda each: each[1], reverse=True),
    )


_FORGET = """SELECT d.id FROM devices d WHERE d.last_seen_at < $1
AND NOT EXISTS (SELECT FROM devices o WHERE o.same_as_id = d.id)
AND NOT EXISTS (SELECT FROM device_vouchers h JOIN vouchers v ON v.id = h.voucher_id
                WHERE h.device_id = d.id AND v.status IN ('unsold', 'paid', 'in_use'))
ORDER BY d.id LIMIT $2 FOR UPDATE SKIP LOCKED"""


async def forget(*, before: datetime, limit: int = 1000) -> int:
    """Forget devices not seen since `before` that hold no voucher that may still be used, and where they were seen; how many.

    Repeat until it is 0: one that others were recognised as goes after them."""
    async with atomic() as tx:
        ids = [row["id"] for row in await tx.fetch(_FORGET, before, limit)]
        for table in ("device_vouchers", "device_sightings"):
            await tx.execute(f"DELETE FROM {table} WHERE device_id = ANY($1)", ids)
        await tx.execute("DELETE FROM devices WHERE id = ANY($1)", ids)
    return len(ids)
