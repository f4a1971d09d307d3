"""When a router was away, and what its customers got back for it."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router
from portal.tables.vouchers import Voucher


class RouterOutage(Table, tablename="router_outages", db=DB, help_text="a time in which a router did not answer"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "which router")
    began_at = moment("the last answer before it", null=False)
    ended_at = moment("the first answer after it; null: it lasts")
    credited_at = moment("when its lost time was given back for good")
    credited_by = word(60, "who gave it back: job:credit-outages, user:7", null=True)


class OutageCredit(Table, tablename="outage_credits", db=DB, help_text="time a voucher got back for an outage"):
    id = key()
    merchant_id = link(Merchant, "whose")
    outage_id = link(RouterOutage, "for which outage")
    voucher_id = link(Voucher, "to which voucher", index=True)
    seconds = number("given so far; grows while the outage lasts")
    created_at = moment("when the first of it was given", null=False)
    outage_credit_unique = Unique([outage_id, voucher_id])
