"""The course of a subscription: what is billed, paid, let run out and cut short, by the day. Pure: rows are elsewhere.

Prepaid. On the first day of a period a bill is written; the wallet pays it at once, or it stays due and access goes on for the
grace days. Then it ends, and so does the period: days without access are not charged. Whoever pays later pays the days had, and
a new bill for the days from then on; the billing day stays. The same cut serves a pause, a change of package and a close."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.machines import E
from portal.subscribers.calendar import BILLING, day_at, midnight, moment, period_end, share

#: A day's grace more than this could hold a second bill of a whole period.
MOST_GRACE_DAYS = 27
#: Who has paid is not cut off while the bill of the morning is being written.
_WHILE_BILLING = timedelta(minutes=10)
_DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Offer:
    """A monthly package: what a whole period costs."""

    id: int
    name: str
    price_cents: int


@dataclass(slots=True, kw_only=True)
class Bill:
    """A bill as far as the course needs it; `id` None: to be written. `returned_cents` is what this course gives back of it."""

    id: int | None
    offer: Offer
    starts_on: date
    ends_on: date
    full_cents: int
    amount_cents: int
    due_at: datetime
    status: str = "due"
    was: str = "due"
    returned_cents: int = 0
    commission_bp: int = 0
    is_changed: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """A subscription as it stands. `bills` are those not yet paid and those that reach beyond today, oldest first;
    `moves` what happens to its status, in order."""

    zone: ZoneInfo
    status: str
    offer: Offer
    billing_day: int
    grace_days: int
    paid_until_on: date
    next_bill_on: date | None
    wallet_cents: int
    next_offer: Offer | None = None
    is_held: bool = False
    bills: list[Bill] = field(default_factory=list[Bill])
    moves: list[E] = field(default_factory=list[E])

    @property
    def dues(self) -> list[Bill]:
        """What is owed, oldest first."""
        return [bill for bill in self.bills if bill.status == "due"]

    @property
    def owed_cents(self) -> int:
        """What is owed in all."""
        return sum(bill.amount_cents for bill in self.dues)

    @property
    def has_access(self) -> bool:
        """Whether the router is to let it in."""
        return self.status in ("active", "grace")

    @property
    def covered_until(self) -> date:
        """The first day no bill is about."""
        return max([self.paid_until_on, *(bill.ends_on for bill in self.bills if bill.status != "dropped")])

    @property
    def access_until(self) -> datetime | None:
        """When access ends if nothing more is paid; None: it has."""
        if self.status == "grace":
            due_at = self.dues[0].due_at
            return max(midnight(self._grace_ends(due_at), self.zone), due_at)
        if self.status != "active" or self.next_bill_on is None:
            return None
        due_at = moment(self.next_bill_on, BILLING, self.zone)
        return max(midnight(self._grace_ends(due_at), self.zone), due_at + _WHILE_BILLING)

    @property
    def next_at(self) -> datetime | None:
        """When something is due next: a bill, or the end of grace."""
        if not self.has_access:
            return None
        bill_at = moment(self.next_bill_on, BILLING, self.zone) if self.next_bill_on else None
        ends = self.access_until if self.status == "grace" else None
        return min((at for at in (bill_at, ends) if at is not None), default=None)

    def _grace_ends(self, due_at: datetime) -> date:
        """The first day without access if a bill that fell due then is not paid."""
        return day_at(due_at, self.zone) + self.grace_days * _DAY

    def run_out(self) -> None:
        """Grace is over: access ends, and so does the period; only the days had are owed."""
        _cut(self, self._grace_ends(self.dues[0].due_at))
        _move(self, E.END, "suspended")


def advance(account: Account, now: datetime, *, has_paid: bool = False) -> None:
    """Let everything happen that is due by now, in its order, as if somebody had looked at each of its moments.

    `has_paid`: money has just come in. Only then does who was shut out come back: what waits in a wallet is not spent on the few
    days it happens to reach for as the period runs out."""
    while True:
        _pay(account)
        if has_paid and account.status == "suspended" and not account.is_held and not account.dues:
            _restart(account, now)
        at = account.next_at
        if at is None or at > now:
            return
        if account.status == "grace" and account.access_until is not None and account.access_until <= at:
            account.run_out()
        else:
            assert account.next_bill_on is not None  # next_at came from it
            _bill(account, account.next_bill_on, at)


def _pay(account: Account) -> None:
    """The wallet pays what it can, whole bills only, the oldest first."""
    for bill in account.dues:
        if bill.amount_cents > account.wallet_cents:
            return
        account.wallet_cents -= bill.amount_cents
        bill.status = "paid"
        account.paid_until_on = max(account.paid_until_on, bill.ends_on)
    if account.status == "grace":
        _move(account, E.PAY, "active")


def _bill(account: Account, day: date, at: datetime) -> None:
    """Write the bill of the period, or what is left of it, from `day` on; and see whether the wallet pays it."""
    if account.next_offer is not None:
        account.offer, account.next_offer = account.next_offer, None
    ends = period_end(day, account.billing_day)
    account.bills.append(
        Bill(
            id=None,
            offer=account.offer,
            starts_on=day,
            ends_on=ends,
            full_cents=account.offer.price_cents,
            amount_cents=share(account.offer.price_cents, day, ends, account.billing_day),
            due_at=at,
        )
    )
    account.next_bill_on = ends
    _pay(account)
    if account.dues and account.status == "active":
        _move(account, E.MISS, "grace")


def _cut(account: Account, day: date) -> None:
    """No bill reaches beyond the start of `day`: what was paid for later goes back into the wallet, what was owed is not."""
    for bill in account.bills:
        if bill.status == "dropped" or bill.ends_on <= day:
            continue
        kept = share(bill.full_cents, bill.starts_on, max(day, bill.starts_on), account.billing_day)
        kept = min(kept, bill.amount_cents)
        if bill.status == "paid":
            bill.returned_cents += bill.amount_cents - kept
            account.wallet_cents += bill.amount_cents - kept
        bill.amount_cents, bill.is_changed = kept, True
        bill.ends_on = max(day, bill.starts_on)
        if bill.starts_on >= day:
            bill.status = "dropped"
    account.paid_until_on = min(account.paid_until_on, day)
    account.next_bill_on = None


def _restart(account: Account, now: datetime) -> None:
    """Shut out, nothing owed: the wallet buys the days from today on, if it can."""
    first = max(day_at(now, account.zone), account.covered_until)
    offer = account.next_offer or account.offer
    price = share(offer.price_cents, first, period_end(first, account.billing_day), account.billing_day)
    if account.wallet_cents < max(price, 1):
        return
    _move(account, E.RESUME, "active")
    account.next_bill_on = first
    if first <= day_at(now, account.zone):
        _bill(account, first, now)


def hold(account: Account, now: datetime) -> None:
    """Suspend by hand. Today is used; what is paid beyond it goes back into the wallet, which pays the days had if it can."""
    _cut(account, day_at(now, account.zone) + _DAY)
    _pay(account)
    account.is_held = True
    if account.has_access:
        _move(account, E.PAUSE, "suspended")


def resume(account: Account, now: datetime) -> None:
    """Let a suspended one in again by hand, paid or not: what is not paid is due, and has its days of grace."""
    account.is_held = False
    first = max(day_at(now, account.zone), account.covered_until)
    _move(account, E.RESUME, "active")
    for bill in account.dues:  # what is still owed from before no longer shuts out at once
        bill.due_at, bill.is_changed = now, True
    account.next_bill_on = first
    if first <= day_at(now, account.zone):
        _bill(account, first, now)


def close(account: Account, now: datetime) -> None:
    """End it for good. What is paid beyond today goes back into the wallet, which pays the days had if it can; the rest of it stays
    the customer's."""
    _cut(account, day_at(now, account.zone) + _DAY)
    _pay(account)
    _move(account, E.CLOSE, "closed")


def change(account: Account, offer: Offer, now: datetime) -> None:
    """Another package at once. Today counts by the old one; the rest of the period is given back and billed anew."""
    tomorrow = day_at(now, account.zone) + _DAY
    account.next_offer = None
    rest = account.has_access and account.covered_until > tomorrow
    ends = account.next_bill_on
    if rest:
        _cut(account, tomorrow)
    account.offer = offer
    if rest:
        _bill(account, tomorrow, now)
    else:
        account.next_bill_on = ends


def change_day(account: Account, billing_day: int, now: datetime) -> None:
    """Another billing day at once. The running period ends with today; from tomorrow on the days to the new one are billed. A
    package that waits for the next bill goes on waiting for the one after."""
    tomorrow = day_at(now, account.zone) + _DAY
    if not account.has_access or account.covered_until <= tomorrow:
        account.billing_day = billing_day
        return
    waiting, account.next_offer = account.next_offer, None
    _cut(account, tomorrow)  # by the old day: the shares of its bills are
    account.billing_day = billing_day
    _bill(account, tomorrow, now)
    account.next_offer = waiting


def reopen(account: Account, now: datetime) -> None:
    """A closed one is a customer again, shut out until paid: what waits in the wallet buys the days from today on, if it can."""
    account.is_held = False
    _move(account, E.REOPEN, "suspended")
    advance(account, now, has_paid=True)


def _move(account: Account, event: E, became: str) -> None:
    account.moves.append(event)
    account.status = became


def to_pay(account: Account, now: datetime) -> int:
    """What is missing, in cents, to be let in or to stay so: what is owed, and to come back the rest of the period too."""
    needed = account.owed_cents
    if account.status == "suspended" and not account.is_held:
        first = max(day_at(now, account.zone), account.covered_until)
        price = (account.next_offer or account.offer).price_cents
        needed += share(price, first, period_end(first, account.billing_day), account.billing_day)
    return max(0, needed - account.wallet_cents)
