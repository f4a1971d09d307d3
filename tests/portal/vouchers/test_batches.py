"""Making vouchers by the thousand: exactly so many, none twice, whoever dies; terms and codes as they were when asked for."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs import vouchers as jobs_vouchers
from portal import batches, codes, voucher_making
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.house import doors_open
from portal.identity import Role
from portal.terms import decode_terms
from portal.vault import Vault
from portal.voucher_making import Lot
from tests import factories
from tests.portal.payments.stall import Stall, actor, count
from tests.portal.vouchers.shelf import made_of, open_code, vouchers_of

ROOT = Path(__file__).parents[3]


async def test_each_of_many_has_a_code_a_reference_and_a_sealed_copy_of_its_own(stall: Stall) -> None:
    batch = await made_of(stall, 700, note=" market\x00 ")
    rows = await DB.fetch("SELECT * FROM vouchers WHERE batch_id = $1", batch)
    assert len({bytes(row["code_hash"]) for row in rows}) == len({row["payment_reference"] for row in rows}) == 700
    for row in rows[::100]:
        code = await open_code(stall, row["id"])
        assert codes.is_well_formed(code)
        assert stall.vault.code_hash(code) == row["code_hash"]
        assert codes.is_well_formed(row["payment_reference"])
        assert (row["status"], row["price_cents"]) == ("unsold", 1000)
    stored = await DB.row("SELECT * FROM batches WHERE id = $1", batch)
    assert stored is not None
    assert (stored["made"], stored["note"]) == (700, "market")
    assert stored["done_at"] is not None
    assert await count("events", "entity = 'batches' AND name = 'made'") == 1
    assert await count("events", "entity = 'vouchers'") == 0, "one event for all"


async def test_a_code_or_reference_drawn_twice_is_drawn_anew(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (await vouchers_of(await made_of(stall, 5)))[:2]
    taken = [await DB.value("SELECT payment_reference FROM vouchers WHERE id = $1", each) for each in old]
    again = [await open_code(stall, each) for each in old]
    draws = {"references": 0}
    true_references, true_codes = codes.payment_references, codes.voucher_codes

    def references(many: int) -> list[str]:
        draws["references"] += 1
        return [*taken, *true_references(many)][:many] if draws["references"] == 1 else true_references(many)

    def drawn(many: int, length: int) -> list[str]:
        return (
            [*true_codes(2, length), *again, *true_codes(many, length)][:many]
            if draws["references"] == 0
            else true_codes(many, length)
        )

    monkeypatch.setattr(voucher_making.codes, "payment_references", references)
    monkeypatch.setattr(voucher_making.codes, "voucher_codes", drawn)
    lot = Lot(
        merchant_id=stall.merchant_id, package_id=stall.package_id, price_cents=1000, code_length=10, made_at=stall.clock.now(),
        terms=decode_terms(await DB.value("SELECT terms FROM vouchers LIMIT 1")),
    )  # fmt: skip
    async with atomic() as tx:
        made = await voucher_making.make(tx, lot, 10, vault=stall.vault)
    assert draws["references"] > 1, "some had to be drawn again"
    assert len({each.id for each in made}) == 10
    assert await count("vouchers") == 15
    for each in made:
        assert await open_code(stall, each.id) == each.code


async def test_a_large_batch_is_left_to_the_worker_which_makes_exactly_so_many(
    stall: Stall, settings: Settings
) -> None:
    batch = await made_of(stall, 3210)
    assert await count("vouchers") == 0
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'make-batch'") == 1
    assert [each.made for each in await batches.making(stall.owner)] == [0]
    async with doors_open(settings, stall.clock) as doors:
        await jobs_vouchers.make_batch(batch, doors)
    assert await count("vouchers") == 3210
    assert await batches.making(stall.owner) == []
    assert await batches.unfinished() == []


async def _die_making(stall: Stall, batch: int) -> None:
    """A chunk that dies before it is committed."""
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM batches WHERE id = $1 FOR UPDATE", batch)
        assert row is not None
        await batches._make_some(tx, row, 1000, vault=stall.vault, now=stall.clock.now())
        raise RuntimeError("killed")


async def test_another_worker_goes_on_where_one_died(stall: Stall, settings: Settings) -> None:
    batch = await made_of(stall, 2500)
    assert await batches.make_more(batch, vault=stall.vault, now=stall.clock.now(), most=700) == 1800
    with pytest.raises(RuntimeError, match="killed"):
        await _die_making(stall, batch)
    async with doors_open(settings, stall.clock) as doors:
        await jobs_vouchers.make_unfinished(doors)
    assert await count("vouchers") == 2500
    assert await DB.value("SELECT made FROM batches") == 2500


_MAKER = """
import asyncio, sys
from datetime import UTC, datetime
from portal import batches
from portal.db import DB
from portal.vault import Vault

async def main():
    DB.configure(sys.argv[1])
    await DB.open(min_size=1, max_size=2)
    vault = Vault([("test", bytes(range(32)))])
    while await batches.make_more(int(sys.argv[2]), vault=vault, now=datetime.now(UTC), most=50):
        pass

asyncio.run(main())
"""


async def test_a_worker_killed_in_the_middle_leaves_what_it_said_and_another_makes_the_rest(
    stall: Stall, pool: str
) -> None:
    batch = await made_of(stall, 10_000)
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _MAKER, pool, str(batch), cwd=ROOT)
    try:
        async with asyncio.timeout(60):
            while await DB.value("SELECT made FROM batches") < 300:  # noqa: ASYNC110  (another process does it)
                await asyncio.sleep(0.01)
    finally:
        worker.kill()
        await worker.wait()
    made = await DB.value("SELECT made FROM batches")
    assert 300 <= made < 10_000
    assert await count("vouchers") == made
    while await batches.make_more(batch, vault=stall.vault, now=stall.clock.now()):
        pass
    assert await count("vouchers") == await DB.value("SELECT made FROM batches") == 10_000


async def test_workers_at_the_same_batch_make_none_too_many(stall: Stall) -> None:
    batch = await made_of(stall, 2000)

    async def work() -> None:
        while await batches.unfinished():
            await batches.make_more(batch, vault=stall.vault, now=stall.clock.now(), most=100)

    await asyncio.gather(*(work() for _ in range(4)))
    assert await count("vouchers") == 2000


async def test_one_batch_that_cannot_be_made_does_not_stop_the_next(stall: Stall, settings: Settings) -> None:
    bad, good = await made_of(stall, 1500), await made_of(stall, 1500)
    await DB.fetch("UPDATE batches SET code_length = 3 WHERE id = $1", bad)
    async with doors_open(settings, stall.clock) as doors:
        await jobs_vouchers.make_unfinished(doors)
    assert len(await vouchers_of(good)) == 1500
    assert await vouchers_of(bad) == []
    await DB.fetch("UPDATE batches SET done_at = now() WHERE id = $1", bad)


async def test_a_package_edited_meanwhile_changes_nothing_of_a_batch_under_way(stall: Stall) -> None:
    batch = await made_of(stall, 1500)
    await batches.make_more(batch, vault=stall.vault, now=stall.clock.now())
    await DB.fetch("UPDATE packages SET name = 'dear', price_cents = 9900, duration_s = 60")
    await batches.make_more(batch, vault=stall.vault, now=stall.clock.now())
    rows = await DB.fetch("SELECT DISTINCT price_cents, terms ->> 'name' AS name, created_at FROM vouchers")
    assert [(row["price_cents"], row["name"]) for row in rows] == [(1000, "1 hour")]


async def test_unsold_ones_end_when_their_time_to_be_used_is_over(vault: Vault, stall: Stall) -> None:
    await DB.fetch("UPDATE packages SET activation_days = 30")
    await made_of(stall, 2)
    days = await DB.value("SELECT DISTINCT expires_at - created_at FROM vouchers")
    assert days.days == 30


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"count": 0}, "count"), ({"count": 10_001}, "count"), ({"prefix": "A"}, "prefix"), ({"prefix": "ABCDEFG"}, "prefix"),
        ({"prefix": "A B"}, "prefix"), ({"kind": "gift"}, "kind"), ({"router_ids": [1]}, "routers"),
    ],
)  # fmt: skip
async def test_what_cannot_be_made_is_named(stall: Stall, fields: dict[str, object], wrong: str) -> None:
    given: dict[str, object] = {"count": 2, "kind": "cash", "prefix": "", "router_ids": []} | fields
    if wrong == "routers":
        given["router_ids"] = [(await factories.router(stall.vault, await factories.merchant("Rival"))).id]
    routers = given["router_ids"]
    assert isinstance(routers, Sequence)
    with pytest.raises(Invalid) as error:
        await batches.make(
            stall.owner, stall.package_id, count=int(str(given["count"])), note_text="", vault=stall.vault,
            now=stall.clock.now(), kind=str(given["kind"]), prefix=str(given["prefix"]), router_ids=routers,
        )  # fmt: skip
    assert list(error.value.fields) == [wrong]
    assert await count("batches") == 0


@pytest.mark.parametrize("role", [Role.CASHIER, Role.VIEWER])
async def test_only_owners_and_managers_make_and_take_back(stall: Stall, role: Role) -> None:
    batch, now = await made_of(stall, 1500), stall.clock.now()
    who, stranger = actor(stall.merchant_id, role=role), actor(await factories.merchant("Rival"))
    for by, refusal in ((who, Forbidden), (stranger, NotFound)):
        with pytest.raises(refusal):
            await batches.cancel(by, batch, now=now)
        with pytest.raises(refusal):
            await batches.take_back(by, batch, all_live=True, why="because", now=now)
    with pytest.raises(Forbidden):
        await batches.make(who, stall.package_id, count=1, note_text="", vault=stall.vault, now=now)
    with pytest.raises(NotFound):
        await batches.make(stranger, stall.package_id, count=1, note_text="", vault=stall.vault, now=now)
    await batches.cancel(stall.owner, batch, now=now)


async def test_taking_back_spares_what_is_sold_unless_all_is_meant(stall: Stall) -> None:
    batch, now = await made_of(stall, 4), stall.clock.now()
    reference = await DB.value("SELECT min(payment_reference) FROM vouchers")
    await stall.hand(reference)
    assert await batches.take_back(stall.owner, batch, all_live=False, why="lost", now=now) == 3
    assert await count("vouchers", "status = 'paid'") == 1
    assert await batches.take_back(stall.owner, batch, all_live=True, why="lost", now=now) == 1
    assert await count("vouchers", "status = 'revoked' AND ended_why = 'revoked' AND ended_at IS NOT NULL") == 4
    assert await count("events", "entity = 'vouchers' AND name = 'revoke' AND data ->> 'why' = 'lost'") == 4


async def test_what_is_being_made_is_stopped_and_not_taken_back(stall: Stall) -> None:
    batch, now = await made_of(stall, 1500), stall.clock.now()
    await batches.make_more(batch, vault=stall.vault, now=now)
    with pytest.raises(Conflict):
        await batches.take_back(stall.owner, batch, all_live=False, why="lost", now=now)
    assert await batches.cancel(stall.owner, batch, now=now) == 1000
    assert await batches.make_more(batch, vault=stall.vault, now=now) == 0
    assert await count("vouchers") == 1000


async def test_codes_grow_with_what_there_is_to_guess(stall: Stall) -> None:
    assert await DB.value("SELECT code_length FROM batches WHERE id = $1", await made_of(stall, 1)) == 10
    for n in range(2, 40):
        await factories.router(stall.vault, stall.merchant_id, name=f"Router {n}")
    longer = await made_of(stall, 400)
    assert await DB.value("SELECT code_length FROM batches WHERE id = $1", longer) == codes.code_length(401, 39) == 11
    assert {len(await open_code(stall, each)) for each in (await vouchers_of(longer))[:5]} == {11}


def test_many_drawn_codes_are_codes_and_fair() -> None:
    drawn = codes.voucher_codes(20_000, 12)
    assert len(set(drawn)) == 20_000
    assert all(codes.is_well_formed(each) and len(each) == 12 for each in drawn[:300])
    often = {char: sum(each.count(char) for each in drawn) for char in codes.ALPHABET}
    mean = sum(often.values()) / len(often)
    assert max(abs(many - mean) for many in often.values()) < mean * 0.08
    assert [codes.voucher_codes(0), codes.payment_references(0)] == [[], []]


def test_sealing_many_is_sealing_each() -> None:
    vault = Vault([("new", b"n" * 32), ("old", b"o" * 32)])
    rows = [(n, f"SECRET{n}") for n in (1, 22, 333)]
    sealed = vault.seal_all("vouchers", "code_sealed", rows=rows)
    assert len({each[6:18] for each in sealed}) == 3, "a nonce each"
    for (row_id, text), each in zip(rows, sealed, strict=True):
        assert vault.open("vouchers", "code_sealed", row_id=row_id, sealed=each) == text
    assert vault.code_hash_all(["A", "B"]) == [vault.code_hash("A"), vault.code_hash("B")]
