"""What a merchant may choose: what customers get for outages, what ends with a session, when its people hear of a router that is
away. Acted upon in `portal.outages`, `portal.usage` and `portal.routers.away`; every change is an event."""

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
CHOICES: Mapping[str, tuple[str, ...]] = {
    "outage_credit": ("auto", "ask", "never"),
    "early_end": ("keep", "end"),
    "away_alert_min": ("10", "30", "60", "0"),
}
CHOOSE_ONE = N_("Choose one of these.")
_CHOSEN = "SELECT outage_credit, early_end, away_alert_min::text FROM merchants WHERE id = $1"


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """The merchant's choices."""

    outage_credit: str
    early_end: str
    #: Minutes a router is away before the merchant's people hear of it; "0": never.
    away_alert_min: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one choice: who made it, and when."""

    name: str
    was: str
    now: str
    by: str
    at: datetime


async def choices(actor: Actor) -> Choices:
    """What the actor's merchant chose."""
    row = await DB.row(_CHOSEN, actor.at_merchant())
    return Choices(**dict(row)) if row else Choices(**{name: offered[0] for name, offered in CHOICES.items()})


async def choose(actor: Actor, form: Mapping[str, str], *, now: datetime) -> bool:
    """Keep what was chosen, and leave what was not asked; Invalid when it is no choice, Forbidden for cashiers and viewers.
    False: all was so already."""
    merchant_id = changer(actor)
    wrong = {name: CHOOSE_ONE for name, offered in CHOICES.items() if name in form and form[name] not in offered}
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        was = await tx.row(f"{_CHOSEN} FOR UPDATE", merchant_id)
        chosen = Choices(**({} if was is None else dict(was)) | {name: form[name] for name in CHOICES if name in form})
        changed = {
            name: [was[name], value]
            for name, value in msgspec.structs.asdict(chosen).items()
            if was and was[name] != value
        }
        if changed:
            await tx.execute(
                "UPDATE merchants SET outage_credit = $2, early_end = $3, away_alert_min = $4 WHERE id = $1",
                merchant_id, chosen.outage_credit, chosen.early_end, int(chosen.away_alert_min),
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
