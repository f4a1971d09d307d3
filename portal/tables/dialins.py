"""What routers hold of PPPoE subscribers: which wish was carried out, and the session seen last."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.packages import Package
from portal.tables.routers import Router
from portal.tables.subscribers import Subscriber


class Dialin(
    Table, tablename="dialins", db=DB, help_text="a PPPoE subscriber on a router, as last carried out and seen"
):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    subscriber_id = link(Subscriber, "who")
    router_id = link(Router, "on which router", index=True)
    carried = word(64, "SHA-256 of the wish last carried out, hex", null=True)
    carried_at = moment("when it was")
    error = word(200, "what the router refused last; empty: nothing")
    address = word(45, "the address of its session; empty: not online")
    mac = word(17, "where it dials from, AA:BB:CC:DD:EE:FF")
    online_since = moment("when the session began; null: not online")
    seen_at = moment("when it was last seen online")
    session_up = number("bytes its session sent, by the last look")
    session_down = number("bytes its session received")
    bytes_up = number("bytes of all sessions seen, sent")
    bytes_down = number("bytes of all sessions seen, received")
    dialin_once = Unique([subscriber_id, router_id])


class DialinSpan(
    Table,
    tablename="dialin_spans",
    db=DB,
    help_text="a stretch of a PPPoE session, an hour or so: sessions last for weeks",
):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    router_id = link(Router, "on which router")
    dialin_id = link(Dialin, "whose session")
    package_id = link(Package, "by which package")
    begins = number("1: the session began with it; 0: it goes on from the one before", default=1)
    started_at = moment("when it began", null=False)
    seen_at = moment("last time the session was seen", null=False)
    ended_at = moment("when the next one began, or the session was over; null: it goes on")
    uptime_s = number("seconds connected")
    bytes_up = number("bytes sent")
    bytes_down = number("bytes received")
