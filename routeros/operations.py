"""What reconcile can ask for: four operations, and the plan and drift they stand in. Values only.

Every operation names exactly one object of ours; there is none that could name anybody else's.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from routeros.values import HotspotUser, UserChanges, UserProfile


class Why(StrEnum):
    """Why access ends on the router."""

    ENDED = "ended"  # its grant has ended
    SURPLUS = "surplus"  # ours, but no grant knows it
    LINGERING = "lingering"  # session or cookie of ours whose user is gone


@dataclass(frozen=True, slots=True)
class EndAccess:
    """Remove the user, its sessions and its cookies, whichever are there."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class EnsureProfile:
    """Make the user profile or repair it."""

    profile: UserProfile

    @property
    def name(self) -> str:
        return self.profile.name


@dataclass(frozen=True, slots=True)
class AddUser:
    """Make the user."""

    user: HotspotUser

    @property
    def name(self) -> str:
        return self.user.name


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """Set fields of a user of ours."""

    name: str
    changes: UserChanges = field(repr=False)


Operation = EndAccess | EnsureProfile | AddUser | ChangeUser


@dataclass(frozen=True, slots=True)
class Drift:
    """How the router differs from the wish, as names. `clashes` are foreign rows that hold a name we need."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    lingering: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        return self == Drift()


@dataclass(frozen=True, slots=True)
class Plan:
    """Operations in the order to apply. `held` says why removals (or everything) were left out, None if nothing was."""

    operations: tuple[Operation, ...] = ()
    held: str | None = None
    drift: Drift = field(default_factory=Drift)
