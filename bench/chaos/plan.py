"""What a chaos run is going to do, drawn from one seed: who buys what, what the payer does, what befalls each message, and when
which process dies. The same seed gives the same plan; how far the processes have come when they die is the machine's."""

from collections import Counter
from dataclasses import dataclass
from random import Random

#: Together three in ten messages; each is one kind of mishap.
FAULTS = {"lost": 0.05, "copied": 0.05, "late": 0.05, "held": 0.05, "forged": 0.05, "corrupt": 0.05}
#: What the payer does with the prompt; the rest types the PIN.
ANSWERS = {"cancel": 0.05, "ignore": 0.03, "by_hand": 0.05, "in_two": 0.03, "too_little": 0.02, "too_much": 0.02}
#: These pay by hand, which needs a merchant whose addresses for it are registered.
BY_HAND = frozenset({"by_hand", "in_two", "too_little", "too_much"})
VICTIMS = ("web", "worker", "database")
LATE_S = 20.0


@dataclass(frozen=True)
class Mishap:
    """What befalls one message on its way; `copies` and `late_s` matter to "copied" and "late"."""

    name: str = ""
    copies: int = 1
    late_s: float = 0.0


@dataclass(frozen=True)
class Sale:
    """One customer: `merchant` counts from 0, `confirmed` is when M-Pesa confirms an STK payment by C2B too."""

    number: int
    merchant: int
    package: int
    answer: str
    mishap: Mishap
    by_hand: tuple[Mishap, Mishap]
    confirmed: str

    @property
    def phone(self) -> str:
        """A number of its own."""
        return f"2547{10_000_000 + self.number}"

    @property
    def mac(self) -> str:
        """A device of its own."""
        return f"02:{self.number >> 16 & 255:02X}:00:00:{self.number >> 8 & 255:02X}:{self.number & 255:02X}"


@dataclass(frozen=True)
class Kill:
    """A death by -9, so long after so many sales have begun."""

    after: int
    wait_s: float
    victim: str


@dataclass(frozen=True)
class Plan:
    """All of it."""

    seed: int
    merchants: int
    sales: list[Sale]
    kills: list[Kill]
    late_s: float

    def mishaps(self) -> Counter[str]:
        """How many messages meet what."""
        return Counter(
            each.name
            for sale in self.sales
            for each in ((sale.mishap, *sale.by_hand) if sale.answer in BY_HAND else (sale.mishap,))
        )


def registers_c2b(merchant: int) -> bool:
    """Every other merchant has addresses for payments by hand; the others hear of a lost callback by asking only."""
    return merchant % 2 == 0


def make(count: int, kills: int, *, seed: int, merchants: int, late_s: float = LATE_S) -> Plan:
    """The plan of a run with so many payments and deaths."""
    chance = Random(seed)
    sales = [_sale(chance, number, merchants, late_s) for number in range(count)]
    moments = sorted(chance.sample(range(max(1, count // 50), max(kills + 2, int(count * 0.95))), kills))
    victims = [VICTIMS[number % 3] for number in range(kills)]
    chance.shuffle(victims)
    deaths = [Kill(after, chance.uniform(0, 0.5), victim) for after, victim in zip(moments, victims, strict=True)]
    return Plan(seed, merchants, sales, deaths, late_s)


def _sale(chance: Random, number: int, merchants: int, late_s: float) -> Sale:
    merchant = chance.randrange(merchants)
    answer = _draw(chance, ANSWERS) or "pin"
    if answer in BY_HAND and not registers_c2b(merchant):
        answer = "cancel" if answer == "too_little" else "pin"
    confirmed = chance.choice(("before", "after", "off")) if registers_c2b(merchant) else "off"
    return Sale(
        number=number,
        merchant=merchant,
        package=chance.randrange(2),
        answer=answer,
        mishap=_mishap(chance, late_s),
        by_hand=(_mishap(chance, late_s), _mishap(chance, late_s)),
        confirmed=confirmed,
    )


def _mishap(chance: Random, late_s: float) -> Mishap:
    name = _draw(chance, FAULTS)
    return Mishap(name, copies=chance.randint(2, 5), late_s=chance.uniform(1, late_s)) if name else Mishap()


def _draw(chance: Random, chances: dict[str, float]) -> str:
    drawn = chance.random()
    for name, share in chances.items():
        if drawn < share:
            return name
        drawn -= share
    return ""
