"""What a result tells, verb by verb: a transaction, a reversal, a payout, balances. Pure; the envelope is in results.

Source: Daraja documentation, "Results Parameter Definition" of each API.
"""

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from portal.mpesa.c2b import Payer, read_payer
from portal.mpesa.fields import amount, cents_of, moment, receipt
from portal.mpesa.loose_json import text
from portal.mpesa.results import Result


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a transaction, written "254708374149 - John Doe" or "600310 - Kilimani Shop"."""

    number: str = ""
    name: str = ""

    @property
    def payer(self) -> Payer:
        """The number as that of a person; nothing for a shortcode."""
        return read_payer(self.number) if len(self.number) >= 9 else Payer()


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What a status query found. `status` is M-Pesa's word ("Completed"); moments are UTC; `amount` exact.

    The documentation's own sample names the debit party twice and the credit party never, so both are lists.
    """

    status: str
    receipt: str | None = None
    amount: Decimal | None = None
    debit: tuple[Party, ...] = ()
    credit: tuple[Party, ...] = ()
    reason: str = ""
    started_at: datetime | None = None
    finalised_at: datetime | None = None

    @property
    def amount_cents(self) -> int | None:
        """None when it is not a whole number of cents."""
        return cents_of(self.amount)

    @property
    def is_completed(self) -> bool:
        return self.status.lower() == "completed"

    def is_paid_to(self, shortcodes: tuple[str, ...]) -> bool:
        """Whether a person paid it to one of these. False whenever the sides are not told clearly."""
        return (
            len(self.debit) == 1
            and self.debit[0].number not in shortcodes
            and any(party.number in shortcodes for party in self.credit)
        )


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """What a reversal did. `receipt` is the reversal's own."""

    receipt: str | None = None
    original_receipt: str | None = None
    amount: Decimal | None = None
    completed_at: datetime | None = None


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """What a B2C payment did. `utility_cents` and `working_cents` are what is left on our accounts."""

    receipt: str | None = None
    amount: Decimal | None = None
    receiver: Party = Party()
    completed_at: datetime | None = None
    is_registered: bool | None = None
    utility_cents: int | None = None
    working_cents: int | None = None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One account of the shortcode; cents may be negative (charges paid)."""

    account: str
    currency: str
    current_cents: int
    available_cents: int


def transaction_of(result: Result) -> Transaction:
    """The transaction a status query asked about."""
    return Transaction(
        status=text(result.only("TransactionStatus"), 40),
        receipt=receipt(result.only("ReceiptNo")),
        amount=amount(result.only("Amount")),
        debit=tuple(_party(value) for value in result.all("DebitPartyName")),
        credit=tuple(_party(value) for value in result.all("CreditPartyName")),
        reason=text(result.only("ReasonType"), 80),
        started_at=moment(result.only("InitiatedTime")),
        finalised_at=moment(result.only("FinalisedTime")),
    )


def reversal_of(result: Result) -> Reversal:
    """The reversal a result is about."""
    return Reversal(
        receipt=result.receipt,
        original_receipt=receipt(result.only("OriginalTransactionID")),
        amount=amount(result.only("Amount")),
        completed_at=moment(result.only("TransCompletedTime")),
    )


def payout_of(result: Result) -> Payout:
    """The B2C payment a result is about."""
    registered = text(result.only("B2CRecipientIsRegisteredCustomer"), 4).upper()
    return Payout(
        receipt=receipt(result.only("TransactionReceipt")) or result.receipt,
        amount=amount(result.only("TransactionAmount")),
        receiver=_party(result.only("ReceiverPartyPublicName")),
        completed_at=moment(result.only("TransactionCompletedDateTime")),
        is_registered={"Y": True, "N": False}.get(registered),
        utility_cents=_signed_cents(text(result.only("B2CUtilityAccountAvailableFunds"), 40)),
        working_cents=_signed_cents(text(result.only("B2CWorkingAccountAvailableFunds"), 40)),
    )


def balances_of(result: Result) -> tuple[Balance, ...]:
    """The accounts of a balance query, in M-Pesa's order; one that cannot be read is left out."""
    told = result.only("AccountBalance")
    parts = told.split("&") if isinstance(told, str) else []
    read = (_balance(part) for part in parts)
    return tuple(balance for balance in read if balance is not None)


def _balance(part: str) -> Balance | None:
    """ "Utility Account|KES|228037.00|228037.00|0.00|0.00": account, currency, current, available, and two that are held back.

    The shorter "Working Account|KES|700000.00" is documented too: there, current and available are the same.
    """
    fields = [field.strip() for field in part.split("|")]
    if len(fields) < 3 or not fields[0] or not re.fullmatch(r"[A-Z]{3}", fields[1]):
        return None
    current = _signed_cents(fields[2])
    available = _signed_cents(fields[3]) if len(fields) > 3 and fields[3] else current
    if current is None or available is None:
        return None
    return Balance(account=text(fields[0], 64), currency=fields[1], current_cents=current, available_cents=available)


def _signed_cents(told: str) -> int | None:
    """Exact cents of "-1540.00"; None for anything that is not a whole number of them."""
    if not re.fullmatch(r"-?[0-9]{1,13}(?:\.[0-9]{1,12})?", told):
        return None
    cents = Decimal(told) * 100
    return int(cents) if cents == cents.to_integral_value() else None


def _party(value: object) -> Party:
    number, _, name = text(value, 120).partition(" - ")
    return Party(number=number.strip(), name=name.strip())
