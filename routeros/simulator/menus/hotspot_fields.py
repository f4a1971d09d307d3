"""Fields, defaults and factory rows of the hotspot menus.

Names, types and defaults: MikroTik manual, HotSpot and its command reference; `keepalive-timeout=2m` from the field.
"""

from __future__ import annotations

from routeros.simulator.fields import (
    Field,
    boolean,
    choice,
    choices,
    duration,
    duration_or_none,
    ip,
    ip_range,
    mac,
    number,
    rate_limit,
    reference,
    size,
    text,
)
from routeros.simulator.tables import TableSpec

HOTSPOT = "/ip/hotspot"
SERVER_PROFILE = "/ip/hotspot/profile"
USER = "/ip/hotspot/user"
USER_PROFILE = "/ip/hotspot/user/profile"
IP_BINDING = "/ip/hotspot/ip-binding"
WALLED_GARDEN = "/ip/hotspot/walled-garden"
WALLED_GARDEN_IP = "/ip/hotspot/walled-garden/ip"

LOGIN_WAYS = ("mac", "cookie", "http-chap", "https", "http-pap", "trial", "mac-cookie")

_DISABLED = Field(boolean, "false")
_TEXT = Field(text)
_FLAG = Field(boolean, "false")
_SERVER = Field(reference(HOTSPOT, "all"), refers_to=HOTSPOT)
_MAC_FORMATS = (
    "XX:XX:XX:XX:XX:XX",
    "XXXX:XXXX:XXXX",
    "XXXXXX:XXXXXX",
    "XX-XX-XX-XX-XX-XX",
    "XXXXXX-XXXXXX",
    "XXXXXXXXXXXX",
    "XX XX XX XX XX XX",
)

SERVERS = TableSpec(
    HOTSPOT,
    {
        "name": _TEXT,
        "interface": Field(reference("/interface"), refers_to="/interface"),
        "address-pool": Field(reference("/ip/pool", "none"), "none", refers_to="/ip/pool"),
        "profile": Field(reference(SERVER_PROFILE), "default", refers_to=SERVER_PROFILE),
        "idle-timeout": Field(duration_or_none, "5m"),
        "keepalive-timeout": Field(duration_or_none, "none"),
        "login-timeout": Field(duration_or_none, "none"),
        "addresses-per-mac": Field(number(1, 4294967295, words=("unlimited",)), "2"),
        "disabled": Field(boolean, "true"),
    },
    required=("interface",),
    unique=("name",),
    duplicate="failure: already have server with such name",
)

SERVER_PROFILES = TableSpec(
    SERVER_PROFILE,
    {
        "name": _TEXT,
        "hotspot-address": Field(ip),
        "dns-name": Field(text, "", is_clearable=False),
        "html-directory": Field(text, "hotspot"),
        "html-directory-override": Field(text, "", is_clearable=False),
        "install-hotspot-queue": _FLAG,
        "rate-limit": Field(rate_limit),
        "http-proxy": Field(text, "0.0.0.0:0"),
        "smtp-server": Field(ip, "0.0.0.0"),
        "login-by": Field(choices(*LOGIN_WAYS), "cookie,http-chap", is_clearable=False),
        "mac-auth-mode": Field(choice("mac-as-username", "mac-as-username-and-password")),
        "mac-auth-password": Field(text, is_secret=True),
        "http-cookie-lifetime": Field(duration, "3d"),
        "ssl-certificate": Field(reference("/certificate", "none"), "none"),
        "split-user-domain": _FLAG,
        "trial-uptime-limit": Field(duration),
        "trial-uptime-reset": Field(duration),
        "trial-user-profile": Field(reference(USER_PROFILE), refers_to=USER_PROFILE),
        "use-radius": _FLAG,
        "radius-accounting": Field(boolean),
        "radius-interim-update": Field(text),
        "nas-port-type": Field(choice("ethernet", "cable", "wireless-802.11")),
        "radius-default-domain": _TEXT,
        "radius-location-id": _TEXT,
        "radius-location-name": _TEXT,
        "radius-mac-format": Field(choice(*_MAC_FORMATS)),
        "https-redirect": Field(boolean),
    },
    required=("name",),
    unique=("name",),
    duplicate="failure: already have profile with such name",
    keep_default="failure: can not remove default profile",
)

USERS = TableSpec(
    USER,
    {
        "server": _SERVER,
        "name": _TEXT,
        "password": Field(text, is_secret=True),
        "address": Field(ip),
        "mac-address": Field(mac),
        "profile": Field(reference(USER_PROFILE), "default", refers_to=USER_PROFILE),
        "routes": _TEXT,
        "email": _TEXT,
        "limit-uptime": Field(duration),
        "limit-bytes-in": Field(size),
        "limit-bytes-out": Field(size),
        "limit-bytes-total": Field(size),
        "otp-secret": Field(text, is_secret=True),
        "comment": _TEXT,
        "disabled": _DISABLED,
    },
    required=("name",),
    unique=("name", "server"),
    duplicate="failure: already have user with this name for this server",
    keep_default="failure: can not remove default user",
)

USER_PROFILES = TableSpec(
    USER_PROFILE,
    {
        "name": _TEXT,
        "address-pool": Field(reference("/ip/pool", "none"), refers_to="/ip/pool"),
        "session-timeout": Field(duration),
        "idle-timeout": Field(duration_or_none, "none"),
        "keepalive-timeout": Field(duration_or_none, "2m"),
        "status-autorefresh": Field(duration_or_none, "1m"),
        "shared-users": Field(number(1, 4294967295, words=("unlimited",)), "1"),
        "add-mac-cookie": Field(boolean, "true"),
        "mac-cookie-timeout": Field(duration, "3d"),
        "rate-limit": Field(rate_limit),
        "parent-queue": _TEXT,
        "queue-type": _TEXT,
        "insert-queue-before": _TEXT,
        "address-list": Field(text, "", is_clearable=False),
        "incoming-filter": _TEXT,
        "outgoing-filter": _TEXT,
        "incoming-packet-mark": _TEXT,
        "outgoing-packet-mark": _TEXT,
        "on-login": _TEXT,
        "on-logout": _TEXT,
        "open-status-page": Field(choice("always", "http-login")),
        "transparent-proxy": _FLAG,
        "advertise": Field(boolean),
        "advertise-url": _TEXT,
        "advertise-interval": _TEXT,
        "advertise-timeout": _TEXT,
    },
    required=("name",),
    unique=("name",),
    duplicate="failure: already have profile with such name",
    keep_default="failure: can not remove default profile",
)

IP_BINDINGS = TableSpec(
    IP_BINDING,
    {
        "mac-address": Field(mac),
        "address": Field(ip_range),
        "to-address": Field(ip_range),
        "server": _SERVER,
        "type": Field(choice("regular", "bypassed", "blocked")),
        "comment": _TEXT,
        "disabled": _DISABLED,
    },
)

WALLED_GARDEN_RULES = TableSpec(
    WALLED_GARDEN,
    {
        "server": _SERVER,
        "src-address": Field(ip_range),
        "method": _TEXT,
        "dst-host": _TEXT,
        "dst-port": _TEXT,
        "path": _TEXT,
        "action": Field(choice("allow", "deny"), "allow"),
        "comment": _TEXT,
        "disabled": _DISABLED,
    },
)

WALLED_GARDEN_IP_RULES = TableSpec(
    WALLED_GARDEN_IP,
    {
        "server": _SERVER,
        "src-address": Field(ip_range),
        "src-address-list": _TEXT,
        "dst-address": Field(ip_range),
        "dst-address-list": _TEXT,
        "dst-host": _TEXT,
        "protocol": _TEXT,
        "dst-port": _TEXT,
        "action": Field(choice("accept", "drop", "reject"), "accept"),
        "comment": _TEXT,
        "disabled": _DISABLED,
    },
)

SPECS = (
    SERVERS,
    SERVER_PROFILES,
    USERS,
    USER_PROFILES,
    IP_BINDINGS,
    WALLED_GARDEN_RULES,
    WALLED_GARDEN_IP_RULES,
)
