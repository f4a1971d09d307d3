"""Which columns the demo's past is written to, by table. What is left out takes the table's defaults."""

Records = dict[str, list[tuple[object, ...]]]

#: In the order in which foreign keys want them written.
COLUMNS: dict[str, tuple[str, ...]] = {
    "vouchers": (
        "id", "merchant_id", "package_id", "router_id", "code_hash", "code_sealed", "payment_reference", "status",
        "price_cents", "terms", "created_at", "paid_at", "started_at", "expires_at", "ended_at", "ended_why",
    ),
    "checkouts": (
        "id", "merchant_id", "router_id", "package_id", "voucher_id", "token", "form_key", "phone", "mac", "ip",
        "price_cents", "commission_bp", "terms", "created_at",
    ),
    "payments": (
        "id", "merchant_id", "checkout_id", "account_id", "status", "amount_cents", "received_cents", "phone",
        "account_reference", "callback_token", "merchant_request_id", "checkout_request_id", "receipt", "result_code",
        "result_text", "created_at", "submitted_at", "paid_at", "tries",
    ),
    "callbacks": (
        "id", "merchant_id", "payment_id", "body", "body_hash", "source", "is_trusted", "received_at", "handled_at",
        "outcome",
    ),
    "ledger_postings": ("id", "merchant_id", "payment_id", "kind", "receipt", "note", "created_at"),
    "ledger_entries": ("id", "posting_id", "merchant_id", "account", "amount_cents"),
    "access_grants": (
        "id", "merchant_id", "router_id", "voucher_id", "status", "user_name", "password_sealed", "mac", "ip", "terms",
        "login_wanted_at", "logged_in_at", "used_uptime_s", "used_bytes", "tries", "next_try_at", "last_error",
        "created_at", "ended_at",
    ),
    "hotspot_sessions": (
        "id", "merchant_id", "router_id", "grant_id", "mac", "ip", "started_at", "seen_at", "ended_at", "uptime_s",
        "bytes_up", "bytes_down",
    ),
    "events": ("id", "merchant_id", "entity", "entity_id", "name", "was", "became", "actor", "data", "at"),
}  # fmt: skip
