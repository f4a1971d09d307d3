"""`vocha rails …`: accounts at Airtel Money and Paystack: entering the platform's keys, seeing whose there are, trying them."""

import sys

import click

from portal import database, house
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import atomic
from portal.errors import Invalid
from portal.rails import accounts, checks
from portal.rails.accounts import RAILS, RailAccountView
from portal.rails.checks import Verdict

_rail = click.argument("rail", required=False, type=click.Choice(RAILS))


@click.group()
def rails() -> None:
    """Look after accounts at Airtel Money and Paystack."""


def _name(account: RailAccountView) -> str:
    whose = "the platform's" if account.merchant_id is None else f"merchant {account.merchant_id}'s"
    return f"{account.rail} ({account.environment}), {whose}"


@rails.command()
@_rail
def ways(rail: str | None) -> None:
    """List the accounts, and the addresses their providers are to be told."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            found = [one for one in await accounts.live() if rail in (None, one.rail)]
        for account in found:
            state = "offered" if account.is_offered else "hidden"
            click.echo(f"{_name(account)}: {state}\n    webhook  {settings.mpesa_callback_base}{account.webhook}")
            if account.trouble_text:
                click.echo(f"    trouble  {account.trouble_text}")
        if not found:
            click.echo("None yet. Enter the platform's: vocha rails enter airtel")

    run(go)


@rails.command()
@_rail
def check(rail: str | None) -> None:
    """Try each account's keys at its provider: what is wrong, and what to do."""

    async def go(settings: Settings) -> None:
        is_bad = False
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            for account in [one for one in await accounts.live() if rail in (None, one.rail)]:
                click.echo(_name(account))
                for remark in await checks.examine(account, doors.rails, callback_base=settings.mpesa_callback_base):
                    click.echo(f"[{remark.verdict.upper():<4}] {remark.sentence}")
                    is_bad |= remark.verdict is Verdict.BAD
        if is_bad:
            sys.exit(1)

    run(go)


@rails.command()
@click.argument("rail", type=click.Choice(RAILS))
@click.option("--environment", type=click.Choice(("sandbox", "production")), default="production", show_default=True)
@click.option("--client-id", default="", help="Airtel's.")
@click.option("--secret", prompt=True, hide_input=True, help="Asked for when left out, which keeps it off the screen.")
@click.option("--signing-key", default="", help="What Airtel signs its callbacks with, if it does.")
def enter(rail: str, *, environment: str, client_id: str, secret: str, signing_key: str) -> None:
    """Enter the platform's keys: shops without keys of their own sell by them."""
    keys = {"key_name": client_id.strip(), "secret": secret.strip(), "signing_key": signing_key.strip()}
    try:
        accounts.check(rail, environment=environment, **keys)
    except Invalid as error:
        raise click.ClickException("; ".join(f"{name}: {said}" for name, said in error.fields.items())) from error

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            now = doors.clock.now()
            async with atomic() as tx:
                account_id = await accounts.put(
                    tx, rail, merchant_id=None, environment=environment, vault=doors.vault, now=now, by="command", **keys
                )  # fmt: skip
            [account] = [one for one in await accounts.live() if one.id == account_id]
        click.echo(f"{_name(account)}. Tell the provider: {settings.mpesa_callback_base}{account.webhook}")
        click.echo("Try it: vocha rails check")

    run(go)
