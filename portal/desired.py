"""From grants to what a router should hold. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.access_grants import Grant
from portal.terms import Terms
from routeros.names import comment_for, profile_name
from routeros.reconcile import Desired, DesiredUser
from routeros.values import HotspotUser, UserProfile

#: Over how many seconds RouterOS takes the average when nothing else is said on our form.
BURST_TIME_S = 8


def rate_of(terms: Terms) -> str:
    """A package's speed as RouterOS writes it: `up/down`, then what it may burst to, below which average, over which seconds; ""
    for full speed. One direction alone stands for both (MikroTik manual, Queues: rate-limit)."""
    up, down = terms.rate_up_kbps or terms.rate_down_kbps, terms.rate_down_kbps or terms.rate_up_kbps
    if not up or not down:
        return ""
    rate = f"{up}k/{down}k"
    if not (terms.burst_up_kbps or terms.burst_down_kbps):
        return rate
    burst = f"{max(up, terms.burst_up_kbps or 0)}k/{max(down, terms.burst_down_kbps or 0)}k"
    threshold = f"{terms.threshold_up_kbps or up}k/{terms.threshold_down_kbps or down}k"
    seconds = terms.burst_time_s or BURST_TIME_S
    return f"{rate} {burst} {threshold} {seconds}/{seconds}"


def profile_of(terms: Terms) -> UserProfile:
    """The user profile with a package's speed and devices; equal terms share one."""
    rate = rate_of(terms)
    return UserProfile(name=profile_name(rate, terms.devices), rate_limit=rate, shared_users=terms.devices)


def desired_user(grant: Grant, *, now: datetime) -> DesiredUser:
    """A grant as its router should hold it: before the clock runs the whole duration, afterwards what is left of it.

    Limits are totals by the router's own counters, so what they do not show is taken off."""
    limits = [_left(limit, grant.unseen_uptime_s) for limit in (grant.terms.uptime_s,) if limit]
    remaining = None
    if grant.is_running and grant.expires_at is not None:
        remaining = max(1, int((grant.expires_at - now).total_seconds()))
    else:
        limits.append(grant.terms.duration_s)
        hours_end = grant.terms.hours_end(now)
        if hours_end is not None and hours_end < now + timedelta(seconds=grant.terms.duration_s):
            remaining = max(1, int((hours_end - now).total_seconds()))
    return DesiredUser(
        name=grant.user_name,
        password=grant.password,
        profile=profile_of(grant.terms).name,
        grant_id=str(grant.id),
        remaining=remaining,
        limit_uptime=min(limits) if limits else None,
        limit_bytes_total=_left(grant.terms.data_bytes, grant.unseen_bytes) if grant.terms.data_bytes else None,
    )


def limit_at_first(user: DesiredUser, grant: Grant) -> int | None:
    """limit-uptime of a user that is made without a look at the router's counters: they may show what we know of, or nothing.
    Rather too high than too low; the next complete pass sets it right."""
    limits = [limit for limit in (user.limit_uptime,) if limit is not None]
    if user.remaining is not None:
        limits.append(user.remaining + grant.used_uptime_s)
    return max(1, min(limits)) if limits else None


def _left(total: int, unseen: int) -> int:
    """At least 1: to a router 0 is no limit."""
    return max(1, total - unseen)


def desired_state(grants: Sequence[Grant], *, now: datetime) -> Desired:
    """Everything a router should hold of ours. A grant whose voucher has ended is an ending, whatever its status says."""
    live = [grant for grant in grants if grant.is_live and grant.status in ("wanted", "present")]
    profiles = {profile.name: profile for profile in (profile_of(grant.terms) for grant in live)}
    return Desired(
        users={grant.user_name: desired_user(grant, now=now) for grant in live},
        profiles=profiles,
        ended=frozenset(grant.user_name for grant in grants) - {grant.user_name for grant in live},
    )


def new_user(grant: Grant, *, now: datetime) -> HotspotUser:
    """The row a grant gets when it is made without a look at the router."""
    wanted = desired_user(grant, now=now)
    return HotspotUser(
        name=wanted.name,
        password=wanted.password,
        profile=wanted.profile,
        comment=comment_for(wanted.grant_id),
        limit_uptime=limit_at_first(wanted, grant),
        limit_bytes_total=wanted.limit_bytes_total,
    )
