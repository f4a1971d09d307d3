"""`vocha operator`: who runs the platform, and a way back in for who lost the password or the second step."""

import click

from portal import database
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.errors import Invalid, PortalError
from portal.identity import operators, sign_ups
from portal.vault import Vault

_KINDS = click.Choice(["personal", "homeowner", "isp", "enterprise"])


@click.group()
def operator() -> None:
    """Who runs the platform, and invitations to open a shop."""


def _told(error: PortalError) -> click.ClickException:
    return click.ClickException("; ".join(error.fields.values()) if isinstance(error, Invalid) else str(error))


@operator.command("list")
def list_operators() -> None:
    """Everybody who runs the platform."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            for one in await operators.listed():
                second = "with a second step" if one.has_second else "password only"
                click.echo(f"{one.email:<40} {one.name}, {second}")

    run(go)


@operator.command()
@click.argument("email")
@click.option("--name", default="Operator", help="Shown beside what the operator does.")
def add(email: str, *, name: str) -> None:
    """Make EMAIL an operator, and print the link to choose a password by."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            try:
                link = await operators.add(
                    email, name, settings=settings, vault=Vault(settings.secret_keys), now=Clock().now()
                )
            except PortalError as error:
                raise _told(error) from error
        click.echo(f"Open this within 24 hours and choose a password:\n{link}")

    run(go)


@operator.command()
@click.argument("email")
@click.confirmation_option(prompt="Their authenticator app, passkeys, recovery codes and sessions end. Go on?")
def reset(email: str) -> None:
    """Take the second steps of EMAIL away, end all sessions, and print a link to choose a password by. For any account: make sure that
    it is they who ask."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            try:
                link = await operators.reset(
                    email, settings=settings, vault=Vault(settings.secret_keys), now=Clock().now()
                )
            except PortalError as error:
                raise _told(error) from error
        click.echo(f"Good for 24 hours, once:\n{link}")

    run(go)


@operator.command()
@click.argument("email")
@click.option("--kind", type=_KINDS, default="personal", show_default=True, help="Decides the commission.")
def invite(email: str, *, kind: str) -> None:
    """Invite EMAIL to open a shop: the link is mailed, and printed."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            try:
                link = await sign_ups.invite(
                    email,
                    kind=kind,
                    made_by=None,
                    settings=settings,
                    vault=Vault(settings.secret_keys),
                    now=Clock().now(),
                )
            except PortalError as error:
                raise _told(error) from error
        click.echo(f"Good for 7 days, once:\n{link}")

    run(go)
