"""Where money moves between wallets and shortcodes: each move is one ledger row, one receipt, one SMS. No HTTP.

The only code that changes a balance because of a payment. Limits: Daraja 3.0 page "Business To Customer", results 4, 8.
"""

from typing import Literal

from portal.mpesa.simulator import texts
from portal.mpesa.simulator.ids import EAT
from portal.mpesa.simulator.records import LedgerRow, Phone, Shortcode, Sms
from portal.mpesa.simulator.world import World

WALLET_LIMIT_CENTS = 50_000_000


def reason_not_to_pay(world: World, phone: Phone, cents: int) -> str | None:
    """Result code 1 (not enough money) or 4 (daily limit), None when the wallet can pay."""
    if phone.balance_cents < cents:
        return "1"
    return "4" if _spent_today(world, phone) + cents > texts.DAY_LIMIT_CENTS else None


def collect(
    world: World,
    phone: Phone,
    shortcode: Shortcode,
    *,
    kind: Literal["stk", "c2b"],
    cents: int,
    account_reference: str,
    receipt: str,
    checkout_request_id: str = "",
) -> LedgerRow:
    """Out of the wallet, into the utility account. The caller has asked `reason_not_to_pay`."""
    phone.spent_cents = _spent_today(world, phone) + cents
    phone.spent_on = world.clock.now().astimezone(EAT).date()
    row = _move(
        world, phone, shortcode, kind=kind, cents=cents, receipt=receipt,
        account_reference=account_reference, checkout_request_id=checkout_request_id,
    )  # fmt: skip
    _tell(world, phone, texts.paid(row, phone, shortcode), receipt)
    return row


def pay_out(
    world: World, phone: Phone, shortcode: Shortcode, *, cents: int, receipt: str, conversation: tuple[str, str]
) -> LedgerRow:
    """Out of the utility account, into the wallet (B2C); the charge, if any, accrues on the charges account."""
    shortcode.charges_cents -= world.knobs.b2c_charge_cents
    row = _move(world, phone, shortcode, kind="b2c", cents=-cents, receipt=receipt, conversation=conversation)
    _tell(world, phone, texts.received(row, phone, shortcode), receipt)
    return row


def give_back(
    world: World, original: LedgerRow, shortcode: Shortcode, *, receipt: str, conversation: tuple[str, str]
) -> LedgerRow:
    """Undo a customer's payment: a new receipt of its own, back from the utility account into the wallet."""
    phone = world.phone(original.msisdn)
    row = _move(
        world, phone, shortcode, kind="reversal", cents=-original.amount_cents, receipt=receipt,
        account_reference=original.account_reference, reverses=original.receipt, conversation=conversation,
    )  # fmt: skip
    world.reversed_receipts.add(original.receipt)
    _tell(world, phone, texts.reversed_(row, phone), receipt)
    return row


def _move(
    world: World,
    phone: Phone,
    shortcode: Shortcode,
    *,
    kind: Literal["stk", "c2b", "b2c", "reversal"],
    cents: int,
    receipt: str,
    account_reference: str = "",
    checkout_request_id: str = "",
    reverses: str = "",
    conversation: tuple[str, str] = ("", ""),
) -> LedgerRow:
    phone.balance_cents -= cents
    shortcode.balance_cents += cents
    row = LedgerRow(
        receipt=receipt,
        msisdn=phone.msisdn,
        shortcode=shortcode.number,
        account_reference=account_reference,
        amount_cents=cents,
        at=world.clock.now(),
        kind=kind,
        wallet_after_cents=phone.balance_cents,
        shortcode_after_cents=shortcode.balance_cents,
        checkout_request_id=checkout_request_id,
        reverses=reverses,
        conversation_id=conversation[0],
        originator_conversation_id=conversation[1],
    )
    world.enter(row)
    return row


def _spent_today(world: World, phone: Phone) -> int:
    return phone.spent_cents if phone.spent_on == world.clock.now().astimezone(EAT).date() else 0


def _tell(world: World, phone: Phone, text: str, receipt: str) -> None:
    phone.messages.append(Sms(world.clock.now(), text, receipt))
