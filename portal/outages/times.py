"""How much time an outage took. Pure."""

from datetime import datetime


def lost_s(began_at: datetime, until: datetime, *, started_at: datetime) -> int:
    """Whole seconds of an outage that a voucher which started at `started_at` lost; never below 0, whatever clocks did."""
    return max(0, int((until - max(began_at, started_at)).total_seconds()))
