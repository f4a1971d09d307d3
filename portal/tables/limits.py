"""Counters that keep guessing and flooding harmless; one atomic upsert per try."""

from portal.db import DB
from portal.tables.base import Table, key, moment, number, word


class Limit(Table, tablename="limits", db=DB, help_text="tries within a window, by rule and key"):
    id = key()
    name = word(120, "rule and what it counts, such as redeem:router:7:AA:BB:CC:DD:EE:FF", unique=True)
    window_at = moment("when the window began", null=False)
    hits = number("tries in the window")
