"""Where one can go from every signed-in page: on the side of a wide screen, at the bottom of a phone, and whole on `/more`.

A new page that stands for itself is a line here; who sees the line is said with it. What a place does is its own module's."""

from collections.abc import Iterable

import msgspec

from portal.identity import Actor, Role
from portal.msgid import N_

_ALL = (Role.OWNER, Role.MANAGER, Role.CASHIER, Role.VIEWER)
_DECIDERS = (Role.OWNER, Role.MANAGER)


class Place(msgspec.Struct, frozen=True):
    """Somewhere to go: its key, address, icon and name; `roles` see it at a merchant."""

    key: str
    path: str
    icon: str
    name: str
    roles: tuple[Role, ...] = _ALL


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """`daily`: what is opened all day; `now_and_then`: the rest; `tabs`: what fits the bottom of a phone, `/more` coming after it."""

    daily: tuple[Place, ...]
    now_and_then: tuple[Place, ...]
    tabs: tuple[Place, ...]


HOME = Place("home", "/home", "house", N_("Home"))
SELL = Place("sell", "/sell", "shopping-bag", N_("Sell"), (Role.OWNER, Role.MANAGER, Role.CASHIER))
#: All there is for an agent who signs in.
_AGENTS = (SELL, Place("agent", "/agent", "wallet", N_("My account")))
_DAILY = (
    HOME,
    SELL,
    Place("sales", "/sales", "receipt-text", N_("Sales")),
    Place("vouchers", "/vouchers", "ticket", N_("Vouchers")),
    Place("packages", "/packages", "package", N_("Packages")),
    Place("subscribers", "/subscribers", "user-round", N_("Subscribers")),
    Place("routers", "/routers", "router", N_("Routers")),
)
_NOW_AND_THEN = (
    Place("payouts", "/payouts", "wallet", N_("Payouts"), _DECIDERS),
    Place("reports", "/reports", "chart-column", N_("Reports")),
    Place("agents", "/agents", "users", N_("Agents"), _DECIDERS),
    Place("messages", "/messages", "message-square-text", N_("Messages"), _DECIDERS),
    Place("jobs", "/jobs", "list-checks", N_("Jobs")),
    Place("team", "/team", "users", N_("Team"), _DECIDERS),
    Place("settings", "/settings", "settings", N_("Settings"), _DECIDERS),
)
#: An operator who looks at no merchant: the platform's own.
_PLATFORM = (
    Place("operator", "/operator", "store", N_("Merchants")),
    Place("suspense", "/suspense", "inbox", N_("To decide")),
    Place("jobs", "/jobs", "list-checks", N_("Jobs")),
)
_PLATFORM_NOW_AND_THEN = (
    Place("merchants", "/operator/merchants", "users", N_("All merchants")),
    Place("health", "/operator/health", "chart-column", N_("How the platform is")),
    Place("announcements", "/operator/announcements", "message-square-text", N_("Announcements")),
    Place("platform-payouts", "/operator/payouts", "wallet", N_("Payouts")),
    Place("fees", "/operator/fees", "receipt-text", N_("Fees for payouts")),
    Place("taxes", "/operator/taxes", "receipt-text", N_("Receipts and taxes")),
    Place("ways", "/ways", "smartphone", N_("Ways to be paid")),
)
_TABS = ("home", "sell", "sales", "vouchers", "operator", "suspense", "jobs")
_MOST_TABS = 4
ACCOUNT = Place("account", "/account", "user-round", N_("Account"))


def places_of(actor: Actor) -> Places:
    """What this person may open. An operator at a merchant's has both that merchant's places and the platform's."""
    if actor.agent_id is not None:
        return Places(daily=_AGENTS, now_and_then=(), tabs=_AGENTS)
    daily, rest = _PLATFORM, _PLATFORM_NOW_AND_THEN
    if actor.merchant_id is not None:
        daily, rest = _seen(_DAILY, actor), _seen(_NOW_AND_THEN, actor)
        if actor.is_operator:
            rest = tuple(_without_doubles((*rest, *_PLATFORM)))
    elif not actor.is_operator:
        daily, rest = (), ()
    tabs = tuple(place for place in daily if place.key in _TABS)[:_MOST_TABS]
    spare = tuple(place for place in daily if place not in tabs)[: _MOST_TABS - len(tabs)]
    return Places(daily=daily, now_and_then=rest, tabs=tuple(place for place in daily if place in (*tabs, *spare)))


def _seen(places: Iterable[Place], actor: Actor) -> tuple[Place, ...]:
    return tuple(place for place in places if actor.role in place.roles)


def _without_doubles(places: Iterable[Place]) -> Iterable[Place]:
    return {place.path: place for place in places}.values()
