"""Routers that ask us for work: where the conversation with each stands, and the pages of what they report."""

from piccolo.columns import JSONB, Boolean, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router


class RouterPull(Table, tablename="router_pulls", db=DB, help_text="the conversation with a router that asks us"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "which router")
    next_secret_hash = Bytea(null=True, default=None, help_text="SHA-256 of the secret in a script not used yet")
    next_answer_sealed = Bytea(null=True, default=None, help_text="the answer key in that script, AES-GCM")
    ask = word(80, "the last question that was believed")
    seq = number("its count since the router was started", null=True)
    uptime_s = number("the router's uptime in it", null=True)
    given = number("jobs given out so far; their numbers never repeat")
    waiting = JSONB(default="[]", help_text="jobs of the last answer, until they are acknowledged; no secrets")
    visit = JSONB(null=True, default=None, help_text="the complete pass under way: what was asked for, seen and done")
    profiles = JSONB(default="[]", help_text="user profiles the last complete read found as they should be")
    read_at = moment("when a complete read was last asked for")
    settings_due_at = moment("when its settings are to be asked for next; NULL: at once")
    router_pull_unique = Unique([router_id])


class PullPage(
    Table, tablename="pull_pages", db=DB, help_text="a page of a router's state, kept while a pass needs it"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "which router")
    job = number("the number of the report job it answers")
    page = number("from 1")
    kind = word(8, "users, active, cookies, profiles, hosts, settings or foreign")
    is_last = Boolean(help_text="whether no further page follows")
    rows = JSONB(help_text="its rows; no secrets")
    pull_page_unique = Unique([router_id, job, page])
