"""From where something was done: beside the history, as the history is for ever and addresses of people are not."""

from portal.db import DB
from portal.tables.base import Table, key, moment, word


class EventPlace(Table, tablename="event_places", db=DB, help_text="the address an event came from; kept 90 days"):
    id = key()
    ip = word(45, "address of the browser")
    at = moment("when the event was", null=False)
