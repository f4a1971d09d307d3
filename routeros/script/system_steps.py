"""First and last steps of a set-up: is this the right router and may it do this, keep a copy, name, clock, authority."""

import re
from typing import Final

from routeros.script.quoting import quote
from routeros.script.statements import (
    Script,
    attempt,
    discard,
    ensure_each,
    long_text,
    remember,
    restore,
    say,
    stop,
    when_none,
)
from routeros.script.values import Family, Onboarding, PullAgent, Trust, Variant

_ADDRESS: Final = re.compile(r"[0-9.]+", re.ASCII)
#: SNTP of version 6 keeps two addresses and a list of names apart.
_SIX_NTP: Final = ("primary-ntp", "secondary-ntp", "server-dns-names")


def right_version(onboarding: Onboarding) -> list[str]:
    """Refuse a router of the other family, or one too old for what was chosen."""
    start, other = ("6.", "7") if onboarding.family is Family.SIX else ("7.", "6.49")
    sentence = (
        f"This script is for RouterOS {onboarding.family}. Choose RouterOS {other} in the portal and paste that one."
    )
    lines = [f":if ([:pick [/system resource get version] 0 2] != {quote(start)}) do={{ {stop(sentence)} }}"]
    minor, sentence = _least(onboarding)
    if minor:
        # Of 7.9 the two characters are no number, so it is refused as it should be.
        lines += [
            ":local vMinor [:tonum [:pick [/system resource get version] 2 4]]",
            f':if ([:typeof $vMinor] != "num" || $vMinor < {minor}) do={{ {stop(sentence)} }}',
        ]
    return lines


def _least(onboarding: Onboarding) -> tuple[int, str]:
    """The least minor version of 7 the wish needs, two digits, and what to do with an older one; 0 for any."""
    way = onboarding.way
    if onboarding.family is Family.SIX or not isinstance(way, PullAgent):
        return 0, ""
    if onboarding.trust is Trust.BUILT_IN and way.url.startswith("https://"):
        return 19, "Before RouterOS 7.19 routers know no authority. Update it, or choose our certificate in the portal."
    if way.variant is Variant.JSON:
        return 13, "JSON needs RouterOS 7.13. Update it, or choose plain lines in the portal."
    return 0, ""


def device_mode(onboarding: Onboarding) -> list[str]:
    """Refuse a router whose device-mode forbids what we need, and say what to do (MikroTik manual, Device-mode)."""
    if onboarding.family is Family.SIX:
        return []
    features = ["hotspot", "proxy", *(["fetch", "scheduler"] if isinstance(onboarding.way, PullAgent) else [])]
    lines = [':local vDenied ""', ':local vMode ""']
    for feature in features:
        lines += attempt(
            [
                f":set vMode [:tostr [/system device-mode get {feature}]]",
                f':if ($vMode = "false" || $vMode = "no") do={{ :set vDenied ($vDenied . " {feature}=yes") }}',
            ],
            f"This version does not tell device-mode {feature}; going on.",
        )
    return [
        *lines,
        ":if ([:len $vDenied] > 0) do={",
        say("The device-mode of this router forbids what a hotspot needs. Type this line:"),
        ':put ("/system/device-mode/update" . $vDenied)',
        say("Then, within 5 minutes, pull the power plug out and put it back in. A reboot by software does not count."),
        stop("Nothing was changed. When the router is back, paste this script again."),
        "}",
    ]


def backup(onboarding: Onboarding) -> list[str]:
    """Keep the router as it was before our first run: a backup and its text. `$vFlash` is known afterwards."""
    name = f"{onboarding.tag}-before"
    # Version 6 writes passwords into an export unless told not to; version 7 leaves them out by itself.
    hide = "hide-sensitive " if onboarding.family is Family.SIX else ""
    return [
        ':local vFlash ""',
        ':if ([:len [/file find where name="flash"]] > 0) do={ :set vFlash "flash/" }',
        *when_none(
            "/file",
            {"name": Script(f'($vFlash . "{name}.backup")')},
            [
                *attempt(
                    [f'/system backup save name=($vFlash . "{name}")', f'/export {hide}file=($vFlash . "{name}")'],
                    "No copy of the old settings could be saved; perhaps the disk is full. Undo works without it.",
                ),
            ],
        ),
    ]


def name_and_clock(onboarding: Onboarding) -> list[str]:
    """Identity, time zone, time servers. A router without the right time cannot check certificates."""
    tag = onboarding.tag
    lines = [
        *remember(tag, "identity", "[/system identity get name]"),
        f"/system identity set name={quote(onboarding.router_name)}",
        *remember(tag, "zone", "[/system clock get time-zone-name]"),
        f"/system clock set time-zone-name={quote(onboarding.time_zone)}",
    ]
    if not onboarding.ntp_servers:
        return lines
    return [
        *lines,
        *remember(tag, "ntp", "[:tostr [/system ntp client get enabled]]"),
        *(_ntp_of_six(onboarding) if onboarding.family is Family.SIX else _ntp_of_seven(onboarding)),
    ]


def undo_name_and_clock(onboarding: Onboarding) -> list[str]:
    """Give the router its name, zone and time servers back."""
    tag, is_six = onboarding.tag, onboarding.family is Family.SIX
    no = ':if ($vWas = "true" || $vWas = "yes") do={ :set vWas "yes" } else={ :set vWas "no" }'
    lines = [
        *restore(tag, "identity", ["/system identity set name=$vWas"]),
        *restore(tag, "zone", ["/system clock set time-zone-name=$vWas"]),
    ]
    if not onboarding.ntp_servers:
        return lines
    lines += restore(tag, "ntp", [no, "/system ntp client set enabled=$vWas"])
    if not is_six:
        return [*lines, *discard("/system ntp client servers", {"comment": tag})]
    for name in _SIX_NTP:
        lines += restore(tag, name, [f"/system ntp client set {name}=$vWas"])
    return lines


def _ntp_of_seven(onboarding: Onboarding) -> list[str]:
    menu = "/system ntp client servers"
    return [
        *ensure_each(menu, onboarding.tag, key="address", wanted=onboarding.ntp_servers, values={}),
        '/system ntp client set enabled="yes"',
    ]


def _ntp_of_six(onboarding: Onboarding) -> list[str]:
    addresses = [host for host in onboarding.ntp_servers if _ADDRESS.fullmatch(host)]
    names = ",".join(host for host in onboarding.ntp_servers if host not in addresses)
    new = dict(zip(_SIX_NTP, (*(*addresses, "0.0.0.0", "0.0.0.0")[:2], names), strict=True))
    lines: list[str] = []
    for name in _SIX_NTP:
        lines += remember(onboarding.tag, name, f"[:tostr [/system ntp client get {name}]]")
    values = " ".join(f"{name}={quote(value)}" for name, value in new.items())
    return [*lines, f'/system ntp client set enabled="yes" {values}']


def authority(onboarding: Onboarding) -> list[str]:
    """Install the authority that signed the portal's certificate, for routers that know none or not ours."""
    if onboarding.trust is not Trust.OURS:
        return []
    name = f"{onboarding.tag}-ca"
    if onboarding.family is Family.SIX:
        # Version 6 makes files only by printing into one, and calls it .txt.
        file, make = f"{name}.txt", [f"/file print file={quote(name)}", ":delay 2s"]
        write = f"/file set [find where name={quote(file)}] contents=$vText"
    else:
        file, make = f"{name}.pem", [f"/file remove [find where name={quote(f'{name}.pem')}]"]
        write = f"/file add name={quote(file)} contents=$vText"
    return [
        f":if ([:len [/certificate find where name~{quote(f'^{name}')}]] = 0) do={{",
        *long_text("vText", onboarding.ca_pem),
        *make,
        write,
        ":delay 1s",
        f'/certificate import file-name={quote(file)} passphrase=""',
        f"/file remove [find where name={quote(file)}]",
        "}",
    ]


def undo_authority(onboarding: Onboarding) -> list[str]:
    """Take the authority out again."""
    if onboarding.trust is not Trust.OURS:
        return []
    return attempt(
        [f"/certificate remove [find where name~{quote(f'^{onboarding.tag}-ca')}]"], "The authority is still in use."
    )
