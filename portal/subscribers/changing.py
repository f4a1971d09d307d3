"""What else may change about a subscriber: the router, the PPPoE name and password, the billing day; and coming back after closing.

Money and dates go by `course`; each change leaves a word."""

from datetime import datetime

from asyncpg import UniqueViolationError

from portal import codes
from portal.access_grants import wake_routers
from portal.db import DB, Tx, atomic
from portal.dialins import refuse_pull
from portal.errors import Conflict, Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.phones import mask_name
from portal.states import note
from portal.subscribers import access, course, rights, typed
from portal.subscribers.accounts import Held
from portal.subscribers.deciding import CLOSED, Proration, decide, own, proration
from portal.subscribers.opening import CHOOSE_ROUTER, USER_TAKEN, WRITE_DAY, Wish, check_dialin
from portal.terms import decode_terms
from portal.vault import Vault

SAME_ROUTER = N_("The subscriber is on this router already.")
SAME_DAY = N_("This is the billing day already.")
NO_DIALIN = N_("This subscriber does not connect by PPPoE.")
NAME_GONE = N_("Somebody else has this PPPoE user name now. Give them another one first.")
ROUTER_GONE = N_("The router of this subscriber was removed. Open a new account on another router.")


async def change_router(actor: Actor, subscriber_id: int, router_id: int, *, vault: Vault, now: datetime) -> None:
    """Serve it on another router: the old one loses it and the new one gets it, whenever each of them can be reached.

    Forbidden, NotFound; Invalid: no such router, or the PPPoE user name is taken there; Conflict: on it already, closed, or a
    router that asks us for work and cannot serve PPPoE."""
    merchant_id = rights.deciding(actor)
    try:
        async with atomic() as tx:
            held = await _open(tx, actor, subscriber_id, now=now)
            old, kind = held.row["router_id"], held.row["kind"]
            router = await tx.row(
                "SELECT id, way, name FROM routers WHERE id = $1 AND merchant_id = $2 AND status <> 'removed' FOR SHARE",
                router_id,
                merchant_id,
            )
            if router is None:
                raise Invalid({"router": CHOOSE_ROUTER})
            if old == router_id:
                raise Conflict(SAME_ROUTER)
            if kind == "pppoe":
                refuse_pull(router["way"])
            await tx.execute("UPDATE subscribers SET router_id = $2 WHERE id = $1", subscriber_id, router_id)
            await _take_along(tx, held, router_id, vault=vault, now=now, actor=f"user:{actor.user_id}")
            await note(
                tx, "subscribers", subscriber_id, "router_changed", merchant_id=merchant_id, at=now,
                actor=f"user:{actor.user_id}", data={"from": old, "to": router_id, "router": router["name"]},
            )  # fmt: skip
    except UniqueViolationError as error:
        raise Invalid({"router": USER_TAKEN}) from error


async def _take_along(tx: Tx, held: Held, router_id: int, *, vault: Vault, now: datetime, actor: str) -> None:
    if held.row["voucher_id"] is not None:
        await access.move_to(
            tx, held.row["voucher_id"], decode_terms(held.row["terms"]), router_id, merchant_id=held.row["merchant_id"],
            has_access=held.account.has_access, vault=vault, now=now, actor=actor,
        )  # fmt: skip
    else:
        await wake_routers(tx, {held.row["router_id"], router_id})


async def change_dialin(
    actor: Actor, subscriber_id: int, *, user_name: str, password: str, vault: Vault, now: datetime
) -> str:
    """Another PPPoE user name, and another password: as typed, or one that is made up; the password, to be shown this once.
    Who is online with the old one is cut.

    Forbidden, NotFound; Conflict: not by PPPoE, or closed; Invalid: the fields that are wrong, or the name is taken."""
    merchant_id = rights.deciding(actor)
    wrong = check_dialin(Wish(kind="pppoe", user_name=user_name, password=password))
    if wrong:
        raise Invalid(wrong)
    name, fresh = user_name.strip(), password.strip() or codes.voucher_code()
    try:
        async with atomic() as tx:
            held = await _open(tx, actor, subscriber_id, now=now)
            if held.row["kind"] != "pppoe":
                raise Conflict(NO_DIALIN)
            await tx.execute(
                "UPDATE subscribers SET user_name = $2, password_sealed = $3 WHERE id = $1",
                subscriber_id,
                name,
                vault.seal("subscribers", "password_sealed", row_id=subscriber_id, plaintext=fresh),
            )
            await wake_routers(tx, [held.row["router_id"]])
            await note(
                tx, "subscribers", subscriber_id, "dialin_changed", merchant_id=merchant_id, at=now,
                actor=f"user:{actor.user_id}", data={"user_name": mask_name(name)},
            )  # fmt: skip
    except UniqueViolationError as error:
        raise Invalid({"user_name": USER_TAKEN}) from error
    return fresh


async def change_billing_day(actor: Actor, subscriber_id: int, day: str, *, now: datetime) -> None:
    """Another billing day: the running period ends with today, and the days from tomorrow to the new day are billed.

    Forbidden, NotFound; Invalid: no day of a month; Conflict: it is that day already, or closed."""
    billing_day = read_day(day)

    def act(held: Held) -> None:
        if held.account.billing_day == billing_day:
            raise Conflict(SAME_DAY)
        course.change_day(held.account, billing_day, now)
        course.advance(held.account, now)

    await decide(actor, subscriber_id, act, "billing_day_changed", why=None, data={"day": billing_day}, now=now)


async def prorate_day(actor: Actor, subscriber_id: int, day: str, *, now: datetime) -> Proration:
    """What `change_billing_day` would come to now. Changes nothing. Invalid: no day of a month."""
    rights.deciding(actor)
    billing_day = read_day(day)
    return await proration(
        actor, subscriber_id, lambda held: course.change_day(held.account, billing_day, now), now=now
    )


def read_day(text: str) -> int:
    """A typed billing day, 1 to 31; Invalid."""
    day = typed.number(text, 0)
    if not 1 <= day <= 31:
        raise Invalid({"billing_day": WRITE_DAY})
    return day


async def reopen(actor: Actor, subscriber_id: int, *, now: datetime) -> None:
    """A closed one is a customer again: same account number, wallet and access. It is let in when the wallet reaches for the days
    from today on, else it is suspended until it is paid or let in by hand.

    Forbidden, NotFound; Conflict: not closed, its PPPoE name is somebody else's now, or its router was removed."""

    merchant_id = rights.deciding(actor)

    def act(held: Held) -> None:
        course.reopen(held.account, now)

    if await DB.value(
        "SELECT r.status = 'removed' FROM subscribers s JOIN routers r ON r.id = s.router_id WHERE s.id = $1 AND s.merchant_id = $2",
        subscriber_id,
        merchant_id,
    ):
        raise Conflict(ROUTER_GONE)
    try:
        await decide(actor, subscriber_id, act, "reopened", why="", now=now, was_closed=True)
    except UniqueViolationError as error:
        raise Conflict(NAME_GONE) from error


async def _open(tx: Tx, actor: Actor, subscriber_id: int, *, now: datetime) -> Held:
    held = await own(tx, actor, subscriber_id, now=now)
    if held.account.status == "closed":
        raise Conflict(CLOSED)
    return held
