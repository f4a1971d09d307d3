"""Prints: PDFs of vouchers that somebody asked for. The file is in the folder of exports; here is whose, and how far it is."""

from piccolo.columns import JSONB

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.users import User
from portal.tables.vouchers import Batch


class Print(Table, tablename="prints", db=DB, help_text="a PDF of vouchers somebody asked for"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    batch_id = link(Batch, "of which batch; null: of vouchers chosen one by one", null=True)
    voucher_ids = JSONB(default="[]", help_text="list of the vouchers chosen one by one; empty for a batch")
    layout = word(8, "a4-40, a4-24, mm80 or mm58", default="a4-40")
    language = word(8, "of the words on the cards", default="en")
    status = word(8, "queued, making, ready, failed or gone", default="queued")
    cards = number("how many cards it has, counted when it was asked for")
    codes = number("how many of them show their code")
    done = number("how many are drawn so far")
    size_bytes = number("of the finished PDF", null=True)
    asked_by = link(User, "who asked for it, and the only one who may fetch it")
    form_key = word(64, "a form posted twice is one print", null=True, unique=True)
    tries = number("how often it was begun")
    next_try_at = moment("when a worker looks whether it still waits, or was left behind")
    error = text("why it failed, for the operator")
    created_at = moment("when it was asked for", null=False)
    ready_at = moment("when it could be fetched")
    ended_at = moment("when its file went")
