"""Holes of RouterOS that matter to a router somebody else can reach, with where each is told of and where it is closed.

Only what has a public record; a version that is not listed here is not therefore safe.
"""

import re
from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """`closed_in`: the first sound version of each major; versions of a major that is not named are not affected."""

    cve: str
    closed_in: tuple[Version, ...]
    source: str


HOLES: Final[tuple[Hole, ...]] = (
    Hole("CVE-2018-7445", ((6, 41, 3),), "https://nvd.nist.gov/vuln/detail/CVE-2018-7445"),
    Hole("CVE-2018-14847", ((6, 42, 1),), "https://nvd.nist.gov/vuln/detail/CVE-2018-14847"),
    # 6.49.7 of the stable channel, 6.49.8 of the long-term one: the later, as a number does not tell the channel.
    Hole("CVE-2023-30799", ((6, 49, 8),), "https://nvd.nist.gov/vuln/detail/CVE-2023-30799"),
    Hole("CVE-2022-45313", ((6, 49, 8), (7, 5)), "https://nvd.nist.gov/vuln/detail/CVE-2022-45313"),
    Hole("CVE-2023-32154", ((6, 49, 8), (7, 9, 1)), "https://nvd.nist.gov/vuln/detail/CVE-2023-32154"),
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
        if closed[0] == version[0] and _padded(version) < _padded(closed)
    ]


def _padded(version: Version) -> Version:
    return version + (0,) * (4 - len(version))
