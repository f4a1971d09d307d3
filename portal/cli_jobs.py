"""`vocha jobs …`: look at scheduled jobs, run one now, and print what other clocks need to ask for them."""

import contextlib
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from jobs import runner
from jobs.schedule import JOBS, latest_slot, next_run_at
from portal import cli_timers, database, house, job_history, job_runs
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.errors import NotFound
from portal.job_history import Filter
from portal.job_places import Ended
from portal.job_runs import RunStatus, Source
from portal.running import Running

_ACTOR = "cli"
_RULE = "=" * 60
_WIDTH = max(map(len, JOBS)) + 2
_MOMENT = "%Y-%m-%d %H:%M:%S"
_name = click.argument("name", type=click.Choice(list(JOBS)))


@click.group()
def jobs() -> None:
    """Look at scheduled jobs, or run one now."""


@jobs.command("list")
def list_jobs() -> None:
    """Every job: when it runs next, here and in UTC, and how its last run went."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            found = await job_history.standings(list(JOBS))
        now = datetime.now(UTC)
        zone = now.astimezone().strftime("%Z")
        click.echo(
            f"{'JOB':<{_WIDTH}}{f'NEXT RUN ({zone})':<22}{'NEXT RUN (UTC)':<22}{'LAST RUN (UTC)':<22}{'STATUS':<10}{'DONE':>6}{'FAILED':>8}"
        )
        for job in JOBS.values():
            upcoming, standing = next_run_at(job, now), found[job.name]
            last = standing.last
            status = "paused" if standing.paused_at else last.status if last else "-"
            click.echo(
                f"{job.name:<{_WIDTH}}{upcoming.astimezone().strftime(_MOMENT):<22}{upcoming.strftime(_MOMENT):<22}"
                f"{_moment(last.started_at if last else None):<22}{status:<10}"
                f"{last.processed if last else 0:>6}{last.failed if last else 0:>8}"
            )

    run(go)


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime(_MOMENT) if at else "never"


@jobs.command("history")
@click.argument("name", required=False, type=click.Choice(list(JOBS)))
@click.option("--status", "statuses", multiple=True, help="Only runs of this status; may be given several times.")
@click.option("--source", type=click.Choice(["clock", "cron", "hand", "start"]), help="Only runs this one asked for.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="Only the last hours.")
@click.option("--most", type=click.IntRange(1, 1000), default=30, show_default=True, help="How many at most.")
@click.option("--before", type=click.IntRange(1), help="Only runs before the one with this id: the next page.")
def history(
    *,
    name: str | None,
    statuses: tuple[str, ...],
    source: str | None,
    hours: float | None,
    most: int,
    before: int | None,
) -> None:
    """What ran, the newest first; of the job NAME when one is given."""
    wanted = Filter(
        job=name or "", statuses=statuses, source=source or "", before=before,
        since=datetime.now(UTC) - timedelta(hours=hours) if hours else None,
    )  # fmt: skip

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            runs = await job_history.history(wanted, most=most)
        click.echo(
            f"{'ID':>9} {'JOB':<{_WIDTH}}{'SLOT (UTC)':<21}{'ASKED BY':<9}{'STATUS':<10}{'TOOK':>9}{'DONE':>7}{'FAILED':>8}  ERROR"
        )
        for found in runs:
            took = f"{found.seconds:.2f} s" if found.seconds is not None else "-"
            error = found.error.splitlines()[0][:80] if found.error else ""
            line = (
                f"{found.id:>9} {found.job:<{_WIDTH}}{_moment(found.slot):<21}{found.source:<9}{found.status:<10}{took:>9}"
                f"{found.processed:>7}{found.failed:>8}  {error}"
            )
            click.echo(line.rstrip())
        if len(runs) == most:
            click.echo(f"More: add --before {runs[-1].id}")

    run(go)


@jobs.command("run")
@_name
def run_job(name: str) -> None:
    """Run the job NAME now, show how far it is, and print its tally."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings), house.doors_open(settings, Clock()) as doors:
            began = time.monotonic()
            click.echo(f"[{name}] Starting at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
            run_id = await runner.request(JOBS[name], datetime.now(UTC), source=Source.HAND, by=_ACTOR)
            if run_id is None:
                raise click.ClickException(f"{name} was asked for in this very moment. Try again.")
            with Progress(name) as progress:
                ended = await runner.run(run_id, doors, watch=progress.show)
            if ended is None:
                click.echo(f"{name}: another run is under way; it covers this one.")
            else:
                print_tally(name, ended, seconds=time.monotonic() - began)

    run(go)


class Progress(contextlib.ExitStack):
    """Shows how far a run is: by a bar in a terminal, else by a line whenever it got further."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._bar: Any = None
        self._seen: tuple[int, str] = (0, "")

    def show(self, running: Running) -> None:
        """What the run told last."""
        if running.total and sys.stdout.isatty():
            self._bar = self._bar or self.enter_context(
                click.progressbar(length=running.total, label=running.what or self._name)
            )
            self._bar.update(running.done - self._bar.pos)
        elif (running.done, running.what) != self._seen:
            of = f" of {running.total}" if running.total else ""
            click.echo(f"[{self._name}] {running.done}{of} {running.what}".rstrip())
        self._seen = (running.done, running.what)


def print_tally(name: str, ended: Ended, *, seconds: float) -> None:
    """Say what came of a run; ClickException, and so exit status 1, when it failed."""
    word = "COMPLETE" if ended.status is RunStatus.DONE else ended.status.value.upper()
    click.echo(f"{_RULE}\n[{name}] {word}\n{_RULE}")
    for what, told in (("Processed", ended.processed), ("Failed", ended.failed), ("Took", f"{seconds:.1f} s")):
        click.echo(f"{what + ':':<22}{told}")
    click.echo(_RULE)
    if ended.status is RunStatus.RETRY:
        raise click.ClickException(f"{name} failed, and a worker tries it again: {ended.error}")
    if ended.status is not RunStatus.DONE:
        raise click.ClickException(f"{name} failed: {ended.error}")
    click.echo(f"{name}: {ended.processed} done, {ended.failed} failed.")


@jobs.command("pause")
@_name
@click.option("--why", required=True, help="The reason; it is shown on the page of jobs.")
def pause(name: str, why: str) -> None:
    """Leave the job NAME out until it is resumed."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            is_new = await job_runs.pause(name, _ACTOR, why=why)
        click.echo(f"{name} is paused." if is_new else f"{name} was paused already.")

    run(go)


@jobs.command("resume")
@_name
def resume(name: str) -> None:
    """Let the clock have the job NAME again; what was missed is made up for at once."""

    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            is_new = await job_runs.resume(name, _ACTOR)
            if is_new:
                await runner.request(JOBS[name], latest_slot(JOBS[name], datetime.now(UTC)), source=Source.START)
        click.echo(f"{name} runs again." if is_new else f"{name} was not paused.")

    run(go)


@jobs.command("retry")
@click.argument("run_id", type=click.IntRange(1, 2**63 - 1))
def retry(run_id: int) -> None:
    """Try the run RUN_ID again, which failed or was given up; a worker takes it."""
    _decide(run_id, job_runs.retry, "is tried again.")


@jobs.command("discard")
@click.argument("run_id", type=click.IntRange(1, 2**63 - 1))
def discard(run_id: int) -> None:
    """Leave the run RUN_ID undone for good."""
    _decide(run_id, job_runs.discard, "is left undone.")


def _decide(run_id: int, verb: Callable[[int, str], Awaitable[None]], words: str) -> None:
    async def go(settings: Settings) -> None:
        async with database.opened(settings, pool_size=2):
            try:
                await verb(run_id, _ACTOR)
            except NotFound as error:
                raise click.ClickException(f"There is no run {run_id}. See: vocha jobs history") from error
        click.echo(f"Run {run_id} {words}")

    run(go)


@jobs.command("crontab")
@click.option("--env-file", default=cli_timers.ENV_FILE, show_default=True, help="Where the secret is kept.")
@click.option("--user", default="", help="Whose, for a file in /etc/cron.d, where every line names somebody.")
def crontab(env_file: str, user: str) -> None:
    """Print a crontab that asks for every job at the cron door."""

    async def go(settings: Settings) -> None:
        click.echo(cli_timers.crontab(JOBS.values(), settings.base_url, env_file=env_file, user=user), nl=False)

    run(go)


@jobs.command("systemd")
@click.option("--env-file", default=cli_timers.ENV_FILE, show_default=True, help="Where the secret is kept.")
@click.option(
    "--into", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Write the files into this folder."
)
def systemd(env_file: str, into: Path | None) -> None:
    """Print systemd timers, and the service they start, that ask for every job at the cron door."""

    async def go(settings: Settings) -> None:
        for name, text in cli_timers.units(JOBS.values(), settings.base_url, env_file=env_file):
            if into is None:
                click.echo(f"# /etc/systemd/system/{name}\n{text}")
            else:
                (into / name).write_text(text, encoding="utf-8")
        if into is not None:
            click.echo(
                f"{len(JOBS) + 1} files written. Now: systemctl daemon-reload && systemctl enable --now 'vocha-job-*.timer'"
            )

    run(go)
