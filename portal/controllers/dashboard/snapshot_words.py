"""Words for a router's settings, as the doctor notes them (routeros.doctor.told). Others are shown as the router calls them."""

import re
from collections.abc import Mapping

from portal.msgid import N_

#: A message, and what to fill in; "" : there are no words for it.
Words = tuple[str, Mapping[str, str]]

_NAMES: Mapping[str, str] = {
    "version": N_("RouterOS version"),
    "board": N_("Board"),
    "serial": N_("Serial number"),
    "identity": N_("The router's own name"),
    "time zone": N_("Time zone"),
    "time servers": N_("Time servers"),
    "licence": N_("Licence level"),
    "policies of our user": N_("Rights of our user"),
    "walled garden hosts": N_("Sites open before paying"),
    "walled garden addresses": N_("Addresses open before paying"),
}
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("device-mode (?P<which>.+)"), N_("Device-mode: %(which)s")),
    (re.compile("service (?P<which>.+)"), N_("Service %(which)s")),
    (re.compile("hotspot (?P<which>.+) interface"), N_("Hotspot %(which)s: interface")),
    (re.compile("hotspot (?P<which>.+) login-by"), N_("Hotspot %(which)s: ways to sign in")),
    (re.compile("hotspot (?P<which>.+) dns-name"), N_("Hotspot %(which)s: name for phones")),
    (re.compile("hotspot (?P<which>.+)"), N_("Hotspot %(which)s")),
)
_VALUES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("on"), N_("on")),
    (re.compile("off"), N_("off")),
    (re.compile("port (?P<port>[0-9]+) for everybody"), N_("port %(port)s for everybody")),
    (re.compile("port (?P<port>[0-9]+) for (?P<who>.+)"), N_("port %(port)s for %(who)s")),
)


def name(setting: str) -> Words:
    """What a shopkeeper calls a setting."""
    return (_NAMES[setting], {}) if setting in _NAMES else _first(_PATTERNS, setting)


def value(text: str) -> Words:
    """A value in words, where it is of the doctor's making."""
    return _first(_VALUES, text)


def _first(patterns: tuple[tuple[re.Pattern[str], str], ...], text: str) -> Words:
    for pattern, words in patterns:
        if found := pattern.fullmatch(text):
            return words, found.groupdict()
    return "", {}
