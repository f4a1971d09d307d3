"""A backup is restored, proved and thrown away; what is not as it was fails the drill."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import invariants
from portal.alerts import begin
from portal.backups import drills, proving, reading
from portal.backups.drills import drill
from portal.backups.errors import Busy, Damaged, KeyMissing, NotFit, NothingThere
from portal.backups.making import Made, make, shelf_of
from portal.backups.manifest import Holdings, Manifest, differences
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.embedded_postgres import EmbeddedPostgres


@asynccontextmanager
async def _beside(folder: Path) -> AsyncGenerator[str]:
    """An empty database beside ours, since a server of its own takes seconds to make."""
    assert folder.name == "drill"
    home = str(DB.config["dsn"])
    await DB.fetch("CREATE DATABASE drilled TEMPLATE template0")
    try:
        yield home.replace("/vocha?", "/drilled?", 1)
    finally:
        await DB.fetch("DROP DATABASE drilled WITH (FORCE)")


@pytest.fixture
async def spare(db: str) -> AsyncIterator[str]:
    async with _beside(Path("drill")) as dsn:
        yield dsn


@pytest.fixture
def quick(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drills restore into a database beside ours."""
    monkeypatch.setattr(drills, "scratch_server", _beside)


async def _last() -> tuple[bool, str]:
    row = await DB.row("SELECT is_good, problems FROM backup_drills ORDER BY id DESC LIMIT 1")
    assert row
    return row["is_good"], row["problems"]


async def test_a_drill_restores_proves_and_throws_away(shop: int, settings: Settings, clock: Clock) -> None:
    made = await make(settings, clock)
    drilled = await drill(settings, clock)
    assert (drilled.path, drilled.manifest, drilled.known) == (made.path, made.manifest, [])
    assert not (settings.data_dir / "drill").exists()
    row = await DB.row("SELECT name, is_good, rows_total, problems FROM backup_drills")
    assert row
    assert tuple(row) == (made.path.name, True, made.manifest.holds.rows, "")
    assert made.manifest.holds.rows > 50


@pytest.mark.usefixtures("quick")
async def test_a_broken_invariant_fails_it_unless_it_is_known(shop: int, settings: Settings, clock: Clock) -> None:
    # A voucher that may be used, and nobody paid for.
    await DB.fetch(
        """INSERT INTO vouchers (merchant_id, package_id, status, code_hash, code_sealed, terms, paid_at, created_at)
           SELECT $1, id, 'paid', '\\x01', '\\x', '{}', now(), now() FROM packages""",
        shop,
    )
    broken = await invariants.breaches(now=clock.now())
    assert [breach.invariant[:2] for breach in broken] == ["I4"]
    await make(settings, clock)
    with pytest.raises(NotFit, match="I4"):
        await drill(settings, clock)
    is_good, problems = await _last()
    assert not is_good
    assert "I4" in problems
    async with atomic() as tx:
        await begin(tx, invariants.KIND, broken[0].invariant, now=clock.now())
    clock.shift(timedelta(minutes=1))
    await make(settings, clock)
    drilled = await drill(settings, clock)
    assert [line[:2] for line in drilled.known] == ["I4"]
    await DB.fetch("DELETE FROM vouchers")


@pytest.mark.usefixtures("quick")
async def test_an_old_secret_key_that_is_missing_fails_it(shop: int, settings: Settings, clock: Clock) -> None:
    newer = ("newer", bytes(32))
    rotated = replace(settings, secret_keys=(newer, *settings.secret_keys))
    await make(rotated, clock)  # encrypted by the newer key; the router's password by the older
    await drill(rotated, clock)
    with pytest.raises(NotFit, match=r"“test” is not in the list, and routers\.api_password_sealed is sealed by it"):
        await drill(replace(settings, secret_keys=(newer,)), clock)
    with pytest.raises(KeyMissing, match="“newer”, which is not in the list"):
        await drill(settings, clock)
    is_good, problems = await _last()
    assert not is_good
    assert "Put that key back" in problems


async def test_cut_or_altered_files_fail_it_before_anything_is_restored(
    shop: int, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make(settings, clock)
    stored = made.path.read_bytes()
    monkeypatch.setattr(EmbeddedPostgres, "start_async", None)
    for wrong in (stored[:-10], stored[: len(stored) // 2], stored + b"x", stored[:-40] + b"xx" + stored[-38:]):
        made.path.write_bytes(wrong)
        with pytest.raises(Damaged, match=r"vocha-.*\.backup (ends too early|is damaged)"):
            await drill(settings, clock)


async def test_without_a_backup_it_says_so(db: str, settings: Settings, clock: Clock) -> None:
    with pytest.raises(NothingThere, match="vocha backup now"):
        await drill(settings, clock)


async def test_two_drills_at_once_are_refused(shop: int, settings: Settings, clock: Clock) -> None:
    with shelf_of(settings).held("drill"), pytest.raises(Busy):
        await drill(settings, clock)


async def _restored(made: Made, settings: Settings, dsn: str) -> Manifest:
    return await reading.restore_into(dsn, made.path, settings.secret_keys)


async def test_rows_that_are_not_there_are_told(shop: int, settings: Settings, clock: Clock, spare: str) -> None:
    made = await make(settings, clock)
    manifest = await _restored(made, settings, spare)
    more = manifest.holds.tables | {"packages": 2, "gone": 1}
    wanted = Manifest(
        made_at=manifest.made_at, server=18, program=18,
        holds=Holdings(stamp="other", tables=more, ledger={"cash KES": 5}),
    )  # fmt: skip
    findings = await proving.prove(spare, settings.secret_keys, wanted)
    assert findings.problems == [
        "gone: no rows, 1 backed up",
        "packages: 1 rows, 2 backed up",
        "ledger, cash KES: 0 cents, 5 backed up",
        f"the shape is {manifest.holds.stamp}, other backed up",
    ]
    assert differences(manifest.holds, manifest.holds) == []


async def test_a_database_that_is_not_empty_is_left_alone(
    shop: int, settings: Settings, clock: Clock, migrated: str
) -> None:
    made = await make(settings, clock)
    with pytest.raises(NotFit, match="not empty"):
        await _restored(made, settings, migrated)


@pytest.mark.usefixtures("quick")
async def test_an_older_shape_is_brought_up_to_date(shop: int, settings: Settings, clock: Clock) -> None:
    stamp = await DB.value("SELECT obj_description('migration'::regclass)")
    index = "CREATE INDEX access_grants_left ON access_grants (router_id, ended_at) WHERE status = 'gone'"
    step = await DB.row(
        "DELETE FROM migration WHERE name = '2026-11-20T12:27:00:000000' RETURNING name, app_name, ran_on"
    )
    assert step
    await DB.fetch("DROP INDEX access_grants_left")
    await DB.fetch("COMMENT ON TABLE migration IS 'vocha older'")
    try:
        made = await make(settings, clock)
    finally:
        await DB.fetch("INSERT INTO migration (name, app_name, ran_on) VALUES ($1, $2, $3)", *step)
        await DB.fetch(index)
        await DB.fetch(f"COMMENT ON TABLE migration IS '{stamp}'")
    assert made.manifest.holds.stamp == "vocha older"
    assert (await drill(settings, clock)).known == []
