"""When a merchant is paid out by itself, and which merchants are due. Days are the merchant's own."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal import ledger
from portal.db import DB, atomic
from portal.errors import Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.payouts import rights
from portal.states import note

SCHEDULES = ("off", "daily", "weekly", "threshold")
#: Payouts of a day leave from this hour on, where the merchant is.
FROM_HOUR = 6
LEAST_CENTS = 1000
CHOOSE = N_("Choose one of these.")
SHILLINGS = N_("Write an amount in whole shillings, 10 or more.")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's plan. `weekday` 1 is Monday; amounts in cents; `fee_cents` is the platform's for each payout."""

    schedule: str = "off"
    weekday: int = 1
    threshold_cents: int = 500_000
    minimum_cents: int = 10_000
    fee_cents: int = 0


async def plan_of(merchant_id: int) -> Plan:
    """The plan, or the one a merchant has that never chose."""
    row = await DB.row(
        "SELECT schedule, weekday, threshold_cents, minimum_cents, fee_cents FROM payout_plans WHERE merchant_id = $1",
        merchant_id,
    )
    return Plan() if row is None else Plan(**dict(row))


def next_day(plan: Plan, *, now: datetime, zone: ZoneInfo) -> date | None:
    """When money leaves next by the plan, if enough is owed then. None: by no day, but by hand or by an amount. Pure."""
    here = now.astimezone(zone)
    ahead = {"daily": 0, "weekly": (plan.weekday - here.isoweekday()) % 7}.get(plan.schedule)
    if ahead is None:
        return None
    if ahead == 0 and here.hour >= FROM_HOUR:
        ahead = 1 if plan.schedule == "daily" else 7
    return here.date() + timedelta(days=ahead)


async def set_plan(actor: Actor, plan: Plan, *, now: datetime) -> None:
    """Keep the owner's plan; the fee stays what it is. Forbidden, Invalid."""
    merchant_id = rights.owner(actor)
    wrong: dict[str, str] = {}
    if plan.schedule not in SCHEDULES:
        wrong["schedule"] = CHOOSE
    if not 1 <= plan.weekday <= 7:
        wrong["weekday"] = CHOOSE
    for name, cents in (("minimum", plan.minimum_cents), ("threshold", plan.threshold_cents)):
        if cents < LEAST_CENTS or cents % 100:
            wrong[name] = SHILLINGS
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO payout_plans AS p (merchant_id, schedule, weekday, threshold_cents, minimum_cents, changed_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO UPDATE SET schedule = excluded.schedule,
               weekday = excluded.weekday, threshold_cents = excluded.threshold_cents,
               minimum_cents = excluded.minimum_cents, changed_at = excluded.changed_at""",
            merchant_id,
            plan.schedule,
            plan.weekday,
            plan.threshold_cents,
            plan.minimum_cents,
            now,
        )
        data = {"schedule": plan.schedule, "weekday": plan.weekday, "minimum_cents": plan.minimum_cents}
        await note(
            tx, "merchants", merchant_id, "payout_plan", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data=data | {"threshold_cents": plan.threshold_cents},
        )  # fmt: skip


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant that may be due; `once` names the day, so that it is paid once."""

    merchant_id: int
    once: str
    least_cents: int


async def due_by_plan(*, now: datetime) -> list[Due]:
    """Merchants whose plan is due and who were not paid by it for that day yet. A weekly day nobody worked on is caught up on the
    days after it, if enough was owed when it ended; a daily one by the next."""
    rows = await DB.fetch(
        """SELECT p.*, m.timezone FROM payout_plans p JOIN merchants m ON m.id = p.merchant_id
           WHERE p.schedule <> 'off' ORDER BY p.merchant_id"""
    )
    found: list[tuple[Due, datetime]] = []
    for row in rows:
        here = now.astimezone(ZoneInfo(row["timezone"]))
        if here.hour < FROM_HOUR:
            continue
        behind = (here.isoweekday() - row["weekday"]) % 7 if row["schedule"] == "weekly" else 0
        day = here.date() - timedelta(days=behind)
        ended = datetime.combine(day + timedelta(days=1), time.min, here.tzinfo)
        if ended <= row["changed_at"]:  # the plan is younger than that day
            continue
        least = max(row["minimum_cents"], row["threshold_cents"] if row["schedule"] == "threshold" else 0)
        once = f"plan:{row['merchant_id']}:{day:%Y-%m-%d}"
        found.append((Due(merchant_id=row["merchant_id"], once=once, least_cents=least), ended))
    there = await DB.fetch("SELECT once FROM payouts WHERE once = ANY($1)", [f"{due.once}:1" for due, _ in found])
    names = {row["once"] for row in there}
    left = [(due, ended) for due, ended in found if f"{due.once}:1" not in names]
    return [due for due, ended in left if ended > now or await _was_owed(due, ended)]


async def _was_owed(due: Due, ended: datetime) -> bool:
    """Whether there was enough when the day ended: if not, nobody missed anything."""
    return await ledger.owed(due.merchant_id, before=ended) >= max(due.least_cents, LEAST_CENTS)
