"""What the forms on a subscriber's page do, by their names. Each leads back to the page."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from portal.errors import NotFound
from portal.identity import Actor
from portal.subscribers import changing, deciding, editing, links, rights, taking, typed
from portal.vault import Vault

Deeds = Mapping[str, Callable[[], Awaitable[object]]]


def deed_of(
    actor: Actor, subscriber_id: int, what: str, form: dict[str, str], *, vault: Vault, now: datetime
) -> Awaitable[object]:
    """What a form asks for, not begun. NotFound: nothing has this name."""
    deeds = {
        **_standing(actor, subscriber_id, form, vault=vault, now=now),
        **_money_and_people(actor, subscriber_id, form, vault=vault, now=now),
    }
    if what not in deeds:
        raise NotFound
    return deeds[what]()


def _standing(actor: Actor, subscriber_id: int, form: dict[str, str], *, vault: Vault, now: datetime) -> Deeds:
    """Whether, where, for what and until when it is let in."""

    def said(name: str) -> str:
        return form.get(name, "")

    return {
        "suspend": lambda: deciding.suspend(actor, subscriber_id, why=said("why"), now=now),
        "resume": lambda: deciding.resume(actor, subscriber_id, now=now),
        "close": lambda: deciding.close(actor, subscriber_id, why=said("why"), now=now),
        "reopen": lambda: changing.reopen(actor, subscriber_id, now=now),
        "package": lambda: deciding.change_package(
            actor, subscriber_id, typed.row_id(said("package")), at_once=said("when") == "now", now=now
        ),
        "router": lambda: changing.change_router(
            actor, subscriber_id, typed.row_id(said("router")), vault=vault, now=now
        ),
        "billing-day": lambda: changing.change_billing_day(actor, subscriber_id, said("billing_day"), now=now),
    }


def _money_and_people(actor: Actor, subscriber_id: int, form: dict[str, str], *, vault: Vault, now: datetime) -> Deeds:
    def said(name: str) -> str:
        return form.get(name, "")

    return {
        "cash": lambda: taking.take_cash(
            actor, subscriber_id, said("amount"), form_key=said("form_key"), vault=vault, now=now
        ),
        "ask": lambda: taking.ask_phone(
            rights.taking(actor), subscriber_id, phone=said("phone"), amount=said("amount"), form_key=said("form_key"),
            now=now,
        ),
        "device": lambda: deciding.add_device(actor, subscriber_id, said("mac"), name=said("name"), now=now),
        "remove-device": lambda: deciding.remove_device(
            actor, subscriber_id, typed.row_id(said("device")), vault=vault, now=now
        ),
        "edit": lambda: editing.edit(
            actor, subscriber_id, name=said("name"), phone=said("phone"), language=said("language"), now=now
        ),
        "link": lambda: links.renew(actor, subscriber_id, now=now),
    }  # fmt: skip
