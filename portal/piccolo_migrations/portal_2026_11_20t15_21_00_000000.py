"""Proofs of who somebody is: their purposes, and the indexes by which they are found."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of links, passkeys and recovery codes"

STATEMENTS = [
    """ALTER TABLE identity_links ADD CONSTRAINT identity_links_check_purpose
       CHECK (purpose IN ('signup', 'shop', 'team', 'reset', 'email', 'second', 'passkey'))""",
    """ALTER TABLE identity_links ADD CONSTRAINT identity_links_check_role
       CHECK (role IN ('owner', 'manager', 'cashier', 'viewer'))""",
    "CREATE INDEX identity_links_open ON identity_links (merchant_id) WHERE used_at IS NULL AND merchant_id IS NOT NULL",
    "CREATE INDEX identity_links_of ON identity_links (user_id) WHERE used_at IS NULL AND user_id IS NOT NULL",
    "CREATE UNIQUE INDEX users_handle ON users (handle) WHERE handle IS NOT NULL",
    """ALTER TABLE user_sessions ADD CONSTRAINT user_sessions_check_how
       CHECK (how IN ('password', 'passkey', 'totp', 'recovery', 'link'))""",
    # What people did, newest first: most events are the house's own.
    "CREATE INDEX events_of_people ON events (merchant_id, id DESC) WHERE actor LIKE 'user:%'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
