"""Devices: a MAC is a hint, the voucher's link is proof, and forgetting takes nothing away from anybody."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import access_grants, checkouts, devices
from portal.access_grants import Wish
from portal.db import DB, atomic
from portal.devices import DeviceHint, Proof
from portal.identity import Actor, Role
from portal.routers import RouterView
from portal.terms import Terms
from portal.vault import Vault
from tests import factories

OLD, NEW, OWN = "02:AA:00:00:00:01", "06:BB:00:00:00:02", "A4:CC:00:00:00:03"
T0 = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Shop:
    """A merchant with a router and a voucher, and devices that show it."""

    def __init__(self, vault: Vault, merchant_id: int, router: RouterView, voucher_id: int) -> None:
        self.vault, self.merchant_id, self.router, self.voucher_id = vault, merchant_id, router, voucher_id
        self.owner = Actor(
            user_id=1, merchant_id=merchant_id, role=Role.OWNER, is_operator=False, name="Amina", email="a@x.ke"
        )

    async def show(self, mac: str, proof: Proof, at: datetime) -> None:
        async with atomic() as tx:
            wish = Wish(
                merchant_id=self.merchant_id, router_id=self.router.id, voucher_id=self.voucher_id, mac=mac,
                ip="10.5.50.9", terms=Terms(name="1 hour", duration_s=3600), proof=proof,
            )  # fmt: skip
            await access_grants.want(tx, wish, vault=self.vault, now=at)

    async def stay(self, mac: str, begins: datetime, ends: datetime) -> None:
        grant = await DB.value("SELECT id FROM access_grants WHERE voucher_id = $1", self.voucher_id)
        await DB.fetch(
            """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at, ended_at)
               VALUES ($1, $2, $3, $4, '10.5.50.9', $5, $6, $6)""",
            self.merchant_id, self.router.id, grant, mac, begins, ends,
        )  # fmt: skip

    async def lines(self) -> list[list[str]]:
        return [list(line.macs) for line in await devices.of_voucher(self.owner, self.voucher_id)]


async def open_shop(vault: Vault, *, devices: int = 1) -> Shop:
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant)
    package = await factories.package(merchant)
    terms = Terms(name="1 hour", duration_s=3600, devices=devices).encode()
    return Shop(vault, merchant, router, await factories.voucher(vault, merchant, package, terms=terms))


async def test_a_device_belongs_to_what_it_bought_and_is_last_seen_where_it_was(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OWN, Proof.BOUGHT, T0)
    await shop.show(OWN, Proof.CODE, T0 + timedelta(hours=2))
    (line,) = await devices.of_voucher(shop.owner, shop.voucher_id)
    assert (line.macs, line.proof, line.is_random) == ([OWN], "bought", False)
    assert (line.first_at, line.last_at) == (T0, T0 + timedelta(hours=2))
    assert line.seen == [("Main shop", T0 + timedelta(hours=2))]


async def test_the_link_shown_from_a_new_made_up_mac_is_the_same_device(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.stay(OLD, T0, T0 + timedelta(minutes=30))
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=1))
    assert await shop.lines() == [[NEW, OLD]]
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=2))
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'same_device'") == 1, "told once"


async def test_two_macs_online_together_are_two_devices(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.stay(OLD, T0, T0 + timedelta(hours=1))
    await shop.stay(NEW, T0 + timedelta(minutes=30), T0 + timedelta(hours=2))
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=2))
    assert await shop.lines() == [[NEW], [OLD]]


@pytest.mark.parametrize("minutes", [5, 15])
async def test_a_router_that_lists_the_old_mac_a_little_longer_fools_nobody(
    db: str, vault: Vault, minutes: int
) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.stay(OLD, T0, T0 + timedelta(minutes=60 + minutes))
    await shop.stay(NEW, T0 + timedelta(hours=1), T0 + timedelta(hours=2))
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=2))
    assert len(await shop.lines()) == (1 if minutes == 5 else 2)


async def test_a_mac_that_is_not_made_up_stays_a_device_of_its_own(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.show(OWN, Proof.LINK, T0 + timedelta(hours=1))
    assert await shop.lines() == [[OWN], [OLD]]


async def test_a_typed_code_is_no_proof_of_being_the_same_device(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.show(NEW, Proof.CODE, T0 + timedelta(hours=1))
    assert await shop.lines() == [[NEW], [OLD]]


async def test_devices_that_share_a_package_for_several_are_not_taken_for_one(db: str, vault: Vault) -> None:
    shop = await open_shop(vault, devices=3)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=1))
    assert len(await shop.lines()) == 2


async def test_a_third_mac_is_found_to_be_the_first_one_too(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    third = "0A:DD:00:00:00:04"
    for hours, mac in enumerate((NEW, third), start=1):
        await shop.show(mac, Proof.LINK, T0 + timedelta(hours=hours))
    assert await shop.lines() == [[third, NEW, OLD]]


async def test_strangers_see_no_devices(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    other = Actor(
        user_id=2, merchant_id=await factories.merchant("Other"), role=Role.OWNER, is_operator=False, name="", email=""
    )
    assert await devices.of_voucher(other, shop.voucher_id) == []


async def test_a_sighting_moves_forward_only_and_knows_no_strangers(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    for at in (T0 + timedelta(hours=3), T0 + timedelta(hours=1)):
        async with atomic() as tx:
            await devices.sighted(tx, shop.merchant_id, shop.router.id, {OLD, NEW}, now=at)
    (line,) = await devices.of_voucher(shop.owner, shop.voucher_id)
    assert line.seen == [("Main shop", T0 + timedelta(hours=3))]
    assert await DB.value("SELECT count(*) FROM devices") == 1


async def test_forgetting_spares_whoever_still_holds_a_voucher(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    await shop.show(NEW, Proof.LINK, T0 + timedelta(hours=1))
    month_later = T0 + timedelta(days=31)
    assert await devices.forget(before=month_later) == 0
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = $1", T0 + timedelta(hours=2))
    assert [await devices.forget(before=T0)] == [0], "seen since"
    forgotten = [await devices.forget(before=month_later) for _ in range(3)]
    assert forgotten == [1, 1, 0], "the one the other was recognised as goes after it"
    assert await DB.value("SELECT count(*) FROM device_sightings") == 0


async def test_coming_back_to_the_vouchers_page_is_the_link(db: str, vault: Vault) -> None:
    shop = await open_shop(vault)
    await shop.show(OLD, Proof.BOUGHT, T0)
    token = "ab" * 32
    await DB.fetch(
        """INSERT INTO checkouts (merchant_id, router_id, package_id, voucher_id, token, form_key, mac, ip, terms)
           SELECT merchant_id, $2, package_id, id, $3, $3, $4, '10.5.50.9', terms FROM vouchers WHERE id = $1""",
        shop.voucher_id, shop.router.id, token, OLD,
    )  # fmt: skip
    await checkouts.returned(token, DeviceHint(NEW, "10.5.50.10"), vault=vault, now=T0 + timedelta(hours=1))
    assert await shop.lines() == [[NEW, OLD]]
