"""What travels in pull mode, as frozen values: jobs for a router, and what it reports. How it is written: pull.py."""

from dataclasses import dataclass, field
from enum import StrEnum

from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile
from routeros.values import ActiveSession, CookieRow, HostRow, HotspotUser, LogIn, UserProfile


class StateKind(StrEnum):
    """What a router can be asked to report: rows of ours in a menu; of hosts, all rows; of settings, what the doctor reads;
    foreign: users and sessions that are not ours, and devices let by without a login."""

    USERS = "users"
    ACTIVE = "active"
    COOKIES = "cookies"
    PROFILES = "profiles"
    HOSTS = "hosts"
    SETTINGS = "settings"
    FOREIGN = "foreign"


class Stranger(StrEnum):
    """A kind of row that is not ours."""

    USER = "user"
    ACTIVE = "active"
    BINDING = "binding"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One field of a row of a menu, rows counted from 0. `field` "": the menu was shown, with or without rows."""

    menu: str
    number: int
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Take off one row that is not ours, because a person named it, and only if it is still exactly as it was seen.

    `name`: the user, of a binding the MAC. `values`: of a user MAC, profile and comment; of a session MAC and address; of a
    binding address, type and comment. A row that is gone is as good as taken off.
    """

    kind: Stranger
    name: str
    values: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """Send all rows of ours of one kind."""

    kind: StateKind


#: AddUser makes the user or brings it to exactly these values; LogIn leaves a session of its user, MAC and address as it is.
#: Everything may be done twice.
Action = AddUser | ChangeUser | EndAccess | EnsureProfile | LogIn | Report | Drop
StateRow = HotspotUser | ActiveSession | CookieRow | UserProfile | HostRow | SettingRow


@dataclass(frozen=True, slots=True)
class PullJob:
    """One action and the number its acknowledgement will carry."""

    number: int
    action: Action


@dataclass(frozen=True, slots=True)
class PullWork:
    """An answer: `ask` repeats the question it answers, `key` proves that it is ours; jobs are done in this order."""

    ask: str
    key: str = field(repr=False)
    jobs: tuple[PullJob, ...] = ()

    def __post_init__(self) -> None:
        numbers = [job.number for job in self.jobs]
        if numbers != sorted(set(numbers)) or any(number < 1 for number in numbers):
            raise ValueError("the numbers of jobs rise")


@dataclass(frozen=True, slots=True)
class PullAck:
    """What became of a job; `why` is the router's own text, from version 7.13 on."""

    number: int
    is_done: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class StatePage:
    """Some rows of a report job's answer. `total` on the last page counts all rows of the menu, foreign ones too."""

    kind: StateKind
    number: int
    page: int
    rows: tuple[StateRow, ...] = ()
    is_last: bool = False
    total: int = 0


@dataclass(frozen=True, slots=True)
class PullReport:
    """A question: who asks, what it acknowledges, and pages of state if it was asked for them.

    Everything is what the router says. Compare `secret` in constant time, and refuse an `ask` that was seen before.
    `uptime` in seconds; `clock` is the router's own text, worth nothing before it has asked a time server.
    """

    site: str
    secret: str = field(repr=False)
    ask: str
    version: str
    board: str = ""
    serial: str = ""
    uptime: int = 0
    clock: str = ""
    acks: tuple[PullAck, ...] = ()
    states: tuple[StatePage, ...] = ()
