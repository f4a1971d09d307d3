"""What the forms on a voucher's page do, by their names, and what is said afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from portal import voucher_deeds, voucher_sales
from portal.controllers.dashboard.voucher_frame import number
from portal.errors import NotFound
from portal.identity import Actor
from portal.msgid import N_

#: Deed → what the page says once it is done.
DONE_WORDS: Mapping[str, str] = {
    "ask": N_("The request is on its way to the phone. The code goes there by SMS once it is paid."),
    "stack": N_("Sold. The time was added."),
    "add-time": N_("The time was added."),
    "move": N_("It moves as soon as the other phone opens the Wi‑Fi page. The old phone is put off then."),
    "send": N_("The code is on its way by SMS."),
    "revoke": N_("Taken back. Its code does not work any more."),
}


def deed_of(actor: Actor, voucher_id: int, what: str, form: Mapping[str, str], *, now: datetime) -> Awaitable[object]:
    """What a form asks for, not begun. NotFound: nothing has this name."""

    def said(name: str) -> str:
        return form.get(name, "")

    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "ask": lambda: voucher_sales.ask_phone(
            actor, voucher_id, phone=said("ask_phone"), form_key=said("form_key"), now=now
        ),
        "stack": lambda: voucher_sales.stack(
            actor, voucher_id, number(said("package")), form_key=said("form_key"), now=now
        ),
        "add-time": lambda: voucher_deeds.add_time(
            actor, voucher_id, amount=said("amount"), unit=said("unit"), why=said("time_why"), now=now
        ),
        "move": lambda: voucher_deeds.move_to(actor, voucher_id, mac=said("mac"), now=now),
        "send": lambda: voucher_deeds.send_code(
            actor, voucher_id, phone=said("phone"), form_key=said("form_key"), now=now
        ),
        "revoke": lambda: voucher_deeds.revoke(actor, voucher_id, why=said("why"), now=now),
    }
    if what not in deeds:
        raise NotFound
    return deeds[what]()
