"""Whether a message may go now: quiet hours, caps, and who wants none. Pure.

The rule: what is about somebody's own money or access (URGENT) goes at any hour and beside the caps, up to a number of its own that
no honest sale reaches; everything else waits for the morning, keeps to the caps, and is not sent to who said STOP."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.gateways.interface import Why
from portal.messages.kinds import SERVICE, Channel

#: Urgent SMS to one number a day. A customer buys a few times; more is somebody playing with us.
URGENT_A_DAY = 20
_DISTURBING = frozenset({Channel.SMS.value, Channel.TELEGRAM.value})
_SERVICE = frozenset(told.value for told in SERVICE)


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant chose; minutes of its own day."""

    quiet_from: int = 21 * 60
    quiet_until: int = 7 * 60
    daily_cap: int = 500
    number_cap: int = 5


class Go(msgspec.Struct, frozen=True):
    """Send it now."""


class Wait(msgspec.Struct, frozen=True):
    """Look at it again then."""

    until: datetime
    why: Why


class Drop(msgspec.Struct, frozen=True):
    """It is not sent."""

    why: Why


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is due, and what was sent today already: by its merchant, and by it to this number."""

    kind: str
    channel: str
    is_urgent: bool
    ends_at: datetime
    sent_today: int = 0
    sent_to_number: int = 0
    is_stopped: bool = False


def decide(one: Candidate, chosen: Choices, *, zone: ZoneInfo, now: datetime) -> Go | Wait | Drop:
    """May it go?"""
    if one.ends_at <= now:
        return Drop(Why.TOO_LATE)
    if one.is_stopped and one.kind not in _SERVICE:
        return Drop(Why.STOPPED)
    if one.channel == Channel.SMS and one.sent_to_number >= (URGENT_A_DAY if one.is_urgent else chosen.number_cap):
        return Drop(Why.CAP)
    if one.is_urgent:
        return Go()
    wait = _wait(one, chosen, zone=zone, now=now)
    if wait is None:
        return Go()
    return wait if wait.until < one.ends_at else Drop(wait.why)


def _wait(one: Candidate, chosen: Choices, *, zone: ZoneInfo, now: datetime) -> Wait | None:
    if one.channel == Channel.SMS and one.sent_today >= chosen.daily_cap:
        tomorrow = day_start(now, zone) + timedelta(
            hours=36
        )  # noon or so of tomorrow, whatever the clocks do that night
        return Wait(_morning(day_start(tomorrow, zone), chosen, zone=zone), Why.CAP)
    if one.channel in _DISTURBING and is_quiet(now, chosen, zone=zone):
        return Wait(_morning(now, chosen, zone=zone), Why.QUIET)
    return None


def is_quiet(now: datetime, chosen: Choices, *, zone: ZoneInfo) -> bool:
    """Whether people are left in peace at this moment."""
    local = now.astimezone(zone)
    minute, begins, ends = local.hour * 60 + local.minute, chosen.quiet_from, chosen.quiet_until
    return begins <= minute < ends if begins <= ends else minute >= begins or minute < ends


def day_start(now: datetime, zone: ZoneInfo) -> datetime:
    """When the merchant's day began."""
    return datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(now.tzinfo)


def _morning(now: datetime, chosen: Choices, *, zone: ZoneInfo) -> datetime:
    """The next moment the clock on the wall shows the end of the quiet hours; now, when it is not quiet."""
    if not is_quiet(now, chosen, zone=zone):
        return now
    ends = time(chosen.quiet_until // 60, chosen.quiet_until % 60)
    local = now.astimezone(zone)
    found = datetime.combine(local.date(), ends, zone)
    if found <= local:
        found = datetime.combine(local.date() + timedelta(days=1), ends, zone)
    return found.astimezone(now.tzinfo)
