"""Imports: what was brought from another system, row by row, and how codes made elsewhere are found."""

from piccolo.columns import Boolean, Bytea

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router
from portal.tables.users import User
from portal.tables.vouchers import Voucher


class Import(Table, tablename="imports", db=DB, help_text="a file of another system, looked at and then taken over"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    source = word(9, "mikhmon, nuxbill or csv", default="csv")
    file_name = word(120, "as it was sent")
    size_bytes = number("of the file")
    status = word(8, "waiting, checked, running, done, undoing, undone, failed or dropped", default="waiting")
    router_id = link(Router, "where its codes work; null: at all", null=True)
    weak_days = number("codes that are easy to guess end so many days after the import if nobody used them", default=60)
    counts_sales = Boolean(
        default=True, help_text="unused cards count as sold for cash when first used; false: they were sold before"
    )
    created_by = link(User, "who sent it; null: by command", null=True)
    form_key = word(64, "a form posted twice is one import", null=True, unique=True)
    error = text("why it cannot be read: a sentence of the catalogue")
    tries = number("how often reading it was begun")
    next_try_at = moment("when a worker looks whether it was left behind; null: nothing is to do")
    created_at = moment("when it was sent", null=False)
    checked_at = moment("when it was looked at: nothing is made by that")
    started_at = moment("when somebody had it taken over")
    done_at = moment("when all was")
    undone_at = moment("when it was taken back")


class ImportRow(Table, tablename="import_rows", db=DB, help_text="one row of such a file"):
    id = key()
    import_id = link(Import, "of which file")
    place = number("its turn: packages before codes")
    line = number("line of the file")
    kind = word(8, "package, code, money or person")
    name = word(60, "what it is; of a code two letters and dots")
    package = word(60, "of which package")
    amount_cents = cents("price, or what was paid then", null=True)
    verdict = word(6, "what is to be done: make, join, skip or tell", default="skip")
    why = word(12, "why it is skipped or told", null=True)
    is_weak = Boolean(default=False, help_text="its code is easier to guess than ours")
    is_running = Boolean(default=False, help_text="its time runs already")
    data_sealed = Bytea(
        null=True, default=None, help_text="all of it, AES-GCM, bound to this row; gone once it was taken over"
    )
    outcome = word(7, "made, joined, skipped, undone or kept; null: nothing yet", default=None, null=True)
    made_id = number("the package or voucher it became", null=True)


class ImportedCode(Table, tablename="imported_codes", db=DB, help_text="a code made by another system"):
    id = key()
    merchant_id = link(Merchant, "whose")
    import_id = link(Import, "from where", index=True)
    voucher_id = link(Voucher, "the voucher it is", index=True)
    loose_hash = Bytea(help_text="HMAC-SHA256 of the code without regard to capitals: for who types them otherwise")
    is_weak = Boolean(default=False, help_text="easier to guess than ours: wrong tries are counted more strictly")
