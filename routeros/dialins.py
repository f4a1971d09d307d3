"""Monthly customers who dial in over PPPoE: what a router should hold of them, what was read, and what to do. Pure.

A secret is ours when its comment says so; nobody else's is ever named in an operation. Whoever is to be cut is first kept
from dialling in again (secret disabled or removed), and only then sought among the active sessions: nobody slips through.
Order of settings and what an edit does to a running session (nothing): MikroTik manual, PPP AAA.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from routeros.names import PREFIX, TAG
from routeros.reconcile import Brakes
from routeros.words import read_rate_limit, same_rate_limit, write_rate_limit

_MARK: Final = TAG + "subscriber-"
_OWN_COMMENT: Final = re.compile(re.escape(_MARK) + r"\d{1,19}", re.ASCII)
#: So few surprises are no sign of a mistake: one customer of five who moved to another router is a fifth of them.
UNHELD: Final = 3
_USUAL: Final = Brakes()


@dataclass(frozen=True, slots=True)
class Secret:
    """A row of /ppp/secret. `password` is None when the router does not show it."""

    name: str
    password: str | None = field(default=None, repr=False)
    profile: str = "default"
    comment: str = ""
    service: str = "any"
    is_disabled: bool = False
    id: str = field(default="", compare=False)

    @property
    def is_own(self) -> bool:
        """Whether we made it."""
        return _OWN_COMMENT.fullmatch(self.comment) is not None


class SecretChanges(TypedDict, total=False):
    """Fields of a secret to set; a key that is absent is left alone."""

    password: str
    profile: str
    comment: str
    service: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class PppProfile:
    """A row of /ppp/profile. `rate_limit` is `upload/download` as the customer sees it (the router's rx/tx), "" for none.

    Addresses are not in it: they come from the default profile of the merchant's own PPPoE server.
    """

    name: str
    rate_limit: str = ""
    is_only_one: bool = True
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DialinSession:
    """A row of /ppp/active. `uptime` in seconds; `mac` is the caller."""

    user: str
    address: str = ""
    mac: str = ""
    uptime: int = 0
    is_radius: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class BoundInterface:
    """A row of /interface/pppoe-server: which interface a user's session has."""

    name: str
    user: str


@dataclass(frozen=True, slots=True)
class InterfaceBytes:
    """A row of /interface: `received` by the router is the customer's upload."""

    name: str
    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class DesiredDialin:
    """A customer as the router should hold them; off: the secret stays, disabled."""

    name: str
    password: str = field(repr=False)
    profile: str
    subscriber_id: int
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class DesiredDialins:
    """Everything of ours; `ended` are names to take off. A name both desired and ended is desired."""

    dialins: Mapping[str, DesiredDialin] = field(default_factory=dict[str, DesiredDialin])
    profiles: Mapping[str, PppProfile] = field(default_factory=dict[str, PppProfile])
    ended: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ObservedDialins:
    """What one read saw; `complete` only if secrets, profiles and sessions were all shown."""

    secrets: tuple[Secret, ...] = ()
    profiles: tuple[PppProfile, ...] = ()
    sessions: tuple[DialinSession, ...] = ()
    bound: tuple[BoundInterface, ...] = ()
    interfaces: tuple[InterfaceBytes, ...] = ()
    complete: bool = False

    def bytes_of(self, user: str) -> tuple[int, int]:
        """What a user's running sessions sent up and got down, by the counters of their interfaces."""
        mine = {each.name for each in self.bound if each.user == user}
        seen = [each for each in self.interfaces if each.name in mine]
        return sum(each.received for each in seen), sum(each.sent for each in seen)


@dataclass(frozen=True, slots=True)
class WriteProfile:
    """Make a profile or repair it."""

    profile: PppProfile

    @property
    def name(self) -> str:
        return self.profile.name


@dataclass(frozen=True, slots=True)
class AddSecret:
    """Make a secret."""

    secret: Secret

    @property
    def name(self) -> str:
        return self.secret.name


@dataclass(frozen=True, slots=True)
class ChangeSecret:
    """Set fields of a secret of ours; `cuts`: end its sessions after that, so that the change counts now."""

    name: str
    changes: SecretChanges = field(repr=False)
    cuts: bool = False


@dataclass(frozen=True, slots=True)
class EndDialin:
    """Remove a secret of ours, then its sessions."""

    name: str


DialinOperation = WriteProfile | AddSecret | ChangeSecret | EndDialin


@dataclass(frozen=True, slots=True)
class DialinDrift:
    """How the router differs, as names. `online` are suspended and online; `clashes` stand under somebody else's secret."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    online: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DialinPlan:
    """Operations in the order to carry out. `held` says why removals (or everything) were left out, None: nothing was."""

    operations: tuple[DialinOperation, ...] = ()
    held: str | None = None
    drift: DialinDrift = field(default_factory=DialinDrift)


def dialin_comment(subscriber_id: int) -> str:
    """The comment that makes a secret ours."""
    return f"{_MARK}{subscriber_id}"


def subscriber_of(secret: Secret) -> int | None:
    """The subscriber in the comment of a secret of ours, None for anybody else's."""
    return int(secret.comment.removeprefix(_MARK)) if secret.is_own else None


def dialin_profile(rate_limit: str) -> PppProfile:
    """The profile for a speed; the same speed gives the same name, so that packages share it. "" is full speed."""
    spelled = write_rate_limit(read_rate_limit(rate_limit)) if rate_limit else "full"
    return PppProfile(f"{PREFIX}ppp-{re.sub(r'[^0-9a-z]+', '-', spelled.casefold()).strip('-')}", rate_limit)


def differs(seen: PppProfile, wanted: PppProfile) -> bool:
    """Whether a profile on the router does not give what is sold. What else is set there is the merchant's business."""
    return not same_rate_limit(seen.rate_limit, wanted.rate_limit) or seen.is_only_one != wanted.is_only_one


def plan_dialins(desired: DesiredDialins, observed: ObservedDialins, *, brakes: Brakes = _USUAL) -> DialinPlan:
    """Compare and decide; applied and planned again gives an empty plan. Ends and suspensions stand first."""
    if not observed.complete:
        return DialinPlan(held="the PPP menus of the router were not read completely")
    own = {each.name: each for each in observed.secrets if each.is_own}
    foreign = {each.name for each in observed.secrets} - own.keys()
    online = {each.user for each in observed.sessions if not each.is_radius}
    ended = desired.ended - desired.dialins.keys()
    found = {each.name: each for each in observed.profiles}
    wanted = {name: each for name, each in desired.dialins.items() if name not in foreign}
    changed = {name: changes for name, each in wanted.items() if name in own and (changes := _changes(each, own[name]))}
    drift = DialinDrift(
        missing=_sorted(name for name, each in wanted.items() if each.is_on and name not in own),
        changed=_sorted(changed),
        online=_sorted(name for name, each in wanted.items() if not each.is_on and name in online),
        ended=_sorted(ended & (own.keys() | (online - foreign))),
        surplus=_sorted(own.keys() - desired.dialins.keys() - ended),
        profiles=_sorted(n for n, each in desired.profiles.items() if n not in found or differs(found[n], each)),
        clashes=_sorted(desired.dialins.keys() & foreign),
        foreign=_sorted(foreign),
    )
    held = _held(len(drift.surplus), len(own), brakes)
    endings = [EndDialin(name) for name in (*drift.ended, *(() if held else drift.surplus))]
    touched = [
        ChangeSecret(name, changed.get(name, {}), cuts=_cuts(wanted[name], changed.get(name, {})))
        for name in sorted(changed.keys() | set(drift.online))
    ]
    first = [each for each in touched if not wanted[each.name].is_on]
    profiles = [WriteProfile(desired.profiles[name]) for name in drift.profiles]
    added = [AddSecret(_row(wanted[name])) for name in drift.missing]
    rest = [each for each in touched if wanted[each.name].is_on]
    return DialinPlan((*endings, *first, *profiles, *added, *rest), held, drift)


def _row(wanted: DesiredDialin) -> Secret:
    return Secret(
        wanted.name, wanted.password, wanted.profile, dialin_comment(wanted.subscriber_id), "pppoe", not wanted.is_on
    )


def _changes(wanted: DesiredDialin, row: Secret) -> SecretChanges:
    """Fields to set; a password the router does not show is believed, and of a suspended one only the switch matters."""
    goal = _row(wanted)
    changes: SecretChanges = {}
    if row.is_disabled != goal.is_disabled:
        changes["is_disabled"] = goal.is_disabled
    if goal.is_disabled:
        return changes
    if row.password is not None and row.password != wanted.password:
        changes["password"] = wanted.password
    if row.profile != goal.profile:
        changes["profile"] = goal.profile
    if row.comment != goal.comment:
        changes["comment"] = goal.comment
    if row.service not in {"any", "pppoe"}:
        changes["service"] = goal.service
    return changes


def _cuts(wanted: DesiredDialin, changes: SecretChanges) -> bool:
    """Whether sessions end: of the suspended, and where another speed or password is to count at once."""
    return not wanted.is_on or bool(changes.keys() & {"password", "profile"})


def _held(surprises: int, ours: int, brakes: Brakes) -> str | None:
    if surprises > brakes.max_count or surprises > max(UNHELD, brakes.max_share * ours):
        return f"{surprises} of our {ours} PPPoE secrets on the router are unknown to us; a person must say so first"
    return None


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
