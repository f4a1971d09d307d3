"""Making and changing promos: what was typed becomes a rule or a sentence beside its field, and only the own people do it."""

import msgspec
import pytest

from portal import promos
from portal.db import DB
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.promos import editing
from tests import factories
from tests.portal.promos.conftest import NAIROBI, Stall

WRONG = [
    ({"code": "ab"}, "code", editing.BAD_CODE),
    ({"kind": "gift"}, "kind", editing.BAD_KIND),
    ({"percent": "0"}, "percent", editing.BAD_PERCENT),
    ({"percent": "101"}, "percent", editing.BAD_PERCENT),
    ({"percent": "12.5"}, "percent", editing.BAD_PERCENT),
    ({"percent": "9" * 40}, "percent", editing.BAD_PERCENT),
    ({"kind": "amount", "amount": "0"}, "amount", editing.BAD_AMOUNT),
    ({"kind": "amount", "amount": "10.50"}, "amount", editing.BAD_AMOUNT),
    ({"kind": "amount"}, "amount", editing.BAD_AMOUNT),
    ({"from": "2027-02-30"}, "from", editing.BAD_DAY),
    ({"until": "tomorrow"}, "until", editing.BAD_DAY),
    ({"from": "2027-03-02", "until": "2027-03-01"}, "until", editing.ENDS_FIRST),
    ({"most_uses": "0"}, "most_uses", editing.BAD_COUNT),
    ({"most_uses": "-3"}, "most_uses", editing.BAD_COUNT),
    ({"most_per_customer": "x"}, "most_per_customer", editing.BAD_COUNT),
    ({"percent": "100"}, "most_uses", editing.FREE_NEEDS_LIMIT),
    ({"percent": "100", "most_uses": "20000"}, "most_uses", editing.BAD_COUNT),
    ({"percent": "100", "most_uses": "5", "code": "GIFT"}, "code", editing.BAD_FREE_CODE),
    ({"note": "n" * 61}, "note", editing.NOTE_TOO_LONG),
]  # fmt: skip


async def test_what_cannot_be_is_told_beside_its_field(stall: Stall) -> None:
    """All of them at one stall: nothing is ever written, so none can disturb the next."""
    for typed, field, sentence in WRONG:
        with pytest.raises(Invalid) as refused:
            await stall.promo(**typed)
        assert refused.value.fields.get(field) == sentence, typed
    assert await DB.value("SELECT count(*) FROM promos") == 0


async def test_an_empty_code_is_made_up_and_hard_to_guess(stall: Stall) -> None:
    await stall.promo(code="", percent="100", most_uses="10")
    assert len(await DB.value("SELECT code FROM promos")) >= 10


async def test_a_code_is_the_merchants_once_and_anothers_too(stall: Stall) -> None:
    await stall.promo()
    with pytest.raises(Invalid) as refused:
        await stall.promo(code="kari bu-20")
    assert refused.value.fields == {"code": editing.TAKEN}
    rival = msgspec.structs.replace(stall.owner, merchant_id=await factories.merchant("Rival"))
    form = {"code": "KARIBU20", "kind": "percent", "percent": "5"}
    assert await promos.make(rival, form, [], zone=NAIROBI, now=stall.clock.now())


async def test_another_merchants_package_is_not_chosen(stall: Stall) -> None:
    theirs = await factories.package(await factories.merchant("Rival"))
    for packages in ([theirs], [10**12]):
        with pytest.raises(Invalid) as refused:
            await stall.promo(packages)
        assert refused.value.fields == {"packages": editing.NOT_YOURS}


async def test_cashiers_and_strangers_change_nothing(stall: Stall) -> None:
    promo, now = await stall.promo(), stall.clock.now()
    form = {"kind": "percent", "percent": "99"}
    for role in (Role.CASHIER, Role.VIEWER):
        someone = msgspec.structs.replace(stall.owner, role=role)
        with pytest.raises(Forbidden):
            await promos.rewrite(someone, promo, form, [], zone=NAIROBI, now=now)
        with pytest.raises(Forbidden):
            await promos.stop(someone, promo, now=now)
    stranger = msgspec.structs.replace(stall.owner, merchant_id=await factories.merchant("Rival"))
    for attempt in (
        promos.rewrite(stranger, promo, form, [], zone=NAIROBI, now=now), promos.stop(stranger, promo, now=now),
        promos.restart(stranger, promo, now=now), promos.page_of(stranger, promo, zone=NAIROBI, now=now),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await attempt
    assert await promos.uses_of(stranger, promo, now=now) == ([], None)
    assert await DB.value("SELECT percent FROM promos") == 20


async def test_a_change_holds_from_now_on_and_is_an_event(stall: Stall) -> None:
    promo = await stall.promo()
    token = await stall.buy()
    form = {"kind": "amount", "amount": "15", "code": "OTHER"}
    await promos.rewrite(stall.owner, promo, form, [], zone=NAIROBI, now=stall.clock.now())
    await promos.stop(stall.owner, promo, now=stall.clock.now())
    await promos.stop(stall.owner, promo, now=stall.clock.now())
    await promos.restart(stall.owner, promo, now=stall.clock.now())
    assert await DB.value("SELECT code FROM promos") == "KARIBU20", "a code that was handed out stays"
    assert (await stall.quote(n=2)).price_cents == 3500
    assert await DB.value("SELECT price_cents FROM checkouts WHERE token = $1", token) == 4000
    told = await DB.fetch("SELECT name FROM events WHERE entity = 'promos' ORDER BY id")
    assert [row["name"] for row in told] == ["promo_made", "promo_changed", "promo_stopped", "promo_restarted"]
