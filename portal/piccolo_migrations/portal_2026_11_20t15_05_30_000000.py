"""What a merchant's programs are to hear is written down with the event itself, whoever writes it: in the same transaction."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:05:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "messages for webhooks with each event"

STATEMENTS = [
    # An address that is off still gets its rows, without a moment to send them at: it can ask for them afterwards.
    r"""CREATE FUNCTION write_webhook_messages() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO webhook_messages (merchant_id, endpoint_id, event_id, kind, at, tries, next_try_at)
         SELECT e.merchant_id, w.id, e.id, split_part(line, ' ', 2), e.at, 0, CASE WHEN w.off_at IS NULL THEN e.at END
         FROM fresh e
         JOIN webhook_endpoints w ON w.merchant_id = e.merchant_id AND w.ended_at IS NULL
         CROSS JOIN LATERAL unnest(string_to_array(w.sources, E'\n')) line
         WHERE split_part(line, ' ', 1) IN (e.entity || ':' || e.name,
                                            e.entity || ':' || e.name || '@' || coalesce(e.was, ''))
         ORDER BY e.id;
         RETURN NULL;
       END $$""",
    """CREATE TRIGGER events_to_webhooks AFTER INSERT ON events REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT
       EXECUTE FUNCTION write_webhook_messages()""",
    "CREATE INDEX webhook_messages_due ON webhook_messages (endpoint_id, next_try_at) WHERE next_try_at IS NOT NULL",
    "CREATE INDEX webhook_messages_leased ON webhook_messages (lease_until) WHERE lease_until IS NOT NULL",
    "CREATE INDEX webhook_messages_list ON webhook_messages (endpoint_id, id DESC)",
    "CREATE INDEX webhook_attempts_list ON webhook_attempts (endpoint_id, id DESC)",
    "CREATE INDEX webhook_attempts_message ON webhook_attempts (message_id, id DESC)",
    "CREATE INDEX api_answers_began ON api_answers (began_at)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
