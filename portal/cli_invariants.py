"""`vocha invariants`: ask now whether all is as it must be, and see what each question costs."""

import json

import click

from portal import database, invariants
from portal.cli_run import run
from portal.config import Settings


@click.command("invariants")
@click.option("--newest", is_flag=True, help="As the job does every five minutes: what is live, and the newest rows.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.option("--metrics", "as_metrics", is_flag=True, help="As Prometheus reads it, for a collector of text files.")
def check_invariants(*, newest: bool, as_json: bool, as_metrics: bool) -> None:
    """Check what must always be true of money, access and history. Reads only; exit status 1 when something is broken."""
    seen: list[invariants.Look] = []

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            seen.append(await invariants.look(whole=not newest))
            if as_metrics:
                click.echo(await invariants.metrics(seen[0]), nl=False)

    run(go)
    if not as_metrics:
        _print(seen[0], as_json=as_json)
    if seen[0].breaches:
        raise SystemExit(1)


def _print(seen: invariants.Look, *, as_json: bool) -> None:
    broken = {breach.invariant: breach.rows for breach in seen.breaches}
    if as_json:
        click.echo(json.dumps({"broken": broken, "took_ms": seen.took_ms}))
        return
    for name, took in seen.took_ms.items():
        click.echo(f"{'BROKEN' if name in broken else 'holds':<8}{took:>10.1f} ms  {name}")
        for row in broken.get(name, ()):
            click.echo(f"{'':<22}{row}")
    click.echo(f"{sum(seen.took_ms.values()):>18.1f} ms in all")
