"""Packages: what is sold. Editing one never changes what was sold."""

from piccolo.columns import Boolean

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant


class Package(Table, tablename="packages", db=DB, help_text="what is sold"):
    id = key()
    merchant_id = link(Merchant, "who sells it", index=True)
    name = word(60, "shown to customers")
    price_cents = cents("price")
    duration_s = number("wall-clock length of use, seconds")
    uptime_s = number("limit of connected time, seconds", null=True)
    data_bytes = number("limit of bytes in both directions", null=True)
    rate_down_kbps = number("download speed, kbit/s", null=True)
    rate_up_kbps = number("upload speed, kbit/s", null=True)
    devices = number("devices at the same time", default=1)
    clock_from = word(10, "first_use or purchase: when the duration starts", default="first_use")
    activation_days = number("unsold vouchers expire so many days after they were made", null=True)
    purchase_days = number("paid vouchers expire so many days after payment if never used", null=True)
    period = word(
        5, "once: sold by the piece; month: what subscribers pay for, never on the captive page", default="once"
    )
    position = number("order on the captive page")
    is_active = Boolean(default=True, help_text="false: no longer on sale")
    created_at = moment("when it was made", null=False)
