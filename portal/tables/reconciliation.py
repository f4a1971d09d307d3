"""M-Pesa's lists compared with ours, the close of each day, and how fast an account may be asked."""

from piccolo.columns import JSONB, Date
from piccolo.columns.defaults.date import DateOffset

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.receipts import Receipt


class MpesaPace(Table, tablename="mpesa_paces", db=DB, help_text="how fast an account's status queries may go; learnt"):
    id = key()
    account_id = link(MpesaAccount, "whose", index=False)
    most_per_minute = number("never faster than so many questions a minute", default=5)
    gap_ms = number("between two questions now, in milliseconds", default=12_500)
    turns = number("questions asked, which decides whose turn it is")
    answers = number("answers in a row since M-Pesa last said 'slower'")
    slowed = number("times M-Pesa said 'slower'")
    misses = number("times in a row that M-Pesa did not answer at all")
    failing_since = moment("when the first of these misses was")
    down_since = moment("since when M-Pesa counts as away; null: it answers")
    probe_at = moment("when an M-Pesa that is away is tried again")


class Comparison(
    Table, tablename="comparisons", db=DB, help_text="a list of M-Pesa's compared with ours: Pull, or a statement"
):
    id = key()
    merchant_id = link(Merchant, "whose account; null: the platform's", null=True, index=True)
    account_id = link(MpesaAccount, "of which M-Pesa account", index=True)
    source = word(10, "pull or statement")
    why = word(10, "nightly, demand, outage, restore or import")
    asked_by = word(60, "who: user:7, command, job:pull-transactions")
    status = word(8, "running, ready, taking, done, failed or dropped", default="running")
    file_name = word(120, "of a statement")
    file_hash = word(64, "of a statement: SHA-256, hex; the same file twice is one comparison")
    since = moment("first moment it covers")
    until = moment("last moment it covers")
    rows = number("rows of M-Pesa's list")
    matched = number("in both, alike")
    differing = number("in both, with different amounts")
    only_theirs = number("in M-Pesa's list, not in ours")
    only_ours = number("in ours, not in M-Pesa's list")
    unreadable = number("rows that make no sense; a person should look")
    taken = number("payments taken in because of it")
    in_cents = cents("what came in by M-Pesa's list")
    out_cents = cents("what went out by it, charges left out")
    fees_cents = cents("M-Pesa's charges by it")
    opening_cents = cents("balance before its first row", null=True)
    closing_cents = cents("balance after its last row", null=True)
    error = text("why it failed, for people")
    created_at = moment("when it began", null=False)
    ended_at = moment("when it was over")
    confirmed_by = word(60, "who let its payments be taken in", null=True)
    confirmed_at = moment("when")


class ComparisonLine(
    Table, tablename="comparison_lines", db=DB, help_text="one row of M-Pesa's list, or one of ours it does not have"
):
    id = key()
    comparison_id = link(Comparison, "of which comparison")
    number = number("row of M-Pesa's list, from 1; 0: it is not in there")
    receipt = word(20, "M-Pesa's name for it")
    kind = word(8, "in, out, fee or other")
    amount_cents = cents("signed: what came in is positive")
    balance_cents = cents("on the account afterwards", null=True)
    happened_at = moment("when the money moved")
    reference = word(40, "as the payer typed it")
    phone = word(15, "payer in full, digits with country code, where the list tells it", null=True)
    payer_hint = word(64, "payer, as far as the list tells")
    payer_name = word(80, "payer's name")
    details = word(160, "M-Pesa's words")
    verdict = word(11, "matched, differs, only_theirs, only_ours, not_done or other")
    ours_cents = cents("what we have, where that differs", null=True)
    receipt_id = link(Receipt, "ours", null=True, index=True)
    taken = word(16, "what became of it when it was taken in: see portal.payments.Settled", null=True)


class DailyClose(
    Table, tablename="daily_closes", db=DB, help_text="a day of an account, ours beside M-Pesa's; append-only"
):
    id = key()
    merchant_id = link(Merchant, "whose part of the account; null: the whole of a platform's account", null=True)
    account_id = link(MpesaAccount, "of which M-Pesa account", index=True)
    day = Date(default=DateOffset(days=0), help_text="the merchant's day; of a platform's account Nairobi's")
    revision = number("0 the first time; one more each time it is closed again with what was learnt since")
    currency = word(3, "ISO 4217", default="KES")
    opening_cents = cents("by our ledger: before the day")
    in_cents = cents("by our ledger: came in")
    out_cents = cents("by our ledger: went out, as a positive number")
    closing_cents = cents("by our ledger: after the day")
    theirs = word(10, "what M-Pesa's side is known by: statement, balance, pull or none", default="none")
    their_opening_cents = cents("by M-Pesa: before the day", null=True)
    their_in_cents = cents("by M-Pesa: came in", null=True)
    their_out_cents = cents("by M-Pesa: went out, as a positive number, charges left out", null=True)
    their_fees_cents = cents("by M-Pesa: charges", null=True)
    their_closing_cents = cents("by M-Pesa: after the day", null=True)
    difference_cents = cents("M-Pesa's movement of the day less ours; null: M-Pesa's side is not known", null=True)
    causes = JSONB(default="[]", help_text="why: a list of {why, cents, rows}; their cents add up to the difference")
    made_by = word(60, "who: user:7, job:daily-close, command")
    created_at = moment("when", null=False)
