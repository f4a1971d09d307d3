"""What a package promises, frozen on checkouts, vouchers and grants. Pure."""

from datetime import datetime, timedelta

import msgspec


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lengths in seconds, data in bytes, speeds in kbit/s; None: no limit of that kind."""

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
        """When a voucher in use expires."""
        begun = paid_at if self.clock_from == "purchase" else started_at
        return begun + timedelta(seconds=self.duration_s)

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
