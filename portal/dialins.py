"""PPPoE subscribers on their router: what it should hold, what of that was carried out, and the sessions seen.

Who a subscriber is and what they owe is `portal.subscribers`' business; here is only the router's side.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import dialin_spans
from portal.db import DB, Tx
from portal.dialin_spans import Stretch
from portal.errors import Conflict
from portal.msgid import N_
from portal.subscribers import dialins as wishes
from portal.terms import Terms
from portal.vault import Vault
from routeros.dialins import DesiredDialin, DesiredDialins, DialinSession, ObservedDialins, PppProfile, dialin_profile

#: A session whose beginning moved by less than this is the same: a router's clock and ours differ, and looks take time.
_SAME_SESSION = timedelta(seconds=30)
#: What a subscriber wants of the router, as one word; the sealed password stands for the password.
_WISH = """encode(sha256(convert_to(concat_ws('/', s.user_name, s.status IN ('active', 'grace'), s.status = 'closed',
  coalesce(s.terms ->> 'rate_up_kbps', ''), coalesce(s.terms ->> 'rate_down_kbps', ''), encode(s.password_sealed, 'hex')), 'UTF8')),
  'hex')"""
_MINE = """FROM subscribers s LEFT JOIN dialins d ON d.subscriber_id = s.id AND d.router_id = s.router_id
WHERE s.router_id = $1 AND s.kind = 'pppoe' AND (s.status <> 'closed' OR d.carried IS NOT NULL)"""
_MOVED = """FROM dialins d JOIN subscribers s ON s.id = d.subscriber_id
WHERE d.router_id = $1 AND s.router_id <> $1 AND d.carried IS NOT NULL"""


class DialinView(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber's session and usage as last seen. `online_since` None: not online. Bytes: `up` is what the customer sent."""

    online_since: datetime | None
    seen_at: datetime | None
    address: str
    mac: str
    bytes_up: int
    bytes_down: int
    error: str


def refuse_pull(way: str) -> None:
    """Raise Conflict for a router that cannot serve PPPoE subscribers: one that asks us gets hotspot work only."""
    if way == "pull":
        raise Conflict(
            N_(
                "This router asks us for its work and cannot take PPPoE customers that way. Reach it by tunnel or directly"
                " first (Routers → Change), or make the customer a hotspot customer."
            )
        )


def profile_for(terms: Terms) -> PppProfile:
    """The profile with a package's speed; equal speeds share one."""
    up, down = terms.rate_up_kbps, terms.rate_down_kbps
    return dialin_profile(f"{up or down}k/{down or up}k" if up or down else "")


async def desired(router_id: int, *, vault: Vault) -> DesiredDialins:
    """Everything a router should hold of its PPPoE subscribers."""
    found = await wishes.on_router(router_id, vault=vault)
    live = [each for each in found if not each.is_closed]
    profiles = [profile_for(each.terms) for each in live]
    return DesiredDialins(
        dialins={
            each.user_name: DesiredDialin(each.user_name, each.password, profile.name, each.subscriber_id, each.is_on)
            for each, profile in zip(live, profiles, strict=True)
        },
        profiles={profile.name: profile for profile in profiles},
        ended=frozenset(each.user_name for each in found if each.is_closed),
    )


async def is_any_on(router_id: int) -> bool:
    """Whether a router holds or should hold PPPoE subscribers: else its PPP menus are not read."""
    return await wishes.any_on(router_id) or bool(await DB.value(f"SELECT EXISTS (SELECT {_MOVED})", router_id))


async def customers_on(router_id: int) -> int:
    """How many PPPoE subscribers are served by a router."""
    return await DB.value(
        "SELECT count(*) FROM subscribers WHERE router_id = $1 AND kind = 'pppoe' AND status <> 'closed'", router_id
    )


async def is_any_waiting(router_id: int) -> bool:
    """Whether something about a router's subscribers changed that was not carried out yet."""
    return bool(
        await DB.value(
            f"""SELECT EXISTS (SELECT {_MINE} AND d.carried IS DISTINCT FROM {_WISH}) OR EXISTS (SELECT {_MOVED})""",
            router_id,
        )
    )


async def marks(router_id: int) -> dict[int, tuple[str, str]]:
    """Each subscriber's user name and the mark of the present wish. Read before the wishes: a change in between is done twice."""
    rows = await DB.fetch(f"SELECT s.id, s.user_name, {_WISH} AS wish {_MINE}", router_id)
    return {row["id"]: (row["user_name"], row["wish"]) for row in rows}


async def carried_out(
    tx: Tx,
    router_id: int,
    marked: Mapping[int, tuple[str, str]],
    *,
    errors: Mapping[str, str],
    is_held: bool,
    now: datetime,
) -> None:
    """Note what was carried out; `errors` are what the router refused, by user name. `is_held`: surplus rows stayed."""
    ids = sorted(marked)
    said = [errors.get(marked[each][0], "")[:200] for each in ids]
    await tx.execute(
        """INSERT INTO dialins (merchant_id, subscriber_id, router_id, carried, carried_at, error)
           SELECT s.merchant_id, s.id, $1, CASE WHEN n.error = '' THEN n.wish END, CASE WHEN n.error = '' THEN $5::timestamptz END, n.error
           FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n (id, wish, error) JOIN subscribers s ON s.id = n.id
           ORDER BY s.id
           ON CONFLICT (subscriber_id, router_id) DO UPDATE SET
             carried = coalesce(excluded.carried, dialins.carried), error = excluded.error,
             carried_at = coalesce(excluded.carried_at, dialins.carried_at)
           WHERE (dialins.carried, dialins.error) IS DISTINCT FROM (excluded.carried, excluded.error)""",
        router_id,
        ids,
        [marked[each][1] for each in ids],
        said,
        now,
    )
    if not is_held:
        moved = await tx.fetch(
            f"""UPDATE dialins SET carried = NULL, online_since = NULL, address = '', session_up = 0, session_down = 0
                WHERE id IN (SELECT d.id {_MOVED}) RETURNING id""",
            router_id,
        )
        await dialin_spans.end(tx, [row["id"] for row in moved])


async def seen(tx: Tx, router_id: int, observed: ObservedDialins, *, now: datetime) -> None:
    """Note the sessions of a complete read. What a session used after the last look at it is not seen; a router's counters
    begin anew with each."""
    rows = await tx.fetch(
        """SELECT d.*, s.user_name FROM dialins d JOIN subscribers s ON s.id = d.subscriber_id
           WHERE d.router_id = $1 AND s.router_id = $1 ORDER BY d.id FOR UPDATE OF d""",
        router_id,
    )
    running = {each.user: each for each in observed.sessions if not each.is_radius}
    for row in rows:
        session = running.get(row["user_name"])
        if session is not None:
            await _note_session(tx, row, session, observed.bytes_of(session.user), now=now)
    offline = [row["id"] for row in rows if row["user_name"] not in running and row["online_since"] is not None]
    if offline:
        await tx.execute(
            """UPDATE dialins SET online_since = NULL, address = '', session_up = 0, session_down = 0 WHERE id = ANY($1)""",
            offline,
        )
        await dialin_spans.end(tx, offline)


async def _note_session(
    tx: Tx, row: Record, session: DialinSession, counted: tuple[int, int], *, now: datetime
) -> None:
    began = now - timedelta(seconds=session.uptime)
    up, down = counted
    before, old_up, old_down = row["online_since"], row["session_up"], row["session_down"]
    is_same = before is not None and abs(before - began) < _SAME_SESSION and up >= old_up and down >= old_down
    more_up, more_down = (up - old_up, down - old_down) if is_same else (up, down)
    since = (row["seen_at"] or began) if is_same else began
    await dialin_spans.grow(
        tx,
        Stretch(dialin_id=row["id"], since=since, begins=not is_same, up=more_up, down=more_down),
        now=now,
    )
    await tx.execute(
        """UPDATE dialins SET online_since = $2, seen_at = $3, address = $4, mac = $5, session_up = $6, session_down = $7,
             bytes_up = bytes_up + $8, bytes_down = bytes_down + $9 WHERE id = $1""",
        row["id"],
        before if is_same else began,
        now,
        session.address[:45],
        session.mac[:17],
        up,
        down,
        more_up,
        more_down,
    )


async def of_subscriber(subscriber_id: int, *, merchant_id: int) -> DialinView | None:
    """What is known of a subscriber on their router; None before anything was done there."""
    row = await DB.row(
        """SELECT d.online_since, d.seen_at, d.address, d.mac, d.error, t.up AS bytes_up, t.down AS bytes_down
           FROM dialins d JOIN subscribers s ON s.id = d.subscriber_id AND s.router_id = d.router_id
           CROSS JOIN LATERAL (SELECT sum(bytes_up)::bigint AS up, sum(bytes_down)::bigint AS down
                               FROM dialins WHERE subscriber_id = s.id) t
           WHERE s.id = $1 AND s.merchant_id = $2""",
        subscriber_id,
        merchant_id,
    )
    return DialinView(**dict(row)) if row else None


async def online_on(router_id: int) -> Sequence[str]:
    """The user names seen online at the last look, for the router's page."""
    rows = await DB.fetch(
        """SELECT s.user_name FROM dialins d JOIN subscribers s ON s.id = d.subscriber_id
           WHERE d.router_id = $1 AND d.online_since IS NOT NULL ORDER BY 1""",
        router_id,
    )
    return [row["user_name"] for row in rows]
