"""Packages: what is sold. Editing one never changes what was sold."""

from piccolo.columns import Array, BigInt, Boolean

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
    name_en = word(60, "the name in English; empty: as it is")
    name_sw = word(60, "the name in Swahili; empty: as it is")
    description = word(200, "more about it for customers")
    burst_down_kbps = number("download speed for short moments, kbit/s", null=True)
    burst_up_kbps = number("upload speed for short moments, kbit/s", null=True)
    threshold_down_kbps = number("average download below which it may burst, kbit/s; null: the speed", null=True)
    threshold_up_kbps = number("average upload below which it may burst, kbit/s; null: the speed", null=True)
    burst_time_s = number("over how many seconds the average is taken", null=True)
    sell_days = number("days customers may buy it on: bit 0 Monday to bit 6 Sunday", default=127)
    sell_from_min = number("minute of the merchant's day from which they may; null: all day", null=True)
    sell_until_min = number("and until which; not after the other: past midnight", null=True)
    use_days = number("days on which its hours of use begin: bit 0 Monday to bit 6 Sunday", default=127)
    use_from_min = number("minute of the merchant's day from which it works; null: all day", null=True)
    use_until_min = number("and at which it ends at the latest; not after the other: past midnight", null=True)
    router_ids = Array(base_column=BigInt(), help_text="routers it is sold at; empty: all")
    promo_cents = cents("price from promo_from until promo_until", null=True)
    promo_from = moment("the promo price begins; null: at once")
    promo_until = moment("the promo price is over")
    trials_a_day = number("price 0: how many a router gives out in a day", default=50)
    form_key = word(64, "the form it was made by; null: another way", default=None, null=True, unique=True)
    period = word(
        5, "once: sold by the piece; month: what subscribers pay for, never on the captive page", default="once"
    )
    position = number("order on the captive page")
    is_active = Boolean(default=True, help_text="false: no longer on sale")
    created_at = moment("when it was made", null=False)
