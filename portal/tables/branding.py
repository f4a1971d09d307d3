"""How a merchant's captive page and paper look: colour, logo, words of its own."""

from piccolo.columns import JSONB, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant


class Branding(Table, tablename="brandings", db=DB, help_text="how a merchant's pages look; one row at most"):
    id = key()
    merchant_id = link(Merchant, "whose")
    accent = word(7, "#rrggbb, readable on white; empty: ours")
    logo = Bytea(null=True, default=None, help_text="PNG of at most 1,500 bytes, inlined in captive pages")
    logo_wide = number("its width, pixels", null=True)
    logo_high = number("its height, pixels", null=True)
    logo_print = Bytea(null=True, default=None, help_text="the same larger, PNG, for paper")
    words = JSONB(default="{}", help_text="language: {welcome, terms}; plain text")
    changed_at = moment("when it was last changed", null=False)
