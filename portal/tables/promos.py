"""Promo codes: what takes something off a price, and each checkout it was used for. How a use stands, its payment says."""

from piccolo.columns import Array, BigInt, Boolean
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.payments import Checkout
from portal.tables.users import User


class Promo(Table, tablename="promos", db=DB, help_text="a code that takes something off a price"):
    id = key()
    merchant_id = link(Merchant, "whose")
    code = word(20, "capital letters and digits; one merchant's promos in force all differ")
    note = word(60, "what it is for, for the merchant's own people")
    kind = word(8, "percent or amount", default="percent")
    percent = number("how much of the price it takes off, 1 to 100; 100: the package is free", null=True)
    amount_cents = cents("how much it takes off; at least one shilling stays to be paid", null=True)
    starts_at = moment("good from this moment on", null=False)
    ends_at = moment("no longer good from this moment on; null: it does not end")
    most_uses = number("how often it may be used in all; null: any number", null=True)
    most_per_customer = number("how often one phone number may use it; null: any number", null=True, default=1)
    least_price_cents = cents("good for packages of at least this price")
    package_ids = Array(base_column=BigInt(), help_text="packages it is good for; empty: all")
    is_active = Boolean(default=True, help_text="false: stopped by the merchant")
    final_uses = number("uses that can no longer change and are counted here instead of one by one")
    created_by = link(User, "who made it", null=True)
    created_at = moment("when", null=False)
    archived_at = moment("over for long: no longer in the list; its code may be given anew")


class Redemption(Table, tablename="redemptions", db=DB, help_text="a promo used for a checkout"):
    id = key()
    promo_id = link(Promo, "which promo")
    merchant_id = link(Merchant, "whose")
    checkout_id = link(Checkout, "for what; paid, it counts; failed for good, it does not")
    phone = word(15, "whose, digits with country code; empty: not told")
    mac = word(17, "device it was for")
    price_cents = cents("what the package cost then without it")
    off_cents = cents("what it took off")
    is_final = Boolean(default=False, help_text="counted in the promo's final uses")
    created_at = moment("when", null=False)
    redemption_unique = Unique([checkout_id])
