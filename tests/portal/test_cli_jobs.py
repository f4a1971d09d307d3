"""How a run by hand shows on the command line. Whole commands run in tests/flows/test_processes.py."""

import os
import select
import sys

import click
import pytest

from portal import cli_jobs
from portal.job_places import Ended
from portal.job_runs import RunStatus
from portal.running import Running


def running(done: int, total: int | None = None, what: str = "vouchers") -> Running:
    return Running(7, "expire-vouchers", "", 1, done=done, total=total, what=what)


def test_elsewhere_than_in_a_terminal_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with cli_jobs.Progress("expire-vouchers") as progress:
        for told in (running(0, what=""), running(120, 500), running(120, 500), running(130), running(140, what="")):
            progress.show(told)
    lines = [f"[expire-vouchers] {words}" for words in ("120 of 500 vouchers", "130 vouchers", "140")]
    assert capsys.readouterr().out.splitlines() == lines


def test_in_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    try:
        with os.fdopen(theirs, "w") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            with cli_jobs.Progress("expire-vouchers") as progress:
                progress.show(running(120, 500))
                progress.show(running(500, 500))
            terminal.flush()
            shown = ""
            while "100%" not in shown and select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
    assert "vouchers" in shown
    assert "24%" in shown
    assert "100%" in shown


def test_the_tally_reads_as_counts_below_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    cli_jobs.print_tally("sync-routers", Ended(RunStatus.DONE, processed=82, failed=6), seconds=1.25)
    rule = "=" * 60
    assert capsys.readouterr().out.splitlines() == [
        rule, "[sync-routers] COMPLETE", rule, "Processed:            82", "Failed:               6", "Took:                 1.2 s",
        rule, "sync-routers: 82 done, 6 failed.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RunStatus.RETRY, "refunds failed, and a worker tries it again: M-Pesa is busy"),
        (RunStatus.FAILED, "refunds failed: M-Pesa is busy"),
        (RunStatus.DEAD, "refunds failed: M-Pesa is busy"),
    ],
)
def test_a_failed_run_ends_the_command_with_the_reason(status: RunStatus, words: str) -> None:
    with pytest.raises(click.ClickException) as told:
        cli_jobs.print_tally("refunds", Ended(status, failed=1, error="M-Pesa is busy"), seconds=1)
    assert told.value.message == words
    assert told.value.exit_code == 1
