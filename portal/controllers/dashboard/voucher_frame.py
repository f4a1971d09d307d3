"""What pages about vouchers have in common: their place, their words, what a form sent."""

from typing import Any

from litestar import Response

from portal import packages
from portal.batches import BatchKind
from portal.controllers.dashboard.frame import AnyRequest, Frame, page
from portal.controllers.dashboard.voucher_words import VOUCHER_WORDS
from portal.identity import Actor, Role
from portal.money import format_amount
from portal.msgid import N_

_LONGEST = 200
MANAGERS = (Role.OWNER, Role.MANAGER)
SELLERS = (*MANAGERS, Role.CASHIER)
#: Kind → how a batch's vouchers are paid for: words, and what that means.
KIND_WORDS = {
    BatchKind.CASH.value: (
        N_("For cash"),
        N_(
            "Print the codes and hand them out for cash. Each counts as sold when you say so, or when it is first used."
        ),
    ),
    BatchKind.REFERENCE.value: (
        N_("By M‑PESA reference"),
        N_("Print payment references. Who pays one gets its code by SMS."),
    ),
}


def voucher_page(
    request: AnyRequest, frame: Frame, template: str, *, status: int = 200, **context: object
) -> Response[str]:
    """A page about vouchers."""
    may_make, may_sell = frame.actor.role in MANAGERS, frame.actor.role in SELLERS
    answer = page(
        request, frame, template, may_make=may_make, may_sell=may_sell, voucher_words=VOUCHER_WORDS, kind_words=KIND_WORDS,
        **context,
    )  # fmt: skip
    answer.status_code = status
    return answer


async def typed_in(request: AnyRequest) -> dict[str, str]:
    """The fields of a form, cut to a sensible length and without what no database stores; files are not looked at."""
    sent = await request.form()
    return {name: value[:_LONGEST].replace("\0", "") for name, value in sent.items() if isinstance(value, str)}


def number(text: str) -> int:
    """What was sent as a number; 0 for anything that is none."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 else 0


async def choices(actor: Actor, frame: Frame) -> list[tuple[int, str]]:
    """The packages on sale, with their prices, to choose from."""
    currency = frame.merchant.currency if frame.merchant else "KES"
    on_sale: list[Any] = await packages.on_sale(actor.at_merchant())
    return [(each.id, f"{each.name}, {format_amount(each.price_cents, currency)}") for each in on_sale]
