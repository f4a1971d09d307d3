"""What agents have in their hands: vouchers given to them out of a batch, brought back, or lost. A voucher names its allotment as
long as it is the agent's; what was sold, lost or has ended keeps the name."""

from collections.abc import Mapping
from datetime import datetime

from asyncpg import Record

from portal import codes, money
from portal.agents import people
from portal.db import Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.states import E, move_all, note

WHICH_BATCH = N_("Choose a batch with cards left.")
HOW_MANY = N_("Write how many, 1 or more.")
NOT_SO_MANY = N_("There are not so many unsold cards left there.")
WHICH_FIRST = N_("There is no such card in this batch.")
IS_PAUSED = N_("This agent is paused or closed.")
STILL_MAKING = N_("This batch is still being made. Wait until it is done.")
SAY_WHY = N_("Write what happened, in a few words.")


class OverLimit(Conflict):
    """More than the agent has paid in advance, or may owe."""

    default = N_("This would be more than the agent may owe. Take money first, give fewer, or raise the limit.")


async def allot(
    actor: Actor, agent_id: int, *, batch: str, count: str, first: str, form_key: str | None, now: datetime
) -> int:
    """Give an agent unsold cards of a batch, the next ones in the order they were made, or from the one with the payment reference
    `first` on; the allotment's id. The commission of today holds for them. The same form again is the same allotment.

    Forbidden; NotFound; Invalid by field; Conflict: the agent is paused; OverLimit."""
    merchant_id = people.manager(actor)
    batch_id, wanted, first_ref = _number(batch), _number(count), first.strip()
    once = f"{merchant_id}:{form_key}"[:64] if form_key else None
    async with atomic() as tx:
        agent = await people.own(tx, merchant_id, agent_id)
        if once and (before := await tx.value("SELECT id FROM agent_allotments WHERE form_key = $1", once)) is not None:
            return before
        if agent["status"] != "active":
            raise Conflict(IS_PAUSED)
        taken = await _free(tx, merchant_id, batch_id, wanted, first_ref)
        bp = await people.rate(tx, agent, taken["package_id"])
        net = taken["price_cents"] - money.commission(taken["price_cents"], bp) if taken["kind"] == "cash" else 0
        await _within_limit(tx, agent, more=net * wanted)
        allotment_id = await tx.value(
            """INSERT INTO agent_allotments (merchant_id, agent_id, batch_id, package_id, size, first_id, last_id, price_cents,
                                             commission_bp, created_by, created_at, form_key)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id""",
            merchant_id, agent_id, batch_id, taken["package_id"], wanted, taken["first_id"], taken["last_id"],
            taken["price_cents"], bp, actor.user_id, now, once,
        )  # fmt: skip
        await tx.execute("UPDATE vouchers SET allotment_id = $1 WHERE id = ANY($2)", allotment_id, taken["ids"])
        data = {"batch": batch_id, "count": wanted, "first": taken["first_id"], "last": taken["last_id"], "bp": bp}
        await _note(tx, actor, agent_id, "allotted", data, now=now)
        return allotment_id


async def _free(tx: Tx, merchant_id: int, batch_id: int, wanted: int, first: str) -> Record:
    """The next unsold cards nobody has, locked: ids and what they have in common."""
    batch = await tx.row(
        "SELECT id, done_at FROM batches WHERE id = $1 AND merchant_id = $2 FOR KEY SHARE", batch_id, merchant_id
    )  # before its cards, as whoever takes a batch back does
    if batch is None:
        raise Invalid({"batch": WHICH_BATCH})
    if batch["done_at"] is None:
        raise Invalid({"batch": STILL_MAKING})
    if wanted < 1:
        raise Invalid({"count": HOW_MANY})
    row = await tx.row(
        """WITH chosen AS (
             SELECT id, package_id, price_cents FROM vouchers
             WHERE batch_id = $1 AND status = 'unsold' AND allotment_id IS NULL AND id >= $3 AND (expires_at IS NULL OR expires_at > now())
             ORDER BY id LIMIT $2 FOR UPDATE)
           SELECT array_agg(id ORDER BY id) AS ids, min(id) AS first_id, max(id) AS last_id, min(package_id) AS package_id,
                  max(price_cents) AS price_cents, count(*) AS n, (SELECT kind FROM batches WHERE id = $1) AS kind FROM chosen""",
        batch_id, wanted, await _first_id(tx, batch_id, first),
    )  # fmt: skip
    if row is None or row["n"] < wanted:
        raise Invalid({"count": NOT_SO_MANY})
    return row


async def _first_id(tx: Tx, batch_id: int, first: str) -> int:
    if not first:
        return 0
    try:
        folded = codes.fold_reference(first)
    except codes.CodeError as error:
        raise Invalid({"first": WHICH_FIRST}) from error
    found = await tx.value("SELECT id FROM vouchers WHERE batch_id = $1 AND payment_reference = $2", batch_id, folded)
    if found is None:
        raise Invalid({"first": WHICH_FIRST})
    return found


async def _within_limit(tx: Tx, agent: Record, *, more: int) -> None:
    """Owed, in hand and the new cards together stay within what the agent may owe."""
    if agent["credit_cents"] is None or not more:
        return
    out = await people.balance(tx, agent["id"]) + await people.in_hand(tx, agent["id"]) + more
    if out > agent["credit_cents"]:
        raise OverLimit


async def bring_back(actor: Actor, agent_id: int, allotment_id: int, *, count: str, now: datetime) -> int:
    """Take unsold cards of an allotment back into the shop, the last ones first; how many. They can be given to another agent.

    Forbidden; NotFound; Invalid: not so many are unsold."""
    merchant_id = people.manager(actor)
    wanted = _number(count)
    async with atomic() as tx:
        await _of(tx, merchant_id, agent_id, allotment_id)
        if wanted < 1:
            raise Invalid({"count": HOW_MANY})
        rows = await tx.fetch(
            """UPDATE vouchers SET allotment_id = NULL WHERE id IN (
                 SELECT id FROM vouchers WHERE allotment_id = $1 AND status = 'unsold' ORDER BY id DESC LIMIT $2 FOR UPDATE)
               RETURNING id""",
            allotment_id, wanted,
        )  # fmt: skip
        if len(rows) < wanted:
            raise Invalid({"count": NOT_SO_MANY})
        await _note(tx, actor, agent_id, "brought_back", {"allotment": allotment_id, "count": wanted}, now=now)
        return wanted


async def lose(actor: Actor, agent_id: int, allotment_id: int, *, why: str, now: datetime) -> int:
    """Unsold cards of an allotment were lost or stolen: their codes work no more; how many. The agent owes nothing for them.

    Forbidden; NotFound; Invalid: no reason."""
    merchant_id = people.manager(actor)
    reason = "".join(char for char in why if char.isprintable()).strip()[:200]
    async with atomic() as tx:
        await _of(tx, merchant_id, agent_id, allotment_id)
        if len(reason) < 3:
            raise Invalid({"why": SAY_WHY})
        rows = await tx.fetch(
            "SELECT id FROM vouchers WHERE allotment_id = $1 AND status = 'unsold' ORDER BY id", allotment_id
        )
        gone = await move_all(
            tx, "vouchers", [row["id"] for row in rows], E.REVOKE, at=now, actor=f"user:{actor.user_id}",
            data={"why": reason}, ended_at=now, ended_why="revoked",
        )  # fmt: skip
        data = {"allotment": allotment_id, "count": len(gone), "why": reason}
        await _note(tx, actor, agent_id, "lost", data, now=now)
        return len(gone)


async def _of(tx: Tx, merchant_id: int, agent_id: int, allotment_id: int) -> None:
    """The agent, locked, and that the allotment is theirs."""
    await people.own(tx, merchant_id, agent_id)
    if not await tx.value(
        "SELECT EXISTS (SELECT FROM agent_allotments WHERE id = $1 AND agent_id = $2)", allotment_id, agent_id
    ):
        raise NotFound


async def _note(tx: Tx, actor: Actor, agent_id: int, name: str, data: Mapping[str, object], *, now: datetime) -> None:
    await note(
        tx, "agents", agent_id, name, merchant_id=actor.merchant_id, at=now, actor=f"user:{actor.user_id}", data=data
    )


def _number(text: str) -> int:
    plain = text.strip().replace(",", "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 10 else 0
