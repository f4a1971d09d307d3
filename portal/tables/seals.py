"""Seals of the history: each holds a digest over a range of events and over the seal before it."""

from portal.db import DB
from portal.tables.base import Table, key, moment, number, word


class EventSeal(Table, tablename="event_seals", db=DB, help_text="a digest over a range of events; append-only"):
    id = key()
    first_id = number("first event of the range")
    last_id = number("last event of the range")
    seen_id = number("last event there was when it was made; the next range ends here")
    size = number("events in the range")
    digest = word(64, "SHA-256, hex, over the digest before and the range's rows")
    created_at = moment("when, by the database's clock", null=False)
