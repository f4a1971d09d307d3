"""Payments for programs: as the list of sales has them, the payer's number masked."""

from datetime import datetime

import msgspec

from portal import sales
from portal.api_views.cursors import After, micros
from portal.errors import NotFound
from portal.identity import Actor
from portal.phones import is_stored_form, mask
from portal.sales import Sale, Wanted


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment. `state` says how the sale stands; `amount_cents` is what came in, or what was asked for while nothing has."""

    id: int
    created_at: datetime
    phone: str | None
    package: str
    amount_cents: int
    currency: str
    method: str
    receipt: str | None
    account_reference: str
    router: str
    state: str


async def payments(
    actor: Actor, wanted: Wanted, *, after: After, most: int, now: datetime
) -> tuple[list[Payment], After | None]:
    """A page, the newest first, and where the next one begins."""
    page = await sales.latest(actor, now=now, most=most, before=after.id, wanted=wanted)
    found = [_payment(sale) for sale in page.sales]
    return found, After(micros(found[-1].created_at), page.older) if page.older else None


async def payment(actor: Actor, payment_id: int, *, now: datetime) -> Payment:
    """One; NotFound for another merchant's."""
    page = await sales.latest(actor, now=now, most=1, wanted=Wanted(ids=[payment_id]))
    if not page.sales:
        raise NotFound
    return _payment(page.sales[0])


def _payment(sale: Sale) -> Payment:
    return Payment(
        id=sale.id, created_at=sale.at, phone=mask(sale.phone) if is_stored_form(sale.phone) else None,
        package=sale.package, amount_cents=sale.cents, currency=sale.currency, method=sale.method, receipt=sale.receipt,
        account_reference=sale.reference, router=sale.router, state=sale.state.value,
    )  # fmt: skip
