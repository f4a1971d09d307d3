"""What the forms on an agent's page do, by their names, and what is said afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from portal.agents import moneys, people, stock
from portal.controllers.dashboard.voucher_frame import number
from portal.errors import NotFound
from portal.identity import Actor
from portal.msgid import N_

#: Deed → what the page says once it is done.
DONE_WORDS: Mapping[str, str] = {
    "edit": N_("Saved. What was given before keeps its commission."),
    "give": N_("Given. Print them below."),
    "back": N_("Taken back into the shop."),
    "lost": N_("These codes work no more. The agent owes nothing for them."),
    "take": N_("Written down."),
    "pay": N_("Written down."),
    "right": N_("Written down."),
    "pause": N_("Paused. Cards customers have bought work on."),
    "resume": N_("Sells again."),
    "close": N_("Closed."),
}


def deed_of(actor: Actor, agent_id: int, what: str, form: Mapping[str, str], *, now: datetime) -> Awaitable[object]:
    """What a form asks for, not begun. NotFound: nothing has this name."""

    def said(name: str) -> str:
        return form.get(name, "")

    key, of = said("form_key") or None, number(said("of"))
    deeds: dict[str, Callable[[], Awaitable[object]]] = {
        "give": lambda: stock.allot(
            actor, agent_id, batch=said("batch"), count=said("count"), first=said("first"), form_key=key, now=now
        ),
        "back": lambda: stock.bring_back(actor, agent_id, of, count=said("count"), now=now),
        "lost": lambda: stock.lose(actor, agent_id, of, why=said("why"), now=now),
        "take": lambda: moneys.take(
            actor, agent_id, how=said("how"), amount=said("amount"), receipt=said("receipt"), note_text=said("note"),
            form_key=key, now=now,
        ),
        "pay": lambda: moneys.hand_out(
            actor, agent_id, amount=said("amount"), note_text=said("note"), form_key=key, now=now
        ),
        "right": lambda: moneys.set_right(
            actor, agent_id, amount=said("amount"), owes_more=said("way") == "more", why=said("why"), form_key=key, now=now
        ),
        "pause": lambda: people.pause(actor, agent_id, now=now),
        "resume": lambda: people.resume(actor, agent_id, now=now),
        "close": lambda: people.close(actor, agent_id, now=now),
    }  # fmt: skip
    if what not in deeds:
        raise NotFound
    return deeds[what]()
