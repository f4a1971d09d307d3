"""Alerts: conditions told once when they begin and once when they end."""

from piccolo.columns import JSONB

from portal.db import DB
from portal.tables.base import Table, key, link, moment, word
from portal.tables.merchants import Merchant


class Alert(Table, tablename="alerts", db=DB, help_text="a condition, told once when it begins and once when it ends"):
    id = key()
    merchant_id = link(Merchant, "whose; null: the operator's", null=True, index=True)
    kind = word(32, "what is wrong, such as invariant")
    subject = word(120, "with what; one kind and subject is open at most once")
    status = word(8, "open or closed", default="open")
    data = JSONB(default="{}", help_text="what is known of it; no secrets, no full phone numbers")
    opened_at = moment("when it began", null=False)
    closed_at = moment("when it ended")
