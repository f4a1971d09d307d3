"""What belongs to the shop itself, for programs: its routers, who is online, its packages, and how the day goes."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal import merchants, packages, reports
from portal.access_grants import wake_router
from portal.api_views.cursors import After, micros, moment
from portal.db import DB, atomic
from portal.errors import Conflict, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.packages import Listed
from portal.routers.rights import named, own_to_change
from portal.states import note
from portal.terms import Terms


class Router(msgspec.Struct, frozen=True, kw_only=True):
    """A router. `site` names its captive page and its captive API. `is_in_step`: the last complete pass saw all that is wanted.
    `online`: devices, as the router told last."""

    id: int
    name: str
    site: str
    status: str
    board: str
    version: str
    online: int
    last_seen_at: datetime | None
    offline_since: datetime | None
    reconciled_at: datetime | None
    is_in_step: bool


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A device on a hotspot, now or once. Bytes from the device's point of view; `ended_at` null: still there."""

    id: int
    router_id: int
    voucher_id: int
    mac: str
    ip: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    uptime_s: int
    bytes_up: int
    bytes_down: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package. `price_cents` is what it costs now, `full_price_cents` without a promo price. Lengths in seconds, speeds in kbit/s,
    null: no limit. `router_ids` empty: sold at all routers."""

    id: int
    name: str
    description: str
    is_active: bool
    is_sold_now: bool
    price_cents: int
    full_price_cents: int
    duration_s: int
    uptime_s: int | None
    data_bytes: int | None
    rate_down_kbps: int | None
    rate_up_kbps: int | None
    devices: int
    clock_from: str
    activation_days: int | None
    purchase_days: int | None
    router_ids: list[int]


class Day(msgspec.Struct, frozen=True):
    """What came in on one day of the merchant."""

    day: date
    cents: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How the shop's day goes. `last_week_cents`: the same weekday last week, up to the same time of day. `conversion_percent`: of the
    vouchers made in the last 30 days, how many were sold; null: none was made."""

    currency: str
    timezone: str
    today_cents: int
    last_week_cents: int
    sold: int
    online: int
    vouchers_in_use: int
    owed_cents: int
    commission_cents: int
    conversion_percent: float | None
    days: list[Day]


_ROUTERS = """
SELECT r.id, r.name, r.site, r.status, r.board, r.version, r.last_seen_at, r.offline_since, r.reconciled_at,
       r.reconciled_generation >= r.wanted_generation AS is_in_step,
       CASE WHEN r.status IN ('online', 'late') THEN
         (SELECT count(*) FROM hotspot_sessions s WHERE s.router_id = r.id AND s.ended_at IS NULL) ELSE 0 END AS online
FROM routers r WHERE r.merchant_id = $1 AND r.status <> 'removed' AND ($2::bigint IS NULL OR r.id = $2) ORDER BY r.id"""


async def routers(actor: Actor) -> list[Router]:
    """All of them; a merchant has a few."""
    return [Router(**dict(row)) for row in await DB.fetch(_ROUTERS, actor.at_merchant(), None)]


async def router(actor: Actor, router_id: int) -> Router:
    """One; NotFound for another merchant's and for a removed one."""
    row = await DB.row(_ROUTERS, actor.at_merchant(), router_id)
    if row is None:
        raise NotFound
    return Router(**dict(row))


async def ask_sync(actor: Actor, router_id: int, *, now: datetime) -> Router:
    """Have a router made equal to what was sold, soon; as it stands now. NotFound, Forbidden; Conflict: it is paused."""
    async with atomic() as tx:
        row = await own_to_change(tx, actor, router_id)
        if row["status"] == "paused":
            raise Conflict(N_("This router is paused. Resume it first."))
        await note(tx, "routers", router_id, "sync_asked", merchant_id=row["merchant_id"], at=now, actor=named(actor))
        await wake_router(tx, router_id)
    return await router(actor, router_id)


async def sessions(
    actor: Actor, *, router_id: int | None, open_only: bool, after: After, most: int
) -> tuple[list[Session], After | None]:
    """A page, those seen last first, and where the next one begins."""
    # Of those there now, the latest to come first; of all, the last seen: that is what the indexes have in order.
    at = "started_at" if open_only else "seen_at"
    rows = await DB.fetch(
        f"""SELECT s.id, s.router_id, g.voucher_id, s.mac, s.ip, s.started_at, s.seen_at, s.ended_at, s.uptime_s, s.bytes_up,
                  s.bytes_down
           FROM hotspot_sessions s JOIN access_grants g ON g.id = s.grant_id
           WHERE s.merchant_id = $1 AND ($2::bigint IS NULL OR s.router_id = $2) AND (NOT $3::bool OR s.ended_at IS NULL)
           AND (s.{at}, s.id) < ($4, $5) ORDER BY s.{at} DESC, s.id DESC LIMIT $6""",
        actor.at_merchant(),
        router_id,
        open_only,
        moment(after),
        after.id,
        most + 1,
    )
    found = [Session(**dict(row)) for row in rows[:most]]
    if len(rows) <= most:
        return found, None
    return found, After(micros(rows[most - 1][at]), found[-1].id)


async def all_packages(actor: Actor, *, is_active: bool, now: datetime) -> list[Package]:
    """What is on sale, in the order customers see, or what is archived, the newest first."""
    if is_active:
        return [_package(one) for one in await packages.on_sale_of(actor, now=now)]
    found, before = await packages.archived_of(actor, now=now)
    while before is not None:
        more, before = await packages.archived_of(actor, now=now, before=before)
        found += more
    return [_package(one) for one in found]


async def package(actor: Actor, package_id: int, *, now: datetime) -> Package:
    """One; NotFound for another merchant's."""
    return _package(await packages.page_of(actor, package_id, now=now))


def _package(one: Listed) -> Package:
    terms: Terms = one.draft.terms
    same: Mapping[str, Any] = {
        name: getattr(terms, name) for name in Package.__struct_fields__ if name in Terms.__struct_fields__
    }
    return Package(
        id=one.id, description=one.draft.description, is_active=one.is_active, is_sold_now=one.is_sold_now,
        price_cents=one.price_cents, full_price_cents=one.draft.price_cents, router_ids=list(one.draft.router_ids), **same,
    )  # fmt: skip


async def summary(actor: Actor, *, days: int, now: datetime) -> Summary:
    """The day up to now and the days before it."""
    shop = await merchants.profile(actor.at_merchant())
    zone = ZoneInfo(shop.timezone)
    figures = await reports.figures(actor, zone=zone, now=now)
    bars = await reports.takings_per_day(actor, days=days, zone=zone, now=now)
    made = await DB.row(
        """SELECT count(*) AS made, count(paid_at) AS sold FROM vouchers
           WHERE merchant_id = $1 AND status = ANY($2) AND created_at > $3::timestamptz - interval '30 days'""",
        shop.id,
        ["unsold", "paid", "in_use", "expired", "revoked"],
        now,
    )
    share = round(100 * made["sold"] / made["made"], 2) if made and made["made"] else None
    return Summary(
        currency=shop.currency, timezone=shop.timezone, today_cents=figures.today_cents,
        last_week_cents=figures.last_week_cents, sold=figures.sold, online=figures.online, vouchers_in_use=figures.in_use,
        owed_cents=figures.owed_cents, commission_cents=figures.commission_cents, conversion_percent=share,
        days=[Day(bar.day, bar.cents) for bar in bars],
    )  # fmt: skip
