"""The drift of a merchant's routers as pages tell it: by what a person may do about it, with the money at stake."""

from collections.abc import Sequence

import msgspec

from portal.db import DB
from portal.drift.compare import FOREIGN, Finding, Kind
from portal.drift.known import Known, key_of, known_on
from portal.drift.looks import Look, Standing, Wish, standings
from portal.identity import Actor

#: What customers paid for and do not have as they should; what is ours and should not be there.
LACKING = frozenset({Kind.MISSING, Kind.CHANGED, Kind.DIALIN_MISSING, Kind.DIALIN_CHANGED})
LEFT_OVER = frozenset({Kind.FREE, Kind.SURPLUS, Kind.DIALIN_FREE, Kind.DIALIN_SURPLUS})


class Group(msgspec.Struct, frozen=True):
    """Findings of one sort, the dearest first."""

    findings: Sequence[Finding] = ()

    @property
    def cents(self) -> int:
        """What they are worth together."""
        return sum(each.at_stake_cents for each in self.findings)

    def __len__(self) -> int:
        return len(self.findings)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One router: what customers lack, what of ours is too much, what is not ours, and what a person vouches for.
    `secrets`: PPPoE users of the merchant's own, which are nobody's mistake."""

    standing: Standing
    lacking: Group = Group()
    left_over: Group = Group()
    foreign: Group = Group()
    known: Group = Group()
    secrets: Group = Group()

    @property
    def mendable(self) -> int:
        """How many differences one click mends."""
        return len(self.lacking) + len(self.left_over)

    @property
    def differences(self) -> int:
        """How many there are, those vouched for left out."""
        return self.mendable + len(self.foreign)

    @property
    def cents(self) -> int:
        """What they are worth together."""
        return self.lacking.cents + self.left_over.cents + self.foreign.cents

    @property
    def result(self) -> "Result | None":
        """What came of the last repair or removal, until the next look."""
        look = self.standing.good
        return result_of(look) if look and look.wish is not Wish.LOOK else None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a repair or removal went: how many of those wanted gone are gone, and how many are left."""

    wish: Wish
    who: str
    gone: int
    left: int


def result_of(look: Look) -> Result:
    """Compare what a repair or removal found with what it left. Pure."""
    if look.target is not None:
        key = key_of(look.target.kind, look.target.who)
        is_left = any(key_of(each.kind, each.who) == key for each in look.after if not each.is_mendable)
        return Result(wish=look.wish, who=look.target.who, gone=0 if is_left else 1, left=int(is_left))
    before = {each.who for each in look.before if each.is_mendable}
    after = {each.who for each in look.after if each.is_mendable}
    return Result(wish=look.wish, who="", gone=len(before - after), left=len(after))


def report_of(standing: Standing, known: set[Known]) -> Report:
    """Sort a router's findings. Pure."""
    found = standing.good.after if standing.good else []
    foreign = [each for each in found if each.kind in FOREIGN]
    return Report(
        standing=standing,
        lacking=Group([each for each in found if each.kind in LACKING]),
        left_over=Group([each for each in found if each.kind in LEFT_OVER]),
        foreign=Group([each for each in foreign if key_of(each.kind, each.who) not in known]),
        known=Group([each for each in foreign if key_of(each.kind, each.who) in known]),
        secrets=Group([each for each in found if each.kind is Kind.FOREIGN_DIALIN]),
    )


async def report(actor: Actor, router_id: int) -> Report:
    """One router of the actor's merchant; an empty report for anybody else's."""
    standing = (await standings(actor, router_id)).get(router_id, Standing())
    return report_of(standing, (await known_on(actor, router_id)).get(router_id, set()))


async def reports(actor: Actor) -> dict[int, Report]:
    """Every router of the merchant that was ever looked at."""
    known = await known_on(actor)
    return {which: report_of(each, known.get(which, set())) for which, each in (await standings(actor)).items()}


class Bought(msgspec.Struct, frozen=True, kw_only=True):
    """The voucher behind a finding, as a shopkeeper knows it."""

    id: int
    reference: str
    package: str


async def vouchers_of(actor: Actor, report: Report) -> dict[int, Bought]:
    """The vouchers a report speaks of, by id."""
    ids = [each.voucher_id for each in report.lacking.findings if each.voucher_id is not None]
    rows = await DB.fetch(
        """SELECT id, payment_reference AS reference, coalesce(terms ->> 'name', '') AS package FROM vouchers
           WHERE merchant_id = $1 AND id = ANY($2)""",
        actor.at_merchant(),
        ids,
    )
    return {row["id"]: Bought(**dict(row)) for row in rows}
