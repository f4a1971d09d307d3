"""`vocha mpesa pull | import | close`: M-Pesa's lists beside ours, by hand."""

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from portal import database, house
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import atomic
from portal.errors import Invalid, PortalError
from portal.identity import Actor
from portal.money import format_amount
from portal.mpesa import accounts
from portal.payments import pace
from portal.reconciliation import closes, pulling, statements, views
from portal.reconciliation.views import CloseView, ComparisonView

_ACTOR = "command"
_account = click.option("--account", default="", metavar="SHORTCODE", help="Which account, when there are several.")


def _reader(merchant_id: int | None) -> Actor:
    """Whoever sits at the server may see every account."""
    return Actor(user_id=0, merchant_id=merchant_id, role=None, is_operator=merchant_id is None, name=_ACTOR, email="")


@click.command("pull")
@_account
@click.option("--hours", type=click.FloatRange(1, 48), default=48, show_default=True, help="How far back.")
def pull(account: str, *, hours: float) -> None:
    """Ask M-Pesa for its list of the last hours, and take in what we have not."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            found, now = await accounts.find(account), doors.clock.now()
            async with atomic() as tx:
                wish = await pulling.want(
                    tx, found.id, why="demand", asked_by=_ACTOR, now=now, since=now - timedelta(hours=hours)
                )
            if wish is None:
                raise click.ClickException("A look at this list is under way already. Try again in a minute.")
            await pulling.look(wish, doors.mpesa, vault=doors.vault, clock=doors.clock)
            _print_comparison(await views.comparison(_reader(found.merchant_id), wish))

    run(go)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_account
@click.option("--take", is_flag=True, help="Take in at once what M-Pesa has and we have not.")
def import_statement(file: Path, account: str, *, take: bool) -> None:
    """Hold a statement of the M-Pesa organisation portal (CSV or Excel) against our payments."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            found = await accounts.find(account)
            try:
                made = await statements.receive(
                    file, account_id=found.id, file_name=file.name, by=_ACTOR, now=doors.clock.now()
                )
                if take:
                    await statements.confirm(made, by=_ACTOR, now=doors.clock.now())
                    await statements.take(made, vault=doors.vault, now=doors.clock.now())
            except Invalid as error:
                raise click.ClickException(str(error)) from error
            except PortalError as error:
                raise click.ClickException(str(error)) from error
            shown = await views.comparison(_reader(found.merchant_id), made)
            _print_comparison(shown)
            if shown.status == "ready" and shown.only_theirs:
                click.echo("Nothing was taken in. Confirm it in the dashboard (Money), or drop it there.")

    run(go)


def _print_comparison(shown: ComparisonView) -> None:
    span = f"{shown.since:%Y-%m-%d %H:%M} – {shown.until:%Y-%m-%d %H:%M} UTC" if shown.since and shown.until else ""
    click.echo(f"{shown.shortcode} {shown.source} {shown.id}: {shown.status}  {span}")
    if shown.error:
        raise click.ClickException(shown.error)
    counts = (
        ("rows", shown.rows), ("alike", shown.matched), ("different amounts", shown.differing),
        ("only M-Pesa has", shown.only_theirs), ("only we have", shown.only_ours), ("unreadable", shown.unreadable),
        ("taken in", shown.taken),
    )  # fmt: skip
    for what, count in counts:
        click.echo(f"  {what:<20}{count:>8}")
    click.echo(f"  {'came in':<20}{format_amount(shown.in_cents):>16}")


@click.command("close")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@_account
def close_day(day: datetime, account: str) -> None:
    """Close the day DAY (2026-11-20) again, with what is known now, and say whether it balances."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            found, now = await accounts.find(account), Clock().now()
            chosen = await closes.day_of(found.id, date(day.year, day.month, day.day))
            if chosen.until > now:
                raise click.ClickException("This day is not over.")
            made = await closes.close(chosen, by=_ACTOR, now=now)
            _print_close(await views.close(_reader(found.merchant_id), made[0]))

    run(go)


def _print_close(shown: CloseView) -> None:
    def amount(cents: int | None) -> str:
        return "not told" if cents is None else format_amount(cents, shown.currency)

    click.echo(f"{shown.shortcode} {shown.day} (revision {shown.revision}), M-Pesa's side: {shown.theirs}")
    for what, ours, theirs in (
        ("opening", shown.opening_cents, shown.their_opening_cents),
        ("in", shown.in_cents, shown.their_in_cents),
        ("out", shown.out_cents, shown.their_out_cents),
        ("charges", 0, shown.their_fees_cents),
        ("closing", shown.closing_cents, shown.their_closing_cents),
    ):
        click.echo(f"  {what:<10}{amount(ours):>18}{amount(theirs):>18}")
    if shown.difference_cents is None:
        click.echo("M-Pesa's side is not known: import a statement of the day.")
        return
    click.echo("It balances." if shown.balances else f"It differs by {amount(shown.difference_cents)}:")
    for cause in shown.causes:
        click.echo(f"  {cause.why:<20}{amount(cause.cents):>18}  {cause.count} rows")


@click.command("limit")
@click.argument("per_minute", type=click.IntRange(1, 6000))
@_account
def limit(per_minute: int, account: str) -> None:
    """Say how many status questions PER_MINUTE the app allows; Vocha approaches it step by step, and slows down if told to."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            found = await accounts.find(account)
            await pace.limit(found.id, most_per_minute=per_minute)
        click.echo(f"{found.shortcode}: at most {per_minute} questions a minute.")

    run(go)


COMMANDS = (pull, import_statement, close_day, limit)
