"""The `vocha` command. Each command reads its settings, does one thing, and says in words what went wrong."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import click
import uvloop

from jobs import doctor, drift
from jobs.routers import sync_one
from portal import database, house, pulls, routers
from portal.cli_backup import backup, restore
from portal.cli_import import bring
from portal.cli_invariants import check_invariants
from portal.cli_jobs import jobs
from portal.cli_messages import messages
from portal.cli_mpesa import mpesa
from portal.cli_operators import operator
from portal.cli_rails import rails
from portal.cli_reconciliation import COMMANDS as RECONCILIATION
from portal.cli_run import run
from portal.cli_spool import spool
from portal.clock import Clock
from portal.config import Settings
from portal.config_values import SettingsError
from portal.drift import Kind
from portal.embedded_postgres import EmbeddedPostgresError
from portal.money import format_amount
from portal.routers import RouterAccess
from portal.routers.findings import SENTENCES
from portal.routers.forms import PULL
from routeros.doctor import Finding, Severity


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Sell Wi-Fi time on MikroTik hotspots and be paid by M-Pesa."""


main.add_command(backup)
main.add_command(bring)
main.add_command(check_invariants)
main.add_command(jobs)
for command in RECONCILIATION:
    mpesa.add_command(command)
main.add_command(messages)
main.add_command(mpesa)
main.add_command(operator)
main.add_command(rails)
main.add_command(restore)
main.add_command(spool)


@main.command()
def up() -> None:
    """Run everything in one process: web and worker, for a small box."""
    run(lambda settings: house.run(settings, web=True, work=True))


@main.command()
def serve() -> None:
    """Run the web server only."""
    run(lambda settings: house.run(settings, web=True, work=False))


@main.command()
def work() -> None:
    """Run a worker only; as many as you like may run."""
    run(lambda settings: house.run(settings, web=False, work=True))


@main.command()
def migrate() -> None:
    """Bring the database to the shape this version needs."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            click.echo("The database is up to date.")

    run(go)


DRIFT_WORDS = {
    Kind.MISSING: "paid for, but not on the router",
    Kind.CHANGED: "on the router with other limits than sold",
    Kind.FREE: "online without a grant",
    Kind.SURPLUS: "ours, without a grant",
    Kind.FOREIGN_ONLINE: "online by a user that is not ours",
    Kind.FOREIGN_USER: "a user that is not ours",
    Kind.DIALIN_MISSING: "PPPoE customer who is not there",
    Kind.DIALIN_CHANGED: "PPPoE customer with another speed or password",
    Kind.DIALIN_FREE: "suspended PPPoE customer online",
    Kind.DIALIN_SURPLUS: "PPPoE secret of ours without a customer",
    Kind.FOREIGN_DIALIN: "PPPoE user that is not ours",
    Kind.BYPASSED: "let by without a login",
}


@main.group()
def router() -> None:
    """Look after one router."""


@router.command("doctor")
@click.argument("name_or_id")
def router_doctor(name_or_id: str) -> None:
    """Look at the router NAME_OR_ID now: what is wrong, and the line that mends it."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            found = await routers.access_to(await routers.id_of(name_or_id), vault=doors.vault)
            if found.way == PULL:
                findings = await _told_by(found)
            else:
                click.echo(f"{found.name} ({found.host}:{found.port})")
                findings = await doctor.examine(found, doors)
        for finding in findings:
            click.echo(f"[{finding.severity.upper():<4}] {SENTENCES[finding.code] % finding.params}")
            if finding.fix:
                click.echo(f"       {finding.fix}")
        if any(finding.severity is Severity.BAD for finding in findings):
            sys.exit(1)

    run(go)


async def _told_by(router: RouterAccess) -> list[Finding]:
    """What a router that asks us tells when it asks next."""
    if router.status == "paused":
        raise click.ClickException(f"{router.name} is paused: we leave it alone. Resume it first.")
    interval_s = await pulls.interval_of(router.id)
    click.echo(f"{router.name} asks us for work; it asks again within {interval_s} seconds.")
    last = await pulls.look_now(router.id)
    return await pulls.wait_for(router.id, after=last, patience_s=2 * interval_s + 10)


@router.command("drift")
@click.argument("name_or_id")
@click.option("--repair", "repairs", is_flag=True, help="Make a complete pass first; rows that are not ours stay.")
def router_drift(name_or_id: str, *, repairs: bool) -> None:
    """Say how the router NAME_OR_ID differs from what was sold, and what each difference is worth."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
            found = await routers.access_to(await routers.id_of(name_or_id), vault=doors.vault)
            if repairs and not await sync_one(found.id, doors):
                raise click.ClickException("The router did not answer, or refused part of the repair.")
            findings = await drift.look(found, doors)
        for finding in findings:
            amount = format_amount(finding.at_stake_cents)
            click.echo(f"[{amount:>10}] {DRIFT_WORDS[finding.kind]}: {finding.who}")
        click.echo(
            f"{found.name}: {len(findings)} found, {format_amount(sum(f.at_stake_cents for f in findings))} at stake."
        )
        if findings:
            sys.exit(1)

    run(go)


@router.command("wireguard")
def router_wireguard() -> None:
    """Print the tunnel's peers, a section per router, for the server's WireGuard configuration."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            for peer in await routers.tunnel_peers():
                click.echo(
                    f"# router {peer.id}\n[Peer]\nPublicKey = {peer.public_key}\nAllowedIPs = {peer.address}/32\n"
                )

    run(go)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the portal; 0: any free one.",
)
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=None, help="Where the demo keeps its data."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--fresh", is_flag=True, help="Throw the demo's old data away first.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready, and nothing else.")
def demo(port: int, data_dir: Path | None, *, no_browser: bool, fresh: bool, as_json: bool) -> None:
    """Show it all: a shop, three simulated routers, phones and M-Pesa, on this machine only."""
    from portal.demo.run import DemoOptions, run_demo  # noqa: PLC0415  (simulators are not loaded in service)

    options = DemoOptions(
        port=port, data_dir=data_dir, opens_browser=not no_browser and not as_json, is_fresh=fresh, as_json=as_json
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(run_demo(options))
    except (SettingsError, EmbeddedPostgresError, OSError) as error:
        raise click.ClickException(str(error)) from error


@main.group()
def simulate() -> None:
    """Play the world outside: MikroTik routers on this machine, for trials and benchmarks."""


@simulate.command("routers")
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many.")
@click.option("--version", default="7.16", show_default=True, help="RouterOS version to behave like.")
@click.option(
    "--profile",
    type=click.Choice(["none", "hap-lite", "hex", "ccr"]),
    default="none",
    show_default=True,
    help="How slow the boards are.",
)
@click.option(
    "--rtt", type=click.FloatRange(0, 60), default=0.0, show_default=True, help="Round trip to them, in seconds."
)
@click.option("--sessions", type=click.IntRange(0, 5000), default=0, show_default=True, help="Phones online on each.")
@click.option("--user", default="vocha", show_default=True, help="API user with full rights.")
@click.option("--password", default=None, help="Its password; a random one when left out.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="API port of the first; 0: any free."
)
@click.option(
    "--control-port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port of the control server."
)
@click.option("--tls", "has_tls", is_flag=True, help="Offer api-ssl too, with a certificate made for the occasion.")
def simulate_routers(*, password: str | None, has_tls: bool, **options: Any) -> None:
    """Simulate MikroTik routers; print a line of JSON for each when all are ready. Ctrl-C ends them."""
    from portal.demo.fleet import run_fleet  # noqa: PLC0415  (simulators are not loaded in service)

    try:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(run_fleet(has_tls=has_tls, **options, **({} if password is None else {"password": password})))
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """List the benchmarks, or run one: bench NAME [--quick] [--json]."""
    root = Path(__file__).parents[1]
    if not (root / "bench").is_dir():
        raise click.ClickException("benchmarks come with the source tree, not with the installed package")
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])  # noqa: S606


if __name__ == "__main__":
    main(prog_name="vocha")
