"""Agents: people who sell a merchant's vouchers for a commission; what stock they were given, and the money they brought.

What they owe is a sum of ledger entries, and stands in no row here."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.packages import Package
from portal.tables.users import User
from portal.tables.vouchers import Batch


class Agent(Table, tablename="agents", db=DB, help_text="somebody who sells a merchant's vouchers for a commission"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    user_id = link(
        User, "who signs in as this agent; null: nobody, the agent has only a telephone", null=True, index=True
    )
    name = word(80, "of the agent")
    phone = word(15, "digits with country code; empty: none")
    account_number = word(12, "what the agent types at the paybill; public", unique=True)
    status = word(8, "active, paused or closed", default="active")
    commission_bp = number("commission in basis points of the price, where no package says otherwise")
    credit_cents = number(
        "how much stock may be out beyond what was paid in advance, in cents; 0: paid in advance; null: no limit",
        null=True,
    )
    note = word(200, "for the merchant")
    created_by = link(User, "who made it", null=True)
    created_at = moment("when", null=False)
    form_key = word(64, "a form posted twice is one agent", null=True, unique=True)


class AgentRate(Table, tablename="agent_rates", db=DB, help_text="an agent's commission on one package"):
    id = key()
    merchant_id = link(Merchant, "whose")
    agent_id = link(Agent, "which agent's")
    package_id = link(Package, "on which package")
    commission_bp = number("in basis points of the price")
    agent_rate_unique = Unique(["agent_id", "package_id"])


class Allotment(
    Table, tablename="agent_allotments", db=DB, help_text="vouchers of one batch given to an agent together"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    agent_id = link(Agent, "to whom", index=True)
    batch_id = link(Batch, "of which batch", index=True)
    package_id = link(Package, "of which package")
    size = number("how many were given")
    first_id = number("the first voucher of them")
    last_id = number("the last voucher of them")
    price_cents = cents("price of each")
    commission_bp = number("the agent's commission on each in basis points, frozen")
    created_by = link(User, "who gave them", null=True)
    created_at = moment("when", null=False)
    form_key = word(64, "a form posted twice is one allotment", null=True, unique=True)


class AgentMoney(Table, tablename="agent_moneys", db=DB, help_text="money between an agent and the merchant"):
    id = key()
    merchant_id = link(Merchant, "whose")
    agent_id = link(Agent, "which agent's", index=True)
    how = word(10, "cash, mpesa, paybill, paid_out or correction")
    amount_cents = cents("positive: the agent brought it, so owes less; negative: the agent got it, or owes more")
    receipt = word(32, "M-Pesa's code, when told", null=True)
    note = word(200, "a word about it")
    by = link(User, "who took or gave it; null: it came by the paybill", null=True)
    at = moment("when", null=False)
    form_key = word(64, "a form posted twice is one", null=True, unique=True)
