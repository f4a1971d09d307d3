"""Packages: what is on sale, and making and changing them. Editing one never changes what was sold: terms and price are frozen there.

`offers`: what may be bought, where and when; `drafts`: what a merchant typed; `editing`: the verbs; `looks`: the merchant's pages;
`doubts`: what is probably a mistake. Monthly packages are made by `portal.subscribers.offers`."""

from portal.packages.doubts import advice
from portal.packages.drafts import DATA_UNITS, TIME_UNITS, Draft, read
from portal.packages.editing import archive, duplicate, make, move_down, move_up, restore, rewrite
from portal.packages.looks import Listed, Place, archived_of, as_typed, on_sale_of, page_of, routers_of
from portal.packages.offers import (
    Changed,
    NotNow,
    PackageView,
    mark_of,
    offered,
    on_sale,
    one_on_sale,
    to_give,
    to_sell,
)
from portal.packages.rights import ONLY_MANAGERS, may_change

__all__ = [
    "DATA_UNITS",
    "ONLY_MANAGERS",
    "TIME_UNITS",
    "Changed",
    "Draft",
    "Listed",
    "NotNow",
    "PackageView",
    "Place",
    "advice",
    "archive",
    "archived_of",
    "as_typed",
    "duplicate",
    "make",
    "mark_of",
    "may_change",
    "move_down",
    "move_up",
    "offered",
    "on_sale",
    "on_sale_of",
    "one_on_sale",
    "page_of",
    "read",
    "restore",
    "rewrite",
    "routers_of",
    "to_give",
    "to_sell",
]
