"""Words for jobs: what each does for a shop, how it stands, how its runs stand, and who asked for them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.job_history import Standing
from portal.msgid import N_
from portal.timetables import Entry

#: Name → (what it is, what it does). A job without words is called by its name.
JOB_WORDS: Mapping[str, tuple[str, str]] = {
    "expire-vouchers": (N_("Ending access"), N_("Ends access when the time that was bought is over.")),
    "disconnect-expired": (N_("Suspending subscribers"), N_("Ends access of subscribers who have not paid.")),
    "sync-routers": (N_("Visiting routers"), N_("Makes every router as it was sold.")),
    "check-routers": (N_("Watching routers"), N_("Sees whether every router is online, and tells when one is not.")),
    "credit-outages": (N_("Giving time back"), N_("Gives back the time that customers lost while a router was away.")),
    "drift-routers": (N_("Looking for leaks"), N_("Looks for access that nobody paid for.")),
    "doctor-routers": (N_("Router check-up"), N_("Looks for settings of routers that cause trouble.")),
    "reconcile-payments": (N_("Asking for payments"), N_("Asks M‑PESA about payments that nobody told us about.")),
    "pull-transactions": (N_("Reading M‑PESA's list"), N_("Finds payments whose message got lost.")),
    "compare-rails": (N_("Reading other lists"), N_("Finds Airtel and card payments whose message got lost.")),
    "reconcile-subscriptions": (N_("Comparing subscriptions"), N_("Sees that every subscriber has the right bill.")),
    "refresh-tokens": (N_("Signing in at M‑PESA"), N_("Renews our sign-in at M‑PESA before it ends.")),
    "refunds": (N_("Sending refunds"), N_("Sends refunds that were approved, and asks what came of them.")),
    "payouts": (N_("Sending payouts"), N_("Sends payouts when they are due, and asks what came of them.")),
    "daily-close": (N_("Closing the day"), N_("Compares each day's money with M‑PESA's.")),
    "check-invariants": (N_("Checking the books"), N_("Sees every few minutes that all money and access agree.")),
    "check-all-invariants": (N_("Checking all the books"), N_("The same over everything there is, once a night.")),
    "bill-subscribers": (N_("Billing subscribers"), N_("Takes each month's price from the subscriber's wallet.")),
    "remind-payments": (N_("Payment reminders"), N_("Reminds subscribers before and on the day they pay.")),
    "warn-expiry": (N_("Warning before the end"), N_("Tells customers that their time is nearly over.")),
    "notify-expired": (N_("Telling of the end"), N_("Tells customers that their time is over.")),
    "find-inactive": (N_("Finding lost customers"), N_("Writes to customers who have not come for 90 days, if they agreed.")),
    "send-messages": (N_("Sending messages"), N_("Sends SMS, e-mail and Telegram messages.")),
    "send-webhooks": (N_("Telling programs"), N_("Tells other programs what happened, by webhooks.")),
    "morning-message": (N_("Morning message"), N_("Tells each shop how yesterday went.")),
    "weekly-report": (N_("Weekly report"), N_("Sends each shop its week.")),
    "monthly-report": (N_("Monthly report"), N_("Sends each shop its month, and keeps it.")),
    "aggregate-usage": (N_("Counting usage"), N_("Sums up usage and sales of every hour.")),
    "clean-devices": (N_("Forgetting devices"), N_("Forgets devices not seen for 30 days.")),
    "clean-promos": (N_("Clearing promo codes"), N_("Puts away promo codes that are over.")),
    "clean-storage": (N_("Clearing files"), N_("Removes files that nothing needs any more.")),
    "clean-logs": (N_("Clearing old records"), N_("Removes old records when their time of keeping is over.")),
    "maintain-database": (N_("Care of the database"), N_("Keeps the database fast.")),
    "backup": (N_("Backup"), N_("Keeps a sealed copy of everything.")),
    "restore-drill": (N_("Trying the backup"), N_("Brings the newest copy back beside, to see that it works.")),
}  # fmt: skip
#: What a shop notices when it stands still, in the order shown to merchants.
SHOP_JOBS = (
    "expire-vouchers", "disconnect-expired", "sync-routers", "check-routers", "credit-outages", "drift-routers",
    "reconcile-payments", "pull-transactions", "compare-rails", "bill-subscribers", "remind-payments", "warn-expiry", "notify-expired",
    "find-inactive", "send-messages", "send-webhooks", "refunds", "payouts", "daily-close", "morning-message", "weekly-report",
    "monthly-report", "clean-devices", "clean-promos", "backup",
)  # fmt: skip
#: Where the page is that shows what a job of upkeep found.
FOUND_AT: Mapping[str, str] = {
    "maintain-database": "/operator/upkeep#database",
    "clean-storage": "/operator/upkeep#storage",
    "clean-logs": "/operator/upkeep#logs",
    "backup": "/operator/upkeep#backups",
    "restore-drill": "/operator/upkeep#backups",
}
#: Status of a run → (tone, word).
RUN_WORDS: Mapping[str, tuple[str, str]] = {
    "queued": ("wait", N_("Waiting")),
    "running": ("wait", N_("Running")),
    "retry": ("warn", N_("Tries again")),
    "done": ("ok", N_("Done")),
    "failed": ("bad", N_("Failed")),
    "dead": ("bad", N_("Given up")),
    "discarded": ("off", N_("Discarded")),
}
SOURCE_WORDS: Mapping[str, str] = {
    "clock": N_("by the clock"),
    "cron": N_("by another clock"),
    "hand": N_("by hand"),
    "start": N_("at the start"),
}
NO_REASON = N_("Write a reason, so that others know why it is paused.")
_PAUSED = ("off", N_("Paused"))
_OVERDUE = ("bad", N_("Overdue"))
_NEW = ("info", N_("Not run yet"))
_WORKS = ("ok", N_("Works"))
_PARTLY = ("warn", N_("Works, with errors"))


def title_of(name: str) -> str:
    """What a job is called on pages."""
    return JOB_WORDS[name][0] if name in JOB_WORDS else name


def is_overdue(entry: Entry, standing: Standing, now: datetime) -> bool:
    """Whether it has been expected to run well for too long."""
    since = [at for at in (standing.last_done_at, standing.known_at) if at is not None]
    return standing.paused_at is None and bool(since) and now - max(since) > timedelta(seconds=entry.overdue_s)


def state_of(entry: Entry, standing: Standing, now: datetime) -> tuple[str, str]:
    """How a job stands: (tone, word)."""
    last = standing.last
    if standing.paused_at is not None:
        return _PAUSED
    if is_overdue(entry, standing, now):
        return _OVERDUE
    if standing.under_way is not None:
        return RUN_WORDS[standing.under_way.status]
    if last is None:
        return _NEW
    if last.status != "done":
        return RUN_WORDS[last.status]
    return _PARTLY if last.failed else _WORKS


def shop_state(entry: Entry, standing: Standing, now: datetime) -> tuple[str, str]:
    """The same for a merchant, whom the errors of single runs do not concern."""
    if standing.paused_at is not None:
        return _PAUSED
    if is_overdue(entry, standing, now):
        return _OVERDUE
    return _NEW if standing.last_done_at is None else _WORKS


_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def took(seconds: float) -> str:
    """ "20 ms", "3.2 s", "2 min 5 s", "1 h 4 min", "3 d": how long something took, in units that need no words."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    for size, unit, smaller, lesser in _UNITS:
        if seconds >= size:
            count, rest = divmod(round(seconds), size)
            return f"{count} {unit} {rest // smaller} {lesser}" if rest // smaller else f"{count} {unit}"
    raise AssertionError("a minute is a unit")


def since(at: datetime, now: datetime) -> str:
    """The same, of what has passed since a moment, in whole seconds."""
    return took(max(1, int((now - at).total_seconds())))
