"""The form by which another voucher is given instead of a refund."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, packages, replacements
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.errors import Conflict, Invalid, PortalError
from portal.identity import Actor
from portal.money import format_amount
from portal.replacements import PACKAGE, REST, Choice, Rest
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
_FIELDS = ("package_id", "rest", "phone", "why", "ends_use", "password")


@get("/payments/{payment_id:int}/voucher", guards=[guards.at_merchant])
async def form(request: AnyRequest, actor: Actor, payment_id: RowId) -> Response[str]:
    """What there is to give for, and the packages."""
    return await _form(request, actor, payment_id, typed={})


@post("/payments/{payment_id:int}/voucher", guards=[guards.at_merchant])
async def give(request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault, payment_id: RowId) -> Response[Any]:
    """Give it, and show the voucher; the form again when something is missing."""
    sent = await request.form()
    typed = {name: str(sent.get(name, ""))[:200] for name in _FIELDS}
    try:
        given = await replacements.give(actor, payment_id, _choice(typed), vault=vault, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, payment_id, typed=typed, error=error)
    return see_other(request, f"/vouchers/{given.voucher_id}")


def _choice(typed: dict[str, str]) -> Choice:
    wrong: dict[str, str] = {}
    number = typed["package_id"]
    if not (number.isascii() and number.isdigit() and 0 < len(number) < 19):
        wrong["package_id"] = PACKAGE
    if typed["rest"] not in set(Rest):
        wrong["rest"] = REST
    if wrong:
        raise Invalid(wrong)
    return Choice(
        package_id=int(number), rest=Rest(typed["rest"]), why=typed["why"], phone=typed["phone"],
        ends_use=typed["ends_use"] == "yes", password=typed["password"],
    )  # fmt: skip


async def _form(
    request: AnyRequest, actor: Actor, payment_id: int, *, typed: dict[str, str], error: PortalError | None = None
) -> Response[str]:
    offer = await replacements.offer(actor, payment_id)
    frame = await frame_of(request, actor, here="sales")
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error and not wrong else ""
    on_sale = await packages.on_sale(actor.at_merchant())
    choices = [(str(each.id), f"{each.name}, {format_amount(each.price_cents, offer.currency)}") for each in on_sale]
    return money_page(
        request, frame, "dashboard/replacement.html", tab="refunds", status=error.status_code if error else 200, offer=offer,
        choices=choices, typed=typed, wrong=wrong, told=told,
    )  # fmt: skip


ROUTES = [form, give]
