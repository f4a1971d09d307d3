"""Pages for people who are signed in, and the way in and out."""

from litestar import Router

from portal import guards
from portal.controllers.dashboard import (
    account,
    close,
    drawers,
    home,
    jobs,
    money_terms,
    operator,
    outages,
    pay_ways,
    payments,
    payouts,
    reconciliation,
    references,
    refunds,
    replacements,
    router_changes,
    router_drift,
    router_setup,
    router_snapshots,
    routers,
    settings,
    suspense,
    vouchers,
)

#: All of it: somebody must be signed in, and what changes something must come from our own forms.
ROUTER = Router(
    path="/",
    guards=[guards.signed_in, guards.own_forms_only],
    route_handlers=[
        *home.ROUTES,
        *payments.ROUTES,
        *suspense.ROUTES,
        *references.ROUTES,
        *routers.ROUTES,
        *router_setup.ROUTES,
        *router_changes.ROUTES,
        *router_drift.ROUTES,
        *router_snapshots.ROUTES,
        *outages.ROUTES,
        *refunds.ROUTES,
        *replacements.ROUTES,
        *payouts.ROUTES,
        *money_terms.ROUTES,
        *close.ROUTES,
        *reconciliation.ROUTES,
        *vouchers.ROUTES,
        *settings.ROUTES,
        *pay_ways.ROUTES,
        *drawers.ROUTES,
        *operator.ROUTES,
        *jobs.ROUTES,
        *account.ROUTES,
    ],
)
