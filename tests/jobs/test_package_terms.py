"""What packages promise, on a router: bursts are stored as written and repaired, and a night pass ends with the night without us."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs import routers
from portal import vouchers
from portal.access_grants import Wish, want
from portal.db import DB, atomic
from portal.devices import DeviceHint
from portal.errors import Invalid
from portal.terms import Terms
from tests import factories
from tests.jobs.room import Guest, Room

NAIROBI = ZoneInfo("Africa/Nairobi")
BURST = Terms(
    name="Fast", duration_s=86_400, rate_down_kbps=5000, rate_up_kbps=2000, burst_down_kbps=10_000, burst_up_kbps=4000,
    threshold_down_kbps=4000, threshold_up_kbps=1500, burst_time_s=16,
)  # fmt: skip
NIGHT = Terms(name="Night", duration_s=8 * 3600, use_from_min=22 * 60, use_until_min=6 * 60, zone="Africa/Nairobi")
WRITTEN = "2M/5M 4M/10M 1500k/4M 16/16"


async def buyer(room: Room, terms: Terms) -> Guest:
    """A device that bought on these terms and waits before the router."""
    mac, ip = "02:00:00:00:01:01", "10.5.50.77"
    voucher = await factories.voucher(
        room.vault, room.merchant_id, room.package_id, terms=terms.encode(), paid_at=room.clock.now()
    )
    room.board.hotspot.see_host(mac, ip)
    wish = Wish(merchant_id=room.merchant_id, router_id=room.router.id, voucher_id=voucher, mac=mac, ip=ip, terms=terms)
    async with atomic() as tx:
        await want(tx, wish, vault=room.vault, now=room.clock.now())
    return Guest(voucher, mac, ip)


def until(room: Room, hour: int) -> None:
    now = room.clock.now().astimezone(NAIROBI)
    then = datetime.combine(now.date(), time(hour), NAIROBI)
    room.shift(seconds=((then if then > now else then + timedelta(days=1)) - now).total_seconds())


def our_profile(room: Room) -> dict[str, str]:
    [row] = [row for row in room.board.tables["/ip/hotspot/user/profile"] if row.get("name").startswith("vocha-")]
    return {name: row.get(name) for name in ("name", "rate-limit")}


async def test_a_burst_stands_on_the_router_as_it_was_sold(room: Room) -> None:
    guest = await buyer(room, BURST)
    assert await routers.reconcile(room.router.id, room.doors) == 1
    assert room.board.hotspot.session(guest.ip)
    profile = our_profile(room)
    assert profile["rate-limit"].split()[1:] == ["4000k/10000k", "1500k/4000k", "16/16"]
    [queue] = [row for row in room.board.tables["/queue/simple"] if row.get("max-limit") == "2000000/5000000"]
    assert queue.get("burst-limit") == "4000000/10000000"
    assert queue.get("burst-time") == "16s/16s"


async def test_a_burst_somebody_took_away_is_repaired_and_another_spelling_is_not(room: Room) -> None:
    await buyer(room, BURST)
    await routers.reconcile(room.router.id, room.doors)
    table = room.board.tables["/ip/hotspot/user/profile"]
    [row] = [row for row in table if row.get("name").startswith("vocha-")]
    table.change(row, {"rate-limit": "2M/5M"})
    assert await room.sync()
    assert len(our_profile(room)["rate-limit"].split()) == 4
    table.change(row, {"rate-limit": WRITTEN})
    assert await room.sync()
    assert our_profile(room)["rate-limit"] == WRITTEN, "left as it was spelled"


async def test_a_night_pass_ends_with_the_night_while_we_are_away(room: Room) -> None:
    until(room, 23)
    guest = await buyer(room, NIGHT)
    assert await routers.reconcile(room.router.id, room.doors) == 1
    await room.sync()
    ends = await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", guest.voucher_id)
    assert timedelta(hours=6, minutes=59) < ends - room.clock.now() <= timedelta(hours=7)
    room.board.clock.advance(6 * 3600)
    room.board.tick()
    assert room.board.hotspot.session(guest.ip), "an hour is left"
    room.board.clock.advance(3660)
    room.board.tick()
    assert room.board.hotspot.session(guest.ip) is None


async def test_the_router_knows_the_end_of_the_night_before_the_first_login(room: Room) -> None:
    until(room, 23)
    await buyer(room, NIGHT)
    await routers.reconcile(room.router.id, room.doors)
    [user] = [row for row in room.board.tables["/ip/hotspot/user"] if row.get("name").startswith("vocha-")]
    assert user.get("limit-uptime") in {"7h", "6h59m59s", "6h59m58s", "6h59m57s"}


async def test_a_night_voucher_cannot_be_begun_at_noon_and_keeps(room: Room) -> None:
    until(room, 12)
    voucher = await factories.voucher(room.vault, room.merchant_id, room.package_id, terms=NIGHT.encode())
    device = DeviceHint("02:00:00:00:01:02", "10.5.50.78")
    with pytest.raises(Invalid) as refused:
        async with atomic() as tx:
            await vouchers.let_in(tx, voucher, room.router, device, vault=room.vault, now=room.clock.now())
    assert refused.value.fields["code"] == vouchers.OTHER_HOURS
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "paid"
    until(room, 22)
    async with atomic() as tx:
        assert await vouchers.let_in(tx, voucher, room.router, device, vault=room.vault, now=room.clock.now())
