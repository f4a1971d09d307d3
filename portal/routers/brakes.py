"""Brakes: removals nobody asked for are held until a person says they may go; and boards that are not the one we knew.

Told by events, an alarm once when it begins; no state besides them."""

from datetime import datetime, timedelta

from portal.db import DB, Tx, atomic
from portal.identity import Actor
from portal.routers.access import RouterAccess
from portal.routers.rights import named, own_to_change
from portal.states import note
from portal.work import Work, defer

HELD, RELEASED, REPLACED, RESTARTED = "brakes_held", "brakes_released", "board_replaced", "restarted"
#: A person's word is for what they saw; it does not count for what is found later.
WORD_LASTS = timedelta(minutes=10)
ALARM_AGAIN = timedelta(days=1)

_LAST = """SELECT name, at FROM events WHERE entity = 'routers' AND entity_id = $1 AND name IN ('brakes_held', 'brakes_released')
ORDER BY id DESC LIMIT 1"""


async def hold_brakes(tx: Tx, router: RouterAccess, why: str, *, now: datetime, actor: str) -> bool:
    """Removals on this router were held. True: that is new, or was last told a day ago."""
    last = await tx.row(_LAST, router.id)
    if last is not None and last["name"] == HELD and now - last["at"] < ALARM_AGAIN:
        return False
    await note(
        tx, "routers", router.id, HELD, merchant_id=router.merchant_id, at=now, actor=actor, data={"why": why[:200]}
    )
    return True


async def are_brakes_released(router_id: int, *, now: datetime) -> bool:
    """Whether a person said, in the last ten minutes and since the brakes were last held, that the removals may go on."""
    last = await DB.row(_LAST, router_id)
    return last is not None and last["name"] == RELEASED and now - last["at"] <= WORD_LASTS


async def held_why(router_id: int) -> str | None:
    """Why removals are held on this router now; None: nothing is held."""
    row = await DB.row(
        """SELECT name, data->>'why' AS why FROM events WHERE entity = 'routers' AND entity_id = $1
           AND name IN ('brakes_held', 'brakes_released') ORDER BY id DESC LIMIT 1""",
        router_id,
    )
    return row["why"] if row is not None and row["name"] == HELD else None


async def release_brakes(actor: Actor, router_id: int, *, now: datetime) -> bool:
    """A person's word: remove what was held. The router is visited at once. False: nothing is held."""
    async with atomic() as tx:
        row = await own_to_change(tx, actor, router_id)
        last = await tx.row(_LAST, router_id)
        if last is None or last["name"] != HELD:
            return False
        merchant_id = row["merchant_id"]
        await note(tx, "routers", router_id, RELEASED, merchant_id=merchant_id, at=now, actor=named(actor))
        await defer(tx, Work.CHECK_ROUTER, router_id)  # begins with a sync
        return True


async def note_board(
    tx: Tx, router: RouterAccess, serial: str, uptime_s: int, *, missing: int, now: datetime, actor: str
) -> str | None:
    """What a complete read says about the board, as the event noted: another one stands there, or it was started again.

    Either way the same pass has made it equal to its grants; `missing` is how many users had to be made anew.
    """
    name = None
    if router.serial and serial and router.serial != serial:
        name = REPLACED
    elif router.uptime_s is not None and uptime_s < router.uptime_s:
        name = RESTARTED
    if name is not None:
        data = {"missing": missing, "uptime_s": uptime_s}
        await note(tx, "routers", router.id, name, merchant_id=router.merchant_id, at=now, actor=actor, data=data)
    return name
