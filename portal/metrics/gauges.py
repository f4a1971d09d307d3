"""How things stand at the moment of a scrape: each gauge is one question to the database that reads little. SQL only."""

from dataclasses import dataclass

from portal.metrics.exposition import Family, Kind


@dataclass(frozen=True, slots=True)
class Gauge:
    """A question whose rows are the labels' values, then the number."""

    family: Family
    question: str


def _gauge(name: str, meaning: str, question: str, *labels: str) -> Gauge:
    return Gauge(Family(name, Kind.GAUGE, meaning, labels), question)


_AGE = "extract(epoch FROM clock_timestamp() - {})::float8"

GAUGES = (
    _gauge(
        "payments_unknown_oldest_seconds",
        "Age of the oldest payment whose outcome M-Pesa has not told.",
        f"SELECT greatest(coalesce(max({_AGE.format('created_at')}), 0), 0) FROM payments WHERE status = 'unknown'",
    ),
    _gauge(
        "payments_callback_waiting",
        "Callbacks stored and not handled yet.",
        "SELECT count(*) FROM callbacks WHERE handled_at IS NULL",
    ),
    _gauge(
        "ledger_imbalance_cents",
        "Cents by which postings do not balance, of the newest twenty thousand; must be 0.",
        """SELECT coalesce(sum(abs(off)), 0)::float8 FROM (SELECT sum(amount_cents) AS off FROM ledger_entries
           WHERE posting_id > (SELECT coalesce(max(id), 0) - 20000 FROM ledger_postings)
           GROUP BY posting_id, currency) each_posting""",
    ),
    _gauge(
        "invariant_violations",
        "Invariants that are broken now: 1 each.",
        "SELECT subject, 1 FROM alerts WHERE kind = 'invariant' AND status = 'open'",
        "name",
    ),
    _gauge("vouchers_active", "Vouchers in use.", "SELECT count(*) FROM vouchers WHERE status = 'in_use'"),
    _gauge(
        "router_state",
        "Routers by state.",
        "SELECT status, count(*) FROM routers WHERE status <> 'removed' GROUP BY status",
        "state",
    ),
    _gauge(
        "router_drift_objects",
        "Rows on routers that are not as sold, at the last look of the last three hours.",
        """SELECT kind, count(*) FROM (
             SELECT f->>'kind' AS kind FROM (
               SELECT DISTINCT ON (router_id) after FROM drift_looks
               WHERE done_at > clock_timestamp() - interval '3 hours' AND error = '' ORDER BY router_id, id DESC) newest,
             jsonb_array_elements(newest.after) f) found GROUP BY kind""",
        "kind",
    ),
    _gauge(
        "jobs_due_oldest_seconds",
        "How long the oldest run that should have begun has waited, by job.",
        f"""SELECT job, greatest(max({_AGE.format("asked_at")}), 0) FROM job_runs
           WHERE status = 'queued' OR status = 'retry' AND next_try_at <= clock_timestamp() GROUP BY job""",
        "kind",
    ),
    _gauge(
        "jobs_dead",
        "Runs that failed or were given up and that no later run made good.",
        """SELECT count(*) FROM job_runs r LEFT JOIN job_places p ON p.job = r.job AND p.key = r.key
           WHERE r.status IN ('failed', 'dead') AND (p.last_done_at IS NULL OR r.ended_at > p.last_done_at)""",
    ),
    _gauge(
        "jobs_paused",
        "Jobs a person paused.",
        "SELECT count(*) FROM job_places WHERE key = '' AND paused_at IS NOT NULL",
    ),
    _gauge(
        "scheduler_leader",
        "1 while some worker ticks the clock.",
        """SELECT CASE WHEN EXISTS (SELECT FROM job_workers WHERE beat_at > clock_timestamp() - interval '30 s')
           THEN 1 ELSE 0 END""",
    ),
    _gauge(
        "workers_alive",
        "Workers that gave a sign of life in the last 30 seconds.",
        "SELECT count(*) FROM job_workers WHERE beat_at > clock_timestamp() - interval '30 s'",
    ),
    _gauge(
        "backup_age_seconds",
        "Since the last backup that ended well.",
        f"SELECT {_AGE.format('last_done_at')} FROM job_places WHERE job = 'backup' AND key = '' AND last_done_at IS NOT NULL",
    ),
    _gauge(
        "restore_drill_age_seconds",
        "Since a backup was last restored and proved.",
        f"""SELECT {_AGE.format("last_done_at")} FROM job_places
           WHERE job = 'restore-drill' AND key = '' AND last_done_at IS NOT NULL""",
    ),
    _gauge(
        "wal_archive_lag_seconds",
        "Since PostgreSQL last archived its log; absent where it does not.",
        f"SELECT {_AGE.format('last_archived_time')} FROM pg_stat_archiver WHERE last_archived_time IS NOT NULL",
    ),
)

#: By how many seconds the clocks of the routers that answer are wrong, either way.
CLOCK_SKEW = """SELECT abs(clock_skew_s)::float8 FROM routers
                WHERE status IN ('online', 'late') AND clock_skew_s IS NOT NULL"""
#: Seconds since each router was last seen whole, of those that should answer.
SYNC_LAG = f"""SELECT greatest({_AGE.format("reconciled_at")}, 0) FROM routers
               WHERE status IN ('online', 'late') AND reconciled_at IS NOT NULL"""
