"""What programs may hear of: each kind, in words, and the events it comes from. Pure.

A source is `entity:name` of an event, or `entity:name@was` where the status before matters. An event may be heard as several kinds."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from portal.msgid import N_

TEST = "webhook.test"


class Kind(msgspec.Struct, frozen=True):
    """One kind: its name, what it says, and what it comes from."""

    name: str
    words: str
    sources: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("voucher.made", N_("Vouchers were made, all of a batch told at once"), ("batches:made",)),
        Kind(
            "voucher.paid", N_("A voucher works from now on: it was paid for, or given free"),
            ("vouchers:sell", "vouchers:given_free", "vouchers:given_as_trial", "payments:pay"),
        ),
        Kind("voucher.started", N_("A voucher was used for the first time"), ("vouchers:start",)),
        Kind("voucher.extended", N_("A voucher got more time"), ("vouchers:extended",)),
        Kind("voucher.expired", N_("The time of a voucher is over"), ("vouchers:expire",)),
        Kind("voucher.revoked", N_("A voucher was taken back"), ("vouchers:revoke",)),
        Kind("payment.paid", N_("Money came in"), ("payments:pay",)),
        Kind("payment.failed", N_("A customer did not pay after all"), ("payments:fail",)),
        Kind("payment.refunded", N_("Money went back to a customer"), ("payments:refund_done",)),
        Kind("router.offline", N_("A router does not answer any more"), ("routers:drop",)),
        Kind("router.online", N_("A router answers again"), ("routers:answer@offline", "routers:answer@new")),
        Kind("payout.sent", N_("Money was paid out to you"), ("payouts:arrive",)),
        Kind("subscriber.opened", N_("A customer by the month began"), ("subscribers:opened",)),
        Kind("subscriber.paid", N_("A bill of a customer by the month was paid"), ("subscriber_bills:pay",)),
        Kind("subscriber.late", N_("A customer by the month did not pay in time"), ("subscribers:miss",)),
        Kind(
            "subscriber.suspended", N_("A customer by the month was shut out"),
            ("subscribers:end", "subscribers:pause"),
        ),
        Kind("subscriber.resumed", N_("A customer by the month is let in again"), ("subscribers:resume",)),
        Kind("subscriber.closed", N_("A customer by the month ended"), ("subscribers:close",)),
    )
}  # fmt: skip


def known(names: Iterable[str]) -> list[str]:
    """Those of the names that are kinds, in our order."""
    wanted = set(names)
    return [name for name in KINDS if name in wanted]


def sources_of(names: Sequence[str]) -> str:
    """The same as the database looks for them: a line for each source, `source kind`."""
    return "\n".join(f"{source} {name}" for name in known(names) for source in KINDS[name].sources)
