"""Rules of M-Pesa's set-up: what a version, an answer and a question may be; the initiator's secrets come together."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of M-Pesa's set-up"

STATEMENTS = [
    "ALTER TABLE mpesa_accounts ADD CONSTRAINT mpesa_accounts_check_c2b CHECK (c2b_version IN ('v1','v2'))",
    """ALTER TABLE mpesa_accounts ADD CONSTRAINT mpesa_accounts_check_validation
       CHECK (c2b_response_type IN ('Completed','Cancelled'))""",
    """ALTER TABLE mpesa_accounts ADD CONSTRAINT mpesa_accounts_check_initiator
       CHECK ((initiator_name = '') = (initiator_password_sealed IS NULL))""",
    "ALTER TABLE mpesa_tokens ADD CONSTRAINT mpesa_tokens_check_1 CHECK (refused >= 0)",
    "ALTER TABLE mpesa_enquiries ADD CONSTRAINT mpesa_enquiries_check_1 CHECK (kind IN ('status','balance'))",
    """ALTER TABLE mpesa_enquiries ADD CONSTRAINT mpesa_enquiries_check_2
       CHECK (verdict IN ('done','failed','setup','busy','unknown'))""",
    "CREATE INDEX mpesa_enquiries_open ON mpesa_enquiries (account_id, id DESC) WHERE answered_at IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
