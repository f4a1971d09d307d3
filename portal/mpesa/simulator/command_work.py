"""What the asynchronous commands do once the operator was let in, and the parameters they report. No HTTP.

Source: Daraja 3.0 pages "Transaction Status", "Reversal", "Business To Customer", "Account Balance", result payloads.
Inferred: an unknown receipt in a status query, and a partial reversal, both end with R000002.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.mpesa.simulator import wallets
from portal.mpesa.simulator.ids import EAT, eat_stamp
from portal.mpesa.simulator.records import Delivery, HandPayment, LedgerRow, Shortcode
from portal.mpesa.simulator.world import World

NO_VALUE = object()
"""A parameter whose Value is left out, as TransactionReason in the status sample."""

SMALLEST_B2C_CENTS = 1_000
LARGEST_B2C_CENTS = 25_000_000
STATUS_WORDS = {"validating": "Initiated", "completed": "Completed", "cancelled": "Cancelled", "declined": "Declined"}


@dataclass(slots=True, frozen=True)
class Asked:
    """An accepted command. `fields` are the checked ones, as text; `shortcode` None: no such organisation."""

    command: str
    fields: dict[str, str]
    shortcode: Shortcode | None
    initiator: str
    credential: str = field(repr=False)
    occasion: str
    result_url: str
    queue_timeout_url: str
    originator_conversation_id: str
    conversation_id: str
    is_code_text: bool
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def conversation(self) -> tuple[str, str]:
        return self.conversation_id, self.originator_conversation_id


@dataclass(slots=True, frozen=True)
class Outcome:
    """Result code, receipt (empty where no money moved) and parameters in order; failures have none."""

    code: str
    receipt: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()


def transaction_status(world: World, asked: Asked) -> Outcome:
    """Of a transaction of the asking organisation, by receipt or by either conversation id."""
    shortcode = _own(asked)
    row = _row_of(world, asked)
    if row is None:
        payment = world.hand_payments.get(asked.fields["TransactionID"])
        if payment and payment.shortcode is shortcode:
            return Outcome("0", parameters=_status_of_payment(world, payment))
        return Outcome("R000002")
    return Outcome("0", parameters=_status_of_row(world, row, shortcode))


def reversal(world: World, asked: Asked) -> Outcome:
    """R000002 unknown or not reversible here, R000001 done before, 1 too little in the utility account."""
    shortcode = _own(asked)
    original = world.rows.get(asked.fields["TransactionID"])
    if original is None or original.shortcode != shortcode.number or original.kind not in ("stk", "c2b"):
        return Outcome("R000002")
    if original.receipt in world.reversed_receipts:
        return Outcome("R000001")
    if round(float(asked.fields["Amount"]) * 100) != original.amount_cents:
        return Outcome("R000002")
    if shortcode.balance_cents < original.amount_cents:
        return Outcome("1")
    row = wallets.give_back(world, original, shortcode, receipt=world.new_receipt(), conversation=asked.conversation)
    funds = f"{shortcode.balance_cents / 100:.2f}"
    return Outcome(
        "0",
        row.receipt,
        (
            ("DebitAccountBalance", f"Utility Account|KES|{funds}|{funds}|0.00|0.00"),
            ("Amount", original.amount_cents / 100),
            ("TransCompletedTime", int(eat_stamp(row.at))),
            ("OriginalTransactionID", original.receipt),
            ("Charge", 0.0),
            ("CreditPartyPublicName", _payer(world, row)),
            ("DebitPartyPublicName", _organisation(shortcode)),
        ),
    )


def b2c(world: World, asked: Asked) -> Outcome:
    """2 and 3 outside the amounts allowed, 8 the wallet would be too full, 1 no money, 2028 no such product."""
    shortcode = _own(asked)
    cents, phone = int(asked.fields["Amount"]) * 100, world.phone(asked.fields["PartyB"])
    refusals = (
        (not shortcode.pays_out, "2028"),
        (cents < SMALLEST_B2C_CENTS, "2"),
        (cents > LARGEST_B2C_CENTS, "3"),
        (phone.balance_cents + cents > wallets.WALLET_LIMIT_CENTS, "8"),
        (shortcode.balance_cents < cents, "1"),
    )
    refused = next((code for is_so, code in refusals if is_so), None)
    if refused:
        return Outcome(refused)
    row = wallets.pay_out(
        world, phone, shortcode, cents=cents, receipt=world.new_receipt(), conversation=asked.conversation
    )
    return Outcome(
        "0",
        row.receipt,
        (
            ("TransactionAmount", cents // 100),
            ("TransactionReceipt", row.receipt),
            ("ReceiverPartyPublicName", _payer(world, row)),
            ("TransactionCompletedDateTime", f"{row.at.astimezone(EAT):%d.%m.%Y %H:%M:%S}"),
            ("B2CUtilityAccountAvailableFunds", shortcode.balance_cents / 100),
            ("B2CWorkingAccountAvailableFunds", shortcode.working_cents / 100),
            ("B2CRecipientIsRegisteredCustomer", "Y"),
            ("B2CChargesPaidAccountAvailableFunds", shortcode.charges_cents / 100),
        ),
    )


def account_balance(world: World, asked: Asked) -> Outcome:
    """All five accounts in one string: name, currency, available, current, uncleared and reserved funds."""
    shortcode = _own(asked)
    accounts = (
        ("Working Account", shortcode.working_cents),
        ("Float Account", 0),
        ("Utility Account", shortcode.balance_cents),
        ("Charges Paid Account", shortcode.charges_cents),
        ("Organization Settlement Account", 0),
    )
    text = "&".join(f"{name}|KES|{cents / 100:.2f}|{cents / 100:.2f}|0.00|0.00" for name, cents in accounts)
    return Outcome("0", parameters=(("AccountBalance", text), ("BOCompletedTime", eat_stamp(world.clock.now()))))


def _own(asked: Asked) -> Shortcode:
    # The initiator was let in by this shortcode, so it is there.
    assert asked.shortcode is not None
    return asked.shortcode


def _row_of(world: World, asked: Asked) -> LedgerRow | None:
    shortcode = _own(asked)
    receipt, conversation = asked.fields["TransactionID"], asked.fields["OriginalConversationID"]
    row = world.rows.get(receipt)
    if row is None and conversation:
        newest_first = reversed(world.ledger)
        ids = (conversation, world.conversations.get(conversation))
        row = next((row for row in newest_first if row.conversation_id and row.conversation_id in ids), None)
    return row if row and row.shortcode == shortcode.number else None


def _status_of_row(world: World, row: LedgerRow, shortcode: Shortcode) -> tuple[tuple[str, Any], ...]:
    comes_in = row.amount_cents > 0
    payer, organisation = _payer(world, row), _organisation(shortcode)
    reason = {
        "stk": "Pay Bill Online",
        "c2b": "Pay Bill",
        "b2c": "Business Payment to Customer via API",
        "reversal": "Transaction Reversal",
    }[row.kind]
    return _status(
        world,
        parties=(payer, organisation) if comes_in else (organisation, payer),
        account="MMF Account For Customer" if comes_in else "Utility Account",
        reason=reason,
        word="Completed",
        at=row.at,
        amount_cents=abs(row.amount_cents),
        receipt=row.receipt,
        conversation=(row.conversation_id, row.originator_conversation_id),
    )


def _status_of_payment(world: World, payment: HandPayment) -> tuple[tuple[str, Any], ...]:
    owner = world.phone(payment.msisdn).owner
    return _status(
        world,
        parties=(f"{payment.msisdn} - {owner}", _organisation(payment.shortcode)),
        account="MMF Account For Customer",
        reason="Pay Bill",
        word=STATUS_WORDS[payment.status],
        at=payment.at,
        amount_cents=payment.amount * 100,
        receipt=payment.receipt,
        conversation=("", ""),
    )


def _status(
    world: World,
    *,
    parties: tuple[str, str],
    account: str,
    reason: str,
    word: str,
    at: datetime,
    amount_cents: int,
    receipt: str,
    conversation: tuple[str, str],
) -> tuple[tuple[str, Any], ...]:
    """In the order of the page's sample; it names both parties DebitPartyName, which is a knob here."""
    credit = "DebitPartyName" if world.knobs.result_duplicate_keys else "CreditPartyName"
    return (
        ("DebitPartyName", parties[0]),
        (credit, parties[1]),
        ("OriginatorConversationID", conversation[1] or NO_VALUE),
        ("InitiatedTime", eat_stamp(at)),
        ("DebitAccountType", account),
        ("DebitPartyCharges", NO_VALUE),
        ("TransactionReason", NO_VALUE),
        ("ReasonType", reason),
        ("TransactionStatus", word),
        ("FinalisedTime", eat_stamp(at) if word != "Initiated" else NO_VALUE),
        ("Amount", f"{amount_cents / 100:g}"),
        ("ConversationID", conversation[0] or NO_VALUE),
        ("ReceiptNo", receipt),
    )


def _payer(world: World, row: LedgerRow) -> str:
    return f"{row.msisdn} - {world.phone(row.msisdn).owner}"


def _organisation(shortcode: Shortcode) -> str:
    return f"{shortcode.number} - {shortcode.name}"
