"""The list of vouchers: every way to narrow it, pages both ways that miss nothing, search, and nobody else's vouchers."""

from datetime import datetime, timedelta

import pytest

from portal import batches, voucher_lists
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from portal.voucher_lists import Show, VoucherLine, Wanted
from tests import factories
from tests.portal.payments.stall import Stall, actor, receipt
from tests.portal.vouchers.shelf import made_of, open_code

PHONE = "254712345678"


@pytest.fixture
async def stall(db: str, vault: Vault, clock: Clock) -> Stall:
    """A stall whose vouchers come out of nowhere."""
    return await Stall.opened(vault, clock)


async def _shelf(stall: Stall) -> dict[str, int]:
    """Some of everything, an hour apart; by name."""
    at = stall.clock.now() - timedelta(days=2)
    other = await factories.package(stall.merchant_id, name="1 day", price_cents=5000)
    ids: dict[str, int] = {}
    for name, columns in (
        ("old", {"status": "unsold"}),
        ("paid", {"status": "paid"}),
        ("day", {"status": "paid", "package_id": other}),
        ("used", {"status": "in_use", "router_id": stall.router.id}),
        ("over", {"status": "expired", "router_id": stall.router.id}),
        ("back", {"status": "revoked"}),
    ):
        at += timedelta(hours=1)
        given = {"package_id": stall.package_id, "created_at": at, **columns}
        package, status = int(str(given.pop("package_id"))), str(given.pop("status"))
        ids[name] = await factories.voucher(stall.vault, stall.merchant_id, package, status=status, **given)
    return ids


async def _names(stall: Stall, ids: dict[str, int], wanted: Wanted) -> list[str]:
    found = await voucher_lists.look(stall.owner, wanted)
    names = {row_id: name for name, row_id in ids.items()}
    return [names[line.id] for line in found.lines]


async def test_the_list_shows_what_is_asked_for_and_the_newest_first(stall: Stall) -> None:
    ids = await _shelf(stall)
    assert await _names(stall, ids, Wanted()) == ["back", "over", "used", "day", "paid", "old"]
    for wanted, names in (
        (Wanted(show=Show.UNSOLD), ["old"]),
        (Wanted(show=Show.PAID), ["day", "paid"]),
        (Wanted(show=Show.ENDED), ["over"]),
        (Wanted(show=Show.REVOKED), ["back"]),
        (Wanted(package_id=stall.package_id), ["back", "over", "used", "paid", "old"]),
        (Wanted(package_id=stall.package_id, show=Show.PAID), ["paid"]),
        (Wanted(router_id=stall.router.id), ["over", "used"]),
        (Wanted(router_id=stall.router.id, package_id=stall.package_id, show=Show.IN_USE), ["used"]),
    ):
        assert await _names(stall, ids, wanted) == names, wanted


async def test_days_of_making_and_of_ending_narrow_the_list(stall: Stall) -> None:
    ids = await _shelf(stall)
    began = stall.clock.now() - timedelta(days=2)
    made = Wanted(made_since=began + timedelta(minutes=90), made_until=began + timedelta(minutes=210))
    assert await _names(stall, ids, made) == ["day", "paid"]
    await DB.fetch("UPDATE vouchers SET ended_at = $2 WHERE id = $1", ids["back"], began)
    assert await _names(stall, ids, Wanted(ended_since=began + timedelta(days=1))) == ["over"]
    assert await _names(stall, ids, Wanted(ended_until=began + timedelta(days=1))) == ["back"]
    assert await _names(stall, ids, Wanted(ended_since=began)) == ["over", "back"], "in the order of their ends"


@pytest.mark.parametrize("by", ["all", "batch", "ended"])
async def test_pages_forth_and_back_show_every_voucher_once(stall: Stall, by: str) -> None:
    batch = await made_of(stall, 17)
    if by == "ended":
        await batches.take_back(stall.owner, batch, all_live=False, why="misprint", now=stall.clock.now())
    wanted = {
        "all": Wanted(),
        "batch": Wanted(batch_id=batch),
        "ended": Wanted(ended_since=stall.clock.now() - timedelta(days=1)),
    }[by]
    forth: list[list[VoucherLine]] = []
    before, pages = "", []
    while True:
        page = await voucher_lists.look(stall.owner, wanted, before=before, most=5)
        pages.append(page)
        forth.append(page.lines)
        if page.older is None:
            break
        before = page.older
    assert [len(lines) for lines in forth] == [5, 5, 5, 2]
    assert len({line.id for lines in forth for line in lines}) == 17
    assert pages[0].newer is None
    back = pages[-1]
    for lines in reversed(forth[:-1]):
        assert back.newer is not None
        back = await voucher_lists.look(stall.owner, wanted, after=back.newer, most=5)
        assert back.lines == lines
        assert back.older is not None
    assert back.newer is None


@pytest.mark.parametrize("place", ["x", "1-", "-1", "zz-zz", "1-ffffffffffffffffffff", "ffffffffffffffffffffff-1", "-"])
async def test_a_place_nobody_gave_is_the_beginning(stall: Stall, place: str) -> None:
    await made_of(stall, 2)
    assert len((await voucher_lists.look(stall.owner, Wanted(), before=place)).lines) == 2


async def test_what_people_type_finds_the_voucher(stall: Stall) -> None:
    batch = await made_of(stall, 3, note="Market 100% kiosk", prefix="MKT", kind="cash")
    await factories.voucher(stall.vault, stall.merchant_id, stall.package_id)
    ids = [row["id"] for row in await DB.fetch("SELECT id FROM vouchers WHERE batch_id = $1 ORDER BY id", batch)]
    code = await open_code(stall, ids[1])
    reference = await DB.value("SELECT payment_reference FROM vouchers WHERE id = $1", ids[1])
    for typed in (code, code.lower(), f"mkt-{code[:5]} {code[5:]}", f"MKT{code}", reference, f" {reference.lower()} "):
        assert [line.id for line in await voucher_lists.find(stall.owner, typed, vault=stall.vault)] == [ids[1]], typed
    assert [line.id for line in await voucher_lists.find(stall.owner, "100% k", vault=stall.vault)] == ids[::-1]
    assert await voucher_lists.find(stall.owner, "100_", vault=stall.vault) == [], "no wildcards"
    assert await voucher_lists.find(stall.owner, "  ", vault=stall.vault) == []


async def test_the_phone_that_paid_finds_what_it_bought(stall: Stall) -> None:
    attempt = await stall.attempt(phone=PHONE)
    await stall.stk(attempt, receipt())
    bought = await DB.value("SELECT max(id) FROM vouchers")
    await stall.attempt(phone="254700000123")
    found = await voucher_lists.find(stall.owner, "0712 345 678", vault=stall.vault)
    assert [line.id for line in found] == [bought]


async def test_nobody_sees_another_merchants_vouchers(stall: Stall) -> None:
    ids = await _shelf(stall)
    code = await open_code(stall, ids["paid"])
    batch = await made_of(stall, 2, note="secret stock")
    stranger = actor(await factories.merchant("Rival"))
    reference = await DB.value("SELECT payment_reference FROM vouchers WHERE id = $1", ids["paid"])
    for wanted in (
        Wanted(), Wanted(package_id=stall.package_id), Wanted(router_id=stall.router.id), Wanted(batch_id=batch),
        Wanted(ended_since=datetime(2020, 1, 1).astimezone()),
    ):  # fmt: skip
        assert (await voucher_lists.look(stranger, wanted)).lines == [], wanted
    for typed in (code, reference, "secret stock", PHONE):
        assert await voucher_lists.find(stranger, typed, vault=stall.vault) == [], typed
