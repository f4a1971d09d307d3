"""`vocha messages …`: the platform's gateways, by which everybody's messages go who has none of their own."""

import click

from portal import database, house
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import Invalid
from portal.gateways.doors import NotHere
from portal.gateways.interface import Accepted, Outgoing
from portal.gateways.wire import AddressRefused
from portal.messages import accounts

_ACTOR = "command"


@click.group()
def messages() -> None:
    """By what messages go out, and whether they do."""


@messages.command()
def gateways() -> None:
    """The platform's gateways, what is wrong with them, and how much waits."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            found = await accounts.in_use(None)
            waiting = await DB.fetch(
                "SELECT channel, count(*) AS n FROM messages WHERE status = 'queued' AND channel <> '' GROUP BY channel"
            )
        counts = {row["channel"]: row["n"] for row in waiting}
        for channel in ("sms", "email", "telegram"):
            gateway = found.get(channel)
            named = f"{gateway.kind} {gateway.user_name} {gateway.sender}".strip() if gateway else "none"
            trouble = f", {gateway.trouble}: {gateway.trouble_text or ''}" if gateway and gateway.trouble else ""
            click.echo(f"{channel:<9} {named}, {counts.get(channel, 0)} waiting{trouble}")
            if gateway and channel == "sms":
                click.echo(f"{'':<9} delivery reports to {settings.base_url}{gateway.reports}/delivery")

    run(go)


@messages.command("set")
@click.argument("kind", type=click.Choice([kind for kind in accounts.KINDS if kind != "webhook"]))
@click.option("--user", default="", help="User name at the gateway or the mail server.")
@click.option("--sender", default="", help="Sender id, short code, or the address mail comes from.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="host, port, tls; url, template and so on."
)
@click.option("--secret", prompt=True, hide_input=True, help="Asked for when left out, which keeps it off the screen.")
@click.option("--inbox", is_flag=True, help="People can answer to this sender.")
@click.option("--free", is_flag=True, help="Merchants do not pay for what goes out by it.")
def set_gateway(
    kind: str, *, user: str, sender: str, options: tuple[str, ...], secret: str, inbox: bool, free: bool
) -> None:
    """Enter a gateway of the platform's, in place of the one of its channel."""
    form = {name: value for name, _, value in (option.partition("=") for option in options)}
    form |= {"user_name": user, "sender": sender, "secret": secret}

    async def go(settings: Settings) -> None:
        try:
            chosen = accounts.options_of(kind, form)
        except Invalid as error:
            raise click.ClickException("; ".join(f"{name}: {why}" for name, why in error.fields.items())) from error
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors, atomic() as tx:
            await accounts.put(
                tx, kind, merchant_id=None, user_name=user, sender=sender, options=chosen, secret=secret, vault=doors.vault,
                now=doors.clock.now(), by=_ACTOR, has_inbox=inbox, is_charged=not free,
            )  # fmt: skip
        click.echo(f"{kind} is entered. Try it: vocha messages test {accounts.KINDS[kind]} …")

    run(go)


@messages.command("take-out")
@click.argument("channel", type=click.Choice(["sms", "email", "telegram"]))
def take_out(channel: str) -> None:
    """Take the platform's gateway of a channel out: what waits, waits for another."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), atomic() as tx:
            ended = await accounts.end(tx, channel, merchant_id=None, now=Clock().now())
        click.echo("Taken out." if ended is not None else "There was none.")

    run(go)


@messages.command()
@click.argument("channel", type=click.Choice(["sms", "email", "telegram"]))
@click.argument("to")
def test(channel: str, to: str) -> None:
    """Send one test message now, past the outbox, and say what the gateway answers. SMS: digits like 254712345678."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            gateway = (await accounts.in_use(None)).get(channel)
            if gateway is None:
                raise click.ClickException(f"The platform has no gateway for {channel}: vocha messages set …")
            key = f"vocha-test-{int(doors.clock.now().timestamp())}"
            message = Outgoing(key=key, to=to, text="Vocha: this is a test message.", kind="test", subject="Vocha")
            try:
                outcome = await (await doors.gateways.for_gateway(gateway.id)).send(message)
            except (NotHere, AddressRefused) as error:
                raise click.ClickException(str(error)) from error
        if not isinstance(outcome, Accepted):
            said = f"{type(outcome).__name__} {getattr(outcome, 'why', '')}: {getattr(outcome, 'said', '')}"
            raise click.ClickException(said)
        click.echo(f"Taken by {gateway.kind}. {outcome.provider_id}".strip())

    run(go)
