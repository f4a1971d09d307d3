"""C2B messages: the body of validation and confirmation, all strings, number masked or hashed. Flow: hand_payments.py.

Source: Daraja 3.0 pages "Customer To Business" and "Customer To Business Register URL", callback payloads.
"""

import hashlib
from typing import Literal

import msgspec

from portal.mpesa.simulator.ids import eat_stamp
from portal.mpesa.simulator.records import Callback, HandPayment, LedgerRow, Push
from portal.mpesa.simulator.world import World


def show_msisdn(msisdn: str, *, version: Literal["v1", "v2"], mask: Literal["spaced", "starred"]) -> str:
    """Version 1 sends a SHA-256 (reported), version 2 a mask in one of the two documented spellings."""
    if version == "v1":
        return hashlib.sha256(msisdn.encode()).hexdigest()
    return f"{msisdn[:4]} ***** {msisdn[-3:]}" if mask == "spaced" else f"{msisdn[:5]}****{msisdn[-3:]}"


def validation_of(world: World, payment: HandPayment) -> bytes:
    """What the validation URL is asked: as the confirmation, but without a balance."""
    return _body(world, payment, balance="", third_party_id="")


def confirmation_of(world: World, payment: HandPayment, row: LedgerRow) -> Callback | None:
    """The confirmation of a payment by hand; None without registered URLs: then it completes silently."""
    registration = payment.shortcode.registration
    if registration is None:
        return None
    return Callback(
        kind="confirmation",
        url=registration.confirmation_url,
        result_code="0",
        body=_body(
            world, payment, balance=f"{row.shortcode_after_cents / 100:.2f}", third_party_id=payment.third_party_id
        ),
        deliveries=payment.deliveries,
        label=payment.receipt,
    )


def confirmation_of_push(world: World, push: Push) -> Callback | None:
    """The same receipt by the other road: an STK payment to a shortcode with C2B URLs. None when it has none."""
    if push.receipt is None or world.knobs.stk_confirmation == "off":
        return None
    row = world.rows[push.receipt]
    payment = HandPayment(
        push.receipt, push.msisdn, push.shortcode, push.account_reference, push.amount, row.at, status="completed"
    )
    return confirmation_of(world, payment, row)


def _body(world: World, payment: HandPayment, *, balance: str, third_party_id: str) -> bytes:
    registration = payment.shortcode.registration
    is_bill = payment.shortcode.kind == "paybill"
    owner, names = world.phone(payment.msisdn).owner, world.knobs.payer_names
    return msgspec.json.encode(
        {
            "TransactionType": "Pay Bill" if is_bill else "Buy Goods",
            "TransID": payment.receipt,
            "TransTime": eat_stamp(payment.at),
            "TransAmount": f"{payment.amount}.00",
            "BusinessShortCode": payment.shortcode.party_b,
            "BillRefNumber": payment.bill_reference if is_bill else "",
            "InvoiceNumber": "",
            "OrgAccountBalance": balance,
            "ThirdPartyTransID": third_party_id,
            "MSISDN": show_msisdn(
                payment.msisdn,
                version=registration.version if registration else "v2",
                mask=world.knobs.msisdn_mask,
            ),
            "FirstName": "" if names == "blank" else owner.first,
            "MiddleName": owner.middle if names == "full" else "",
            "LastName": owner.last if names == "full" else "",
        }
    )
