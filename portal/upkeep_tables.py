"""How long the rows of every table are kept: for good, for so many days, or until a job of their own takes them away. A table
without a row here fails a test: whoever makes one says how long its rows are kept. Taking them away: `portal.upkeep_logs`."""

from dataclasses import dataclass

EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Log:
    """A table that may lose rows older than `days`, of which never fewer than `least` may be set, by `moment` (a column, or SQL that
    finds it; the row is `t`), and of those only rows for which `over` holds."""

    table: str
    moment: str
    days: int
    least: int
    over: str = "true"


#: In the order they are cleaned: what refers to others before what it refers to.
LOGS = {
    each.table: each
    for each in (
        # The queue's own history, which nobody reads: `job_runs` tells what ran. Some rows for each task.
        Log("pgqueuer_log", "created", 7, 1),
        Log("exchanges", "asked_at", 90, 90),
        Log("callbacks", "received_at", 180, 90, "handled_at IS NOT NULL"),
        # Not those whose answer was not taken in yet, and not a transfer's.
        Log(
            "mpesa_enquiries", "created_at", 400, 180,
            """(answered_at IS NOT NULL OR next_try_at IS NULL) AND NOT (kind = 'status' AND verdict = 'done' AND NOT result ? 'taken')
               AND NOT EXISTS (SELECT FROM transfers f WHERE f.enquiry_id = t.id)""",
        ),
        Log(
            "callback_addresses", "created_at", 400, 180,
            """road = 'result' AND NOT EXISTS (SELECT FROM callbacks c WHERE c.address_id = t.id) AND CASE
               WHEN kind IN ('status', 'balance') THEN NOT EXISTS (SELECT FROM mpesa_enquiries e WHERE e.id = t.request_id)
               ELSE EXISTS (SELECT FROM transfers f WHERE f.id = t.request_id AND f.ended_at IS NOT NULL) END""",
        ),
        Log("c2b_questions", "asked_at", 180, 90),
        # Rows of statements stay, closes of days are counted by them; of Pull's, what could not be taken in waits for a person.
        Log(
            "comparison_lines", "(SELECT c.created_at FROM comparisons c WHERE c.id = t.comparison_id)", 400, 90,
            """EXISTS (SELECT FROM comparisons c WHERE c.id = t.comparison_id AND c.source = 'pull'
                       AND c.status IN ('done', 'failed', 'dropped'))
               AND (t.taken IS DISTINCT FROM 'error'
                    OR EXISTS (SELECT FROM receipts r WHERE r.rail = 'mpesa' AND r.receipt = t.receipt))""",
        ),
        Log("messages", "created_at", 180, 90, "status IN ('sent', 'delivered', 'split', 'failed', 'dropped')"),
        Log("message_reports", "received_at", 90, 30, "handled_at IS NOT NULL"),
        Log("webhook_attempts", "at", 30, 7),
        Log("webhook_messages", "at", 30, 7, "next_try_at IS NULL AND lease_until IS NULL"),
        Log("api_answers", "began_at", 2, 2),
        Log("prints", "created_at", 90, 7, "status IN ('failed', 'gone')"),
        Log("shop_copies", "created_at", 90, 8, "ended_at IS NOT NULL"),
        Log("reminders", "for_end", 90, 30),
        Log(
            "subscriber_reminders", "created_at", 400, 90,
            """EXISTS (SELECT FROM subscriber_reminders n WHERE n.subscriber_id = t.subscriber_id AND n.about_on > t.about_on)
               OR EXISTS (SELECT FROM subscribers s WHERE s.id = t.subscriber_id AND s.status = 'closed')""",
        ),
        Log("mornings", "created_at", 400, 30),
        Log("job_runs", "asked_at", 90, 30, "status IN ('done', 'failed', 'dead', 'discarded')"),
        Log("alerts", "opened_at", 365, 90, "status = 'closed'"),
        # Their sums by the hour stay; what is not in them yet stays, too.
        Log(
            "hotspot_sessions", "ended_at", 400, 90,
            """EXISTS (SELECT FROM hour_marks h WHERE h.merchant_id = t.merchant_id
                       AND t.ended_at < h.usage_from - interval '5 minutes')""",
        ),
        Log(
            "dialin_spans", "ended_at", 400, 90,
            """EXISTS (SELECT FROM hour_marks h WHERE h.merchant_id = t.merchant_id
                       AND t.ended_at < h.usage_from - interval '5 minutes')""",
        ),
        Log(
            "checkouts", "created_at", 180, 90,
            """voucher_id IS NULL AND NOT EXISTS (SELECT FROM payments p WHERE p.checkout_id = t.id)
               AND NOT EXISTS (SELECT FROM claims c WHERE c.checkout_id = t.id)
               AND NOT EXISTS (SELECT FROM redemptions r WHERE r.checkout_id = t.id)""",
        ),
        Log(
            "router_scripts", "expires_at", 400, 30,
            "EXISTS (SELECT FROM router_scripts n WHERE n.router_id = t.router_id AND n.id > t.id)",
        ),
        Log(
            "router_checks", "at", 90, 14,
            "EXISTS (SELECT FROM router_checks n WHERE n.router_id = t.router_id AND n.id > t.id)",
        ),
        Log("backups", "made_at", 400, 90, "removed_at IS NOT NULL"),
        Log("backup_drills", "began_at", 400, 90),
        Log("maintenance_reports", "at", 400, 90),
        # Addresses of people go before what they did.
        Log("event_places", "at", 90, 7),
        Log("identity_links", "expires_at", 7, 1),
        Log("known_browsers", "seen_at", 400, 90),
        Log(EVENTS, "at", 730, 180),
    )
}  # fmt: skip

#: Who takes rows away where that is not told by age alone; "" where a row is written over and there are never many.
ELSEWHERE = {
    "device_sightings": "clean-devices",
    "device_vouchers": "clean-devices",
    "devices": "clean-devices",
    "dialins": "",
    "drift_looks": "drift-routers",
    "hour_marks": "",
    "job_places": "",
    "job_workers": "sign of life",
    "known_rows": "",
    "limits": "clean-logs",
    "meter_sums": "",
    "migration": "",
    "mpesa_paces": "",
    "mpesa_tokens": "",
    "pgqueuer": "the worker",
    "pgqueuer_schedules": "",
    "pgqueuer_statistics": "",
    "pull_pages": "the router's next answer",
    "redemptions": "clean-promos",
    "router_pulls": "",
    "user_sessions": "clean-logs",
}

#: Kept for good: money and what it was for, what was sold and to whom it gave access, what people chose, sums and seals.
KEPT = frozenset(
    {
        "access_grants", "agent_allotments", "agent_moneys", "agent_rates", "agents", "announcement_reads", "announcements",
        "api_tokens", "batches", "brandings", "claims", "comparisons", "credits", "daily_closes", "erasures", "event_seals",
        "floats", "import_rows", "imported_codes", "imports", "ledger_entries", "ledger_postings", "memberships", "merchants",
        "message_gateways", "message_settings", "message_stops", "message_templates", "mpesa_accounts", "outage_credits",
        "packages", "paper_counters", "papers", "passkeys", "payments", "payout_numbers", "payout_plans", "payouts", "promos",
        "rail_accounts", "receipts", "recovery_codes", "refunds", "reminder_choices", "report_choices", "reports",
        "router_outages", "routers", "sales_hours", "subscriber_bills", "subscriber_devices", "subscribers", "suspense",
        "tax_settings", "transfers", "usage_hours", "users", "visits", "vouchers", "webhook_endpoints", "win_backs",
    }
)  # fmt: skip
