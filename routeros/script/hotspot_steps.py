"""The hotspot itself: addresses where asked for, server profile, server, pages, walled garden, DHCP option 114.

An existing hotspot keeps its pool, DHCP server and addresses; only its server profile is replaced by a copy of ours.
Hotspot rows, pools and DHCP servers have no comment on every version, so for them the name `tag-…` is the tag.
"""

from ipaddress import IPv4Network
from typing import Final

from routeros.script.pages import pages_of
from routeros.script.quoting import quote
from routeros.script.statements import (
    Script,
    arguments,
    attempt,
    discard,
    ensure,
    ensure_each,
    joined,
    long_text,
    remember,
    restore,
    say,
    stop,
    when_any,
    when_none,
)
from routeros.script.values import Family, NewHotspot, Onboarding

#: Passwords are one-time and random, so PAP shows nothing worth having; cookies let phones come back by themselves.
LOGIN_BY: Final = "http-pap,cookie,mac-cookie"
_GARDEN: Final = "/ip hotspot walled-garden"


def addresses(onboarding: Onboarding) -> list[str]:
    """Address, pool, DHCP server, network, masquerade and DNS of a new hotspot; nothing for an existing one."""
    wish, tag = onboarding.hotspot, onboarding.tag
    if not isinstance(wish, NewHotspot):
        return []
    on_interface = f"interface={quote(onboarding.interface)}"
    others = f"[:len [/ip dhcp-server find where {on_interface} and name!={quote(f'{tag}-dhcp')}]]"
    sentence = (
        f"There is a DHCP server on {onboarding.interface} already. Choose existing hotspot, or another interface."
    )
    return [
        f":if ([:len [/interface find where name={quote(onboarding.interface)}]] = 0) do={{",
        stop(f"There is no interface {onboarding.interface} on this router."),
        "}",
        f":if ({others} > 0) do={{ {stop(sentence)} }}",
        *ensure("/ip address", {"comment": tag, "interface": onboarding.interface}, {"address": wish.address}),
        *ensure("/ip pool", {"name": f"{tag}-pool"}, {"ranges": f"{wish.pool_first}-{wish.pool_last}"}),
        *ensure(
            "/ip dhcp-server",
            {"name": f"{tag}-dhcp"},
            {"interface": onboarding.interface, "address-pool": f"{tag}-pool", "lease-time": "1h", "disabled": "no"},
        ),
        *ensure(
            "/ip dhcp-server network",
            {"comment": tag},
            {"address": wish.network, "gateway": wish.gateway, "dns-server": wish.gateway},
        ),
        *ensure(
            "/ip firewall nat",
            {"comment": tag},
            {"chain": "srcnat", "action": "masquerade", "src-address": wish.network},
        ),
        *remember(tag, "dns", "[:tostr [/ip dns get allow-remote-requests]]"),
        '/ip dns set allow-remote-requests="yes"',
    ]


def server(onboarding: Onboarding) -> list[str]:
    """The user profile, the server profile of ours and the server that uses it."""
    tag, wish = onboarding.tag, onboarding.hotspot
    profile: dict[str, str | Script] = {
        "login-by": Script("$vLogin"),
        "html-directory": Script(f"($vFlash . {quote(tag)})"),
    }
    if onboarding.dns_name:
        profile["dns-name"] = onboarding.dns_name
    lines = ensure(
        "/ip hotspot user profile",
        {"name": f"{tag}-default"},
        {"shared-users": "1", "add-mac-cookie": "yes", "keepalive-timeout": "2m"},
    )
    if isinstance(wish, NewHotspot):
        lines += _login_by(quote(tag))
        lines += ensure("/ip hotspot profile", {"name": tag}, {"hotspot-address": wish.gateway, **profile})
        values = {"interface": onboarding.interface, "address-pool": f"{tag}-pool", "profile": tag, "disabled": "no"}
        return lines + ensure("/ip hotspot", {"name": tag}, values)
    sentence = f"There is no hotspot on {onboarding.interface}. Choose new hotspot, or the interface it is on."
    found = f"find where interface={quote(onboarding.interface)}"
    old = "[/ip hotspot profile find where name=$vOld]"
    return [
        *lines,
        f":if ([:len [/ip hotspot {found}]] != 1) do={{ {stop(sentence)} }}",
        f":local vOld [/ip hotspot get [{found}] profile]",
        *_login_by("$vOld"),
        *when_none(
            "/ip hotspot profile",
            {"name": tag},
            [
                *remember(tag, "profile", "$vOld"),
                f"/ip hotspot profile add copy-from={old} {arguments({'name': tag, **profile})}",
            ],
        ),
        f"/ip hotspot profile set [find where name={quote(tag)}] {arguments(profile)}",
        f"/ip hotspot set [{found}] profile={quote(tag)}",
    ]


def _login_by(profile: str) -> list[str]:
    """`$vLogin`: how one logs in. Who has set up https logins on the profile that is there keeps them."""
    return [
        f":local vLogin {quote(LOGIN_BY)}",
        f":foreach vRow in=[/ip hotspot profile find where name={profile}] do={{",
        ":foreach vOne in=[:toarray [/ip hotspot profile get $vRow login-by]] do={",
        f':if ([:tostr $vOne] = "https") do={{ :set vLogin {quote(LOGIN_BY + ",https")} }}',
        "}",
        "}",
    ]


def undo_server(onboarding: Onboarding) -> list[str]:
    """Take the server away, or give it its own profile back; addresses of ours go with it."""
    tag, is_new = onboarding.tag, isinstance(onboarding.hotspot, NewHotspot)
    lines = discard("/ip hotspot", {"name": tag}) if is_new else []
    lines += restore(tag, "profile", [f"/ip hotspot set [find where profile={quote(tag)}] profile=$vWas"])
    lines += discard("/ip hotspot profile", {"name": tag})
    lines += discard("/ip hotspot user profile", {"name": f"{tag}-default"})
    if not is_new:
        return lines
    yes = ':if ($vWas = "true") do={ :set vWas "yes" } else={ :set vWas "no" }'
    return [
        *lines,
        *discard("/ip dhcp-server", {"name": f"{tag}-dhcp"}),
        *discard("/ip dhcp-server network", {"comment": tag}),
        *discard("/ip pool", {"name": f"{tag}-pool"}),
        *discard("/ip firewall nat", {"comment": tag}),
        *discard("/ip address", {"comment": tag}),
        *restore(tag, "dns", [yes, "/ip dns set allow-remote-requests=$vWas"]),
    ]


def pages(onboarding: Onboarding) -> list[str]:
    """Write our pages over the stock ones, which RouterOS puts into a new html directory within seconds."""
    page_lines: list[str] = []
    for name, text in pages_of(onboarding).items():
        page_lines += _page(onboarding, name, text)
    return [
        f":local vDir ($vFlash . {quote(onboarding.tag)})",
        ':local vFile ($vDir . "/login.html")',
        ":local vTry 0",
        *_wait_for_file(),
        ":if ([:len [/file find where name=$vFile]] = 0) do={",
        *attempt(
            [f"/ip hotspot reset-html [find where profile={quote(onboarding.tag)}]"],
            "The stock pages could not be written anew.",
        ),
        ":set vTry 0",
        *_wait_for_file(),
        "}",
        *page_lines,
    ]


def undo_pages(onboarding: Onboarding) -> list[str]:
    """Remove the html directory of ours."""
    path = f"^(flash/)?{onboarding.tag}"
    lines = [
        f"/file remove [find where name~{quote(path + '/')}]",
        f"/file remove [find where name~{quote(path + '$')}]",
    ]
    return attempt(lines, "Some of our pages are still in Files; they do no harm.")


def _wait_for_file() -> list[str]:
    return [
        ":while ([:len [/file find where name=$vFile]] = 0 && $vTry < 10) do={",
        ":delay 1s",
        ":set vTry ($vTry + 1)",
        "}",
    ]


def _page(onboarding: Onboarding, name: str, text: str) -> list[str]:
    missing = say(f"{name} could not be written: copy it into the html directory by hand, in Winbox, Files.")
    make = missing if onboarding.family is Family.SIX else "/file add name=$vFile contents=$vText"
    return [
        "{",
        f":local vFile ($vDir . {quote('/' + name)})",
        *long_text("vText", text),
        f":if ([:len [/file find where name=$vFile]] = 0) do={{ {make} }} else={{",
        "/file set [find where name=$vFile] contents=$vText",
        "}",
        "}",
    ]


def walled_garden(onboarding: Onboarding) -> list[str]:
    """What may be reached before paying: by name for HTTP, by name and by address for everything else.

    Rules by name depend on the router seeing the phone's DNS question; those by address do not.
    """
    tag = onboarding.tag
    hosts = list(dict.fromkeys((onboarding.portal_host, *onboarding.garden_hosts)))
    names = [host for host in hosts if not host.replace(".", "").isdigit()]
    numbers = [f"{host}/32" for host in hosts if host not in names]
    # The router prints a single address without its /32, and the text is what we compare.
    networks = [str(IPv4Network(each)).removesuffix("/32") for each in (*numbers, *onboarding.garden_addresses)]
    plain = [name for name in names if not name.startswith("*")]
    addresses_wanted = list(dict.fromkeys(networks))
    return [
        *ensure_each(_GARDEN, tag, key="dst-host", wanted=hosts, values={"action": "allow"}),
        *ensure_each(f"{_GARDEN} ip", tag, key="dst-host", wanted=plain, values={"action": "accept"}),
        *ensure_each(f"{_GARDEN} ip", tag, key="dst-address", wanted=addresses_wanted, values={"action": "accept"}),
    ]


def undo_walled_garden(onboarding: Onboarding) -> list[str]:
    """Remove our rules."""
    ours = {"comment": onboarding.tag}
    return [*discard(_GARDEN, ours), *discard(f"{_GARDEN} ip", ours)]


def captive_option(onboarding: Onboarding) -> list[str]:
    """DHCP option 114 (RFC 8910): tells phones where to ask whether they are online, if the router can answer them.

    It can by its own api.json over https only: with a certificate on the profile, https among its logins, and a name to
    be called by (MikroTik manual, HotSpot, captive portal detection: 7.3 and later). What is no longer true is taken back.
    """
    tag, network = onboarding.tag, onboarding.hotspot.network
    if onboarding.family is Family.SIX or not network:
        return []
    option, profile = f"{tag}-114", f"/ip hotspot profile get [find where name={quote(tag)}]"
    begin, end = quote("'https://"), quote("/api'")
    values = {"code": "114", "value": Script(f"({begin} . $vName . {end})"), "force": "yes"}
    find = f"find where address={quote(network)}"
    announced = [
        *joined("vOptions", f"[/ip dhcp-server network get [{find}] dhcp-option]", first=option),
        f"/ip dhcp-server network set [{find}] dhcp-option=$vOptions",
    ]
    return [
        f":local vName [:tostr [{profile} dns-name]]",
        f":local vCertificate [:tostr [{profile} ssl-certificate]]",
        ":local vSecure 0",
        f":foreach vOne in=[:toarray [{profile} login-by]] do={{",
        ':if ([:tostr $vOne] = "https") do={ :set vSecure 1 }',
        "}",
        f':if ($vCertificate = "none" || $vCertificate = "" || !($vName ~ {quote("^[A-Za-z0-9.-]+$")})) do={{',
        ":set vSecure 0",
        "}",
        ":if ($vSecure = 1) do={",
        *ensure("/ip dhcp-server option", {"name": option}, values),
        *when_any("/ip dhcp-server network", {"address": network}, announced),
        "} else={",
        *when_any("/ip dhcp-server option", {"name": option}, undo_captive_option(onboarding)),
        "}",
    ]


def undo_captive_option(onboarding: Onboarding) -> list[str]:
    """Take the option out of the network's list, then away."""
    option, network = f"{onboarding.tag}-114", onboarding.hotspot.network
    if not network:
        return []
    find = f"find where address={quote(network)}"
    without = [
        *joined("vOptions", f"[/ip dhcp-server network get [{find}] dhcp-option]", without=option),
        f"/ip dhcp-server network set [{find}] dhcp-option=$vOptions",
    ]
    back = when_any("/ip dhcp-server network", {"address": network}, without)
    return [
        *attempt(back, "Option 114 is still in the DHCP network."),
        *discard("/ip dhcp-server option", {"name": option}),
    ]
