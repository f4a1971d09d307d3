"""What is known of devices beyond their MAC: the vouchers whose page or code they showed, and where they were last seen."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.access import Device
from portal.tables.base import Table, key, link, moment, word
from portal.tables.merchants import Merchant
from portal.tables.routers import Router
from portal.tables.vouchers import Voucher


class DeviceVoucher(Table, tablename="device_vouchers", db=DB, help_text="a device that proved to hold a voucher"):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    device_id = link(Device, "which device")
    voucher_id = link(Voucher, "which voucher", index=True)
    proof = word(8, "bought (on its page), code (typed) or link (the voucher's own page)", default="bought")
    first_at = moment("first time", null=False)
    last_at = moment("last time", null=False)
    device_voucher_unique = Unique([device_id, voucher_id])


class DeviceSighting(Table, tablename="device_sightings", db=DB, help_text="where a device was seen"):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    device_id = link(Device, "which device")
    router_id = link(Router, "on which router", index=True)
    first_seen_at = moment("first", null=False)
    last_seen_at = moment("last", null=False)
    device_sighting_unique = Unique([device_id, router_id])
