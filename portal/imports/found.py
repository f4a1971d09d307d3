"""What a file of another system holds, in our words: packages, codes, and what is only counted. Values; nothing is stored here.

Lengths in seconds, data in bytes, speeds in kbit/s, money in cents; None: not said, or no limit of that kind."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a row of the file is about."""

    PACKAGE = "package"
    CODE = "code"
    MONEY = "money"
    PERSON = "person"


class Why(StrEnum):
    """Why a row is not taken over; `portal.controllers.dashboard.import_words` has the sentences."""

    USED = "used"
    OVER = "over"
    OFF = "off"
    OURS = "ours"
    NO_CODE = "no_code"
    LONG_CODE = "long_code"
    TWICE = "twice"
    TAKEN = "taken"
    NO_PACKAGE = "no_package"
    BAD_PRICE = "bad_price"
    BAD_LENGTH = "bad_length"
    BAD_DATE = "bad_date"
    BAD_NUMBER = "bad_number"
    NO_NAME = "no_name"
    DIALIN = "dialin"
    BALANCE = "balance"
    MONEY = "money"
    PERSON = "person"
    HALF = "half"
    MEANWHILE = "meanwhile"


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was sold there. `key`: what codes of the file name it by, folded."""

    line: int
    key: str
    name: str
    price_cents: int | None = None
    duration_s: int | None = None
    uptime_s: int | None = None
    data_bytes: int | None = None
    rate_down_kbps: int | None = None
    rate_up_kbps: int | None = None
    devices: int = 1
    why: Why | None = None


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code somebody may hold. `is_running`: its time runs; `expires_at` then says until when, None: by its own limits only.

    `expires_local`: the same as a clock without a zone, for whoever knows the merchant's."""

    line: int
    text: str
    package: str
    price_cents: int | None = None
    uptime_s: int | None = None
    data_bytes: int | None = None
    duration_s: int | None = None
    is_running: bool = False
    expires_local: datetime | None = None
    note: str = ""
    why: Why | None = None


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is told and not taken over: a sale of then, a customer."""

    line: int
    kind: Kind
    name: str
    cents: int = 0
    why: Why


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All of a file. `has_prices`: it says what things cost; else packages must be there by name already."""

    packages: list[Package] = []
    codes: list[Code] = []
    others: list[Other] = []

    def __len__(self) -> int:
        return len(self.packages) + len(self.codes) + len(self.others)

    def lines(self) -> Iterator[Package | Code | Other]:
        """Every row, packages first: codes need them."""
        yield from self.packages
        yield from self.codes
        yield from self.others


def fold_name(name: str) -> str:
    """The form names of packages are compared in."""
    return " ".join(name.split()).casefold()
