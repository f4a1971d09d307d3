"""Cash drawers of cashiers: opened with a float, handed in and counted."""

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class CashFloat(Table, tablename="floats", db=DB, help_text="a cashier's drawer, from opening to handing in"):
    id = key()
    merchant_id = link(Merchant, "whose shop", index=True)
    user_id = link(User, "whose drawer", index=True)
    status = word(6, "open or closed", default="open")
    currency = word(3, "ISO 4217", default="KES")
    float_cents = cents("change in the drawer when it was opened")
    sold_cents = cents("what was sold for cash out of it, told when it is handed in", null=True)
    counted_cents = cents("what was counted when it was handed in", null=True)
    note = word(200, "a word about a difference")
    closed_by = link(User, "who took it in", null=True)
    opened_at = moment("when", null=False)
    closed_at = moment("when it was handed in")
