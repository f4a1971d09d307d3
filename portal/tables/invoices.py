"""Papers (receipts, invoices, credit notes), the numbers given to them, and what a shop says of its taxes."""

from piccolo.columns import JSONB
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.payments import Payment
from portal.tables.subscribers import SubscriberBill
from portal.tables.suspense import Refund


class TaxSetting(
    Table, tablename="tax_settings", db=DB, help_text="what a seller says of itself on papers; one row each"
):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True)
    legal_name = word(120, "name as registered; empty: the shop's")
    pin = word(11, "KRA PIN: letter, nine digits, letter; empty: none")
    vat_bp = number("VAT inside its prices, in basis points; 0: none")
    address = word(200, "postal address")
    receipt_prefix = word(8, "before the numbers of receipts", default="R")
    invoice_prefix = word(8, "before the numbers of invoices", default="INV")
    credit_prefix = word(8, "before the numbers of credit notes", default="CN")
    footer = word(160, "words at the foot of each paper")
    changed_at = moment("when it was last changed", null=False)


class PaperCounter(
    Table, tablename="paper_counters", db=DB, help_text="the last number given, by merchant, kind and year"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    kind = word(8, "receipt, invoice or credit", default="receipt")
    year = number("of issue, in the merchant's zone")
    last = number("the last number given; the row stays locked until the paper with it is kept")
    paper_counter_unique = Unique([merchant_id, kind, year])


class Paper(
    Table, tablename="papers", db=DB, help_text="a receipt, an invoice or a credit note, as it was given; never edited"
):
    id = key()
    merchant_id = link(Merchant, "who sold")
    kind = word(8, "receipt, invoice or credit", default="receipt")
    year = number("of issue, in the merchant's zone")
    serial = number("without gaps by merchant, kind and year, from 1")
    name = word(32, "the number as people read it: R-2026-00017")
    payment_id = link(Payment, "about which payment", null=True)
    bill_id = link(SubscriberBill, "about which bill", null=True)
    refund_id = link(Refund, "about which refund; credit notes of payments only", null=True)
    part = number("of what it is about: 1, and more when money or refunds came later", default=1)
    of_id = number("of a credit note: the paper it takes back from", null=True)
    up_to = number("of a receipt: the last posting that is on it", null=True)
    total_cents = cents("sum of its lines")
    vat_cents = cents("VAT inside it")
    currency = word(3, "ISO 4217", default="KES")
    content = JSONB(help_text="seller, buyer, lines and ways of payment, frozen")
    control_number = word(40, "of the tax authority's control unit, as typed; empty: none")
    issued_at = moment("when it was made", null=False)
    paper_number_unique = Unique([merchant_id, kind, year, serial])
