"""Deeds on one voucher: cash and M-Pesa at the counter, another package on top, more time, another phone, its code by SMS, back."""

from datetime import timedelta

import pytest

from jobs import routers as jobs_routers
from portal import voucher_deeds, voucher_pages, voucher_sales
from portal.access_grants import knock
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.devices import hint
from portal.errors import Conflict, Forbidden, Invalid, NotFound, PortalError, TooMany
from portal.identity import Actor, Role
from portal.terms import decode_terms
from portal.vault import Vault
from tests import factories
from tests.jobs.room import room_open
from tests.portal.payments.stall import Attempt, Stall, actor, books, count, receipt, told
from tests.portal.vouchers.shelf import made_of, vouchers_of

PHONE = "0712345678"


async def drawer(stall: Stall) -> None:
    """The owner's drawer is open."""
    await DB.fetch(
        "INSERT INTO floats (merchant_id, user_id, currency, float_cents, opened_at) VALUES ($1, $2, 'KES', 0, now())",
        stall.merchant_id,
        stall.owner.user_id,
    )


async def waiting(stall: Stall, kind: str = "reference") -> int:
    """An unsold voucher."""
    return (await vouchers_of(await made_of(stall, 1, kind=kind)))[0]


async def sold(stall: Stall) -> int:
    """A voucher somebody paid for by reference."""
    voucher, reference = await stall.voucher()
    await stall.hand(reference)
    return voucher


async def test_cash_wants_a_drawer_and_is_sold_once(stall: Stall) -> None:
    voucher, now = await waiting(stall), stall.clock.now()
    with pytest.raises(Conflict, match="drawer"):
        await voucher_sales.sell_for_cash(stall.owner, voucher, form_key="a", vault=stall.vault, now=now)
    assert await books() == {}
    await drawer(stall)
    first = await voucher_sales.sell_for_cash(stall.owner, voucher, form_key="a", vault=stall.vault, now=now)
    assert first == await voucher_sales.sell_for_cash(stall.owner, voucher, form_key="a", vault=stall.vault, now=now)
    with pytest.raises(Conflict):
        await voucher_sales.sell_for_cash(stall.owner, voucher, form_key="b", vault=stall.vault, now=now)
    assert (await books())["cash"] == 1000


async def test_a_phone_that_was_asked_and_pays_gets_the_code(stall: Stall) -> None:
    voucher, now = await waiting(stall), stall.clock.now()
    payment = await voucher_sales.ask_phone(stall.owner, voucher, phone=PHONE, form_key="a", now=now)
    for key in ("a", "b"):
        again = await voucher_sales.ask_phone(stall.owner, voucher, phone=PHONE, form_key=key, now=now)
        assert again == payment, "it stands already"
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'push-payment'") == 1
    asked = await voucher_sales.asked(stall.owner, voucher)
    assert asked is not None
    assert asked.is_open
    await DB.fetch("UPDATE payments SET status = 'pending', submitted_at = $1, checkout_request_id = 'ws_CO_1'", now)
    await stall.stk(Attempt(payment, 0, "", ""), receipt())
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "paid"
    assert await told() == [("voucher_code", "254712345678")]
    asked = await voucher_sales.asked(stall.owner, voucher)
    assert asked is not None
    assert not asked.is_open
    with pytest.raises(Conflict):
        await voucher_sales.ask_phone(stall.owner, voucher, phone=PHONE, form_key="c", now=now)


async def test_one_number_is_not_asked_again_and_again(stall: Stall) -> None:
    now = stall.clock.now()
    for n in range(3):
        await voucher_sales.ask_phone(stall.owner, await waiting(stall), phone=PHONE, form_key=f"k{n}", now=now)
    with pytest.raises(TooMany):
        await voucher_sales.ask_phone(stall.owner, await waiting(stall), phone=PHONE, form_key="k9", now=now)


async def test_another_package_on_top_adds_its_time_and_is_booked(stall: Stall) -> None:
    voucher, now = await sold(stall), stall.clock.now()
    day = await factories.package(stall.merchant_id, name="1 day", price_cents=5000, duration_s=86_400)
    before = await books()
    with pytest.raises(Conflict, match="drawer"):
        await voucher_sales.stack(stall.owner, voucher, day, form_key="a", now=now)
    assert await books() == before
    await drawer(stall)
    first = await voucher_sales.stack(stall.owner, voucher, day, form_key="a", now=now)
    assert first == await voucher_sales.stack(stall.owner, voucher, day, form_key="a", now=now)
    terms = decode_terms(await DB.value("SELECT terms FROM vouchers WHERE id = $1", voucher))
    assert (terms.name, terms.duration_s) == ("1 hour", 3600 + 86_400)
    after = await books()
    assert (after["cash"], after["commission"] - before["commission"]) == (5000, -1000)
    stranger = await factories.package(await factories.merchant("Rival"))
    with pytest.raises(NotFound):
        await voucher_sales.stack(stall.owner, voucher, stranger, form_key="b", now=now)


async def test_more_time_moves_the_end_and_grows_connected_time_but_not_data(stall: Stall) -> None:
    await DB.fetch("UPDATE packages SET uptime_s = 600, data_bytes = 5000000")
    voucher, now = await sold(stall), stall.clock.now()
    await DB.fetch(
        "UPDATE vouchers SET status = 'in_use', started_at = $1, expires_at = $2", now, now + timedelta(hours=1)
    )
    await factories.grant(stall.vault, stall.merchant_id, stall.router.id, voucher, status="present")
    await voucher_deeds.add_time(stall.owner, voucher, amount="2", unit="hours", why="power cut", now=now)
    row = await DB.row("SELECT terms, expires_at FROM vouchers WHERE id = $1", voucher)
    assert row is not None
    terms = decode_terms(row["terms"])
    assert (terms.duration_s, terms.uptime_s, terms.data_bytes) == (3600 + 7200, 600 + 7200, 5_000_000)
    assert row["expires_at"] == now + timedelta(hours=3)
    granted = decode_terms(await DB.value("SELECT terms FROM access_grants"))
    assert granted == terms
    assert await DB.value("SELECT data ->> 'why' FROM events WHERE name = 'extended'") == "power cut"
    assert await DB.value("SELECT wanted_generation FROM routers WHERE id = $1", stall.router.id) > 0


async def test_time_without_a_limit_of_connected_time_gets_none(stall: Stall) -> None:
    voucher = await sold(stall)
    await voucher_deeds.add_time(stall.owner, voucher, amount="30", unit="minutes", why="gift", now=stall.clock.now())
    terms = decode_terms(await DB.value("SELECT terms FROM vouchers WHERE id = $1", voucher))
    assert (terms.duration_s, terms.uptime_s, terms.data_bytes) == (3600 + 1800, None, None)


async def test_the_code_goes_to_a_number_once_per_tap(stall: Stall) -> None:
    voucher, now = await sold(stall), stall.clock.now()
    assert await voucher_deeds.send_code(stall.owner, voucher, phone=PHONE, form_key="a", now=now)
    assert not await voucher_deeds.send_code(stall.owner, voucher, phone=PHONE, form_key="a", now=now)
    assert await told() == [("voucher_gift", "254712345678")]
    event = await DB.row("SELECT data::text AS data FROM events WHERE name = 'code_sent'")
    assert event is not None
    assert "712345678" not in event["data"]
    for key in ("b", "c"):
        await voucher_deeds.send_code(stall.owner, voucher, phone=PHONE, form_key=key, now=now)
    with pytest.raises(TooMany):
        await voucher_deeds.send_code(stall.owner, voucher, phone=PHONE, form_key="d", now=now)


async def test_deeds_on_what_is_not_sold_over_or_a_subscribers_are_refused_in_words(stall: Stall) -> None:
    now = stall.clock.now()
    over = await sold(stall)
    await DB.fetch("UPDATE vouchers SET expires_at = $2 WHERE id = $1", over, now - timedelta(seconds=1))
    unsold, subscribers = await waiting(stall), await sold(stall)
    month = await factories.package(stall.merchant_id, name="Month", period="month")
    await DB.fetch(
        """WITH c AS (INSERT INTO credits (merchant_id, holder) VALUES ($1, 'sub:1') RETURNING id)
           INSERT INTO subscribers (merchant_id, package_id, router_id, voucher_id, name, account_number, kind, credit_id)
           SELECT $1, $2, $3, $4, 'Wanjiku', 'WQ4K7M2P', 'hotspot', id FROM c""",
        stall.merchant_id, month, stall.router.id, subscribers,
    )  # fmt: skip
    for voucher, words in (
        (over, voucher_deeds.HAS_ENDED),
        (unsold, voucher_deeds.NOT_SOLD),
        (subscribers, voucher_deeds.OF_SUBSCRIBER),
    ):
        for refused in (
            voucher_deeds.add_time(stall.owner, voucher, amount="1", unit="hours", why="gift", now=now),
            voucher_deeds.move_to(stall.owner, voucher, mac="02:00:00:00:00:01", now=now),
            voucher_deeds.send_code(stall.owner, voucher, phone=PHONE, form_key="a", now=now),
            voucher_sales.stack(stall.owner, voucher, stall.package_id, form_key="a", now=now),
        ):
            with pytest.raises(Conflict) as error:
                await refused
            assert error.value.message == words
    with pytest.raises(Conflict) as error:
        await voucher_deeds.revoke(stall.owner, subscribers, why="because", now=now)
    assert error.value.message == voucher_deeds.OF_SUBSCRIBER
    await DB.fetch("DELETE FROM subscribers")


def _deeds(who: Actor, voucher: int, stall: Stall) -> dict[str, object]:
    now = stall.clock.now()
    return {
        "cash": voucher_sales.sell_for_cash(who, voucher, form_key="a", vault=stall.vault, now=now),
        "ask": voucher_sales.ask_phone(who, voucher, phone=PHONE, form_key="a", now=now),
        "stack": voucher_sales.stack(who, voucher, stall.package_id, form_key="a", now=now),
        "send": voucher_deeds.send_code(who, voucher, phone=PHONE, form_key="a", now=now),
        "move": voucher_deeds.move_to(who, voucher, mac="02:00:00:00:00:01", now=now),
        "time": voucher_deeds.add_time(who, voucher, amount="1", unit="hours", why="gift", now=now),
        "revoke": voucher_deeds.revoke(who, voucher, why="because", now=now),
    }


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        (Role.VIEWER, {"cash", "ask", "stack", "send", "move", "time", "revoke"}),
        (Role.CASHIER, {"time", "revoke"}),
        (Role.MANAGER, set[str]()),
    ],
)
async def test_who_may_do_what(stall: Stall, role: Role, forbidden: set[str]) -> None:
    voucher, refused = await sold(stall), set[str]()
    for name, deed in _deeds(actor(stall.merchant_id, role=role), voucher, stall).items():
        try:
            await deed  # pyright: ignore[reportGeneralTypeIssues]
        except Forbidden:
            refused.add(name)
        except PortalError:
            continue
    assert refused == forbidden


async def test_a_stranger_finds_no_voucher_to_do_anything_with(stall: Stall) -> None:
    voucher, before = await sold(stall), await count("events")
    rival = await Stall.opened(stall.vault, stall.clock, account_id=stall.account_id)
    for name, deed in _deeds(rival.owner, voucher, stall).items():
        with pytest.raises(NotFound):
            await deed  # pyright: ignore[reportGeneralTypeIssues]
        assert name
    assert await count("events") == before
    with pytest.raises(NotFound):
        await voucher_sales.asked(rival.owner, voucher)


async def test_a_voucher_taken_back_while_in_use_puts_its_phone_off(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with room_open(settings, vault, clock) as room:
        guest = await room.guest()
        user = await factories.user("owner@room.test", room.merchant_id)
        owner = actor(room.merchant_id, user_id=user)
        await voucher_deeds.revoke(owner, guest.voucher_id, why="stolen card", now=clock.now())
        await jobs_routers.reconcile(room.router.id, room.doors)
        assert room.board.hotspot.session(guest.ip) is None
        assert await room.voucher(guest) == ("revoked", "revoked")
        assert await DB.value("SELECT status FROM access_grants WHERE voucher_id = $1", guest.voucher_id) == "gone"
        moves = await voucher_pages.moves_of(owner, guest.voucher_id)
        assert next((move.name, move.by) for move in moves if move.entity == "vouchers") == ("revoke", "Amina W.")
        with pytest.raises(Conflict):
            await voucher_deeds.revoke(owner, guest.voucher_id, why="again", now=clock.now())
        with pytest.raises(Invalid):
            await voucher_deeds.revoke(owner, (await room.guest()).voucher_id, why=" ", now=clock.now())


async def test_a_moved_voucher_lets_the_new_phone_in_and_puts_the_old_one_off(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with room_open(settings, vault, clock) as room:
        guest = await room.guest()
        user = await factories.user("owner@room.test", room.merchant_id)
        owner, now = actor(room.merchant_id, user_id=user), clock.now()
        await voucher_deeds.move_to(owner, guest.voucher_id, mac="5c-cf-7f-11-22-33", now=now)
        room.board.hotspot.see_host("5C:CF:7F:11:22:33", "10.5.50.77")
        assert await knock(room.router.id, hint("5C:CF:7F:11:22:33", "10.5.50.77"), now=now)
        await jobs_routers.reconcile(room.router.id, room.doors)
        assert room.board.hotspot.session("10.5.50.77")
        assert room.board.hotspot.session(guest.ip) is None
        assert await room.voucher(guest) == ("in_use", None)
