"""What the operator tells merchants: in both languages, to all or to one kind, from and until a moment; put away by each for themselves."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB, atomic
from portal.errors import Invalid, NotFound
from portal.identity import Actor
from portal.merchants import COMMISSION_BP
from portal.msgid import N_
from portal.platform.rights import operator
from portal.states import note

_MOST = 500
_LONGEST = timedelta(days=90)
WRITE_IT = N_("Write what you want to tell, at most 500 letters.")
WHICH_KIND = N_("Choose one of these.")
WRITE_MOMENT = N_("Write a day and an hour, like 2026-12-31 18:00.")
AFTER_IT = N_("It must end after it begins, within 90 days, and not in the past.")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One as the operator sees it. `read_by`: how many people put it away."""

    id: int
    text_en: str
    text_sw: str
    kind: str
    from_at: datetime
    until_at: datetime
    ended_at: datetime | None
    by: str
    read_by: int


async def listed(actor: Actor) -> list[Told]:
    """The latest fifty."""
    operator(actor)
    rows = await DB.fetch(
        """SELECT a.id, a.text_en, a.text_sw, a.kind, a.from_at, a.until_at, a.ended_at, u.name AS by,
                  (SELECT count(*) FROM announcement_reads r WHERE r.announcement_id = a.id) AS read_by
           FROM announcements a JOIN users u ON u.id = a.created_by ORDER BY a.id DESC LIMIT 50"""
    )
    return [Told(**dict(row)) for row in rows]


async def write(actor: Actor, form: Mapping[str, str], *, zone: ZoneInfo, now: datetime) -> int:
    """Tell it; its id. `from_at` empty: at once. Invalid, by field."""
    by = operator(actor)
    wrong: dict[str, str] = {}
    texts = {name: form.get(name, "").strip() for name in ("text_en", "text_sw")}
    wrong |= {name: WRITE_IT for name, text in texts.items() if not 1 <= len(text) <= _MOST or "\0" in text}
    kind = form.get("kind", "")
    if kind and kind not in COMMISSION_BP:
        wrong["kind"] = WHICH_KIND
    begins = _moment(form.get("from_at", ""), zone) if form.get("from_at", "").strip() else now
    ends = _moment(form.get("until_at", ""), zone)
    if begins is None:
        wrong["from_at"] = WRITE_MOMENT
    if ends is None:
        wrong["until_at"] = WRITE_MOMENT
    elif begins is not None and not max(begins, now) < ends <= begins + _LONGEST:
        wrong["until_at"] = AFTER_IT
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        found = await tx.value(
            """INSERT INTO announcements (text_en, text_sw, kind, from_at, until_at, created_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
            texts["text_en"], texts["text_sw"], kind, begins, ends, actor.user_id, now,
        )  # fmt: skip
        await note(tx, "announcements", found, "told", merchant_id=None, at=now, actor=by, data={"kind": kind})
    return found


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()[:16]).replace(tzinfo=zone)
    except ValueError:
        return None


async def end(actor: Actor, announcement_id: int, *, now: datetime) -> None:
    """Show it no longer. Repeatable. NotFound."""
    by = operator(actor)
    async with atomic() as tx:
        row = await tx.row("SELECT ended_at FROM announcements WHERE id = $1 FOR UPDATE", announcement_id)
        if row is None:
            raise NotFound
        if row["ended_at"] is None:
            await tx.execute("UPDATE announcements SET ended_at = $2 WHERE id = $1", announcement_id, now)
            await note(tx, "announcements", announcement_id, "ended", merchant_id=None, at=now, actor=by)


_FOR = """
SELECT a.id, a.text_en, a.text_sw FROM announcements a
WHERE a.ended_at IS NULL AND a.from_at <= $1 AND a.until_at > $1
  AND (a.kind = '' OR a.kind = (SELECT kind FROM merchants WHERE id = $2))"""


async def unread(actor: Actor, *, language: str, now: datetime) -> list[tuple[int, str]]:
    """What this person has not put away, the oldest first: its id and its words."""
    rows = await DB.fetch(
        f"""{_FOR} AND NOT EXISTS (SELECT FROM announcement_reads r WHERE r.announcement_id = a.id AND r.user_id = $3)
            ORDER BY a.id LIMIT 3""",
        now, actor.at_merchant(), actor.user_id,
    )  # fmt: skip
    return [(row["id"], row["text_sw"] if language == "sw" else row["text_en"]) for row in rows]


async def put_away(actor: Actor, announcement_id: int, *, now: datetime) -> None:
    """Show it to this person no more. Repeatable. NotFound: it is not for this merchant, or over."""
    rows = await DB.fetch(f"{_FOR} AND a.id = $3", now, actor.at_merchant(), announcement_id)
    if not rows:
        raise NotFound
    await DB.fetch(
        """INSERT INTO announcement_reads (announcement_id, user_id) VALUES ($1, $2)
           ON CONFLICT (announcement_id, user_id) DO NOTHING""",
        announcement_id, actor.user_id,
    )  # fmt: skip
