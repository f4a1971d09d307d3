"""Routers: where they are, how we sign in, how they are doing."""

from piccolo.columns import Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class Router(Table, tablename="routers", db=DB, help_text="a MikroTik with our credentials"):
    id = key()
    merchant_id = link(Merchant, "owner")
    name = word(60, "what the merchant calls it")
    site = word(32, "unguessable name of its captive page, hex", unique=True)
    status = word(8, "new, online, late, offline or paused", default="new")
    api_host = word(255, "address of the RouterOS API")
    api_port = number("port of the RouterOS API", default=8728)
    api_user = word(64, "RouterOS user of ours")
    api_password_sealed = Bytea(help_text="AES-GCM, bound to this row")
    hotspot_hosts = word(255, "hosts the hotspot's login page may have, comma-separated: address and dns-name")
    board = word(60, "board name as the router tells it")
    version = word(24, "RouterOS version as the router tells it")
    serial = word(40, "serial number; a change means another board")
    uptime_s = number("uptime at the last sight; a drop means a reboot", null=True)
    last_seen_at = moment("last answer")
    offline_since = moment("since when it does not answer")
    last_error = text("what the last failed attempt said")
    next_try_at = moment("no attempt before this while it does not answer")
    tries = number("failed attempts in a row")
    wanted_generation = number("raised with every change of its grants")
    reconciled_generation = number("the generation the last complete pass saw")
    lease_until = moment("one reconcile at a time, over all processes")
    lease_token = word(32, "who holds the lease", null=True)
    reconciled_at = moment("last complete pass")
    created_at = moment("when it was added", null=False)
