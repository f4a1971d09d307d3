"""What a merchant may choose about how customers are treated: time lost to outages, and sessions ended at the router. The
choices are acted upon in `portal.outages` and `portal.usage`; every change is an event."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import DB, atomic
from portal.errors import Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.routers.rights import changer, named
from portal.states import note

#: What may be chosen, the default first.
CHOICES: Mapping[str, tuple[str, ...]] = {"outage_credit": ("auto", "ask", "never"), "early_end": ("keep", "end")}
CHOOSE_ONE = N_("Choose one of these.")


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant's choices."""

    outage_credit: str
    early_end: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one choice: who made it, and when."""

    name: str
    was: str
    now: str
    by: str
    at: datetime


async def choices(actor: Actor) -> Choices:
    """What the actor's merchant chose."""
    row = await DB.row("SELECT outage_credit, early_end FROM merchants WHERE id = $1", actor.at_merchant())
    return Choices(**dict(row)) if row else Choices(outage_credit="auto", early_end="keep")


async def choose(actor: Actor, form: Mapping[str, str], *, now: datetime) -> bool:
    """Keep what was chosen; Invalid when it is no choice, Forbidden for cashiers and viewers. False: all was so already."""
    merchant_id = changer(actor)
    wrong = {name: CHOOSE_ONE for name, offered in CHOICES.items() if form.get(name) not in offered}
    if wrong:
        raise Invalid(wrong)
    chosen = Choices(outage_credit=form["outage_credit"], early_end=form["early_end"])
    async with atomic() as tx:
        was = await tx.row("SELECT outage_credit, early_end FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        changed = {
            name: [was[name], value]
            for name, value in msgspec.structs.asdict(chosen).items()
            if was and was[name] != value
        }
        if changed:
            await tx.execute(
                "UPDATE merchants SET outage_credit = $2, early_end = $3 WHERE id = $1",
                merchant_id, chosen.outage_credit, chosen.early_end,
            )  # fmt: skip
            await note(
                tx,
                "merchants",
                merchant_id,
                "settings",
                merchant_id=merchant_id,
                at=now,
                actor=named(actor),
                data=changed,
            )
    return bool(changed)


async def latest_changes(actor: Actor, *, most: int = 10) -> list[Changed]:
    """Who changed what, the newest first."""
    rows = await DB.fetch(
        """SELECT c.key AS name, c.value ->> 0 AS was, c.value ->> 1 AS now, coalesce(u.name, '') AS by, e.at
           FROM events e CROSS JOIN LATERAL jsonb_each(e.data) c LEFT JOIN users u ON e.actor = 'user:' || u.id
           WHERE e.entity = 'merchants' AND e.entity_id = $1 AND e.merchant_id = $1 AND e.name = 'settings'
           ORDER BY e.id DESC, c.key LIMIT $2""",
        actor.at_merchant(),
        most,
    )
    return [Changed(**dict(row)) for row in rows]
