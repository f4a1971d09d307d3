"""Rules of sums by the hour and of reports: one sum per hour, router and package, and a report per period."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:58:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of hours and reports"

STATEMENTS = [
    # An hour of a clock that is 5 h 45 min ahead begins a quarter past UTC's; so a sum of hours is a sum of days anywhere.
    """CREATE FUNCTION hour_of(at timestamptz, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
         SELECT to_timestamp(floor((extract(epoch FROM at) + ahead) / 3600) * 3600 - ahead)
         FROM (SELECT (extract(epoch FROM (at AT TIME ZONE zone) - (at AT TIME ZONE 'UTC'))::bigint % 3600)) AS zones (ahead)
       $$""",
    """CREATE UNIQUE INDEX sales_hours_once ON sales_hours
       (merchant_id, hour_at, coalesce(router_id, 0), coalesce(package_id, 0))""",
    "CREATE UNIQUE INDEX usage_hours_once ON usage_hours (merchant_id, hour_at, router_id, package_id)",
    "ALTER TABLE sales_hours ADD CONSTRAINT sales_hours_check_1 CHECK (sold > 0)",
    """ALTER TABLE usage_hours ADD CONSTRAINT usage_hours_check_1
       CHECK (sessions >= 0 AND uptime_s >= 0 AND bytes_up >= 0 AND bytes_down >= 0)""",
    "ALTER TABLE reports ADD CONSTRAINT reports_check_1 CHECK (kind IN ('week', 'month') AND starts_on <= ends_on)",
    "CREATE INDEX reports_listed ON reports (merchant_id, id DESC)",
    "ALTER TABLE report_choices ADD CONSTRAINT report_choices_check_1 CHECK (morning_at BETWEEN 0 AND 1439)",
    """CREATE INDEX hotspot_sessions_over ON hotspot_sessions (merchant_id, ended_at) WHERE ended_at IS NOT NULL""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
