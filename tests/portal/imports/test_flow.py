"""From a file of another system to the internet, and back: looked at first, taken over once, its codes work, and it can be undone."""

from datetime import timedelta

import pytest

from portal import batches, searches, voucher_entry, voucher_lists
from portal.config import Settings
from portal.db import DB
from portal.devices import hint
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Role
from portal.imports import entering, looks, sending, shelf, steps
from tests import factories
from tests.portal.imports import samples
from tests.portal.payments.stall import DEVICE, Stall, actor, books, count

OTHER = hint("02:11:22:33:44:66", "10.5.50.8")


@pytest.fixture
def bring(stall: Stall, settings: Settings) -> "Bring":
    return Bring(stall, settings)


class Bring:
    """Somebody brings files, and the worker does its steps."""

    def __init__(self, stall: Stall, settings: Settings) -> None:
        self.stall, self.settings, self.sent = stall, settings, 0

    async def file(self, text: str | bytes, source: str = "mikhmon", **fields: str) -> int:
        self.sent += 1
        raw = text if isinstance(text, bytes) else text.encode()
        wanted = {"router": "all", "weak_days": "60", "form_key": f"f{self.sent}", "file_name": "old.rsc"} | fields
        import_id = await sending.send(
            self.stall.owner, raw, source=source, settings=self.settings, vault=self.stall.vault, now=self.stall.clock.now(), **wanted
        )  # fmt: skip
        await self.step(import_id)
        return import_id

    async def step(self, import_id: int, most: int = 1000) -> int:
        done = 0
        while done < most and await steps.step(
            import_id, settings=self.settings, vault=self.stall.vault, clock=self.stall.clock
        ):
            done += 1
        return done

    async def run(self, text: str | bytes, source: str = "mikhmon", **fields: str) -> int:
        import_id = await self.file(text, source, **fields)
        await sending.start(self.stall.owner, import_id, now=self.stall.clock.now())
        await self.step(import_id)
        return import_id

    async def look(self, import_id: int) -> looks.ImportView:
        return await looks.one(self.stall.owner, import_id)


def mikhmon(stall: Stall) -> str:
    soon = stall.clock.now() + timedelta(days=2)
    return samples.MIKHMON.replace("RUNNING-OLD", soon.strftime("%b/%d/%Y %H:%M:%S").lower()).replace(
        "RUNNING-NEW", soon.strftime("%Y-%m-%d %H:%M:%S")
    )


async def redeem(stall: Stall, code: str, device: object = DEVICE) -> str:
    return await voucher_entry.redeem(stall.router, code, device, vault=stall.vault, now=stall.clock.now())  # pyright: ignore[reportArgumentType]


async def test_the_look_makes_nothing_and_says_what_would_become_of_each_row(stall: Stall, bring: Bring) -> None:
    import_id = await bring.file(mikhmon(stall))
    seen = await bring.look(import_id)
    assert seen.status == "checked", seen.error
    assert (await count("packages"), await count("vouchers"), await count("batches")) == (1, 0, 0)
    assert seen.plans[("package", "make")] == 2
    assert seen.plans[("code", "make")] == 6
    assert seen.running == 2
    assert seen.weak == 5, "four letters are guessed in hours; a name and a password together are not"
    assert seen.why == {"over": 1, "off": 1, "no_package": 2, "ours": 1, "money": 1}
    assert seen.past_cents == 2000
    rows = await looks.rows_of(stall.owner, import_id)
    assert [row.name for row in rows if row.kind == "code"][:2] == ["ab••", "Ab••"], "codes are not told"
    assert not shelf.fetch(bring.settings, stall.vault, import_id), "the file is gone once it is read"


async def test_cards_of_then_work_at_our_router_and_are_sold_by_their_first_use(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    assert await books() == {}
    await redeem(stall, "xy98")
    assert (await books())["cash"] == 2500, "customers paid the selling price"
    terms = await DB.value(
        "SELECT terms ->> 'rate_down_kbps' FROM vouchers WHERE status = 'paid' AND price_cents = 2500"
    )
    assert terms == "2000"


async def test_capitals_decide_only_where_two_cards_differ_by_them(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    await redeem(stall, "XY 98")
    with pytest.raises(Invalid):
        await redeem(stall, "AB12")
    await redeem(stall, "Ab12", OTHER)
    assert await count("payments") == 2


async def test_a_user_with_a_password_types_both(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    with pytest.raises(Invalid):
        await redeem(stall, "kim")
    await redeem(stall, "kim 4417")


async def test_who_is_online_keeps_the_time_that_is_left_and_pays_nothing(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    rows = await DB.fetch(
        "SELECT expires_at, terms ->> 'data_bytes' AS data FROM vouchers WHERE status = 'paid' ORDER BY id"
    )
    zone_off = timedelta(hours=3)  # the router's clock is Nairobi's
    assert len(rows) == 2
    assert all(
        abs(row["expires_at"] - (stall.clock.now() + timedelta(days=2) - zone_off)) < timedelta(seconds=3)
        for row in rows
    )
    assert [row["data"] for row in rows] == [None, str(1024**3)]
    await redeem(stall, "wk77")
    assert await books() == {}, "the money of then is in the other system's books"


async def test_cards_sold_before_are_not_booked_when_so_said(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall), sold="before")
    await redeem(stall, "xy98")
    assert await books() == {}


async def test_easy_codes_end_by_date_and_wrong_tries_stop_them_but_not_ours(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall), weak_days="30")
    ends = await DB.value("SELECT min(expires_at) FROM vouchers WHERE status = 'unsold'")
    assert abs(ends - stall.clock.now() - timedelta(days=30)) < timedelta(seconds=5)
    now = stall.clock.now()
    for n in range(20):
        assert not await entering.code_hashes(stall.merchant_id, stall.router.id, f"no{n}", vault=stall.vault, now=now)
    with pytest.raises(TooMany):
        await redeem(stall, "xy98")
    made = await batches.make(
        stall.owner, stall.package_id, count=1, note_text="", vault=stall.vault, now=now, kind="cash"
    )
    row = await DB.row("SELECT id, code_sealed FROM vouchers WHERE batch_id = $1", made.id)
    assert row
    await redeem(stall, stall.vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"]))


async def test_a_worker_that_dies_is_taken_over_and_makes_no_row_twice(
    stall: Stall, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.imports.taking.take_some.__kwdefaults__", {"most": 2})
    import_id = await bring.file(mikhmon(stall))
    await sending.start(stall.owner, import_id, now=stall.clock.now())
    assert await bring.step(import_id, most=2) == 2
    assert (await bring.look(import_id)).done < 8
    stall.clock.shift(timedelta(minutes=1))
    assert import_id in await steps.due(now=stall.clock.now())
    await bring.step(import_id)
    seen = await bring.look(import_id)
    assert (seen.status, seen.done, seen.total) == ("done", 8, 8)
    assert await count("vouchers") == 6
    assert await count("imported_codes") == 6
    assert await DB.value("SELECT bool_and(made = size) FROM batches")
    assert await count("import_rows", "data_sealed IS NOT NULL") == 0, "codes stay in the vouchers only"


async def test_the_same_file_again_makes_nothing_more(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    again = await bring.look(await bring.run(mikhmon(stall)))
    assert again.why["taken"] == 6
    assert again.plans[("package", "join")] == 2
    assert (await count("vouchers"), await count("packages")) == (6, 3)


async def test_undo_takes_away_what_nobody_touched_and_says_what_stays(stall: Stall, bring: Bring) -> None:
    import_id = await bring.run(mikhmon(stall))
    await redeem(stall, "xy98")
    await sending.undo(stall.owner, import_id, now=stall.clock.now())
    await bring.step(import_id)
    seen = await bring.look(import_id)
    assert seen.status == "undone"
    assert seen.outcomes[("code", "undone")] == 5
    assert seen.outcomes[("code", "kept")] == 1
    assert seen.outcomes[("package", "kept")] == 1
    assert seen.outcomes[("package", "undone")] == 1
    assert await count("vouchers") == 1
    assert await DB.value("SELECT made FROM batches") == 1
    assert await count("packages", "is_active") == 1, "a package that stays is no longer offered"
    await redeem(stall, "xy98")
    back = await bring.look(await bring.run(mikhmon(stall)))
    assert back.outcomes[("code", "made")] == 5, "the rest may be brought again"


async def test_phpnuxbill_brings_plans_unused_vouchers_and_running_customers(stall: Stall, bring: Bring) -> None:
    ends = (stall.clock.now() + timedelta(days=3)).strftime("%Y-%m-%d")
    import_id = await bring.run(samples.NUXBILL.replace("ENDS-DAY", ends), "nuxbill")
    seen = await bring.look(import_id)
    assert seen.status == "done", seen.error
    assert seen.why == {"dialin": 2, "bad_price": 1, "half": 1, "used": 1, "no_package": 1, "money": 1, "person": 1}
    row = await DB.row("SELECT * FROM packages WHERE name = 'Day ''n night'")
    assert row
    assert (row["price_cents"], row["duration_s"], row["uptime_s"], row["data_bytes"]) == (
        5000,
        86_400,
        18_000,
        2 * 1024**3,
    )
    assert (row["rate_down_kbps"], row["rate_up_kbps"]) == (2000, 512)
    await redeem(stall, "wifi-88aa")
    await redeem(stall, "njeri pw44", OTHER)


async def test_without_prices_codes_join_packages_by_name(stall: Stall, bring: Bring) -> None:
    seen = await bring.look(await bring.run(samples.MIKHMON_CSV))
    assert seen.outcomes == {("code", "made"): 1, ("code", "skipped"): 1} or seen.why == {"no_package": 1}
    assert await DB.value("SELECT note FROM batches") == "old.rsc"
    await redeem(stall, "ab12")
    assert (await books())["cash"] == 1000


async def test_strangers_and_lesser_roles_see_and_do_nothing(stall: Stall, bring: Bring) -> None:
    import_id = await bring.file(mikhmon(stall))
    now, rival = stall.clock.now(), actor(stall.merchant_id + 1000)
    cashier = actor(stall.merchant_id, role=Role.CASHIER)
    for verb in (sending.start, sending.drop, sending.undo):
        with pytest.raises(NotFound):
            await verb(rival, import_id, now=now)
        with pytest.raises(Forbidden):
            await verb(cashier, import_id, now=now)
    with pytest.raises(NotFound):
        await looks.one(rival, import_id)
    with pytest.raises(NotFound):
        await looks.rows_of(rival, import_id)
    with pytest.raises(Forbidden):
        await looks.one(cashier, import_id)


async def test_what_was_dropped_cannot_be_started_and_nothing_of_it_is_kept(stall: Stall, bring: Bring) -> None:
    import_id = await bring.file(mikhmon(stall))
    await sending.drop(stall.owner, import_id, now=stall.clock.now())
    with pytest.raises(Conflict):
        await sending.start(stall.owner, import_id, now=stall.clock.now())
    with pytest.raises(Conflict):
        await sending.undo(stall.owner, import_id, now=stall.clock.now())
    assert await count("import_rows", "data_sealed IS NOT NULL") == 0


async def test_the_same_form_twice_is_one_import(stall: Stall, bring: Bring) -> None:
    first = await bring.file(mikhmon(stall), form_key="same")
    assert await bring.file(mikhmon(stall), form_key="same") == first
    assert await count("imports") == 1


async def test_files_nobody_will_read_are_taken_away_and_waiting_ones_stay(stall: Stall, bring: Bring) -> None:
    shelf.keep(bring.settings, stall.vault, 77, b"left by a killed process")
    waiting = await sending.send(
        stall.owner, b"package\nx\n", source="csv", file_name="a", router="all", weak_days="60", form_key="w",
        settings=bring.settings, vault=stall.vault, now=stall.clock.now(),
    )  # fmt: skip
    assert b"package" not in (bring.settings.data_dir / "imports" / f"import-{waiting}.sealed").read_bytes()
    assert await steps.sweep_strays(settings=bring.settings, now=stall.clock.now()) == 0
    assert await steps.sweep_strays(settings=bring.settings, now=stall.clock.now() + timedelta(hours=2)) == 1
    assert shelf.fetch(bring.settings, stall.vault, 77) is None
    assert shelf.fetch(bring.settings, stall.vault, waiting) == b"package\nx\n"


async def test_undo_leaves_printed_batches_and_cards_of_agents_alone(stall: Stall, bring: Bring) -> None:
    import_id = await bring.run(mikhmon(stall))
    user = await factories.user("p@kilimani.test", stall.merchant_id)
    batch = await DB.value("SELECT min(id) FROM batches")
    await DB.fetch(
        "INSERT INTO prints (merchant_id, batch_id, cards, asked_by) VALUES ($1, $2, 3, $3)",
        stall.merchant_id,
        batch,
        user,
    )
    await sending.undo(stall.owner, import_id, now=stall.clock.now())
    await bring.step(import_id)
    seen = await bring.look(import_id)
    assert seen.outcomes[("code", "kept")] == await count("vouchers", f"batch_id = {batch}") == 3
    assert seen.outcomes[("code", "undone")] == 3


async def test_the_shop_finds_a_card_of_then_by_its_code(stall: Stall, bring: Bring) -> None:
    await bring.run(mikhmon(stall))
    for typed, found in (("xy98", 1), ("XY-98", 1), ("Ab12", 1), ("AB12", 0), ("nothing", 0)):
        assert len(await voucher_lists.find(stall.owner, typed, vault=stall.vault)) == found, typed
        assert len((await searches.find(stall.owner, typed, vault=stall.vault)).vouchers) == found, typed
    rival = actor(stall.merchant_id + 1000)
    assert not await voucher_lists.find(rival, "xy98", vault=stall.vault)
