"""`vocha import`: bring packages and codes from another system by the command line. Looks first; makes something with --run only."""

import asyncio
from pathlib import Path

import click

from portal import database
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import Invalid, PortalError
from portal.identity import Actor, Role
from portal.imports import looks, sending, steps
from portal.imports.letters import MOST_BYTES
from portal.vault import Vault

_SOURCES = {"mikhmon": "mikhmon", "phpnuxbill": "nuxbill", "csv": "csv"}


@click.command("import")
@click.argument("source", type=click.Choice(list(_SOURCES)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--merchant", type=int, required=True, help="The merchant's number, as the operator's pages name it.")
@click.option("--router", default="all", show_default=True, help="The number of the router the codes work at, or all.")
@click.option(
    "--weak-days",
    type=click.Choice(sending.WEAK_DAYS),
    default="60",
    show_default=True,
    help="Easy codes end unused after.",
)
@click.option(
    "--sold",
    type=click.Choice(sending.SOLD),
    default="later",
    show_default=True,
    help="When unused cards count as sold.",
)
@click.option("--run", "is_real", is_flag=True, help="Take it over. Without it, only say what would be made.")
def bring(source: str, file: Path, *, merchant: int, router: str, weak_days: str, sold: str, is_real: bool) -> None:
    """Bring FILE of Mikhmon (.rsc or .csv), PHPNuxBill (.sql or .csv) or a CSV of your own into a merchant's shop."""

    async def go(settings: Settings) -> None:
        clock, vault = Clock(), Vault(settings.secret_keys)
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
        async with database.opened(settings, pool_size=2):
            actor = await _owner(merchant)
            try:
                import_id = await sending.send(
                    actor, raw, source=_SOURCES[source], file_name=file.name, router=router, weak_days=weak_days, sold=sold,
                    form_key="", settings=settings, vault=vault, now=clock.now(),
                )  # fmt: skip
                await _work(actor, import_id, settings=settings, vault=vault, clock=clock)
                await _tell(actor, import_id, is_real=is_real)
                if is_real:
                    await sending.start(actor, import_id, now=clock.now())
                    await _work(actor, import_id, settings=settings, vault=vault, clock=clock)
                    await _tell(actor, import_id, is_real=is_real)
            except PortalError as error:
                words = "; ".join(error.fields.values()) if isinstance(error, Invalid) else str(error)
                raise click.ClickException(words) from error

    run(go)


async def _owner(merchant_id: int) -> Actor:
    """In whose name it is brought: the history names the command's user as the shop's owner."""
    user = await DB.value(
        "SELECT user_id FROM memberships WHERE merchant_id = $1 AND role = 'owner' ORDER BY id LIMIT 1", merchant_id
    )
    if user is None:
        raise click.ClickException(f"There is no merchant {merchant_id}, or nobody owns it.")
    return Actor(user_id=user, merchant_id=merchant_id, role=Role.OWNER, is_operator=False, name="", email="")


async def _work(actor: Actor, import_id: int, *, settings: Settings, vault: Vault, clock: Clock) -> None:
    """The worker's steps, here and now; where a worker is at it as well, each row is still made once."""
    while (await looks.one(actor, import_id)).is_open:
        if not await steps.step(import_id, settings=settings, vault=vault, clock=clock):
            await asyncio.sleep(0.1)


async def _tell(actor: Actor, import_id: int, *, is_real: bool) -> None:
    found = await looks.one(actor, import_id)
    if found.status == "failed":
        raise click.ClickException(found.error)
    click.echo(f"Import {import_id}: {found.status}")
    counts = found.plans if found.status == "checked" else found.outcomes
    for (kind, what), n in sorted(counts.items()):
        click.echo(f"  {kind:<8} {what:<8} {n:>7,}")
    for why, n in sorted(found.why.items()):
        click.echo(f"  because  {why:<12} {n:>3,}")
    if found.weak:
        click.echo(f"  {found.weak:,} codes are easy to guess; unused they end after {found.weak_days} days.")
    if found.status == "checked" and not is_real:
        click.echo(f"Nothing is made yet. See it at /imports/{import_id}; --run takes it over.")
