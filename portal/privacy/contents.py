"""What of each table is in a copy of a merchant's data, and which tables are not, and why. Every table is in one of the two."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from asyncpg import Record
from piccolo.columns import Bytea

from portal import tables

#: Never in a copy, in whatever table: they open something, or only tie forms to rows.
SECRET = frozenset(
    {
        "token", "callback_token", "lease_token", "form_key", "password_hash", "totp_at", "totp_step", "session_key", "pay_url",
        "certificate", "options", "is_operator", "link_round", "signature", "key_name",
    }
)  # fmt: skip
_OWN = "t.merchant_id = $1"
_WHOLE = (
    "access_grants", "agents", "agent_moneys", "agent_rates", "agent_allotments", "alerts", "api_tokens", "batches",
    "brandings", "c2b_questions", "checkouts", "claims", "comparisons", "credits", "daily_closes", "devices",
    "device_sightings", "device_vouchers", "dialins", "dialin_spans", "erasures", "events", "exchanges", "floats",
    "hotspot_sessions", "imports", "ledger_entries", "ledger_postings", "memberships", "message_gateways", "message_settings",
    "message_stops", "message_templates", "mornings", "mpesa_accounts", "mpesa_enquiries", "outage_credits", "packages",
    "papers", "payments", "payouts", "payout_numbers", "payout_plans", "prints", "promos", "rail_accounts", "receipts",
    "redemptions", "refunds", "reminders", "reminder_choices", "reports", "report_choices", "routers", "router_checks",
    "router_outages", "sales_hours", "shop_copies", "subscribers", "subscriber_bills", "subscriber_devices",
    "subscriber_reminders", "suspense", "tax_settings", "transfers", "usage_hours", "visits", "vouchers", "webhook_endpoints",
    "win_backs", "messages",
)  # fmt: skip
#: Table → which of its rows (`t`) are the merchant's ($1).
FILES: Mapping[str, str] = {
    "merchants": "t.id = $1",
    "users": "t.id IN (SELECT user_id FROM memberships WHERE merchant_id = $1)",
    **dict.fromkeys(_WHOLE, _OWN),
    "comparison_lines": "t.comparison_id IN (SELECT id FROM comparisons WHERE merchant_id = $1)",
    "event_places": "t.id IN (SELECT id FROM events WHERE merchant_id = $1)",
}
#: Of these only some columns.
_ONLY: Mapping[str, Sequence[str]] = {
    "users": ("id", "email", "name", "created_at", "language"),
    # Not what fills the sentences: links in it open customers' pages.
    "messages": (
        "id", "kind", "recipient", "channel", "language", "status", "why", "parts", "cost_cents", "cost_currency", "created_at",
        "sent_at", "delivered_at",
    ),
}  # fmt: skip
_MACHINE, _PLATFORM = "how far a machine is; nothing about people or money", "the platform's, of no merchant"
_SECRETS, _TOLD = "secrets only", "what it says is in other files"
LEFT_OUT: Mapping[str, str] = {
    "announcements": _PLATFORM, "announcement_reads": _PLATFORM, "api_answers": "sealed answers to programs, gone after two days",
    "backups": _PLATFORM, "backup_drills": _PLATFORM, "callbacks": _TOLD + ": payments, receipts", "callback_addresses": _SECRETS,
    "drift_looks": _MACHINE, "event_seals": _PLATFORM, "hour_marks": _MACHINE, "identity_links": _SECRETS,
    "import_rows": _TOLD + ": vouchers, subscribers", "imported_codes": _TOLD + ": vouchers", "job_places": _MACHINE,
    "job_runs": _MACHINE, "job_workers": _MACHINE, "known_browsers": _SECRETS, "known_rows": _MACHINE, "limits": _MACHINE,
    "maintenance_reports": _PLATFORM, "message_reports": _TOLD + ": messages", "meter_sums": _PLATFORM, "mpesa_paces": _MACHINE,
    "mpesa_tokens": _SECRETS, "paper_counters": _TOLD + ": papers", "passkeys": _SECRETS, "pull_pages": _MACHINE,
    "recovery_codes": _SECRETS, "router_pulls": _MACHINE, "router_scripts": _SECRETS,
    "user_sessions": "of people, not of shops: each sees their own under Account", "webhook_attempts": _TOLD + ": events",
    "webhook_messages": _TOLD + ": events",
}  # fmt: skip
BY_TABLE = {(found := getattr(tables, name))._meta.tablename: found for name in tables.__all__}


def columns_of(table: str) -> list[str]:
    """Its columns that are in a copy, in order."""
    only = _ONLY.get(table)
    every = [
        column._meta.name
        for column in BY_TABLE[table]._meta.columns
        if not isinstance(column, Bytea) and column._meta.name not in SECRET
    ]
    return every if only is None else [name for name in every if name in only]


def cell(value: object) -> object:
    """A value as it stands in a file: moments in UTC (ISO 8601), money in cents, JSON as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def cells(row: Record) -> list[object]:
    """A row of a file."""
    return [cell(value) for value in row]
