"""`vocha spool`: look at callbacks that wait on this machine's disk for the database, or bring them there now."""

import click

from portal import callbacks, database
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.spool import Spool


@click.group("spool")
def spool() -> None:
    """Callbacks that wait on the disk for the database."""


@spool.command("list")
def list_spool() -> None:
    """What waits: when it came, by which road, from where; never what it says."""

    async def go(settings: Settings) -> None:
        _list(_spool_of(settings))

    run(go)


@spool.command("drain")
def drain_spool() -> None:
    """Bring what waits into the database, as far as no running server is busy with it."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            drained = await callbacks.drain(_spool_of(settings), Clock())
        click.echo(
            f"{drained.new} new, {drained.known} known already, {drained.unknown} to no address of ours, "
            f"{drained.aside} set aside; {drained.files} files emptied."
        )

    run(go)


def _spool_of(settings: Settings) -> Spool:
    return Spool(settings.spool_dir, most_bytes=settings.spool_most_bytes)


def _list(spool: Spool) -> None:
    for name, messages, spoilt in callbacks.waiting_in(spool):
        for message in messages:
            listed = "listed" if message.is_trusted else "not listed"
            click.echo(
                f"{message.received_at:%Y-%m-%d %H:%M:%S}  {message.road:<8}{message.source:<40}{listed:<12}{len(message.body):>7}"
            )
        if spoilt:
            click.echo(f"{name}: {spoilt} bytes cannot be read; they are set aside when it is drained.")
    depth = spool.depth()
    click.echo(f"{spool.folder}: {depth.files} files, {depth.size} bytes; {depth.aside} files set aside.")
