"""Looking at a shop as its owner sees it: for half an hour, only looking unless a reason is given, and written into the shop's own
history. What is done meanwhile carries both names; secrets stay closed."""

import re
from datetime import datetime, timedelta

from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor, Session
from portal.msgid import N_
from portal.platform.rights import operator
from portal.states import note

LASTS = timedelta(minutes=30)
CHOOSE = N_("Choose whether you only look, or need to change something.")
WHY = N_("Write why something must be changed, in a few words. The merchant sees it.")
NO_OWNER = N_("Nobody owns this shop.")
ONLY_LOOKING = N_("You only look at this shop. To change something, end this and begin again with a reason.")
CLOSED = N_("Keys, codes, passwords and people stay closed while you look at a shop in its owner's place.")
_ALWAYS = frozenset({"/visit/end", "/sign-out", "/account/language"})
#: What only the owner opens: codes, keys, who works there, where money goes, and all data at once.
_OWNERS = re.compile(
    r"/(account|prove|switch|team|ways|privacy)(/|$)|/settings/(tokens|webhooks|data)|/payouts/number|/(code|codes\.csv|print|sheet)$"
)


def stay_in(actor: Actor, path: str, *, is_looking: bool) -> None:
    """Forbidden for what an operator may not do in an owner's place. For everybody else nothing."""
    if actor.visit is None or path in _ALWAYS or (is_looking and not _OWNERS.match(path)):
        return
    if _OWNERS.search(path):
        raise Forbidden(CLOSED)
    if not is_looking and not actor.visit.may_change:
        raise Forbidden(ONLY_LOOKING)


async def begin(session: Session, merchant_id: int, *, how: str, reason: str, now: datetime) -> None:
    """Look at a shop in its owner's place from now on. NotFound; Invalid: `how` is neither look nor change, or no reason is given."""
    actor = session.actor
    by = operator(actor)
    async with atomic() as tx:
        if await tx.value("SELECT id FROM merchants WHERE id = $1", merchant_id) is None:
            raise NotFound
        why = " ".join(reason.split())[:200] if how == "change" else ""
        if how not in ("look", "change"):
            raise Invalid({"how": CHOOSE})
        if how == "change" and len(why) < 5:
            raise Invalid({"reason": WHY})
        owner = await tx.row(
            """SELECT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id
               WHERE m.merchant_id = $1 AND m.role = 'owner' ORDER BY m.id LIMIT 1""",
            merchant_id,
        )
        if owner is None:
            raise Invalid({"how": NO_OWNER})
        await tx.execute(
            "UPDATE visits SET ended_at = $2 WHERE session_key = $1 AND ended_at IS NULL", session.key, now
        )
        visit_id = await tx.value(
            """INSERT INTO visits (user_id, merchant_id, owner_id, reason, started_at, ends_at, session_key)
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
            actor.user_id, merchant_id, owner["id"], why, now, now + LASTS, session.key,
        )  # fmt: skip
        data = {"operator": actor.name, "in_place_of": owner["name"], "why": why, "may_change": bool(why)}
        await note(tx, "visits", visit_id, "began", merchant_id=merchant_id, at=now, actor=by, data=data)


async def end(session: Session, *, now: datetime) -> int | None:
    """Stop looking; the shop it was, None when there was none. Repeatable."""
    async with atomic() as tx:
        row = await tx.row(
            """UPDATE visits SET ended_at = $2 WHERE session_key = $1 AND user_id = $3 AND ended_at IS NULL
               RETURNING id, merchant_id""",
            session.key, now, session.actor.user_id,
        )  # fmt: skip
        if row is None:
            return None
        await note(
            tx,
            "visits",
            row["id"],
            "ended",
            merchant_id=row["merchant_id"],
            at=now,
            actor=f"user:{session.actor.user_id}",
        )
        return row["merchant_id"]


async def of(actor: Actor, merchant_id: int) -> list[tuple[datetime, str, str]]:
    """Who looked at a shop lately, the latest first: when, who, and why ("": only looked)."""
    operator(actor)
    rows = await DB.fetch(
        """SELECT v.started_at, u.name, v.reason FROM visits v JOIN users u ON u.id = v.user_id
           WHERE v.merchant_id = $1 ORDER BY v.id DESC LIMIT 10""",
        merchant_id,
    )
    return [(row["started_at"], row["name"], row["reason"]) for row in rows]
