"""What happened (events: append-only) and what ran (job runs)."""

from piccolo.columns import JSONB
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class Event(Table, tablename="events", db=DB, help_text="history, audit and alert feed in one; append-only"):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True)
    entity = word(24, "table of the row it happened to")
    entity_id = number("row it happened to")
    name = word(32, "what happened")
    was = word(16, "status before", null=True)
    became = word(16, "status after", null=True)
    actor = word(60, "who: user:7, job:expire-vouchers, customer, mpesa", default="system")
    data = JSONB(default="{}", help_text="what else is worth knowing; no secrets, no full phone numbers")
    at = moment("when", null=False)


class JobRun(
    Table, tablename="job_runs", db=DB, help_text="one execution of a job; each slot runs once, whoever ticks"
):
    id = key()
    job = word(32, "name of the job")
    key = word(80, "which part of the job's work; empty: all of it")
    slot = moment("the scheduled moment", null=False)
    source = word(8, "who asked: clock, cron, hand or start", default="clock")
    requested_by = word(60, "who asked by name: user:7, cron, cli; empty: the clock")
    asked_at = moment("when it was asked for", null=False)
    status = word(12, "queued, running, retry, done, failed, dead or discarded", default="queued")
    started_at = moment("when its last try began")
    ended_at = moment("when its last try ended")
    next_try_at = moment("queued, retry: when somebody looks whether it still waits")
    processed = number("rows handled")
    failed = number("rows that failed")
    attempts = number("times started")
    fence = number("the number its last try holds the job's place with; a lower one may write nothing more")
    progress_done = number("how much of progress_total is done")
    progress_total = number("how much there is to do", null=True)
    progress_what = word(60, "what is being counted, such as vouchers")
    covered_by = number("the run that began later and did this one's work", null=True)
    host = word(80, "where it ran")
    error = text("why it failed")
    job_run_once = Unique([job, key, slot])
