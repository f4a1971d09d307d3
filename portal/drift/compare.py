"""How a router differs from what was sold, and what each difference is worth. Reads our rows and compares; dials nobody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from portal.db import DB


class Kind(StrEnum):
    """What is wrong. FOREIGN and FOREIGN_DIALIN are not of our making: no pass touches them."""

    MISSING = "missing"  # paid for, and the router does not know the user
    CHANGED = "changed"  # the user is there with other limits, speed or password
    FREE = "free"  # a user of ours is online without a grant
    SURPLUS = "surplus"  # a user of ours without a grant, not online
    FOREIGN_ONLINE = "foreign_online"  # online by a user that is not ours
    FOREIGN_USER = "foreign_user"  # a hotspot user that is not ours, not online
    BYPASSED = "bypassed"  # a device the router lets by without a login
    DIALIN_MISSING = "dialin_missing"  # a PPPoE customer in good standing whom the router does not know
    DIALIN_CHANGED = "dialin_changed"  # the secret is there with another speed or password, or switched the other way
    DIALIN_FREE = "dialin_free"  # online over PPPoE, though suspended
    DIALIN_SURPLUS = "dialin_surplus"  # a secret of ours without a customer
    FOREIGN_DIALIN = "foreign_dialin"  # a PPPoE user that is not ours: listed, never more


#: What a person may vouch for or have removed.
FOREIGN = frozenset({Kind.FOREIGN_ONLINE, Kind.FOREIGN_USER, Kind.BYPASSED})


class Online(msgspec.Struct, frozen=True, kw_only=True):
    """An active session as the router told it; `uptime_s` is its own."""

    user_name: str
    mac: str
    uptime_s: int


class UserSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A hotspot user's row; `uptime_s` of its ended sessions; `is_ours` by name and comment."""

    name: str
    uptime_s: int
    is_ours: bool


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One complete read of a router. `changed`: users of ours that differ from their grants. `bypassed`: seconds by MAC."""

    online: Sequence[Online]
    users: Sequence[UserSeen]
    changed: Sequence[str] = ()
    bypassed: Mapping[str, int] = {}


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that is not gone, and what its voucher is worth."""

    user_name: str
    voucher_id: int
    price_cents: int
    duration_s: int
    expires_at: datetime | None
    is_live: bool
    is_running: bool

    def worth_cents(self, now: datetime) -> int:
        """What the customer paid for and has not had yet, rounded up."""
        if not self.is_running or self.expires_at is None:
            return self.price_cents
        left_s = min(self.duration_s, max(0, int((self.expires_at - now).total_seconds())))
        return -(-self.price_cents * left_s // self.duration_s)


class Price(msgspec.Struct, frozen=True):
    """A package on sale: what so many seconds cost."""

    cents: int
    duration_s: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: `who` is the user's name or a MAC, `at_stake_cents` what a customer lacks or the shop loses."""

    kind: Kind
    who: str
    at_stake_cents: int
    voucher_id: int | None = None

    @property
    def is_mendable(self) -> bool:
        """Whether a complete pass mends it."""
        return self.kind not in FOREIGN and self.kind is not Kind.FOREIGN_DIALIN


async def sold_on(router_id: int) -> list[Sold]:
    """Everything granted on a router."""
    rows = await DB.fetch(
        """SELECT g.user_name, v.id AS voucher_id, v.price_cents, (v.terms ->> 'duration_s')::bigint AS duration_s, v.expires_at,
                  v.status IN ('paid', 'in_use') AND g.status IN ('wanted', 'present') AS is_live,
                  v.status = 'in_use' AS is_running
           FROM access_grants g JOIN vouchers v ON v.id = g.voucher_id
           WHERE g.router_id = $1 AND g.status <> 'gone' ORDER BY g.id""",
        router_id,
    )
    return [Sold(**dict(row)) for row in rows]


async def prices_at(router_id: int) -> list[Price]:
    """What the router's merchant sells now."""
    rows = await DB.fetch(
        """SELECT p.price_cents, p.duration_s FROM packages p JOIN routers r ON r.merchant_id = p.merchant_id
           WHERE r.id = $1 AND p.is_active AND p.price_cents > 0 ORDER BY p.id""",
        router_id,
    )
    return [Price(row["price_cents"], row["duration_s"]) for row in rows]


def cost_of(seconds: int, prices: Sequence[Price]) -> int:
    """What so much time would have cost the cheapest way, whole packages; 0 when nothing is on sale or no time was used."""
    if seconds <= 0:
        return 0
    return min((-(-seconds // price.duration_s) * price.cents for price in prices), default=0)


def compare(sight: Sight, sold: Sequence[Sold], prices: Sequence[Price], *, now: datetime) -> list[Finding]:
    """Every difference between a complete read and what was sold, the dearest first. Pure."""
    live = {each.user_name: each for each in sold if each.is_live}
    users = {user.name: user for user in sight.users if user.is_ours}
    online = {session.user_name for session in sight.online}
    found = [
        Finding(kind=kind, who=name, at_stake_cents=live[name].worth_cents(now), voucher_id=live[name].voucher_id)
        for kind, names in (
            (Kind.MISSING, live.keys() - users.keys()),
            (Kind.CHANGED, live.keys() & set(sight.changed)),
        )
        for name in names
    ]
    for session in sight.online:
        if session.user_name not in live:
            is_ours = session.user_name in users or any(session.user_name == each.user_name for each in sold)
            kind = Kind.FREE if is_ours else Kind.FOREIGN_ONLINE
            found.append(Finding(kind=kind, who=session.user_name, at_stake_cents=cost_of(session.uptime_s, prices)))
    for user in sight.users:
        if user.name not in online and not (user.is_ours and user.name in live):
            kind = Kind.SURPLUS if user.is_ours else Kind.FOREIGN_USER
            found.append(Finding(kind=kind, who=user.name, at_stake_cents=cost_of(user.uptime_s, prices)))
    found += [
        Finding(kind=Kind.BYPASSED, who=mac, at_stake_cents=cost_of(seconds, prices))
        for mac, seconds in sight.bypassed.items()
    ]
    return sorted(found, key=lambda each: (-each.at_stake_cents, each.kind, each.who))
