"""Rules of messages that go out: their states, one live gateway of a kind of way per merchant, and look-ups."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:47:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of messages, gateways and stops"

STATEMENTS = [
    "ALTER TABLE messages DROP CONSTRAINT messages_check_1",
    """ALTER TABLE messages ADD CONSTRAINT messages_check_1 CHECK (status IN
       ('queued','sending','sent','delivered','unknown','split','failed','dropped'))""",
    "ALTER TABLE messages ADD CONSTRAINT messages_check_2 CHECK (channel IN ('','sms','email','telegram','webhook'))",
    "ALTER TABLE messages ADD CONSTRAINT messages_check_3 CHECK ((status = 'sending') = (lease_until IS NOT NULL)) NOT VALID",
    "ALTER TABLE messages ADD CONSTRAINT messages_check_4 CHECK (cost_cents >= 0 AND parts >= 0 AND tries >= 0)",
    # To the merchant's own people, by whatever they chose: that is how such a message begins.
    "UPDATE messages SET channel = '' WHERE recipient = ''",
    "CREATE INDEX messages_leased ON messages (lease_until) WHERE status = 'sending'",
    "CREATE INDEX messages_unknown ON messages (next_try_at) WHERE status = 'unknown'",
    "CREATE INDEX messages_claimed ON messages (merchant_id, claimed_at) WHERE claimed_at IS NOT NULL",
    "CREATE UNIQUE INDEX messages_provider ON messages (gateway_id, provider_id) WHERE provider_id IS NOT NULL",
    "CREATE INDEX messages_recipient ON messages (recipient, id DESC) WHERE channel = 'sms'",
    "ALTER TABLE message_gateways ADD CONSTRAINT message_gateways_check_1 CHECK (channel IN ('sms','email','telegram','webhook'))",
    """ALTER TABLE message_gateways ADD CONSTRAINT message_gateways_check_2
       CHECK (kind IN ('africastalking','http','smtp','telegram','webhook','console'))""",
    """CREATE UNIQUE INDEX message_gateways_live ON message_gateways (coalesce(merchant_id, 0), channel)
       WHERE ended_at IS NULL""",
    """ALTER TABLE message_settings ADD CONSTRAINT message_settings_check_1
       CHECK (quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439)""",
    """ALTER TABLE message_settings ADD CONSTRAINT message_settings_check_2
       CHECK (daily_cap BETWEEN 0 AND 1000000 AND number_cap BETWEEN 0 AND 1000)""",
    "ALTER TABLE message_stops ADD CONSTRAINT message_stops_check_1 CHECK (how IN ('reply','gateway','person'))",
    """CREATE UNIQUE INDEX message_stops_live ON message_stops (coalesce(merchant_id, 0), phone)
       WHERE ended_at IS NULL""",
    "CREATE INDEX message_stops_phone ON message_stops (phone) WHERE ended_at IS NULL",
    "ALTER TABLE message_reports ADD CONSTRAINT message_reports_check_1 CHECK (road IN ('delivery','inbound'))",
    "CREATE INDEX message_reports_waiting ON message_reports (id) WHERE handled_at IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
