"""Who and what the demo world consists of: the shop, its people, packages, routers and customers. Values only."""

from collections.abc import Mapping
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
    """A simulated router. `address` is its own on the hotspot's /24; `share` of all sales happen there; with `has_pppoe` it
    serves houses by cable, too."""

    name: str
    board: Board
    version: str
    serial: str
    address: str
    dns_name: str
    share: int
    is_online: bool = True
    has_pppoe: bool = False

    @property
    def network(self) -> str:
        """The first three numbers of its addresses, with the dot: "10.5.50."."""
        return self.address.rpartition(".")[0] + "."


def _board(name: str, model: str, architecture: str, megabytes: int) -> Board:
    return Board(name=name, model=model, architecture=architecture, memory=megabytes * 1024 * 1024)


ROUTERS = (
    RouterSpec(
        "Main shop", _board("hAP ax2", "C52iG-5HaxD2HaxD", "arm64", 1024), "7.24", "HGV09ABK7Q1",
        "10.5.50.1", "wifi.kilimani.example", 56, has_pppoe=True,
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


@dataclass(frozen=True, slots=True)
class Monthly:
    """A package for a month, as the owner types it: Mbit/s, shillings."""

    name: str
    price: str
    down: str
    up: str
    devices: str = "1"


MONTHLIES = (
    Monthly("Home 10 Mbit/s", "2500", "10", "5"),
    Monthly("Office 20 Mbit/s", "5000", "20", "10"),
    Monthly("Family Wi-Fi", "1500", "8", "4", "4"),
)


@dataclass(frozen=True, slots=True)
class Household:
    """A customer by the month, since `since` days ago. `monthly` is its package's place; `user_name` "": on the hotspot, else it
    dials in. The bill of `bills_in` days from today it has not paid, all before it, by hand or in cash, with `extra_cents` on top."""

    name: str
    phone: str
    monthly: int
    user_name: str
    since: int
    bills_in: int
    extra_cents: int = 0
    in_cash: bool = False
    language: str = "en"


#: One of them has a phone on the demo page: what the shop asks of it is seen there.
HOUSEHOLDS = (
    Household("Grace Achieng", "254721400101", 0, "grace", 38, 12, extra_cents=50_000),
    Household("Kamau Hardware", "254721400102", 1, "kamau", 37, 1),
    Household("Hassan Omar", CUSTOMERS[2].msisdn, 0, "hassan", 36, -1, language="sw"),
    Household("Faith Njoki", "254721400104", 0, "njoki", 35, -6),
    Household("Salon Zawadi", "254721400105", 2, "", 34, 16, in_cash=True, language="sw"),
)
#: A number that is no longer in service: what is sent there comes back refused.
DEAD_NUMBER = HOUSEHOLDS[3].phone


@dataclass(frozen=True, slots=True)
class Poster:
    """A promo code as the owner types it; `uses` are the packages, by place, bought with it in the last minutes."""

    typed: Mapping[str, str]
    uses: tuple[int, ...] = ()


POSTERS = (
    Poster({"code": "KARIBU20", "note": "Poster at the bus stage", "kind": "percent", "percent": "20"}, (1, 2, 0, 2)),
    Poster({"code": "SHULE", "note": "Students, 10 off from 50", "kind": "amount", "amount": "10", "least_price": "50",
            "most_per_customer": "1"}, (2,)),
    Poster({"code": "OPENING50", "note": "Opening day, first 50", "kind": "percent", "percent": "100", "most_uses": "50",
            "most_per_customer": "1"}, (0, 0)),
)  # fmt: skip
