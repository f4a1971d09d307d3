"""Vouchers: the right to use one package once; and the batches they are made in."""

from piccolo.columns import JSONB, Array, BigInt, Bytea

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.packages import Package
from portal.tables.routers import Router
from portal.tables.users import User


class Batch(Table, tablename="batches", db=DB, help_text="vouchers made together"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    package_id = link(Package, "of which package")
    kind = word(
        9, "reference: each is paid for by its payment reference; cash: its code is printed", default="reference"
    )
    size = number("how many are wanted")
    made = number("how many there are")
    prefix = word(6, "public letters printed before each code; no part of it")
    router_ids = Array(base_column=BigInt(), help_text="routers its codes work at; empty: all")
    code_length = number("characters of its codes; null: made before this was kept", null=True)
    price_cents = number("price when made, in cents; null: made before this was kept", null=True)
    terms = JSONB(null=True, default=None, help_text="the package as it was; null: made before this was kept")
    note = word(120, "for the merchant")
    created_by = link(User, "who made it", null=True)
    form_key = word(64, "a form posted twice is one batch", null=True, unique=True)
    created_at = moment("when it was asked for", null=False)
    done_at = moment("when the last one was made, or it was cancelled; null: some are still to be made")
    cancelled_at = moment("when somebody stopped the making")


class Voucher(Table, tablename="vouchers", db=DB, help_text="the right to use one package once"):
    id = key()
    merchant_id = link(Merchant, "whose")
    package_id = link(Package, "of which package")
    batch_id = link(Batch, "made together with", null=True)
    allotment_id = number("given to an agent with which others; null: not in an agent's hands", null=True)
    router_id = link(Router, "where it was first used or bought; null: not yet", null=True)
    code_hash = Bytea(help_text="HMAC-SHA256 of the folded code: finds it without knowing it")
    code_sealed = Bytea(help_text="the code, AES-GCM, bound to this row: for showing and printing")
    payment_reference = word(12, "public; what a payer types as account", unique=True)
    status = word(8, "unsold, paid, in_use, expired or revoked", default="unsold")
    price_cents = cents("price when made")
    terms = JSONB(help_text="the package as it was when made or sold")
    created_at = moment("when made", null=False)
    paid_at = moment("when paid")
    started_at = moment("first confirmed login: starts the usage clock")
    expires_at = moment("the least of the clocks that apply now; null: none does")
    ended_at = moment("when it ended")
    ended_why = word(12, "activation, purchase, usage, uptime, data, router_sync or revoked", null=True)
