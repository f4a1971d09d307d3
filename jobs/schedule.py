"""When jobs run: a row per job. APScheduler is only the clock; a tick asks for a slot, and the first to ask makes the run."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from jobs import (
    doctor,
    drift,
    invariants,
    messages,
    outages,
    payments,
    payouts,
    promos,
    rails,
    reconciliation,
    refunds,
    reminders,
    reports,
    router_watch,
    routers,
    subscribers,
    upkeep,
    vouchers,
    webhooks,
)
from jobs.doors import Doors
from jobs.tally import Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled function. `cron` are CronTrigger's fields in UTC; a run takes at most `timeout_s`; no run that ended well for
    `overdue_s` is an alarm, and makes the house unwell if the job `is_critical`. What is temporary is tried `max_tries` times,
    first after about `retry_s`, then after twice as long each time."""

    name: str
    run: Callable[[Doors], Awaitable[Tally]]
    cron: Mapping[str, str]
    timeout_s: int
    overdue_s: int
    is_critical: bool = False
    max_tries: int = 5
    retry_s: float = 10.0


JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        Job("expire-vouchers", vouchers.expire, {"second": "0"}, timeout_s=120, overdue_s=300, is_critical=True),
        Job("sync-routers", routers.sync, {"second": "20"}, timeout_s=300, overdue_s=900, is_critical=True),
        Job("credit-outages", outages.credit, {"second": "40"}, timeout_s=120, overdue_s=600),
        Job("check-routers", router_watch.check, {"second": "55"}, timeout_s=60, overdue_s=600, is_critical=True),
        Job("drift-routers", drift.look_around, {"second": "50"}, timeout_s=300, overdue_s=900),
        Job("doctor-routers", doctor.check_all, {"hour": "1", "minute": "40"}, timeout_s=1800, overdue_s=93_600),
        Job(
            "refresh-tokens",
            payments.refresh_tokens,
            {"minute": "*/10", "second": "5"},
            timeout_s=60,
            overdue_s=1800,
            is_critical=True,
        ),
        Job(
            "check-invariants",
            invariants.check,
            {"minute": "*/5", "second": "30"},
            timeout_s=120,
            overdue_s=900,
            is_critical=True,
        ),
        Job(
            "check-all-invariants",
            invariants.check_all,
            {"hour": "0", "minute": "20"},
            timeout_s=1800,
            overdue_s=93_600,
        ),
        Job("send-messages", messages.run, {"second": "45"}, timeout_s=300, overdue_s=900, is_critical=True),
        Job(webhooks.NAME, webhooks.run, {"second": "48"}, timeout_s=300, overdue_s=900),
        Job("warn-expiry", reminders.warn, {"second": "52"}, timeout_s=300, overdue_s=900),
        Job("notify-expired", reminders.tell_over, {"second": "57"}, timeout_s=300, overdue_s=900),
        Job("find-inactive", reminders.find_inactive, {"minute": "1", "second": "12"}, timeout_s=900, overdue_s=10_800),
        Job("clean-promos", promos.clean, {"hour": "0", "minute": "0"}, timeout_s=900, overdue_s=93_600),
        Job(
            "backup",
            upkeep.back_up,
            {"hour": "22", "minute": "30"},
            timeout_s=14_400,
            overdue_s=93_600,
            is_critical=True,
            retry_s=600,
        ),
        Job(
            "restore-drill",
            upkeep.drill,
            {"day_of_week": "sat", "hour": "23", "minute": "30"},
            timeout_s=28_800,
            overdue_s=691_200,
            max_tries=3,
            retry_s=1800,
        ),
        Job("clean-devices", upkeep.clean_devices, {"hour": "0", "minute": "5"}, timeout_s=1800, overdue_s=93_600),
        Job(
            "maintain-database",
            upkeep.maintain,
            {"day_of_week": "sat", "hour": "22", "minute": "0"},
            timeout_s=7200,
            overdue_s=691_200,
        ),
        Job(
            "clean-storage",
            upkeep.clean_storage,
            {"day_of_week": "sat", "hour": "23", "minute": "0"},
            timeout_s=600,
            overdue_s=691_200,
        ),
        Job(
            "clean-logs",
            upkeep.clean_logs,
            {"day_of_week": "sun", "hour": "0", "minute": "5"},
            timeout_s=3600,
            overdue_s=691_200,
        ),
        Job("refunds", refunds.run, {"second": "10"}, timeout_s=120, overdue_s=600),
        Job("payouts", payouts.run, {"second": "25"}, timeout_s=300, overdue_s=900),
        Job("pull-transactions", reconciliation.pull, {"second": "35"}, timeout_s=1800, overdue_s=2400),
        Job("compare-rails", rails.compare, {"minute": "35", "second": "15"}, timeout_s=1800, overdue_s=7200),
        Job("daily-close", reconciliation.close, {"minute": "10"}, timeout_s=900, overdue_s=7200),
        Job(
            "bill-subscribers",
            subscribers.bill,
            {"minute": "*/5", "second": "3"},
            timeout_s=900,
            overdue_s=1800,
            is_critical=True,
        ),
        Job(
            "disconnect-expired",
            subscribers.disconnect,
            {"second": "15"},
            timeout_s=300,
            overdue_s=600,
            is_critical=True,
        ),
        Job("remind-payments", subscribers.remind, {"minute": "*/5", "second": "8"}, timeout_s=600, overdue_s=3600),
        Job("reconcile-subscriptions", subscribers.reconcile, {"minute": "2"}, timeout_s=1800, overdue_s=10_800),
        Job("aggregate-usage", reports.aggregate, {"minute": "6", "second": "20"}, timeout_s=1800, overdue_s=10_800),
        Job("weekly-report", reports.weekly, {"minute": "*/15", "second": "27"}, timeout_s=1800, overdue_s=7200),
        Job("monthly-report", reports.monthly, {"minute": "*/15", "second": "42"}, timeout_s=1800, overdue_s=7200),
        Job("morning-message", reports.morning, {"minute": "*/5", "second": "33"}, timeout_s=900, overdue_s=3600),
        Job(
            "reconcile-payments", payments.reconcile, {"second": "*/15"}, timeout_s=60, overdue_s=300, is_critical=True
        ),
    )
}

Ask = Callable[[Job, datetime], Awaitable[object]]


class _Ticks(BaseExecutor):
    """Hands each tick's scheduled moment on, instead of running anything: the moment names the slot."""

    def __init__(self, ask: Ask, spawn: Callable[[Awaitable[object]], None]) -> None:
        super().__init__()
        self._ask = ask
        self._spawn = spawn

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:
        self._spawn(self._ask(JOBS[job.id], run_times[-1].astimezone(UTC)))
        self._run_job_success(job.id, [])


def clock(ask: Ask, spawn: Callable[[Awaitable[object]], None]) -> AsyncIOScheduler:
    """A scheduler that asks for every job's slots as their moments come. Every worker may run one."""
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        executors={"default": _Ticks(ask, spawn)},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for job in JOBS.values():
        scheduler.add_job(_never_called, CronTrigger(timezone=UTC, **job.cron), id=job.name, name=job.name)
    return scheduler


def _never_called() -> None:
    raise AssertionError("ticks only name slots")


def next_run_at(job: Job, after: datetime) -> datetime:
    """When a job's next slot is."""
    moment = CronTrigger(timezone=UTC, **job.cron).get_next_fire_time(None, after)
    assert moment is not None  # none of our triggers ends
    return moment


#: How far back the latest slot is looked for: the shortest look that finds one is the cheapest.
_LOOKS_BACK = [timedelta(minutes=2), timedelta(hours=2), timedelta(days=2), timedelta(days=9), timedelta(days=400)]


def latest_slot(job: Job, at: datetime) -> datetime:
    """A job's latest scheduled moment, not after `at`."""
    trigger = CronTrigger(timezone=UTC, **job.cron)
    for back in _LOOKS_BACK:
        slot: datetime | None = None
        following = trigger.get_next_fire_time(None, at - back)
        while following is not None and following <= at:
            slot, following = following, trigger.get_next_fire_time(following, following)
        if slot is not None:
            return slot.astimezone(UTC)
    raise ValueError(f"{job.name} has no slot in a year")
