"""Routers: which there are, how they are doing, whose turn it is to reconcile one, and what a merchant may do to them."""

from portal.routers.access import RouterAccess, TunnelPeer, access_to, id_of, tunnel_peers
from portal.routers.brakes import are_brakes_released, held_why, hold_brakes, note_board, release_brakes
from portal.routers.views import RouterView, by_site, router_view
from portal.routers.visits import (
    LEASE,
    OFFLINE_AFTER,
    answered,
    caught_up,
    lease,
    missed,
    release,
    renew,
    to_sync,
    to_wake,
)

__all__ = [
    "LEASE",
    "OFFLINE_AFTER",
    "RouterAccess",
    "RouterView",
    "TunnelPeer",
    "access_to",
    "answered",
    "are_brakes_released",
    "by_site",
    "caught_up",
    "held_why",
    "hold_brakes",
    "id_of",
    "lease",
    "missed",
    "note_board",
    "release",
    "release_brakes",
    "renew",
    "router_view",
    "to_sync",
    "to_wake",
    "tunnel_peers",
]
