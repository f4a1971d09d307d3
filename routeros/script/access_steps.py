"""How we reach the router: a user of few rights, the API service, the tunnel, the firewall, or the pull agent."""

from routeros.script.agent import POLICY, agent_script
from routeros.script.quoting import quote
from routeros.script.statements import (
    Script,
    arguments,
    discard,
    ensure,
    joined,
    long_text,
    remember,
    restore,
    stop,
)
from routeros.script.values import DirectApi, Family, Onboarding, PullAgent, WireGuard


def access(onboarding: Onboarding) -> list[str]:
    """The way the merchant chose."""
    way = onboarding.way
    if isinstance(way, PullAgent):
        return _pull_agent(onboarding, way)
    tunnel = _tunnel(onboarding, way) if isinstance(way, WireGuard) else []
    return [*tunnel, *_user(onboarding, way), *_service(onboarding, way), *_firewall(onboarding, way)]


def undo_access(onboarding: Onboarding) -> list[str]:
    """Close the way again. We cannot reach the router afterwards."""
    tag, way = onboarding.tag, onboarding.way
    ours = {"comment": tag}
    if isinstance(way, PullAgent):
        return [*discard("/system scheduler", ours), *discard("/system script", {"name": f"{tag}-pull"})]
    yes = ':if ($vWas = "true") do={ :set vWas "yes" } else={ :set vWas "no" }'
    lines = [
        *discard("/ip firewall filter", ours),
        *restore(tag, "api", [f"/ip service set {quote(way.service)} address=$vWas"]),
        *restore(tag, "api-off", [yes, f"/ip service set {quote(way.service)} disabled=$vWas"]),
        *discard("/user", ours),
        *discard("/user group", {"name": way.login.group}),
    ]
    if isinstance(way, WireGuard):
        lines += [
            *discard("/ip address", ours),
            *discard("/interface wireguard peers", ours),
            *discard("/interface wireguard", ours),
        ]
    return lines


def _user(onboarding: Onboarding, way: DirectApi | WireGuard) -> list[str]:
    tag, login = onboarding.tag, way.login
    taken = f"find where name={quote(login.user)} and comment!={quote(tag)}"
    values = {"group": login.group, "password": login.password, "address": f"{way.server}/32", "disabled": "no"}
    return [
        f":if ([:len [/user {taken}]] > 0) do={{ {stop(f'There is a user {login.user} already that is not ours.')} }}",
        *ensure("/user group", {"name": login.group}, {"policy": login.policy}),
        *ensure("/user", {"name": login.user, "comment": tag}, values),
    ]


def _service(onboarding: Onboarding, way: DirectApi | WireGuard) -> list[str]:
    """Open the service for us; addresses the merchant allowed stay allowed, everybody else is shut out."""
    tag, service = onboarding.tag, quote(way.service)
    reading = f"[/ip service get {service} address]"
    return [
        *joined("vAllowed", reading),
        *remember(tag, "api", "$vAllowed"),
        *remember(tag, "api-off", f"[:tostr [/ip service get {service} disabled]]"),
        *joined("vWanted", reading, first=f"{way.server}/32"),
        f'/ip service set {service} disabled="no" address=$vWanted',
    ]


def _firewall(onboarding: Onboarding, way: DirectApi | WireGuard) -> list[str]:
    """Let us in above the rule that drops strangers: the first place among rules people made."""
    rule = {
        "chain": "input",
        "action": "accept",
        "protocol": "tcp",
        "dst-port": str(way.port),
        "src-address": way.server,
    }
    if isinstance(way, WireGuard):
        rule["in-interface"] = f"{onboarding.tag}-wg"
    mine = {"comment": onboarding.tag}
    placed = {**mine, **rule, "place-before": Script("[:pick $vRules 0]")}
    first = '[/ip firewall filter find where chain="input" and dynamic!=yes]'
    return [
        f":local vRules {first}",
        f":if ([:len [/ip firewall filter find where comment={quote(onboarding.tag)}]] = 0 && [:len $vRules] > 0) do={{",
        f"/ip firewall filter add {arguments(placed)}",
        "} else={",
        *ensure("/ip firewall filter", mine, rule),
        "}",
    ]


def _tunnel(onboarding: Onboarding, way: WireGuard) -> list[str]:
    tag = onboarding.tag
    name = f"{tag}-wg"
    peer = {
        "interface": name,
        "public-key": way.server_public_key,
        "endpoint-address": way.endpoint_host,
        "endpoint-port": str(way.endpoint_port),
        "allowed-address": f"{way.server}/32",
        # Keeps the way open through the provider's address translation.
        "persistent-keepalive": "25s",
        "preshared-key": way.preshared_key,
    }
    return [
        *ensure(
            "/interface wireguard", {"name": name, "comment": tag}, {"private-key": way.private_key, "mtu": "1420"}
        ),
        *ensure("/interface wireguard peers", {"comment": tag}, peer),
        # A point-to-point address: the route to our end, and to nothing else, comes with it.
        *ensure(
            "/ip address",
            {"comment": tag, "interface": name},
            {"address": f"{way.address}/32", "network": way.server},
        ),
    ]


def _pull_agent(onboarding: Onboarding, way: PullAgent) -> list[str]:
    tag = onboarding.tag
    name = f"{tag}-pull"
    policy = f"ftp,{POLICY}" if onboarding.family is Family.SIX else POLICY
    # Routers of one portal do not all ask in the same second.
    offset = sum(onboarding.site.encode()) % min(way.interval_s, 60)
    return [
        *long_text("vText", agent_script(onboarding, way)),
        *ensure("/system script", {"name": name}, {"source": Script("$vText"), "policy": policy}),
        *ensure(
            "/system scheduler",
            {"name": name, "comment": tag},
            {"interval": f"{way.interval_s}s", "on-event": name, "policy": policy, "disabled": "no"},
            only_new={"start-time": f"00:00:{offset:02}"},
        ),
    ]
