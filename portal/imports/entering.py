"""Finding the voucher behind a code another system made, when somebody types one. Such codes are often short, so wrong tries are
counted more strictly than those of our own: per router, by who is guessing nobody can say."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portal import limits
from portal.db import DB
from portal.errors import TooMany
from portal.imports import foreign
from portal.msgid import N_
from portal.vault import Vault

#: Wrong tries of such codes that a router lets through in an hour; our own codes go on working beyond it.
WRONG_PER_ROUTER = (20, 3600)
_MANY = N_("Too many codes were tried here. Wait a little, or ask where you bought yours.")


async def code_hashes(merchant_id: int, router_id: int, typed: str, *, vault: Vault, now: datetime) -> Sequence[bytes]:
    """What the imported voucher is stored under that this may be the code of; none: there is none. Exactly as written first; else
    without regard to capitals, if only one is meant. TooMany after too many that were none."""
    text = foreign.plain(typed)
    if not text or len(text) > foreign.LONGEST or not await _has_any(merchant_id):
        return ()
    await _look(router_id, now=now)
    found = await find(merchant_id, text, vault=vault)
    if not found:
        limit, window_s = WRONG_PER_ROUTER
        await limits.hit(_counter(router_id), limit=limit, window_s=window_s, now=now)
    return found


async def find(merchant_id: int, typed: str, *, vault: Vault) -> Sequence[bytes]:
    """The same for somebody of the shop who looks a card up: nothing is counted."""
    if not foreign.plain(typed) or len(typed) > foreign.LONGEST:
        return ()
    exact = vault.code_hashes(foreign.kept(typed))
    rows = await DB.fetch(
        """SELECT v.code_hash, v.code_hash = ANY($2) AS is_exact FROM imported_codes i JOIN vouchers v ON v.id = i.voucher_id
           WHERE i.merchant_id = $1 AND i.loose_hash = ANY($3) LIMIT 20""",
        merchant_id, exact, vault.code_hashes(foreign.kept_loose(typed)),
    )  # fmt: skip
    meant = [row["code_hash"] for row in rows if row["is_exact"]] or [row["code_hash"] for row in rows]
    return meant if len(meant) == 1 else ()


async def _has_any(merchant_id: int) -> bool:
    return await DB.value("SELECT EXISTS (SELECT FROM imported_codes WHERE merchant_id = $1)", merchant_id)


async def _look(router_id: int, *, now: datetime) -> None:
    limit, window_s = WRONG_PER_ROUTER
    wrong = await DB.value(
        "SELECT hits FROM limits WHERE name = $1 AND window_at > $2",
        _counter(router_id),
        now - timedelta(seconds=window_s),
    )
    if (wrong or 0) >= limit:
        raise TooMany(_MANY, retry_after=600)


def _counter(router_id: int) -> str:
    return f"imported-wrong:{router_id}"
