"""Selling as an agent who signs in: the next card out of one's own stock, for cash into one's own pocket and account."""

from datetime import datetime

import msgspec
from asyncpg import UniqueViolationError

from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden
from portal.evidence import Road
from portal.floats import OLD_PAGE, sold_before
from portal.identity import Actor
from portal.msgid import N_
from portal.payments import targets
from portal.payments.counter import Sold, take_over_counter
from portal.terms import Terms, decode_terms
from portal.vault import Vault

NO_AGENT = N_("Only agents sell out of a stock of their own.")
IS_PAUSED = N_("Your sales are paused. Ask the owner.")
NONE_LEFT = N_("You have no card of this package left. Ask the owner for more.")


class OwnStock(msgspec.Struct, frozen=True, kw_only=True):
    """Cards of one package and price in an agent's hands."""

    package_id: int
    terms: Terms
    price_cents: int
    left: int


def agent_of(actor: Actor) -> int:
    """The agent as whom the actor signs in; Forbidden for everybody else."""
    if actor.agent_id is None:
        raise Forbidden(NO_AGENT)
    return actor.agent_id


async def stock_of(actor: Actor) -> list[OwnStock]:
    """What one can sell, the cheapest first."""
    rows = await DB.fetch(
        """SELECT v.package_id, v.price_cents, (array_agg(v.terms::text ORDER BY v.id))[1] AS terms, count(*) AS left
           FROM agent_allotments a JOIN batches b ON b.id = a.batch_id AND b.kind = 'cash' JOIN vouchers v ON v.allotment_id = a.id
           WHERE a.agent_id = $1 AND v.status = 'unsold' GROUP BY 1, 2 ORDER BY 2, 1""",
        agent_of(actor),
    )
    return [msgspec.convert(dict(row) | {"terms": decode_terms(row["terms"])}, OwnStock) for row in rows]


async def sell(actor: Actor, package_id: int, *, form_key: str, vault: Vault, now: datetime) -> Sold:
    """Sell the next card of a package. The same form again is the same sale. Forbidden; Conflict: paused, or none left."""
    agent_id = agent_of(actor)
    if not form_key:
        raise Conflict(OLD_PAGE)
    once = f"agent:{agent_id}:{form_key[:40]}"
    if (before := await sold_before(once)) is not None:
        return before
    try:
        async with atomic() as tx:
            voucher_id = await _next(tx, agent_id, package_id)
            payment = await targets.for_voucher(
                tx, voucher_id, method=Road.CASH.value, phone=None, account_id=None, now=now
            )
            await tx.execute(
                "UPDATE payments SET form_key = $2, sold_by = $3 WHERE id = $1", payment["id"], once, actor.user_id
            )
            await take_over_counter(tx, payment, Road.CASH, by=actor, reason="", vault=vault, now=now)
            return Sold(payment["id"], voucher_id)
    except UniqueViolationError:
        if (before := await sold_before(once)) is None:
            raise
        return before


async def _next(tx: Tx, agent_id: int, package_id: int) -> int:
    status = await tx.value("SELECT status FROM agents WHERE id = $1 FOR SHARE", agent_id)
    if status != "active":
        raise Conflict(IS_PAUSED)
    voucher_id = await tx.value(
        """SELECT v.id FROM agent_allotments a JOIN batches b ON b.id = a.batch_id AND b.kind = 'cash'
           JOIN vouchers v ON v.allotment_id = a.id WHERE a.agent_id = $1 AND v.package_id = $2 AND v.status = 'unsold'
           AND (v.expires_at IS NULL OR v.expires_at > now()) ORDER BY v.id LIMIT 1 FOR UPDATE OF v SKIP LOCKED""",
        agent_id, package_id,
    )  # fmt: skip
    if voucher_id is None:
        raise Conflict(NONE_LEFT)
    return voucher_id
