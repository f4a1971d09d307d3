"""What has to be known to set a router up. Values that refuse nonsense; no script text in here."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Final
from urllib.parse import urlsplit

_TAG: Final = re.compile(r"[a-z][a-z0-9-]{0,23}", re.ASCII)
_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_GARDEN_HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_SITE: Final = re.compile(r"[0-9A-Za-z-]{1,32}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII)
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_ZONE: Final = re.compile(r"[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*", re.ASCII)
_USER: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?", re.ASCII)
_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?", re.ASCII)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: A file's contents in a script variable: 4095 bytes on version 6 (MikroTik manual, Fetch).
MOST_CONTENTS: Final = 4000


class Family(StrEnum):
    """What the script is made for: 6.49 (the last of version 6), or 7.9 and later."""

    SIX = "6.49"
    SEVEN = "7"


class Variant(StrEnum):
    """How the pull agent speaks: plain lines on every version, JSON from 7.13 on."""

    PLAIN = "plain"
    JSON = "json"


class Trust(StrEnum):
    """How the router knows it is us when it calls over HTTPS."""

    BUILT_IN = "built-in"  # roots that come with RouterOS 7.19 and later
    OURS = "ours"  # the authority given as `ca_pem`, which the script installs
    NONE = "none"  # not at all: for tests on a cable


def _need(pattern: re.Pattern[str], value: str, name: str) -> None:
    if pattern.fullmatch(value) is None:
        raise ValueError(f"{name} does not look right")


def _need_line(value: str, name: str, *, most: int) -> None:
    if not 0 < len(value) <= most or _CONTROL.search(value):
        raise ValueError(f"{name} is one line of 1 to {most} characters")


@dataclass(frozen=True, slots=True)
class ExistingHotspot:
    """The router sells already: pool, DHCP server and addresses stay. `network` (CIDR) only serves DHCP option 114."""

    network: str = ""

    def __post_init__(self) -> None:
        if self.network:
            IPv4Network(self.network)


@dataclass(frozen=True, slots=True)
class NewHotspot:
    """Make the hotspot with its addresses: `gateway` is the router's in `network` (CIDR), the pool lies within it."""

    network: str
    gateway: str
    pool_first: str
    pool_last: str

    def __post_init__(self) -> None:
        network, gateway = IPv4Network(self.network), IPv4Address(self.gateway)
        first, last = IPv4Address(self.pool_first), IPv4Address(self.pool_last)
        inside = all(
            network.network_address < address < network.broadcast_address for address in (gateway, first, last)
        )
        if not inside or first > last:
            raise ValueError("gateway and pool lie within the network")
        if first <= gateway <= last:
            raise ValueError("the gateway is not in the pool")

    @property
    def address(self) -> str:
        """The router's address with the network's length, `10.5.50.1/24`."""
        return f"{self.gateway}/{IPv4Network(self.network).prefixlen}"


@dataclass(frozen=True, slots=True)
class ApiLogin:
    """The RouterOS user we sign in as, and its group of as few policies as will do."""

    user: str
    password: str = field(repr=False)
    group: str = "vocha-api"
    may_read_passwords: bool = False

    def __post_init__(self) -> None:
        _need(_USER, self.user, "the user's name")
        _need(_USER, self.group, "the group's name")
        _need(_SECRET, self.password, "the user's password")
        if self.group in {"full", "write", "read"}:
            raise ValueError("the group is one of its own, never one of RouterOS's")

    @property
    def policy(self) -> str:
        """Policies of the group (MikroTik manual, User): even RouterOS's `read` would include reboot and sensitive."""
        return "api,read,write,sensitive" if self.may_read_passwords else "api,read,write"


@dataclass(frozen=True, slots=True)
class DirectApi:
    """We connect to the router's API. `server` is our IPv4 address as the router sees it; `port` 8729 is API over TLS."""

    login: ApiLogin
    server: str
    port: int = 8728

    def __post_init__(self) -> None:
        IPv4Address(self.server)
        if not 0 < self.port < 65_536:
            raise ValueError("a port is 1 to 65535")

    @property
    def service(self) -> str:
        """The row of /ip/service."""
        return "api-ssl" if self.port == 8729 else "api"


@dataclass(frozen=True, slots=True)
class WireGuard:
    """The router dials into our tunnel (version 7); we reach its API through it.

    Keys are base64 of 32 bytes; `address` is the router's and `server` ours inside the tunnel, from our pool only.
    """

    login: ApiLogin
    private_key: str = field(repr=False)
    server_public_key: str
    endpoint_host: str
    endpoint_port: int
    address: str
    server: str
    preshared_key: str = field(default="", repr=False)

    port = 8728
    service = "api"

    def __post_init__(self) -> None:
        for key in (self.private_key, self.server_public_key, *filter(None, (self.preshared_key,))):
            _need(_KEY, key, "a tunnel key")
        _need(_HOST, self.endpoint_host, "the tunnel's endpoint")
        if IPv4Address(self.address) == IPv4Address(self.server) or not 0 < self.endpoint_port < 65_536:
            raise ValueError("the tunnel needs two addresses and a port")


@dataclass(frozen=True, slots=True)
class PullAgent:
    """The router asks us for work every `interval_s` seconds: for links we cannot dial into.

    `secret` proves the router to us, `answer_key` us to the router (it cannot verify a signature); both random.
    """

    url: str
    secret: str = field(repr=False)
    answer_key: str = field(repr=False)
    interval_s: int = 15
    variant: Variant = Variant.PLAIN

    def __post_init__(self) -> None:
        _need(_URL, self.url, "the agent's address")
        _need(_SECRET, self.secret, "the agent's secret")
        _need(_SECRET, self.answer_key, "the answer key")
        if self.secret == self.answer_key or not 10 <= self.interval_s <= 3600:
            raise ValueError("the agent needs two different secrets and an interval of 10 s to an hour")


Way = DirectApi | WireGuard | PullAgent
HotspotWish = ExistingHotspot | NewHotspot


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Everything a router's script is made from. ValueError when a value cannot be meant.

    `portal_url` is `https://host[:port]` without a path; `site` the captive page's unguessable name; `garden_hosts`
    and `garden_addresses` (IPv4, CIDR) may be reached before paying, the portal's host is always among them.
    `interface` is the hotspot's. Rows are tagged with the comment `tag`; rows that have names are called `tag-…`.
    """

    router_name: str
    merchant_name: str
    family: Family
    interface: str
    hotspot: HotspotWish
    portal_url: str
    site: str
    help_phone: str
    way: Way
    garden_hosts: tuple[str, ...] = ()
    garden_addresses: tuple[str, ...] = ()
    ntp_servers: tuple[str, ...] = ("pool.ntp.org", "time.cloudflare.com")
    time_zone: str = "Africa/Nairobi"
    dns_name: str = ""
    trust: Trust = Trust.BUILT_IN
    ca_pem: str = ""
    tag: str = "vocha"

    def __post_init__(self) -> None:
        _need_line(self.router_name, "the router's name", most=60)
        _need_line(self.merchant_name, "the merchant's name", most=60)
        _need_line(self.interface, "the interface", most=60)
        _need_line(self.help_phone, "the help number", most=30)
        _need(_TAG, self.tag, "the tag")
        _need(_SITE, self.site, "the site")
        _need(_ZONE, self.time_zone, "the time zone")
        _need(_URL, self.portal_url, "the portal's address")
        if urlsplit(self.portal_url).path:
            raise ValueError("the portal's address has no path and no slash at its end")
        for host in self.ntp_servers:
            _need(_HOST, host, "a time server")
        if self.dns_name:
            _need(_GARDEN_HOST, self.dns_name, "the hotspot's name")
        self._check_garden()
        self._check_way()

    def _check_garden(self) -> None:
        for host in self.garden_hosts:
            _need(_GARDEN_HOST, host, "a host of the walled garden")
        for address in self.garden_addresses:
            if IPv4Network(address).prefixlen < 8:
                raise ValueError("a walled garden is not half the internet")

    def _check_way(self) -> None:
        if self.family is Family.SIX:
            if isinstance(self.way, WireGuard):
                raise ValueError("WireGuard needs RouterOS 7")
            if isinstance(self.way, PullAgent) and self.way.variant is Variant.JSON:
                raise ValueError("JSON needs RouterOS 7.13")
            if self.trust is Trust.BUILT_IN and isinstance(self.way, PullAgent):
                raise ValueError("version 6 knows no authority by itself: give the certificate of ours")
        if (self.trust is Trust.OURS) != bool(self.ca_pem):
            raise ValueError("an authority of ours comes with its certificate")
        if self.ca_pem:
            _need(_PEM, self.ca_pem, "the authority's certificate")
            if len(self.ca_pem) > MOST_CONTENTS:
                raise ValueError("the authority's certificate is too long for a router")

    @property
    def portal_host(self) -> str:
        """Host name of the portal."""
        return urlsplit(self.portal_url).hostname or ""
