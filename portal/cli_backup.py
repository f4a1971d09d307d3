"""`vocha backup` and `vocha restore`: make, list, prove and restore backups by hand, and say the next step."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import click

from portal import database, job_places
from portal.backups import making, reading, rewinding
from portal.backups.drills import drill
from portal.backups.making import shelf_of
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres

ACTOR = "command"
_MIB = 2**20


@click.group("backup")
def backup() -> None:
    """Backups: see docs/backups.md. Keep the secret keys apart; without them no backup can be read."""


@backup.command("now")
def now() -> None:
    """Make a backup now, beside the nightly ones."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            made = await making.make(settings, Clock())
            await job_places.done_by_hand("backup", ACTOR)
        click.echo(f"{made.path}")
        click.echo(
            f"{made.manifest.holds.rows} rows, {made.size_bytes / _MIB:.1f} MiB, encrypted by “{settings.secret_keys[0][0]}”,"
            f" SHA-256 {made.sha256}"
        )
        for gone in made.removed:
            click.echo(f"no longer kept: {gone.name}")

    run(go)


@backup.command("list")
def list_backups() -> None:
    """The backups there are, the newest first."""

    async def go(settings: Settings) -> None:
        shelf = shelf_of(settings)
        kept = shelf.all()
        for one in kept:
            click.echo(f"{one.path.name}  {one.made_at:%Y-%m-%d %H:%M} UTC {one.size_bytes / _MIB:>10.1f} MiB")
        click.echo(f"{len(kept)} in {shelf.folder}." + ("" if kept else " Make one: vocha backup now"))

    run(go)


@backup.command("verify")
@click.argument("which", default="newest")
@click.option(
    "--restore", "restores", is_flag=True, help="Also restore it for trial and prove it, as the weekly drill does."
)
def verify(which: str, *, restores: bool) -> None:
    """Read WHICH backup (a name, a path; the newest) from front to end, and say whether anything is missing or altered."""

    async def go(settings: Settings) -> None:
        path = shelf_of(settings).find(which)
        if restores:
            async with database.opened(settings, pool_size=2):
                drilled = await drill(settings, Clock(), which=str(path))
                if which == "newest":  # what the weekly drill tries
                    await job_places.done_by_hand("restore-drill", ACTOR)
            click.echo(f"Restored in {drilled.restore_s:.1f} s and proved in {drilled.prove_s:.1f} s.")
            for line in drilled.known:
                click.echo(f"was so when it was made: {line}")
            manifest = drilled.manifest
        else:
            manifest = await reading.verify(path, settings.secret_keys)
        click.echo(
            f"{path.name} is whole: {manifest.holds.rows} rows of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, PostgreSQL"
            f" {manifest.server}."
        )

    run(go)


@backup.command("restore")
@click.argument("which", default="newest")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore_backup(which: str, *, yes: bool) -> None:
    """The same as: vocha restore."""
    _restore(which, yes=yes)


@click.command("restore")
@click.argument("which", default="newest")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(which: str, *, yes: bool) -> None:
    """Put the database back to WHICH backup (a name, a path; the newest). Stop Vocha first."""
    _restore(which, yes=yes)


def _restore(which: str, *, yes: bool) -> None:
    async def go(settings: Settings) -> None:
        path = shelf_of(settings).find(which)
        manifest = await reading.verify(path, settings.secret_keys)
        click.echo(f"{path.name} shows {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.holds.rows} rows.")
        if not yes and not click.confirm(
            "What happened since is then only in the database that is put aside. Restore?"
        ):
            click.echo("Nothing was changed.")
            sys.exit(1)
        async with _server(settings):
            done = await rewinding.restore(settings, Clock(), path)
        _say(done)

    run(go)


@asynccontextmanager
async def _server(settings: Settings) -> AsyncGenerator[None]:
    """The house's server, with nobody connected."""
    if settings.database_url is not None:
        DB.configure(settings.database_url)
        yield
        return
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    await server.start_async()
    try:
        DB.configure(server.dsn)
        yield
    finally:
        await server.stop_async()


def _say(done: rewinding.Rewound) -> None:
    click.echo(f"Restored. What there was before is kept as the database {done.old_name}.")
    for line in done.known:
        click.echo(f"was so when it was made: {line}")
    click.echo(
        f"{done.drained.new} callbacks taken in from the disk, {done.drained.known} were known, {done.drained.unknown} to no"
        f" address that was restored. {done.pulls} M-Pesa accounts are asked for their last 48 hours."
    )
    click.echo(
        f"""Now, in this order (docs/backups.md):
1. Start Vocha: vocha up, or serve and work. Paused are {", ".join(rewinding.HELD_JOBS)}, and {done.paused_routers} routers.
2. Wait until pull-transactions has run (vocha jobs history pull-transactions), and look at “Money that fits nothing”: what was paid since.
3. For each router: vocha router drift NAME. Users of ours without a grant are people who paid since; give them a voucher.
   Then resume the router on its page.
4. Compare payouts and refunds with M-Pesa's statement; settle by hand what went out since. Then: vocha jobs resume NAME"""
    )
