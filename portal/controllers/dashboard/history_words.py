"""Words for what people did, and where it can be looked at."""

from collections.abc import Mapping

from portal.controllers.dashboard.timeline_words import FACT_WORDS
from portal.identity.history import Deed
from portal.msgid import N_

KIND_WORDS: Mapping[str, str] = {
    "money": N_("Money"),
    "vouchers": N_("Vouchers and packages"),
    "routers": N_("Routers"),
    "customers": N_("Customers and messages"),
    "team": N_("Team and sign-ins"),
    "settings": N_("Settings and keys"),
}

#: (Table, what happened) → a sentence; what is in none of the lists is named by the table alone.
DEED_WORDS: Mapping[tuple[str, str], str] = {
    ("users", "signed_in"): N_("Signed in"),
    ("users", "signed_out"): N_("Signed out"),
    ("users", "came_here"): N_("Came from another shop"),
    ("users", "joined"): N_("Joined the team"),
    ("users", "role"): N_("Gave somebody another role"),
    ("users", "removed"): N_("Removed somebody from the team"),
    ("users", "handed_over"): N_("Handed the shop over"),
    ("users", "password_changed"): N_("Chose a new password"),
    ("users", "email_changed"): N_("Changed the own address"),
    ("users", "app_added"): N_("Added an authenticator app"),
    ("users", "app_removed"): N_("Removed the authenticator app"),
    ("users", "codes_made"): N_("Made new recovery codes"),
    ("users", "passkey_added"): N_("Added a passkey"),
    ("users", "passkey_removed"): N_("Removed a passkey"),
    ("users", "passkey_renamed"): N_("Renamed a passkey"),
    ("users", "session_ended"): N_("Ended a session elsewhere"),
    ("users", "sessions_ended"): N_("Ended all other sessions"),
    ("identity_links", "invited"): N_("Invited somebody"),
    ("identity_links", "withdrawn"): N_("Took an invitation back"),
    ("merchants", "signed_up"): N_("Opened the shop"),
    ("merchants", "needs_second"): N_("Changed whether a second step is needed"),
    ("merchants", "settings"): N_("Changed the settings"),
    ("merchants", "reminders"): N_("Changed the reminders"),
    ("merchants", "reports_chosen"): N_("Changed the reports"),
    ("merchants", "message_settings"): N_("Changed the settings of messages"),
    ("merchants", "message_worded"): N_("Changed the words of a message"),
    ("merchants", "refund_limit"): N_("Changed the limit for refunds"),
    ("merchants", "payout_fee"): N_("Changed the fee of payouts"),
    ("merchants", "payout_plan"): N_("Changed when money is paid out"),
    ("merchants", "payout_number_changed"): N_("Changed the number money is paid out to"),
    ("merchants", "payout_number_kept"): N_("Kept the number money is paid out to"),
    ("routers", "add"): N_("Added a router"),
    ("routers", "reconnect"): N_("Changed how a router is reached"),
    ("routers", "script"): N_("Made a setup script for a router"),
    ("routers", "script_out"): N_("Took a setup script out"),
    ("routers", "pause"): N_("Paused a router"),
    ("routers", "resume"): N_("Resumed a router"),
    ("routers", "replace"): N_("Replaced a router"),
    ("routers", "remove"): N_("Removed a router"),
    ("routers", "repair"): N_("Repaired what a router held"),
    ("routers", "vouched"): N_("Said that a row on a router is their own"),
    ("routers", "doubted"): N_("Said that a row on a router is not theirs"),
    ("routers", "foreign_removed"): N_("Removed a foreign row from a router"),
    ("batches", "made"): N_("Made vouchers"),
    ("batches", "asked"): N_("Asked for a large batch of vouchers"),
    ("packages", "made"): N_("Made a package"),
    ("packages", "changed"): N_("Changed a package"),
    ("packages", "retired"): N_("Took a package off sale"),
    ("agents", "made"): N_("Made an agent"),
    ("agents", "changed"): N_("Changed an agent"),
    ("agents", "allotted"): N_("Gave an agent vouchers to sell"),
    ("agents", "brought_back"): N_("Took vouchers back from an agent"),
    ("agents", "lost"): N_("Wrote an agent’s vouchers off"),
    ("agents", "paid"): N_("Took money from an agent"),
    ("agents", "settled"): N_("Settled with an agent"),
    ("agents", "pause"): N_("Paused an agent"),
    ("agents", "resume"): N_("Let an agent sell again"),
    ("agents", "close"): N_("Ended with an agent"),
    ("prints", "asked"): N_("Printed vouchers"),
    ("prints", "fetched"): N_("Took a print out"),
    ("batches", "cancelled"): N_("Stopped the making of vouchers"),
    ("vouchers", "moved"): N_("Moved a voucher to another device"),
    ("vouchers", "code_sent"): N_("Sent a voucher’s code"),
    ("vouchers", "given_free"): N_("Gave a voucher away"),
    ("payments", "taken_by_cash"): N_("Sold for cash"),
    ("floats", "opened"): N_("Opened a drawer"),
    ("floats", "close"): N_("Handed a drawer in"),
    ("payouts", "wanted"): N_("Asked for a payout"),
    ("subscribers", "opened"): N_("Made a monthly customer"),
    ("subscribers", "edited"): N_("Changed a monthly customer"),
    ("subscribers", "device_added"): N_("Added a family’s device"),
    ("subscribers", "device_removed"): N_("Removed a family’s device"),
    ("subscribers", "password_shown"): N_("Looked at a customer’s password"),
    ("subscribers", "link_renewed"): N_("Renewed a customer’s link"),
    ("subscribers", "link_sent"): N_("Sent a customer the link"),
    ("message_stops", "stopped"): N_("Stopped messages to a number"),
    ("message_stops", "started"): N_("Allowed messages to a number again"),
    ("papers", "receipt_made"): N_("Made a receipt"),
    ("papers", "invoice_made"): N_("Made an invoice"),
    ("papers", "credit_made"): N_("Made a credit note"),
    ("papers", "paper_sent"): N_("Sent a receipt or invoice"),
    ("papers", "control_number"): N_("Wrote a control unit’s number on a receipt or invoice"),
    ("tax_settings", "taxes"): N_("Changed what receipts say of taxes"),
    ("api_tokens", "made"): N_("Made an API token"),
    ("api_tokens", "codes_read"): N_("A program was told voucher codes"),
    ("api_tokens", "revoked"): N_("Revoked an API token"),
}
_TABLES: Mapping[str, str] = {
    "payments": N_("Changed a payment"),
    "refunds": N_("Changed a refund"),
    "suspense": N_("Decided about money"),
    "payouts": N_("Changed a payout"),
    "vouchers": N_("Changed a voucher"),
    "access_grants": N_("Changed somebody’s access"),
    "batches": N_("Changed a batch of vouchers"),
    "packages": N_("Changed a package"),
    "promos": N_("Changed a promo code"),
    "routers": N_("Changed a router"),
    "prints": N_("Printed vouchers"),
    "floats": N_("Changed a drawer"),
    "claims": N_("Looked into what a customer said"),
    "api_tokens": N_("Changed an API token"),
    "webhook_endpoints": N_("Changed where our messages to programs go"),
    "message_stops": N_("Changed who gets messages"),
    "subscribers": N_("Changed a monthly customer"),
    "messages": N_("Sent a message again"),
    "message_gateways": N_("Changed by what messages go out"),
    "rail_accounts": N_("Changed a way to be paid"),
    "comparisons": N_("Compared a list of M-Pesa"),
    "agents": N_("Changed an agent"),
    "brandings": N_("Changed how the Wi-Fi page looks"),
    "imports": N_("Brought in vouchers from another system"),
    "visits": N_("Looked at the shop for the operator"),
    "users": N_("Changed an account"),
    "merchants": N_("Changed the settings"),
}
_OTHER = N_("Something else")
_PLACES: Mapping[str, str] = {
    "payments": "/payments/{id}",
    "refunds": "/refunds/{id}",
    "suspense": "/suspense/{id}",
    "payouts": "/payouts/{id}",
    "vouchers": "/vouchers/{id}",
    "promos": "/promos/{id}",
    "routers": "/routers/{id}",
    "subscribers": "/subscribers/{id}",
    "agents": "/agents/{id}",
    "papers": "/invoices/{id}",
}


def deed_words(deed: Deed) -> str:
    """What somebody did, as a catalogue text."""
    key = (deed.entity, deed.name)
    if key in DEED_WORDS:
        return DEED_WORDS[key]
    return FACT_WORDS[key][1] if key in FACT_WORDS else _TABLES.get(deed.entity, _OTHER)


def place_of(deed: Deed) -> str:
    """The page about it; "" for none."""
    return _PLACES.get(deed.entity, "").format(id=deed.entity_id)
