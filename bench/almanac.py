"""What twenty years of a subscription should have come to, worked out the slow way: a life lived event by event, with the time read
off a wall clock. An oracle for `bench years`; it shares no code with the portal on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_STEP = timedelta(minutes=15)


def first_seen(zone: ZoneInfo, day: date, at: time) -> datetime:
    """When a clock on the wall first shows this day and time or more: by looking at it again and again."""
    wanted = datetime.combine(day, at)
    look = datetime.combine(day, at, tzinfo=UTC) - timedelta(hours=17)
    for step in (_STEP, timedelta(minutes=1), timedelta(seconds=1)):
        while look.astimezone(zone).replace(tzinfo=None) < wanted:
            look += step
        look -= step
    return look + timedelta(seconds=1)


def is_billing_day(day: date, billing_day: int) -> bool:
    """Whether a period begins: on the day of the month, or on the month's last when it has no such day."""
    return day.day == billing_day or (day.day < billing_day and (day + DAY).month != day.month)


def days_until(day: date, billing_day: int) -> int:
    """Days from this one to the next beginning of a period, counted one by one."""
    count = 1
    while not is_billing_day(day + count * DAY, billing_day):
        count += 1
    return count


def days_since(day: date, billing_day: int) -> int:
    """Days since the period of this one began."""
    count = 0
    while not is_billing_day(day - count * DAY, billing_day):
        count += 1
    return count


@dataclass
class Owed:
    """A bill as the oracle keeps it."""

    start: date
    end: date
    cents: int
    due_at: datetime
    due_on: date
    status: str = "due"


@dataclass
class Life:
    """A subscriber from `born` on. `pays` are (moment, cents) in order; while the house is `down` nobody looks at anything."""

    zone: ZoneInfo
    billing_day: int
    grace: int
    price: int
    born: datetime
    pays: Sequence[tuple[datetime, int]]
    down: Sequence[tuple[datetime, datetime]]
    until: datetime
    credit: int = 0
    is_in: bool = True
    next_start: date | None = None
    bills: list[Owed] = field(default_factory=list[Owed])
    ends: list[datetime] = field(default_factory=list[datetime])
    reminders: dict[tuple[date, str], datetime] = field(default_factory=dict[tuple[date, str], datetime])

    def live(self) -> "Life":
        """Live all of it."""
        self.next_start = self.today(self.born)
        coming = list(self.pays)
        now = self.born
        while True:
            moments = [*self._due(), *([(coming[0][0], "pay")] if coming else []), *self._reminding(now)]
            at, what = min(moments, default=(self.until, "over"))
            if at >= self.until:
                return self
            now = max(now, at)
            match what:
                case "pay":
                    self.credit += coming.pop(0)[1]
                    self._settle()
                    self._come_back(now)
                case "bill":
                    self._bill(at)
                case "out":
                    self._out(at)
                case _:
                    pass
            is_quiet = not any(due <= now for due, _ in self._due())  # who is over now is not reminded first
            if is_quiet and (what in ("pay", "remind") or not self._is_down(now)):
                self._remind(now)

    def today(self, now: datetime) -> date:
        """The day the wall shows."""
        return now.astimezone(self.zone).date()

    @property
    def owing(self) -> list[Owed]:
        """What is owed, the oldest first."""
        return [bill for bill in self.bills if bill.status == "due"]

    def _due(self) -> list[tuple[datetime, str]]:
        if not self.is_in:
            return []
        found: list[tuple[datetime, str]] = []
        if self.owing:
            oldest = self.owing[0]
            ends = first_seen(self.zone, oldest.due_on + self.grace * DAY, time(0))
            found.append((max(ends, oldest.due_at), "out"))
        if self.next_start is not None:
            found.append((first_seen(self.zone, self.next_start, time(0, 5)), "bill"))
        # At one moment, who is over is out before there is another bill.
        return sorted(found, key=lambda each: (each[0], each[1] == "bill"))[:1]

    def _bill(self, at: datetime, start: date | None = None) -> None:
        start = start or self.next_start
        assert start is not None  # nobody is billed for nothing
        end = start + days_until(start, self.billing_day) * DAY
        self.bills.append(Owed(start, end, self._cost(start, end), at, self.today(at)))
        self.next_start = end
        self._settle()

    def _cost(self, start: date, end: date) -> int:
        since = days_since(start, self.billing_day)
        whole = since + days_until(start, self.billing_day)
        had = (end - start).days
        return self.price if had == whole else self.price * had // whole // 100 * 100

    def _settle(self) -> None:
        for bill in self.owing:
            if bill.cents > self.credit:
                break
            self.credit -= bill.cents
            bill.status = "paid"

    def _come_back(self, now: datetime) -> None:
        """Money came: who is out and owes nothing more buys the days from now on."""
        if self.is_in or self.owing:
            return
        start = max([self.today(now), *(bill.end for bill in self.bills)])
        end = start + days_until(start, self.billing_day) * DAY
        if self.credit >= max(1, self._cost(start, end)):
            self.is_in = True
            self._bill(now, start)

    def _out(self, at: datetime) -> None:
        last = self.owing[0].due_on + self.grace * DAY
        for bill in self.owing:
            if bill.start >= last:
                self.bills.remove(bill)
            elif bill.end > last:
                bill.cents, bill.end = min(bill.cents, self._cost(bill.start, last)), last
        self.is_in, self.next_start = False, None
        self.ends.append(self._seen(at))
        self._settle()

    def _stages(self) -> list[tuple[datetime, date, str]]:
        if self.is_in and self.owing:
            oldest = self.owing[0]
            return [
                (first_seen(self.zone, oldest.due_on + late * DAY, time(9, 5)), oldest.start, stage)
                for late, stage in ((0, "due"), (1, "after"))
            ]
        if self.is_in and self.next_start is not None:
            return [(first_seen(self.zone, self.next_start - 3 * DAY, time(9, 5)), self.next_start, "before")]
        return []

    def _reminding(self, now: datetime) -> list[tuple[datetime, str]]:
        moments = [self._seen(at) for at, _, _ in self._stages()]
        return [(at, "remind") for at in moments if at > now]

    def _remind(self, now: datetime) -> None:
        past = [(at, about, stage) for at, about, stage in self._stages() if at <= now]
        if not past:
            return
        _, about, stage = past[-1]
        is_short = self.credit < self.price if stage == "before" else bool(self.owing)
        if is_short and (about, stage) not in self.reminders:
            self.reminders[about, stage] = self._seen(now)

    def _is_down(self, now: datetime) -> bool:
        return any(began <= now < ended for began, ended in self.down)

    def _seen(self, at: datetime) -> datetime:
        """When somebody looks: at once, or when the house is up again; not before there was anybody."""
        return max(self.born, next((ended for began, ended in self.down if began <= at < ended), at))
