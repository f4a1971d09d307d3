"""What a RADIUS server grants a hotspot session, read out of the attributes of its answer, and changed by CoA.

Source: MikroTik manual, RADIUS (Access-Accept, Change of Authorization, numeric values). Pure.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from routeros.simulator.radius.packets import Attribute
from routeros.simulator.rates import queue_values
from routeros.simulator.values import format_duration

MIKROTIK: Final = 14988
_ASCEND, _WISPR = 529, 14122
USER_NAME, FILTER_ID, REPLY_MESSAGE, CLASS = (0, 1), (0, 11), (0, 18), (0, 25)
FRAMED_IP, SESSION_TIMEOUT, IDLE_TIMEOUT, CALLING_STATION = (0, 8), (0, 27), (0, 28), (0, 31)
ACCT_SESSION, PORT_LIMIT, INTERIM = (0, 44), (0, 62), (0, 85)
_RECV, _XMIT, _GROUP, _RATE, _MARK = ((MIKROTIK, number) for number in (1, 2, 3, 8, 11))
_ADVERTISE_URL, _ADVERTISE_INTERVAL, _RECV_GIGA, _XMIT_GIGA, _TOTAL, _TOTAL_GIGA, _LIST = (
    (MIKROTIK, number) for number in (12, 13, 14, 15, 17, 18, 19)
)
_ASCEND_RATE, _ASCEND_XMIT = (_ASCEND, 197), (_ASCEND, 255)
_REDIRECT, _MAX_UP, _MAX_DOWN, _TERMINATE = ((_WISPR, number) for number in (4, 7, 8, 9))
#: What a CoA may change.
CHANGEABLE: Final = frozenset(
    {
        *(_GROUP, _RECV, _XMIT, _RECV_GIGA, _XMIT_GIGA, _RATE, _ASCEND_RATE, _ASCEND_XMIT, _MARK, FILTER_ID),
        *(_ADVERTISE_URL, _ADVERTISE_INTERVAL, SESSION_TIMEOUT, IDLE_TIMEOUT, PORT_LIMIT),
    }
)
_OFFSET = re.compile(r"([+-]\d{2})(\d{2})\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """The attributes of an Access-Accept, as received."""

    attributes: tuple[Attribute, ...] = ()

    def merged(self, changes: tuple[Attribute, ...]) -> Grant:
        """Return the grant with these attributes in place of those of the same kind."""
        kinds = {(vendor, number) for vendor, number, _ in changes}
        if kinds & {_RATE, _ASCEND_RATE, _ASCEND_XMIT}:
            kinds |= {_RATE, _ASCEND_RATE, _ASCEND_XMIT, _MAX_UP, _MAX_DOWN}
        kept = tuple(each for each in self.attributes if each[:2] not in kinds)
        return Grant((*kept, *changes))

    def values(self, kind: tuple[int, int]) -> list[bytes]:
        """Return every value of an attribute."""
        return [value for vendor, number, value in self.attributes if (vendor, number) == kind]

    def text(self, kind: tuple[int, int]) -> str:
        """Return the first value as text, "" without one."""
        return next(iter(self.values(kind)), b"").decode("utf-8", "surrogateescape")

    def number(self, kind: tuple[int, int]) -> int | None:
        """Return the first value as a number; None without one, or with one that is none."""
        return next((int.from_bytes(value, "big") for value in self.values(kind) if len(value) == 4), None)

    @property
    def group(self) -> str:
        """The user profile; empty for the default one."""
        return self.text(_GROUP)

    @property
    def redirection_url(self) -> str:
        """Where the browser goes after the login."""
        return self.text(_REDIRECT)

    @property
    def interim(self) -> float | None:
        """Seconds between interim updates the server asks for."""
        return self.number(INTERIM)

    @property
    def terminates_at(self) -> datetime | None:
        """When the session must end; a text that is no such time is passed over."""
        text = _OFFSET.sub(r"\1:\2", self.text(_TERMINATE))
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at if at.tzinfo else None

    @property
    def rate_limit(self) -> str:
        """The rate limit as upload/download: Rate-Limit before Ascend before WISPr; empty for none."""
        if self.text(_RATE):
            return self.text(_RATE)
        ascend = [int.from_bytes(value, "big") for value in self.values(_ASCEND_RATE)]
        xmit = self.number(_ASCEND_XMIT)
        if ascend or xmit:
            # The first Ascend-Data-Rate limits download, a second one upload; with Ascend-Xmit-Rate it limits upload.
            down = xmit if xmit is not None else ascend[0]
            up = (ascend[0] if ascend else 0) if xmit is not None else ascend[1] if len(ascend) > 1 else ascend[0]
            return f"{up}/{down}" if up or down else ""
        up, down = self.number(_MAX_UP) or 0, self.number(_MAX_DOWN) or 0
        return f"{up}/{down}" if up or down else ""

    def limits(self) -> dict[str, str]:
        """Byte limits, by the names a user row has for them."""
        found: dict[str, str] = {}
        for name, low, high in (
            ("limit-bytes-in", _RECV, _RECV_GIGA),
            ("limit-bytes-out", _XMIT, _XMIT_GIGA),
            ("limit-bytes-total", _TOTAL, _TOTAL_GIGA),
        ):
            total = ((self.number(high) or 0) << 32) + (self.number(low) or 0)
            if total:
                found[name] = str(total)
        return found

    def overrides(self, now: datetime) -> dict[str, str]:
        """What of the user profile is overridden, by the profile's names."""
        found: dict[str, str] = {}
        spans = [float(span)] if (span := self.number(SESSION_TIMEOUT)) else []
        if (end := self.terminates_at) is not None:
            spans.append(max(1.0, (end - now).total_seconds()))
        if spans:
            found["session-timeout"] = format_duration(min(spans))
        if (idle := self.number(IDLE_TIMEOUT)) is not None:
            found["idle-timeout"] = format_duration(idle) if idle else "none"
        if (sessions := self.number(PORT_LIMIT)) is not None:
            found["shared-users"] = str(sessions)
        if _is_rate(self.rate_limit):
            found["rate-limit"] = self.rate_limit
        if self.text(_LIST):
            found["address-list"] = self.text(_LIST)
        return found

    def variables(self) -> dict[str, str]:
        """The `radius…` variables of the servlet's pages."""
        found: dict[str, str] = {}
        for vendor, number, value in reversed(self.attributes):
            name = f"radius{number}-{vendor}" if vendor else f"radius{number}"
            found[name] = value.decode("utf-8", "surrogateescape")
            found[f"{name}u"] = str(int.from_bytes(value, "big")) if len(value) == 4 else "0"
        return found


def _is_rate(text: str) -> bool:
    """A server may write anything; what is no rate limits nothing (inferred)."""
    try:
        queue_values(text)
    except ValueError:
        return False
    return bool(text)


def address(text: str) -> bytes:
    """An IPv4 address as an attribute's value; zeros for what is none."""
    try:
        return ipaddress.IPv4Address(text).packed
    except ValueError:
        return bytes(4)
