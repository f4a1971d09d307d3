"""What a merchant types about a router, checked: its name, how we reach it, and what its setup script is to do. Pure."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Final

import msgspec

from portal.addresses import Addresses
from portal.errors import Invalid
from portal.msgid import N_

DIRECT, TUNNEL, PULL = "direct", "tunnel", "pull"
#: Our user on a router that the setup script makes.
OUR_USER: Final = "vocha"

NO_NAME = N_("Write a name for the router, so that you know which one it is.")
LONG_NAME = N_("Write a shorter name, 60 characters at most.")
NO_WAY = N_("Choose how we reach the router.")
NO_ADDRESS = N_("Write the router's address: its public IP address or its name on the internet.")
ADDRESS = N_(
    "We cannot reach that address from the internet. Addresses like 192.168… work only inside your shop. Write the "
    "router's public address, or choose the tunnel."
)
NO_PORT = N_("Write the port of the router's API: 8728, or 8729 with a certificate.")
NO_USER = N_("Write the name of the router user, or leave name and password empty: then our script makes a user.")
NO_PASSWORD = N_("Write the password of this router user.")
ODD_TEXT = N_("Use letters, digits and signs of one line only.")
ODD_PIN = N_("A fingerprint is 64 letters and digits: copy it from the router with /certificate print detail.")
PIN_NEEDED = N_("Port 8729 is secured: copy the fingerprint of the router's certificate here.")
NO_INTERFACE = N_("Write the interface people connect to, for example bridge.")
NO_NETWORK = N_("Write a private network like 10.5.50.0/24.")
NO_VERSION = N_("Choose the RouterOS version.")
TUNNEL_SEVEN = N_("The tunnel needs RouterOS 7.")
NO_INTERVAL = N_("Choose how often the router asks us.")
#: How often a router that asks us may do so, in seconds: waiting customers against the line's data.
INTERVALS: Final = ("15", "30", "60")

_PIN: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """How a router is reached. `user` "" : the setup script makes our user, with a password nobody knows."""

    way: str
    host: str = ""
    port: int = 8728
    user: str = ""
    password: str = ""
    tls_pin: str = ""


class NewRouter(msgspec.Struct, frozen=True, kw_only=True):
    """A router to add."""

    name: str
    connection: Connection


class ScriptOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a setup script is to do. `network` "" : the router sells already, its addresses stay.

    For a router that asks us: `agent` json or plain, and the seconds between its questions."""

    family: str
    interface: str
    network: str = ""
    agent: str = "json"
    interval_s: int = 15


def is_plain(text: str) -> bool:
    """Whether a text can be stored, shown and sent: one line of printable characters."""
    return text.isprintable()


def read_new(form: Mapping[str, str], *, ways: tuple[str, ...], addresses: Addresses) -> NewRouter:
    """The form of a new router; Invalid names every field that is wrong."""
    wrong: dict[str, str] = {}
    name = " ".join(form.get("name", "").split())
    if not name:
        wrong["name"] = NO_NAME
    elif len(name) > 60:
        wrong["name"] = LONG_NAME
    elif not is_plain(name):
        wrong["name"] = ODD_TEXT
    connection = _connection(form, wrong, ways=ways, addresses=addresses, keeps_password=False)
    if wrong:
        raise Invalid(wrong)
    return NewRouter(name=name, connection=connection)


def read_connection(form: Mapping[str, str], *, ways: tuple[str, ...], addresses: Addresses) -> Connection:
    """The form that changes how a router is reached; an empty password keeps the old one."""
    wrong: dict[str, str] = {}
    connection = _connection(form, wrong, ways=ways, addresses=addresses, keeps_password=True)
    if wrong:
        raise Invalid(wrong)
    return connection


def _connection(
    form: Mapping[str, str],
    wrong: dict[str, str],
    *,
    ways: tuple[str, ...],
    addresses: Addresses,
    keeps_password: bool,
) -> Connection:
    way = form.get("way", "")
    if way not in ways:
        wrong["way"] = NO_WAY
    if way != DIRECT:
        return Connection(way=way)
    host = form.get("host", "").strip().lower()
    port = _port(form.get("port", "").strip(), wrong)
    if not host:
        wrong["host"] = NO_ADDRESS
    elif port and addresses.is_hopeless(host, port):
        wrong["host"] = ADDRESS
    pin = re.sub(r"[\s:]", "", form.get("tls_pin", "")).lower()
    if pin and not _PIN.fullmatch(pin):
        wrong["tls_pin"] = ODD_PIN
    elif port == 8729 and not pin:
        wrong["tls_pin"] = PIN_NEEDED
    user, password = form.get("user", "").strip(), form.get("password", "")
    if not is_plain(user) or len(user) > 64:
        wrong["user"] = ODD_TEXT
    if not is_plain(password) or len(password) > 128:
        wrong["password"] = ODD_TEXT
    if password and not user:
        wrong["user"] = NO_USER
    elif user and not password and not keeps_password:
        wrong["password"] = NO_PASSWORD
    return Connection(way=way, host=host, port=port, user=user, password=password, tls_pin=pin)


def _port(text: str, wrong: dict[str, str]) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) and 0 < int(text) < 65_536:
        return int(text)
    wrong["port"] = NO_PORT
    return 0


def read_options(form: Mapping[str, str], *, way: str) -> ScriptOptions:
    """The form of the setup script; Invalid names every field that is wrong."""
    wrong: dict[str, str] = {}
    family, interface = form.get("family", ""), form.get("interface", "").strip()
    network = form.get("network", "").strip() if form.get("hotspot") == "new" else ""
    interval = form.get("interval") or INTERVALS[0]
    if family not in ("7", "6.49") and not (way == PULL and family == "7.9"):
        wrong["family"] = NO_VERSION
    elif family == "6.49" and way == TUNNEL:
        wrong["family"] = TUNNEL_SEVEN
    if not interface or len(interface) > 60 or not is_plain(interface):
        wrong["interface"] = NO_INTERFACE
    if form.get("hotspot") == "new" and not _is_network(network):
        wrong["network"] = NO_NETWORK
    if way == PULL and interval not in INTERVALS:
        wrong["interval"] = NO_INTERVAL
    if wrong:
        raise Invalid(wrong)
    return ScriptOptions(
        family="7" if family == "7.9" else family,
        interface=interface,
        network=network,
        # JSON is understood from 7.13 on; then the router can say why it refused something.
        agent="json" if family == "7" else "plain",
        interval_s=int(interval) if way == PULL else 15,
    )


def _is_network(text: str) -> bool:
    try:
        network = IPv4Network(text)
    except ValueError:
        return False
    return network.is_private and not network.is_loopback and 16 <= network.prefixlen <= 28


def pool_of(network: str) -> tuple[str, str, str]:
    """Gateway, first and last address of the pool in a network of 16 addresses or more."""
    whole = IPv4Network(network)
    first: IPv4Address = whole.network_address
    return str(first + 1), str(first + min(10, whole.num_addresses // 4)), str(whole.broadcast_address - 1)
