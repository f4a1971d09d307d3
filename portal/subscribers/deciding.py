"""What people decide about a subscriber: suspend, let in again, close, another package, the family's devices. Each leaves a word."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

import msgspec

from portal.db import Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.states import note
from portal.subscribers import access, course, offers, rights
from portal.subscribers.accounts import Held, hold_one
from portal.subscribers.keeping import keep
from portal.vault import Vault

SAY_WHY = N_("Write a word about why.")
CLOSED = N_("This subscriber is closed.")
NOT_CLOSED = N_("This subscriber is not closed.")
NOT_SUSPENDED = N_("This subscriber is not suspended.")
SUSPENDED_ALREADY = N_("This subscriber is suspended already.")
NO_GRACE = N_("Nothing is paid and there are no days of grace. Take the payment first.")
SAME_PACKAGE = N_("The subscriber has this package already.")
NO_DEVICE = N_("Write the address of the device, like 02:11:22:33:44:55. It is in its Wi-Fi settings.")
DEVICE_TAKEN = N_("This device is in a family already.")
FAMILY_FULL = N_("The package is for %(count)d devices. Take one out first, or change the package.")
_MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")


class Proration(msgspec.Struct, frozen=True, kw_only=True):
    """What another package or billing day at once comes to, in cents: given back, charged anew until `until`, and missing in the wallet."""

    back_cents: int
    new_cents: int
    missing_cents: int
    until: date | None


async def suspend(actor: Actor, subscriber_id: int, *, why: str, now: datetime) -> None:
    """Shut out from now on, until somebody lets in again. What is paid beyond today goes back into the wallet.

    Forbidden, NotFound; Conflict: suspended by hand, or closed; Invalid: no reason."""
    text = _why(why)

    def act(held: Held) -> None:
        if held.account.is_held:
            raise Conflict(SUSPENDED_ALREADY)
        course.hold(held.account, now)

    await decide(actor, subscriber_id, act, "suspended_by_hand", why=text, now=now)


async def resume(actor: Actor, subscriber_id: int, *, now: datetime) -> None:
    """Let in again, paid or not: what is not paid is due, with its days of grace. Conflict: not suspended, or no grace at all."""

    def act(held: Held) -> None:
        if held.account.status != "suspended":
            raise Conflict(NOT_SUSPENDED)
        course.resume(held.account, now)
        course.advance(held.account, now)
        if not held.account.has_access:
            raise Conflict(NO_GRACE)

    await decide(actor, subscriber_id, act, "resumed_by_hand", why="", now=now)


async def close(actor: Actor, subscriber_id: int, *, why: str, now: datetime) -> None:
    """End it for good. The wallet's money stays the customer's, to be given back. Invalid: no reason."""
    text = _why(why)

    def act(held: Held) -> None:
        course.close(held.account, now)

    await decide(actor, subscriber_id, act, "closed_by_hand", why=text, now=now)


async def change_package(actor: Actor, subscriber_id: int, package_id: int, *, at_once: bool, now: datetime) -> None:
    """Another package, at once with the days given back and charged anew, or from the next bill on. NotFound: no such package."""
    monthly = await offers.one(rights.deciding(actor), package_id)

    def act(held: Held) -> None:
        account = held.account
        if account.offer.id == monthly.id and account.next_offer is None:
            raise Conflict(SAME_PACKAGE)
        if account.offer.id == monthly.id:
            account.next_offer = None
        elif at_once:
            course.change(account, monthly.offer, now)
            course.advance(account, now)
        else:
            account.next_offer = monthly.offer

    data = {"package": monthly.name, "at_once": at_once}
    await decide(actor, subscriber_id, act, "package_changed", why=None, data=data, now=now)


async def prorate(actor: Actor, subscriber_id: int, package_id: int, *, now: datetime) -> Proration:
    """What `change_package` at once would come to now. Changes nothing."""
    monthly = await offers.one(rights.deciding(actor), package_id)
    return await proration(actor, subscriber_id, lambda held: course.change(held.account, monthly.offer, now), now=now)


async def proration(
    actor: Actor, subscriber_id: int, act: Callable[[Held], None], *, now: datetime
) -> Proration:  # fmt: skip
    """What `act` would come to now. Changes nothing. NotFound."""
    async with atomic() as tx:
        held = await own(tx, actor, subscriber_id, now=now)
        account = held.account
        act(held)
        new = [bill for bill in account.bills if bill.id is None and bill.status != "dropped"]
        return Proration(
            back_cents=sum(bill.returned_cents for bill in account.bills),
            new_cents=sum(bill.amount_cents for bill in new),
            missing_cents=max(0, account.owed_cents - account.wallet_cents),
            until=new[-1].ends_on if new else None,
        )


async def decide(
    actor: Actor, subscriber_id: int, act: Callable[[Held], None], name: str, *, why: str | None, now: datetime,
    data: Mapping[str, object] | None = None, was_closed: bool = False,
) -> None:  # fmt: skip
    """Let `act` happen to one of the actor's subscribers, and keep it under `name`. Forbidden, NotFound; Conflict: it is closed, or
    with `was_closed` it is not."""
    rights.deciding(actor)
    by = f"user:{actor.user_id}"
    async with atomic() as tx:
        held = await own(tx, actor, subscriber_id, now=now)
        if (held.account.status == "closed") is not was_closed:
            raise Conflict(NOT_CLOSED if was_closed else CLOSED)
        course.advance(held.account, now)
        act(held)
        await keep(tx, [held], now=now, actor=by)
        if why is not None:
            await tx.execute("UPDATE subscribers SET why = $2 WHERE id = $1", subscriber_id, why)
        await note(
            tx, "subscribers", subscriber_id, name, merchant_id=held.row["merchant_id"], at=now, actor=by,
            data={**(data or {}), **({"why": why} if why else {})},
        )  # fmt: skip


async def own(tx: Tx, actor: Actor, subscriber_id: int, *, now: datetime) -> Held:
    """One of the actor's merchant, locked. NotFound."""
    if not await tx.value(
        "SELECT true FROM subscribers WHERE id = $1 AND merchant_id = $2", subscriber_id, actor.at_merchant()
    ):
        raise NotFound
    return await hold_one(tx, subscriber_id, now=now)


def _why(text: str) -> str:
    if len(text.strip()) < 3:
        raise Invalid({"why": SAY_WHY})
    return text.strip()[:200]


async def add_device(actor: Actor, subscriber_id: int, mac: str, *, name: str, now: datetime) -> None:
    """Put a device into the family: standing before the hotspot it is let in without a code, while the account has access.

    Invalid: no address; Conflict: the family is full, or the device is in one already."""
    plain = mac.strip().upper().replace("-", ":")
    if not _MAC.fullmatch(plain):
        raise Invalid({"mac": NO_DEVICE})
    rights.deciding(actor)
    async with atomic() as tx:
        held = await own(tx, actor, subscriber_id, now=now)
        if held.account.status == "closed":
            raise Conflict(CLOSED)
        most = await tx.value(
            "SELECT coalesce((terms ->> 'devices')::int, 1) FROM subscribers WHERE id = $1", subscriber_id
        )
        live = await tx.value(
            "SELECT count(*) FROM subscriber_devices WHERE subscriber_id = $1 AND removed_at IS NULL", subscriber_id
        )
        if live >= most:
            raise Conflict(FAMILY_FULL, params={"count": most})
        added = await tx.value(
            """INSERT INTO subscriber_devices (merchant_id, subscriber_id, mac, name, added_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT DO NOTHING RETURNING id""",
            held.row["merchant_id"],
            subscriber_id,
            plain,
            name.strip()[:40],
            now,
        )
        if added is None:
            raise Conflict(DEVICE_TAKEN)
        await note(
            tx, "subscribers", subscriber_id, "device_added", merchant_id=held.row["merchant_id"], at=now,
            actor=f"user:{actor.user_id}", data={"device": added},
        )  # fmt: skip


async def remove_device(actor: Actor, subscriber_id: int, device_id: int, *, vault: Vault, now: datetime) -> None:
    """Take a device out of the family. If it was ever let in, the family's sessions are cut, because a router does not tell whose
    is whose for good; the others are let in again by themselves. NotFound: it is not in it."""
    merchant_id = rights.deciding(actor)
    async with atomic() as tx:
        found = await tx.row(
            """UPDATE subscriber_devices r SET removed_at = $4 FROM subscribers s
               WHERE r.id = $1 AND r.subscriber_id = $2 AND r.merchant_id = $3 AND r.removed_at IS NULL AND s.id = r.subscriber_id
               RETURNING s.voucher_id, EXISTS (
                 SELECT FROM device_vouchers h JOIN devices d ON d.id = h.device_id
                 WHERE h.voucher_id = s.voucher_id AND d.merchant_id = $3 AND d.mac = r.mac) AS was_in""",
            device_id,
            subscriber_id,
            merchant_id,
            now,
        )
        if found is None:
            raise NotFound
        if found["was_in"]:
            await access.cut_sessions(tx, found["voucher_id"], vault=vault, now=now, actor=f"user:{actor.user_id}")
        await note(
            tx, "subscribers", subscriber_id, "device_removed", merchant_id=merchant_id, at=now,
            actor=f"user:{actor.user_id}", data={"device": device_id},
        )  # fmt: skip
