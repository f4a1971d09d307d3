"""Routers: where they are, how we sign in, how they are doing; their setup scripts, and what the doctor found."""

from piccolo.columns import JSONB, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class Router(Table, tablename="routers", db=DB, help_text="a MikroTik with our credentials"):
    id = key()
    merchant_id = link(Merchant, "owner")
    name = word(60, "what the merchant calls it")
    site = word(32, "unguessable name of its captive page, hex", unique=True)
    status = word(8, "new, online, late, offline, paused or removed", default="new")
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
    clock_skew_s = number("seconds its clock was ahead of ours at the last complete pass; null: not told", null=True)
    created_at = moment("when it was added", null=False)
    removed_at = moment("when the merchant took it away; its history stays")
    way = word(8, "how we reach it: direct, tunnel or pull", default="direct")
    api_tls_pin = word(64, "SHA-256 of its API certificate, hex; empty: API without TLS")
    tunnel_address = word(45, "its address in our tunnel, from our own pool", null=True, unique=True)
    tunnel_public_key = word(44, "its WireGuard key, base64")
    pull_secret_hash = Bytea(null=True, default=None, help_text="SHA-256 of what the pull agent proves itself with")
    pull_answer_sealed = Bytea(null=True, default=None, help_text="what we prove ourselves to it with, AES-GCM")
    pull_interval_s = number("seconds between its questions, when it asks us", default=15)


class RouterScript(Table, tablename="router_scripts", db=DB, help_text="a setup script given out once, within minutes"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "for which router, and no other", index=True)
    code_hash = Bytea(unique=True, help_text="SHA-256 of the word that fetches it")
    options = JSONB(help_text="what the merchant chose: version, interface, addresses; no secrets")
    actor = word(60, "who asked for it")
    created_at = moment("when it was asked for", null=False)
    expires_at = moment("after this it is not given out", null=False)
    used_at = moment("when it was given out")


class RouterCheck(Table, tablename="router_checks", db=DB, help_text="one look of the doctor at a router"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "which")
    at = moment("when", null=False)
    worst = word(8, "the worst finding: ok, note, warn or bad", default="ok")
    findings = JSONB(help_text="list of {code, severity, params, fix}")
    facts = JSONB(default="{}", help_text="what the router's settings were, to compare with next time; no secrets")
