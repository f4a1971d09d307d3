"""The script that sets a router up, the one that undoes it, and the line that fetches it. Values in, text out.

The whole script is one block: RouterOS reads it to its end before it does anything, stops at the first error, and may
be given it again. Version 6 has no `:onerror`, so errors are caught by `:do … on-error` everywhere.
"""

import re
from collections.abc import Callable
from typing import Final

from routeros.script import access_steps, hotspot_steps, system_steps
from routeros.script.quoting import quote
from routeros.script.statements import attempt, block, say
from routeros.script.values import (
    ApiLogin,
    DirectApi,
    ExistingHotspot,
    Family,
    NewHotspot,
    Onboarding,
    PullAgent,
    Trust,
    Variant,
    WireGuard,
)

__all__ = [
    "ApiLogin",
    "DirectApi",
    "ExistingHotspot",
    "Family",
    "NewHotspot",
    "Onboarding",
    "PullAgent",
    "Trust",
    "Variant",
    "WireGuard",
    "fetch_line",
    "setup_script",
    "undo_script",
]

_Step = Callable[[Onboarding], list[str]]
#: Sentence for the person at the console, and what is done.
_STEPS: Final[tuple[tuple[str, _Step], ...]] = (
    ("checking the version", system_steps.right_version),
    ("checking the device-mode", system_steps.device_mode),
    ("keeping a copy of the old settings", system_steps.backup),
    ("name, clock and time servers", system_steps.name_and_clock),
    ("certificate authority", system_steps.authority),
    ("addresses of the hotspot", hotspot_steps.addresses),
    ("hotspot", hotspot_steps.server),
    ("login page", hotspot_steps.pages),
    ("what may be reached before paying", hotspot_steps.walled_garden),
    ("captive portal address for phones", hotspot_steps.captive_option),
    ("the way between router and portal", access_steps.access),
)
_UNDOING: Final[tuple[_Step, ...]] = (
    access_steps.undo_access,
    hotspot_steps.undo_captive_option,
    hotspot_steps.undo_walled_garden,
    hotspot_steps.undo_server,
    hotspot_steps.undo_pages,
    system_steps.undo_authority,
    system_steps.undo_name_and_clock,
)
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_COMMENTABLE: Final = re.compile(r"[^A-Za-z0-9 _.,:/@+=-]")


def setup_script(onboarding: Onboarding) -> str:
    """The paste-in script. It holds secrets of this router: to be given out once, for minutes, to its owner."""
    lines: list[str] = []
    steps = [(sentence, made) for sentence, step in _STEPS if (made := step(onboarding))]
    for number, (sentence, made) in enumerate(steps, start=1):
        lines += [say(f"{number}/{len(steps)} {sentence}"), *made]
    lines.append(say(f"Done. {onboarding.router_name} is set up; the portal shows it as soon as it has seen it."))
    return "\n".join((*_heading(onboarding, "sets up"), *_certificate_advice(onboarding), "")) + block(lines)


def undo_script(onboarding: Onboarding) -> str:
    """Remove what is ours and give back what was changed. Goes on where a router refuses, and may be repeated."""
    lines = [
        *_customers_of_ours(),
        *(line for step in _UNDOING for line in step(onboarding)),
        say(f"Done. The backup {onboarding.tag}-before is still in Files."),
    ]
    return "\n".join((*_heading(onboarding, "takes Vocha away from"), "")) + block(lines)


def fetch_line(url: str, code: str) -> str:
    """One line that fetches and runs the script, for routers whose device-mode allows fetch.

    `code` is the single-use word of this script; it goes in the body, so that it stands in nobody's log. The router
    must know the authority of `url` (7.19 and later do), or the line fails and nothing happens.
    """
    if not url.startswith("https://") or _CODE.fullmatch(code) is None:
        raise ValueError("a script is fetched over https, with a code of 16 characters or more")
    file = "vocha-setup.rsc"
    return (
        f"/tool fetch url={quote(url)} http-method=post http-data={quote(code)} check-certificate=yes"
        f" dst-path={quote(file)}; /import file-name={quote(file)}; /file remove [find where name={quote(file)}]\n"
    )


def _heading(onboarding: Onboarding, does: str) -> list[str]:
    return [
        f"# Vocha {does} the router {_comment(onboarding.router_name)} of {_comment(onboarding.merchant_name)},"
        f" RouterOS {onboarding.family}.",
        "# Paste all of it into a terminal of the router, as admin. It may be pasted twice.",
        f"# Everything it adds is called {onboarding.tag}, or has the comment {onboarding.tag}.",
    ]


def _certificate_advice(onboarding: Onboarding) -> list[str]:
    way = onboarding.way
    if isinstance(way, DirectApi) and way.port == 8729:
        return [
            "# The API over TLS needs a certificate on the router. Once, before this script:",
            "#   /certificate add name=vocha-api common-name=vocha-api days-valid=3650 key-size=2048",
            "#   /certificate sign vocha-api",
            "#   /ip service set api-ssl certificate=vocha-api",
            "# and tell the portal the certificate's fingerprint: /certificate print detail",
        ]
    if isinstance(way, DirectApi):
        return ["# The API without TLS shows its words on the way: use it inside a network of yours only."]
    if isinstance(way, PullAgent) and onboarding.trust is Trust.BUILT_IN:
        return [
            "# The router calls us over HTTPS and checks our certificate. RouterOS 7.19 and later know the authorities.",
            "# Older ones need ours: choose that in the portal.",
        ]
    if isinstance(way, PullAgent) and onboarding.trust is Trust.NONE:
        return ["# The router does not check who answers it. For tests on a cable only."]
    return []


def _customers_of_ours() -> list[str]:
    """Users, sessions, cookies, profiles and PPPoE secrets that the portal made: without it nobody would end them. A secret goes
    before its session, or its owner would dial in again."""
    name = quote("^vocha-[0-9a-f]{16}$")
    profile = quote("^vocha-[0-9a-z-]+-x([0-9]+|any)$")
    rows = {
        "/ip hotspot user": f"name~{name} and comment~{quote('^vocha:')}",
        "/ip hotspot active": f"user~{name}",
        "/ip hotspot cookie": f"user~{name}",
        "/ip hotspot user profile": f"name~{profile}",
    }
    complaint = "Some rows of customers could not be removed; going on."
    removals = [[f"{menu} remove [find where {ours}]"] for menu, ours in rows.items()]
    removals.append(
        [
            f":foreach vSecret in=[/ppp secret find where comment~{quote('^vocha:subscriber-[0-9]+$')}] do={{",
            "  :local vName [/ppp secret get $vSecret name]",
            "  /ppp secret remove $vSecret",
            "  /ppp active remove [find where name=$vName]",
            "}",
        ]
    )
    removals.append([f"/ppp profile remove [find where name~{quote('^vocha-ppp-[0-9a-z-]+$')}]"])
    return [line for lines in removals for line in attempt(lines, complaint)]


def _comment(text: str) -> str:
    """Merchant's text in a comment line: letters and digits only, it is there for eyes."""
    return _COMMENTABLE.sub("_", text)
