"""A copy holds every table of the shop's or says why not, no secret, nothing of another shop, and opens only where it was made."""

import csv
import io
import zipfile
from datetime import timedelta

import pytest
from piccolo.columns import Bytea

from portal import codes, spreadsheets
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import Conflict, Forbidden, NotFound
from portal.identity import Actor, Role
from portal.privacy import copies, runs, shelf
from portal.privacy.contents import BY_TABLE, FILES, LEFT_OUT, columns_of
from portal.vault import Tampered, Vault
from tests import factories
from tests.portal.privacy.test_erasing import owner_of


async def _made(actor: Actor, settings: Settings, vault: Vault, clock: Clock, *, has_codes: bool = False) -> int:
    copy_id = await copies.ask(actor, has_codes=has_codes, language="en", now=clock.now())
    assert await runs.make(copy_id, settings=settings, vault=vault, clock=clock)
    return copy_id


def _zip(settings: Settings, vault: Vault, copy_id: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(shelf.pieces(settings, vault, copy_id))))


def test_every_table_is_in_a_copy_or_told_why_not() -> None:
    """Your table is named here? Put it into FILES or LEFT_OUT of portal/privacy/contents.py."""
    assert set(FILES) & set(LEFT_OUT) == set()
    assert set(BY_TABLE) - set(FILES) - set(LEFT_OUT) == set(), "neither in a copy nor left out with a reason"
    assert (set(FILES) | set(LEFT_OUT)) - set(BY_TABLE) == set(), "there are no such tables"
    assert all(LEFT_OUT.values())


def test_no_secret_is_in_a_copy() -> None:
    for table in FILES:
        columns = {column._meta.name: column for column in BY_TABLE[table]._meta.columns}
        for name in columns_of(table):
            assert not isinstance(columns[name], Bytea), f"{table}.{name}"
            assert not name.endswith(("_sealed", "_hash", "token")) or name == "file_hash", f"{table}.{name}"


async def test_a_copy_holds_this_shop_alone_and_spreadsheets_run_nothing_of_it(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    shop, rival = await factories.merchant("=cmd()"), await factories.merchant("Rival Wi-Fi")
    await factories.payment(shop, phone="254711222333")
    await factories.payment(rival, phone="254799888777")
    voucher = await factories.voucher(vault, shop, await factories.package(shop))
    code = vault.open(
        "vouchers", "code_sealed", row_id=voucher, sealed=await DB.value("SELECT code_sealed FROM vouchers")
    )
    actor = await owner_of(shop)
    with _zip(settings, vault, await _made(actor, settings, vault, clock)) as found:
        assert found.testzip() is None
        assert set(found.namelist()) == {"README.txt", *(f"{table}.csv" for table in FILES)}
        every = "".join(found.read(name).decode() for name in found.namelist())
        shops = list(csv.DictReader(io.StringIO(found.read("merchants.csv").decode().removeprefix(spreadsheets.MARK))))
    assert "254711222333" in every
    assert "254799888777" not in every
    assert "Rival" not in every
    assert shops[0]["name"] == "'=cmd()"
    assert codes.print_code(code) not in every


async def test_codes_are_in_it_when_the_owner_asks(db: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    shop = await factories.merchant()
    voucher = await factories.voucher(vault, shop, await factories.package(shop))
    sealed = await DB.value("SELECT code_sealed FROM vouchers")
    code = codes.print_code(vault.open("vouchers", "code_sealed", row_id=voucher, sealed=sealed))
    copy_id = await _made(await owner_of(shop), settings, vault, clock, has_codes=True)
    with _zip(settings, vault, copy_id) as found:
        assert code in found.read("voucher_codes.csv").decode()
    assert code.encode() not in shelf.path_of(settings, copy_id).read_bytes()


async def test_many_pages_are_one_file(
    db: str, settings: Settings, vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_PAGE", 2)
    shop = await factories.merchant()
    for _ in range(5):
        await factories.payment(shop)
    with _zip(settings, vault, await _made(await owner_of(shop), settings, vault, clock)) as found:
        assert len(found.read("payments.csv").decode().splitlines()) == 6


async def test_only_who_asked_fetches_it_and_only_for_a_week(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    shop = await factories.merchant()
    actor, second = await owner_of(shop), await owner_of(shop, email="second@shop.test")
    copy_id = await _made(actor, settings, vault, clock)
    await copies.fetch(actor, copy_id, settings=settings, now=clock.now())
    for stranger in (second, await owner_of(await factories.merchant("Rival"), email="r@rival.test")):
        with pytest.raises(NotFound):
            await copies.fetch(stranger, copy_id, settings=settings, now=clock.now())
    with pytest.raises(Forbidden):
        await copies.ask(
            await owner_of(shop, Role.MANAGER, email="m@shop.test"), has_codes=False, language="en", now=clock.now()
        )
    with pytest.raises(Conflict):
        await copies.fetch(actor, copy_id, settings=settings, now=clock.now() + timedelta(days=7))
    assert await runs.clear(settings=settings, now=clock.now() + timedelta(days=6)) == 0
    assert await runs.clear(settings=settings, now=clock.now() + timedelta(days=8)) == 1
    assert not shelf.path_of(settings, copy_id).exists()
    told = [row[0] for row in await DB.fetch("SELECT name FROM events WHERE entity = 'shop_copies' ORDER BY id")]
    assert told == ["asked", "made", "fetched"]


async def test_a_form_sent_twice_is_one_copy_and_a_second_waits(db: str, clock: Clock) -> None:
    actor = await owner_of(await factories.merchant())
    first = await copies.ask(actor, has_codes=False, language="en", now=clock.now(), form_key="k")
    assert await copies.ask(actor, has_codes=False, language="en", now=clock.now(), form_key="k") == first
    with pytest.raises(Conflict):
        await copies.ask(actor, has_codes=False, language="en", now=clock.now(), form_key="other")


async def test_a_cut_or_altered_file_is_noticed(db: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    copy_id = await _made(await owner_of(await factories.merchant()), settings, vault, clock)
    path = shelf.path_of(settings, copy_id)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(Tampered):
        list(shelf.pieces(settings, vault, copy_id))
    path.rename(shelf.path_of(settings, copy_id + 1))
    shelf.path_of(settings, copy_id + 1).write_bytes(whole)
    with pytest.raises(Tampered):
        list(shelf.pieces(settings, vault, copy_id + 1))


async def test_what_a_dead_worker_left_is_made_by_the_next_look(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    copy_id = await copies.ask(
        await owner_of(await factories.merchant()), has_codes=False, language="sw", now=clock.now()
    )
    await DB.fetch("UPDATE shop_copies SET tries = 1, next_try_at = $1", clock.now() + runs.LEASE)
    assert not await runs.make(copy_id, settings=settings, vault=vault, clock=clock)
    clock.shift(runs.LEASE + timedelta(seconds=1))
    assert await runs.due(now=clock.now()) == [copy_id]
    assert await runs.make(copy_id, settings=settings, vault=vault, clock=clock)


def test_an_end_put_where_none_was_is_noticed(settings: Settings, vault: Vault) -> None:
    file = shelf.Writing(settings, vault, 7)
    file.write(bytes(300 * 1024))
    file.finish()
    path = shelf.path_of(settings, 7)
    whole = path.read_bytes()
    first = int.from_bytes(whole[:4], "big")
    path.write_bytes((first + 1).to_bytes(4, "big") + whole[4 : 4 + first // 2])
    with pytest.raises(Tampered):
        list(shelf.pieces(settings, vault, 7))
