"""What routers hold of PPPoE subscribers: which wish was carried out, and the session seen last."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
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
