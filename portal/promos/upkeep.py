"""Tidying promos at night: uses that cannot change are counted once for all, attempts that came to nothing go, old promos leave
the list. Nothing that was sold is touched; what a promo gave and took stays to be read."""

from datetime import datetime, timedelta

import msgspec

from portal.db import atomic

#: A paid use is final after a day: what a late refusal or refund would still change has happened by then.
FINAL_AFTER = timedelta(days=1)
#: Attempts that came to nothing are kept so long for whoever asks, and promos that are over stay listed so long.
FORGOTTEN_AFTER = timedelta(days=30)
ARCHIVED_AFTER = timedelta(days=90)


class Tidied(msgspec.Struct, frozen=True):
    """How many uses became final, attempts went, and promos left the list."""

    final: int
    forgotten: int
    archived: int

    @property
    def total(self) -> int:
        """All rows that were handled."""
        return self.final + self.forgotten + self.archived


#: The promos' rows are locked first and in order, as `take` locks them: nobody counts in between.
_FINISH = """WITH picked AS (
  SELECT r.id, r.promo_id FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
  WHERE NOT r.is_final AND r.created_at < $1 AND c.voucher_id IS NOT NULL AND r.promo_id = ANY($2) ORDER BY r.id LIMIT $3
), done AS (
  UPDATE redemptions r SET is_final = true FROM picked WHERE r.id = picked.id AND NOT r.is_final RETURNING r.promo_id
), counted AS (
  UPDATE promos m SET final_uses = m.final_uses + n.uses
  FROM (SELECT promo_id, count(*) AS uses FROM done GROUP BY promo_id) n WHERE m.id = n.promo_id
)
SELECT count(*) FROM done"""
_FORGET = """WITH picked AS (
  SELECT r.id FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
  WHERE NOT r.is_final AND r.created_at < $1 AND c.voucher_id IS NULL
  AND NOT EXISTS (SELECT FROM payments p WHERE p.checkout_id = c.id AND (p.status <> 'failed' OR p.received_cents > 0))
  ORDER BY r.id LIMIT $2 FOR UPDATE OF r SKIP LOCKED
), gone AS (DELETE FROM redemptions r USING picked WHERE r.id = picked.id RETURNING r.id)
SELECT count(*) FROM gone"""
_ARCHIVE = """WITH old AS (
  SELECT id FROM promos WHERE archived_at IS NULL AND ends_at < $1 ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
  UPDATE promos m SET archived_at = $2 FROM old WHERE m.id = old.id RETURNING m.id, m.merchant_id
), noted AS (
  INSERT INTO events (merchant_id, entity, entity_id, name, actor, data, at)
  SELECT merchant_id, 'promos', id, 'promo_archived', $4, '{}'::jsonb, $2 FROM gone ORDER BY id
)
SELECT count(*) FROM gone"""


async def tidy(*, now: datetime, actor: str, most: int = 5000) -> Tidied:
    """One round over at most `most` rows of each kind; all zero: nothing is left to do. Safe to repeat and to interrupt."""
    async with atomic() as tx:
        locked = await tx.fetch(
            """SELECT id FROM promos WHERE id IN (SELECT promo_id FROM redemptions WHERE NOT is_final AND created_at < $1)
               ORDER BY id FOR NO KEY UPDATE""",
            now - FINAL_AFTER,
        )
        final = await tx.value(_FINISH, now - FINAL_AFTER, [row["id"] for row in locked], most)
    async with atomic() as tx:
        forgotten = await tx.value(_FORGET, now - FORGOTTEN_AFTER, most)
    async with atomic() as tx:
        archived = await tx.value(_ARCHIVE, now - ARCHIVED_AFTER, now, most, actor)
    return Tidied(final, forgotten, archived)
