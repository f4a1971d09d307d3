"""Looks at how routers differ from what was sold, and rows on routers that are not ours and that a person vouches for."""

from piccolo.columns import JSONB
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, text, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router


class DriftLook(Table, tablename="drift_looks", db=DB, help_text="one comparison of a router with what was sold"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "which")
    wish = word(8, "what was asked for: look, repair, or remove one row that is not ours", default="look")
    target = JSONB(default="{}", help_text="the row to remove: kind and who; empty otherwise")
    asked_by = word(60, "who asked: user:7, job:drift-routers")
    asked_at = moment("when it was asked for", null=False)
    done_at = moment("when it was done or failed; null: under way")
    error = text("why it could not be done, in the router's or the network's words; empty: it was", null=False)
    before = JSONB(default="[]", help_text="list of findings before anything was done")
    after = JSONB(default="[]", help_text="list of findings afterwards; for a look the same")


class KnownRow(Table, tablename="known_rows", db=DB, help_text="a row on a router that is not ours and is meant to be"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "on which router")
    kind = word(8, "user or device", default="user")
    who = word(120, "the user's name, or the device's MAC")
    actor = word(60, "who vouches for it")
    created_at = moment("since when", null=False)
    known_row_unique = Unique([router_id, kind, who])
