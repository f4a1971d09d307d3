"""Holes of RouterOS that matter to a router somebody else can reach, with where each is told of and where it is closed.

Only what has a public record; a version that is not listed here is not therefore safe.
"""

import re
from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """`closed_in`: the first sound version of each major; versions of a major that is not named are not known to be affected.
    `also_closed_in`: where an older branch was mended too; later versions of that branch are sound."""

    cve: str
    closed_in: tuple[Version, ...]
    source: str
    also_closed_in: tuple[Version, ...] = ()


#: Versions as MikroTik's own security announcements (mikrotik.com/supportsec) and NVD give them.
HOLES: Final[tuple[Hole, ...]] = (
    # NVD: "before versions 6.41.3/6.42rc27". MikroTik has no announcement of it.
    Hole("CVE-2018-7445", ((6, 41, 3),), "https://nvd.nist.gov/vuln/detail/CVE-2018-7445"),
    # MikroTik: 6.40.8 of the bugfix branch, 6.42.1 of the current one.
    Hole("CVE-2018-14847", ((6, 42, 1),), "https://nvd.nist.gov/vuln/detail/CVE-2018-14847", ((6, 40, 8),)),
    # NVD: "stable before 6.49.7 and long-term through 6.48.6". MikroTik: "v7.7 and v6.49.7 and newer".
    Hole("CVE-2023-30799", ((6, 49, 7), (7, 7)), "https://nvd.nist.gov/vuln/detail/CVE-2023-30799", ((6, 48, 7),)),
    # NVD: "before stable v7.5". Nothing is told of version 6.
    Hole("CVE-2022-45313", ((7, 5),), "https://nvd.nist.gov/vuln/detail/CVE-2022-45313"),
    # MikroTik: 7.9.1, 6.49.8, 6.48.7, 7.10beta8; only where router advertisements are accepted.
    Hole("CVE-2023-32154", ((6, 49, 8), (7, 9, 1)), "https://nvd.nist.gov/vuln/detail/CVE-2023-32154", ((6, 48, 7),)),
    # MikroTik: version 6 only, 6.49.10.
    Hole("CVE-2023-30800", ((6, 49, 10),), "https://nvd.nist.gov/vuln/detail/CVE-2023-30800"),
    # MikroTik: the hotspot's own login page, "below 7.19.2". Nothing is told of version 6.
    Hole("CVE-2025-6563", ((7, 19, 2),), "https://nvd.nist.gov/vuln/detail/CVE-2025-6563"),
    # MikroTik: 7.20.1 and 7.21beta2. Version 6 has no REST API.
    Hole("CVE-2025-10948", ((7, 20, 1),), "https://nvd.nist.gov/vuln/detail/CVE-2025-10948"),
)


def read_version(text: str) -> Version | None:
    """ "7.16.2" → (7, 16, 2); a release candidate counts as the release before it; None for what is no version."""
    found = re.match(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(beta|rc|alpha)?", text.strip(), re.ASCII)
    if found is None:
        return None
    numbers = tuple(int(number) for number in found.groups()[:3] if number is not None)
    return (*numbers, -1) if found[4] else numbers


def holes_of(version: Version) -> list[Hole]:
    """The holes this version still has."""
    return [
        hole
        for hole in HOLES
        for closed in hole.closed_in
        if closed[0] == version[0] and _padded(version) < _padded(closed) and not _was_mended(version, hole)
    ]


def _was_mended(version: Version, hole: Hole) -> bool:
    return any(_padded(each)[:2] == _padded(version)[:2] and version >= each for each in hole.also_closed_in)


def _padded(version: Version) -> Version:
    return version + (0,) * (4 - len(version))
