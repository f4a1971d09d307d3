"""People's data: copies of all a merchant has, which its owner asked for, and customers that were erased."""

from piccolo.columns import JSONB, Boolean, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class ShopCopy(Table, tablename="shop_copies", db=DB, help_text="a zip of all that is kept for a merchant"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    asked_by = link(User, "who asked for it, and the only one who may fetch it")
    language = word(8, "of the words in it", default="en")
    has_codes = Boolean(default=False, help_text="codes of vouchers are in it, as its owner asked")
    form_key = word(64, "a form posted twice is one copy", null=True, unique=True)
    done = number("how many of its files are made")
    total = number("how many files it has")
    size_bytes = number("of the finished zip", null=True)
    tries = number("how often it was begun")
    next_try_at = moment("when a worker looks whether it still waits, or was left behind; ready: when its file goes")
    error = text("why the last try failed, for the operator")
    created_at = moment("when it was asked for", null=False)
    ready_at = moment("when it could be fetched")
    ended_at = moment("when its file went, or it was given up")


class Erasure(Table, tablename="erasures", db=DB, help_text="a customer whose data was erased; not who it was"):
    id = key()
    merchant_id = link(Merchant, "at whom", index=True)
    number_hash = Bytea(help_text="keyed digest of merchant and phone number: tells that it was done, not whose it was")
    asked_by = link(User, "who erased")
    counts = JSONB(default="{}", help_text="rows changed, by table")
    created_at = moment("when", null=False)
