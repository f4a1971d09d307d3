"""Who and what the demo world consists of: the shop, its people, packages, routers and three customers. Values only."""

from dataclasses import dataclass

from portal.terms import Terms
from routeros.simulator.board import Board

MERCHANT = "Kilimani Corner"
HELP_PHONE = "254700000000"
TIMEZONE = "Africa/Nairobi"
#: Where the customers' phones want to go.
FIRST_PAGE = "http://news.example/"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. The passwords are no secret: they open a world on this machine only."""

    name: str
    email: str
    password: str
    role: str | None = None


OWNER = Person("Amina W.", "amina@kilimani.example", "amina-demo", "owner")
CASHIER = Person("Otieno K.", "otieno@kilimani.example", "otieno-demo", "cashier")
OPERATOR = Person("Vocha operator", "operator@vocha.example", "operator-demo")


@dataclass(frozen=True, slots=True)
class Offer:
    """A package on sale; `share` of all sales are of it."""

    price_cents: int
    share: int
    terms: Terms


OFFERS = (
    Offer(1000, 46, Terms(name="1 hour", duration_s=3600, rate_down_kbps=5000, rate_up_kbps=5000)),
    Offer(2000, 21, Terms(name="3 hours", duration_s=3 * 3600, rate_down_kbps=5000, rate_up_kbps=5000)),
    Offer(5000, 27, Terms(name="1 day", duration_s=86_400, rate_down_kbps=5000, rate_up_kbps=5000)),
    Offer(25_000, 5, Terms(name="7 days", duration_s=7 * 86_400, rate_down_kbps=8000, rate_up_kbps=8000, devices=2)),
    Offer(90_000, 1, Terms(name="30 days", duration_s=30 * 86_400, rate_down_kbps=8000, rate_up_kbps=8000)),
)


@dataclass(frozen=True, slots=True)
class RouterSpec:
    """A simulated router. `address` is its own on the hotspot's /24; `share` of all sales happen there."""

    name: str
    board: Board
    version: str
    serial: str
    address: str
    dns_name: str
    share: int
    is_online: bool = True

    @property
    def network(self) -> str:
        """The first three numbers of its addresses, with the dot: "10.5.50."."""
        return self.address.rpartition(".")[0] + "."


def _board(name: str, model: str, architecture: str, megabytes: int) -> Board:
    return Board(name=name, model=model, architecture=architecture, memory=megabytes * 1024 * 1024)


ROUTERS = (
    RouterSpec(
        "Main shop", _board("hAP ax2", "C52iG-5HaxD2HaxD", "arm64", 1024), "7.24", "HGV09ABK7Q1",
        "10.5.50.1", "wifi.kilimani.example", 56,
    ),
    RouterSpec(
        "Rooftop", _board("RB951", "RB951Ui-2HnD", "mipsbe", 128), "7.16", "9E4F0A77C2D5",
        "10.5.60.1", "rooftop.kilimani.example", 29,
    ),
    RouterSpec(
        "Mama Njeri", _board("hAP lite", "RB941-2nD", "smips", 32), "6.49", "B8A20B31E9F4",
        "10.5.70.1", "njeri.kilimani.example", 15, is_online=False,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with a phone in the demo page; `msisdn` is the number that pays, as M-Pesa writes it, `airtel` that of the phone's
    other card."""

    name: str
    msisdn: str
    airtel: str

    @property
    def local(self) -> str:
        """The number as people in Kenya write it: "0712 345 678"."""
        return _local(self.msisdn)

    @property
    def local_airtel(self) -> str:
        """The other number likewise."""
        return _local(self.airtel)


def _local(msisdn: str) -> str:
    return f"0{msisdn[3:6]} {msisdn[6:9]} {msisdn[9:]}"


CUSTOMERS = (
    Customer("Brian", "254712345678", "254733345678"),
    Customer("Wanjiku", "254722000111", "254733000111"),
    Customer("Hassan", "254110222333", "254733222333"),
)
