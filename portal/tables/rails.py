"""Keys of the other rails money comes in by: Airtel Money and Paystack. M-Pesa's are in `merchants`."""

from piccolo.columns import Boolean, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, text, word
from portal.tables.merchants import Merchant


class RailAccount(
    Table,
    tablename="rail_accounts",
    db=DB,
    help_text="an account at Airtel Money or Paystack; replaced keys are a new row",
):
    id = key()
    merchant_id = link(Merchant, "whose keys; null: the platform's", null=True, index=True)
    rail = word(10, "airtel or paystack")
    environment = word(12, "sandbox or production", default="sandbox")
    country = word(2, "ISO 3166 country of the account", default="KE")
    key_name = word(120, "its public name: Airtel's client id; empty for Paystack")
    secret_sealed = Bytea(help_text="AES-GCM, bound to this row: client secret, or secret key")
    signing_sealed = Bytea(
        null=True,
        default=None,
        help_text="AES-GCM, bound to this row: what Airtel signs its callbacks with, if it does",
    )
    is_offered = Boolean(default=True, help_text="whether customers may choose it")
    created_at = moment("when the keys were entered", null=False)
    ended_at = moment("when they were replaced or taken out; old payments are still asked about with them")
    query_free_at = moment("no question is sent before this")
    trouble_code = word(80, "what the provider last refused because our set-up is wrong: its code", null=True)
    trouble_text = text("our sentence about it")
    trouble_at = moment("since when; null: nothing is known to be wrong")
    listed_at = moment("until when its list of payments was compared with ours")
