"""Customers' accounts at a merchant: money kept for somebody who may use it next time."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, word
from portal.tables.merchants import Merchant


class Credit(
    Table, tablename="credits", db=DB, help_text="a customer's account at a merchant; its sum is in the ledger"
):
    id = key()
    merchant_id = link(Merchant, "at whom")
    holder = word(80, "phone:254712345678 or ref:K7QM2XWP: who can have it")
    created_at = moment("when it was opened", null=False)
    credit_unique = Unique([merchant_id, holder])
