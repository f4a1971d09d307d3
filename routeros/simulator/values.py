"""RouterOS values as text: durations, yes/no, sizes, MAC addresses, address ranges. Pure; knows no menus.

Parsers raise ValueError; formats follow what the API prints (MikroTik manual, API and Scripting, data types).
"""

from __future__ import annotations

import ipaddress
import re

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_TERM = re.compile(r"(\d+)(ms|us|[wdhms])")
_DATE_TERM = re.compile(r"(\d+)([wd])")
_CLOCK = re.compile(r"(\d+):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?")
_SIZE = re.compile(r"(\d+)(?:([kKMGT])(?:i?[bB])?)?")
_RATE = re.compile(r"\d+[kKMG]?")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:.-]?){5}[0-9A-Fa-f]{2}")


def parse_duration(text: str) -> float:
    """Read `1w2d3h4m5s`, `05:00:00`, `1d 02:00:00`, `1d02:00:00`, `90` (seconds) or `500ms`; give seconds."""
    rest = text.strip()
    if rest.isascii() and rest.isdigit():
        return float(rest)
    total, seen = 0.0, False
    pattern = _DATE_TERM if ":" in rest else _TERM
    while match := pattern.match(rest):
        total += _term(match[1], match[2])
        rest, seen = rest[match.end() :].lstrip(), True
    if match := _CLOCK.fullmatch(rest):
        hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
        if minutes > 59 or seconds > 59:
            raise ValueError(f"not a time: {text!r}")
        fraction = float(f"0.{match[4]}") if match[4] else 0.0
        return total + hours * 3600 + minutes * 60 + seconds + fraction
    if rest or not seen:
        raise ValueError(f"not a time: {text!r}")
    return total


def parse_limit(text: str) -> float | None:
    """Read a time limit in seconds: None, without limit, when absent (empty), `none` or zero."""
    if text in {"", "none"}:
        return None
    return parse_duration(text) or None


def _term(number: str, unit: str) -> float:
    if unit == "ms":
        return int(number) / 1000
    if unit == "us":
        return int(number) / 1_000_000
    return int(number) * _UNITS[unit]


def format_duration(seconds: float) -> str:
    """Print as the API does: `1w2d3h4m5s`, `0s`, and `500ms` parts when there is a fraction."""
    thousandths = max(0, int(seconds * 1000 + 1e-6))
    whole, thousandths = divmod(thousandths, 1000)
    parts: list[str] = []
    for unit, size in _UNITS.items():
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    if thousandths:
        parts.append(f"{thousandths}ms")
    return "".join(parts) or "0s"


def parse_bool(text: str) -> bool:
    """Read yes/no and true/false."""
    word = text.strip().lower()
    if word in {"yes", "true"}:
        return True
    if word in {"no", "false"}:
        return False
    raise ValueError(f"not yes or no: {text!r}")


def format_bool(value: bool) -> str:
    """Print as the API does: true or false."""
    return "true" if value else "false"


def parse_size(text: str) -> int:
    """Read a byte count; k, M, G, T multiply by powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a size: {text!r}")
    return int(match[1]) * 1024 ** ("kMGT".index("k" if match[2] == "K" else match[2]) + 1 if match[2] else 0)


def parse_mac(text: str) -> str:
    """Read a MAC address with any usual separator; give `AA:BB:CC:DD:EE:FF`."""
    if _MAC.fullmatch(text.strip()) is None:
        raise ValueError(f"not a MAC address: {text!r}")
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).upper()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def looks_like_mac(text: str) -> bool:
    """Say whether a user name has the form of a MAC address with separators."""
    return bool(re.fullmatch(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}", text))


def parse_ip(text: str) -> str:
    """Read one IPv4 address; the hotspot knows no other kind."""
    return str(ipaddress.IPv4Address(text.strip()))


def parse_ip_prefix(text: str) -> str:
    """Read `10.0.0.1/24`, an address with the length of its network (32 when left out)."""
    return str(ipaddress.IPv4Interface(text.strip()))


def parse_ip_range(text: str) -> str:
    """Read `10.0.0.1`, `10.0.0.0/24` or `10.0.0.1-10.0.0.9`."""
    word = text.strip()
    first, dash, last = word.partition("-")
    if dash:
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        if low > high:
            raise ValueError(f"not a range: {text!r}")
        return f"{low}-{high}"
    if "/" in word:
        ipaddress.IPv4Interface(word)
        return word
    return str(ipaddress.IPv4Address(word))


def in_range(ip: str, span: str) -> bool:
    """Say whether an IPv4 address lies in an address, network or range; a leading `!` negates."""
    if span.startswith("!"):
        return not in_range(ip, span[1:])
    first, dash, last = span.partition("-")
    address = ipaddress.IPv4Address(ip)
    if dash:
        return ipaddress.IPv4Address(first) <= address <= ipaddress.IPv4Address(last)
    return address in ipaddress.IPv4Network(span, strict=False)


def ip_id(ip: str) -> str:
    """Give the item id of an active session: `*` and the client's address in hex (field reports)."""
    return f"*{int(ipaddress.IPv4Address(ip)):X}"


def parse_rate(text: str) -> int:
    """Read `512k` or `1M` (bits per second, decimal)."""
    if _RATE.fullmatch(text) is None:
        raise ValueError(f"not a rate: {text!r}")
    factor = {"k": 1000, "K": 1000, "M": 1_000_000, "G": 1_000_000_000}.get(text[-1])
    return int(text[:-1]) * factor if factor else int(text)


def parse_rate_pair(text: str) -> tuple[int, int]:
    """Read a rate limit and give its first pair (rx, tx) in bit/s: rx is the client's upload; one number means both.

    Form: `rx/tx [burst rx/tx [threshold rx/tx [time rx/tx [priority [limit-at rx/tx]]]]]`.
    """
    readers = (parse_rate, parse_rate, parse_rate, parse_duration, int, parse_rate)
    words = text.split()
    if not 1 <= len(words) <= len(readers):
        raise ValueError(f"not a rate limit: {text!r}")
    for word, read in zip(words, readers, strict=False):
        for half in word.split("/", 1):
            read(half)
    rx, _, tx = words[0].partition("/")
    return parse_rate(rx), parse_rate(tx or rx)
