"""What a package promises, frozen on checkouts, vouchers and grants. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.hours import ALL_DAYS, Hours


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lengths in seconds, data in bytes, speeds in kbit/s; None: no limit of that kind.

    It may burst to `burst_*` while the average of the last `burst_time_s` seconds is below `threshold_*` (None: below the speed).
    `use_*`: hours at which it works, by the clock of `zone`; see `portal.hours`. `name_*`: the name in a language, "": as it is."""

    name: str
    duration_s: int
    uptime_s: int | None = None
    data_bytes: int | None = None
    rate_down_kbps: int | None = None
    rate_up_kbps: int | None = None
    devices: int = 1
    clock_from: str = "first_use"
    activation_days: int | None = None
    purchase_days: int | None = None
    burst_down_kbps: int | None = None
    burst_up_kbps: int | None = None
    threshold_down_kbps: int | None = None
    threshold_up_kbps: int | None = None
    burst_time_s: int | None = None
    use_days: int = ALL_DAYS
    use_from_min: int | None = None
    use_until_min: int | None = None
    zone: str = ""
    name_en: str = ""
    name_sw: str = ""

    @property
    def use_hours(self) -> Hours:
        """When it works; always, when nothing else was said."""
        return Hours(days=self.use_days, from_min=self.use_from_min, until_min=self.use_until_min)

    def named(self, language: str) -> str:
        """Its name in a language, as the merchant gave it; the plain name when there is none."""
        return {"en": self.name_en, "sw": self.name_sw}.get(language, "") or self.name

    def works_at(self, at: datetime) -> bool:
        """Whether its use may begin at that moment."""
        hours = self.use_hours
        return hours.is_always or hours.holds(at, ZoneInfo(self.zone))

    def hours_end(self, at: datetime) -> datetime | None:
        """When the hours it works end that `at` lies in; None: never, or `at` lies in none."""
        hours = self.use_hours
        return None if hours.is_always else hours.end_of(at, ZoneInfo(self.zone))

    def encode(self) -> str:
        """JSON for a jsonb column."""
        return msgspec.json.encode(self).decode()

    def first_deadline(self, *, made_at: datetime) -> datetime | None:
        """When an unsold voucher expires."""
        return made_at + timedelta(days=self.activation_days) if self.activation_days else None

    def unused_deadline(self, *, paid_at: datetime) -> datetime | None:
        """When a paid voucher that was never used expires."""
        if self.clock_from == "purchase":
            return paid_at + timedelta(seconds=self.duration_s)
        return paid_at + timedelta(days=self.purchase_days) if self.purchase_days else None

    def usage_deadline(self, *, paid_at: datetime, started_at: datetime) -> datetime:
        """When a voucher in use expires: after its time, with its hours at the latest. What began outside of its hours, because
        money or a router came late, has its whole time."""
        begun = paid_at if self.clock_from == "purchase" else started_at
        ends = begun + timedelta(seconds=self.duration_s)
        hours_end = self.hours_end(started_at)
        return min(ends, hours_end.astimezone(ends.tzinfo)) if hours_end else ends

    def plus(self, more: "Terms") -> "Terms":
        """These terms with another period on top. A limit grows by what the other adds; where the other has none, there is none."""
        return msgspec.structs.replace(
            self,
            duration_s=self.duration_s + more.duration_s,
            uptime_s=_sum(self.uptime_s, more.uptime_s),
            data_bytes=_sum(self.data_bytes, more.data_bytes),
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def decode_terms(stored: str | bytes) -> Terms:
    """Read the terms from a jsonb column."""
    return msgspec.json.decode(stored, type=Terms)
