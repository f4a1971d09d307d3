"""Mikhmon v3: hotspot users and profiles of a router, as its export (.rsc), as Mikhmon's own CSV of users, or read from the router. Pure.

Formats by Mikhmon's source (laksa19/mikhmonv3, GPL-2.0: hotspot/adduserprofile.php, generateuser.php, exportusers.php): a profile's
`on-login` begins with `:put (",<mode>,<price>,<validity>,<selling price>,,<lock>,")`, mode rem, ntf, remc, ntfc or empty; a user made
by it has the comment `vc-<number>-<date>-<note>` (name and password alike) or `up-…`, and from its first login on the moment it ends.
With ntf an ended user's limit-uptime is one second. What was sold is kept as scripts named `date-|-time-|-user-|-price-|-…`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from portal.imports.found import Code, Found, Kind, Other, Package, Why, fold_name
from portal.imports.letters import printable
from portal.imports.routeros_text import added_of, bytes_of, date_of, length_of
from portal.money import AmountError, parse_amount

_PUT = re.compile(r'^\s*:put\s*\(\s*"(?P<words>,[^"]*)"\s*\)')
_MADE = re.compile(r"(vc|up)-", re.IGNORECASE)
_USER, _PROFILE, _SCRIPT = "/ip hotspot user", "/ip hotspot user profile", "/system script"
#: The router's own rows, which nobody holds a card for.
_BUILT_IN = frozenset({"default-trial", "default", "admin"})
_OURS = re.compile(r"vocha-[0-9a-f]{16}")
_HEADER = ("username", "password", "profile", "time limit", "data limit", "comment")


class _Promise(msgspec.Struct, frozen=True):
    price_cents: int | None
    validity_s: int | None
    is_priced: bool


def is_export(text: str) -> bool:
    """Whether it is RouterOS's export of hotspot users or profiles."""
    return "/ip hotspot" in text[:2_000_000] or "/ip/hotspot" in text[:2_000_000]


def read(text: str) -> Found:
    """A router's export, or Mikhmon's CSV."""
    if is_export(text):
        rows = [(added.line, added.menu, added.words) for added in added_of(text)]
    else:
        rows = [(line, _USER, words) for line, words in _from_csv(text)]
    return read_rows(rows)


def read_rows(rows: Iterable[tuple[int, str, Mapping[str, str]]]) -> Found:
    """Rows of menus ("/ip hotspot user" and the like), as exported or as the router's API tells them."""
    listed = list(rows)
    users = [(line, words) for line, menu, words in listed if menu == _USER]
    profiles = [(line, words) for line, menu, words in listed if menu == _PROFILE]
    codes = [_code(line, words) for line, words in users if words.get("name") not in _BUILT_IN]
    wanted = {code.package for code in codes}
    limits = _limits(codes)
    packages = [
        made
        for line, words in profiles
        if (made := _package(line, words, limits)) and (made.why is None or made.key in wanted)
    ]
    sales = [made for line, menu, words in listed if menu == _SCRIPT and (made := _sale(line, words))]
    return Found(packages=packages, codes=codes, others=sales)


def _from_csv(text: str) -> Iterable[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(io.StringIO(text))
    header = [cell.strip().casefold() for cell in next(reader, [])]
    names = ("name", "password", "profile", "limit-uptime", "limit-bytes-total", "comment")
    places = [header.index(word) if word in header else None for word in _HEADER]
    for row in reader:
        if any(cell.strip() for cell in row):
            # Mikhmon quotes nothing: a comma in the comment, which comes last, makes more cells.
            cells = [*row[:5], ",".join(row[5:])] if places == list(range(6)) else row
            yield (
                reader.line_num,
                {
                    name: cells[place].strip()
                    for name, place in zip(names, places, strict=True)
                    if place is not None and place < len(cells)
                },
            )


def is_csv(text: str) -> bool:
    """Whether it begins as Mikhmon's CSV of users does."""
    header = [cell.strip().casefold() for cell in text.split("\n", 1)[0].split(",")]
    return header[:3] == list(_HEADER[:3]) and "time limit" in header


def _promise(on_login: str) -> _Promise:
    put = _PUT.match(on_login)
    if put is None:
        return _Promise(None, None, is_priced=False)
    words = [*put["words"].split(","), *([""] * 8)]
    prices = [_cents(word) for word in (words[4], words[2])]
    # What customers pay is the selling price; without one, the price.
    price = next((cents for cents in prices if cents), prices[1])
    return _Promise(price, length_of(words[3]), is_priced=True)


def _cents(text: str) -> int | None:
    try:
        return parse_amount(text.strip() or "0")
    except AmountError:
        return None


def _package(
    line: int, words: Mapping[str, str], limits: Mapping[str, tuple[int | None, int | None]]
) -> Package | None:
    name = printable(words.get("name", ""))
    promise = _promise(words.get("on-login", ""))
    if not name or (name in _BUILT_IN and not promise.is_priced) or name.startswith("vocha-"):
        return None
    uptime, data = limits.get(fold_name(name), (None, None))
    down, up = _speeds(words.get("rate-limit", ""))
    shared = words.get("shared-users", "1")
    duration = promise.validity_s or uptime
    why = Why.BAD_PRICE if promise.price_cents is None and promise.is_priced else None
    why = why or (Why.BAD_LENGTH if not duration and promise.is_priced else None)
    return Package(
        line=line, key=fold_name(name), name=name, price_cents=promise.price_cents,
        duration_s=duration or None, uptime_s=uptime if uptime != duration else None, data_bytes=data,
        rate_down_kbps=down, rate_up_kbps=up,
        devices=max(1, min(100, int(shared))) if shared.isascii() and shared.isdigit() and len(shared) < 6 else 1,
        why=why or (None if promise.is_priced else Why.NO_PACKAGE),
    )  # fmt: skip


def _speeds(rate_limit: str) -> tuple[int | None, int | None]:
    """ "512k/2M 1M/4M …" is from the phone and to it (RouterOS rx/tx); one value stands for both."""
    first = rate_limit.split(maxsplit=1)[0] if rate_limit.split() else ""
    up, _, down = first.partition("/")
    return kbps_of(down or up), kbps_of(up)


def kbps_of(text: str) -> int | None:
    """ "512k", "2M" in kbit/s as RouterOS spells speeds, 1000 to the next; None: no speed."""
    found = re.fullmatch(r"(\d{1,12})([kKmMgG]?)", text, re.ASCII)
    if not found:
        return None
    bits = int(found[1]) * {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}[found[2].lower()]
    return bits // 1000 or None


def _limits(codes: Iterable[Code]) -> dict[str, tuple[int | None, int | None]]:
    """The limits most users of a profile were made with: Mikhmon keeps them with each user."""
    counts: dict[str, Counter[tuple[int | None, int | None]]] = {}
    for code in codes:
        if code.why is None and not code.is_running:
            counts.setdefault(code.package, Counter())[code.uptime_s, code.data_bytes] += 1
    return {name: each.most_common(1)[0][0] for name, each in counts.items()}


def _code(line: int, words: Mapping[str, str]) -> Code:
    name, comment = words.get("name", "").strip(), words.get("comment", "").strip()
    password = words.get("password", "").strip()
    ends = date_of(comment)
    limit, data = length_of(words.get("limit-uptime", "")), bytes_of(words.get("limit-bytes-total", "") or "0")
    spent, moved = length_of(words.get("uptime", "")) or 0, _spent_bytes(words)
    why = None
    if _OURS.fullmatch(name):
        why = Why.OURS
    elif not name:
        why = Why.NO_CODE
    elif words.get("disabled", "") in ("yes", "true"):
        why = Why.OFF
    elif limit == 1 or (limit and spent >= limit) or (data and moved >= data):
        why = Why.OVER
    return Code(
        line=line, text=name if password in ("", name) else name + password,
        package=fold_name(words.get("profile", "") or "default"), uptime_s=limit - spent if limit and not why else limit or None,
        data_bytes=data - moved if data and not why else data or None, is_running=ends is not None or spent > 0,
        expires_local=ends, note=printable(comment, 60) if _MADE.match(comment) else "", why=why,
    )  # fmt: skip


def _spent_bytes(words: Mapping[str, str]) -> int:
    return sum(bytes_of(words.get(name, "0")) or 0 for name in ("bytes-in", "bytes-out"))


def _sale(line: int, words: Mapping[str, str]) -> Other | None:
    parts = words.get("name", "").split("-|-")
    if words.get("comment") != "mikhmon" or len(parts) < 4:
        return None
    return Other(
        line=line, kind=Kind.MONEY, name=printable(f"{parts[0]} {parts[1]}"), cents=_cents(parts[3]) or 0, why=Why.MONEY
    )
