"""Who may be online where: grants (desired), sessions (seen) and devices (hinted by MAC)."""

from piccolo.columns import JSONB, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router
from portal.tables.vouchers import Voucher


class AccessGrant(
    Table, tablename="access_grants", db=DB, help_text="the wish that a device has access on a router until a time"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "where")
    voucher_id = link(Voucher, "by which voucher")
    status = word(8, "wanted, present, ending or gone", default="wanted")
    user_name = word(32, "hotspot user, random", unique=True)
    password_sealed = Bytea(help_text="its password, AES-GCM, bound to this row")
    mac = word(17, "device to log in", null=True)
    ip = word(45, "its address on the hotspot when last seen by us", null=True)
    terms = JSONB(help_text="speed and limits to set, frozen")
    login_wanted_at = moment("a login was asked for and is not confirmed yet")
    logged_in_at = moment("first confirmed login")
    used_uptime_s = number("connected seconds seen so far")
    used_bytes = number("bytes seen so far, both directions")
    router_uptime_s = number("connected seconds on the router's user row at the last complete read")
    router_bytes_up = number("bytes from the device there")
    router_bytes_down = number("bytes to the device there")
    forgotten_uptime_s = number("seconds we had seen and the router's counters lost")
    forgotten_bytes = number("bytes we had seen and the router's counters lost")
    tries = number("failed attempts in a row")
    next_try_at = moment("when it is tried again")
    last_error = text("what the router said")
    created_at = moment("when", null=False)
    ended_at = moment("when the router was seen without it")
    access_grant_unique = Unique([voucher_id, router_id])


class HotspotSession(Table, tablename="hotspot_sessions", db=DB, help_text="an active session seen on a router"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "where")
    grant_id = link(AccessGrant, "by which grant", index=True)
    mac = word(17, "device")
    ip = word(45, "address")
    started_at = moment("when it began, by the router's count", null=False)
    seen_at = moment("last time it was seen", null=False)
    ended_at = moment("first complete read without it; null: still there")
    uptime_s = number("seconds connected")
    bytes_up = number("bytes from the device")
    bytes_down = number("bytes to the device")


class Device(
    Table, tablename="devices", db=DB, help_text="a phone or laptop, hinted by its MAC, never identified by it"
):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    mac = word(17, "as the hotspot told it")
    first_seen_at = moment("first", null=False)
    last_seen_at = moment("last", null=False)
    same_as_id = link("self", "another row that is the same device with another MAC; null: nothing says so", null=True)
    device_unique = Unique([merchant_id, mac])
