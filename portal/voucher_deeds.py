"""What the shop does with one sold voucher: more time, another phone, its code to a number, or back. Selling it:
`portal.voucher_sales`.

A subscriber's voucher is looked after at the subscriber. Every deed is an event with who did it."""

from datetime import datetime, timedelta

from asyncpg import Record

from portal import access_grants, devices, limits, messages, phones, vouchers
from portal.batches import SAY_WHY, manager
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Actor, Role
from portal.messages import Told
from portal.msgid import N_
from portal.states import E, move, note
from portal.terms import Terms, decode_terms

LONGEST_MORE = timedelta(days=90)
UNITS = {"minutes": 60, "hours": 3600, "days": 86_400}
#: Codes sent to one number.
GIFTS_PER_PHONE = (3, 600)
NOT_SELLING = N_("You may look, but not sell. Ask the owner.")
OF_SUBSCRIBER = N_("This voucher belongs to a subscriber. Change it on the subscriber's page.")
HOW_MUCH_MORE = N_("Write how much time, 1 minute to 90 days.")
HAS_ENDED = N_("This voucher has ended. Sell or give a new one.")
NOT_SOLD = N_("This voucher is not paid for. Take the money first.")
NOT_USED = N_("It was not used yet: just type its code on the other phone.")
WHICH_MAC = N_("Write the phone's Wi-Fi address, for example 5C:CF:7F:11:22:33.")
TOO_MANY_GIFTS = N_("This number was sent codes a moment ago. Wait ten minutes.")
_SELLERS = frozenset({Role.OWNER, Role.MANAGER, Role.CASHIER})


def seller(actor: Actor) -> int:
    """The merchant whose vouchers the actor may sell and hand out; Forbidden for viewers."""
    merchant_id = actor.at_merchant()
    if actor.role not in _SELLERS:
        raise Forbidden(NOT_SELLING)
    return merchant_id


async def own(tx: Tx, actor: Actor, voucher_id: int) -> Record:
    """The voucher, locked. NotFound: another merchant's; Conflict: a subscriber's."""
    row = await tx.row(
        """SELECT v.*, EXISTS (SELECT FROM subscribers s WHERE s.voucher_id = v.id) AS is_subscribers FROM vouchers v
           WHERE v.id = $1 AND v.merchant_id = $2 FOR UPDATE OF v""",
        voucher_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    return row


def usable(row: Record, *, now: datetime) -> Record:
    """A voucher that works now. Conflict: a subscriber's, not sold, or over."""
    if row["is_subscribers"]:
        raise Conflict(OF_SUBSCRIBER)
    if row["status"] == "unsold":
        raise Conflict(NOT_SOLD)
    if row["status"] not in ("paid", "in_use") or (row["expires_at"] is not None and row["expires_at"] <= now):
        raise Conflict(HAS_ENDED)
    return row


async def revoke(actor: Actor, voucher_id: int, *, why: str, now: datetime) -> None:
    """Take a voucher back: its code works no more, its devices are off. Money is another matter: see refunds. For owners and
    managers; Invalid: no reason; Conflict: it has ended already."""
    async with atomic() as tx:
        row = await own(tx, actor, voucher_id)
        manager(actor)
        if row["is_subscribers"]:
            raise Conflict(OF_SUBSCRIBER)
        reason = _reason(why)
        moved = await move(
            tx, "vouchers", voucher_id, E.REVOKE, at=now, actor=_named(actor), data={"why": reason}, ended_at=now,
            ended_why="revoked",
        )  # fmt: skip
        if not moved:
            raise Conflict(HAS_ENDED)
        await access_grants.end_for(tx, [voucher_id], now=now, actor=_named(actor))


async def add_time(actor: Actor, voucher_id: int, *, amount: str, unit: str, why: str, now: datetime) -> None:
    """Give more time for nothing: its end moves, and a limit of connected time grows by as much; data does not. For owners and
    managers; Invalid by field; Conflict: not sold, or over."""
    async with atomic() as tx:
        row = await own(tx, actor, voucher_id)
        manager(actor)
        seconds = _seconds(amount, unit)
        reason = _reason(why)
        usable(row, now=now)
        terms = decode_terms(row["terms"])
        more = Terms(name=terms.name, duration_s=seconds, uptime_s=seconds, data_bytes=0)
        if not await vouchers.extend(tx, voucher_id, more, now=now, actor=_named(actor), data={"why": reason}):
            raise Conflict(HAS_ENDED)


async def move_to(actor: Actor, voucher_id: int, *, mac: str, now: datetime) -> None:
    """Give the access to another phone: when that stands before the Wi-Fi page it is let in, and the old one is put off. For who may
    sell. Invalid: no such address; Conflict: not sold, over, or never used: then its code does the same."""
    async with atomic() as tx:
        row = await own(tx, actor, voucher_id)
        seller(actor)
        device = _device(mac)
        usable(row, now=now)
        moved = await tx.fetch(
            """UPDATE access_grants SET mac = $2, ip = NULL, login_wanted_at = NULL
               WHERE voucher_id = $1 AND status IN ('wanted', 'present') RETURNING id""",
            voucher_id,
            device,
        )
        if not moved:
            raise Conflict(NOT_USED)
        await tx.execute("UPDATE checkouts SET mac = $2 WHERE voucher_id = $1", voucher_id, device)
        await note(
            tx, "vouchers", voucher_id, "moved", merchant_id=row["merchant_id"], at=now, actor=_named(actor),
            data={"mac": device},
        )  # fmt: skip


async def send_code(actor: Actor, voucher_id: int, *, phone: str, form_key: str, now: datetime) -> bool:
    """Send a sold voucher's code to a number, once per form. False: the same form again. For who may sell; Invalid: no number;
    Conflict: not sold, or over; TooMany."""
    merchant_id = seller(actor)
    try:
        number = phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    async with atomic() as tx:
        usable(await own(tx, actor, voucher_id), now=now)
    once = f"{voucher_id}:{form_key[:40]}"
    if await DB.value("SELECT EXISTS (SELECT FROM messages WHERE once = $1)", f"{Told.VOUCHER_GIFT}:{once}"):
        return False
    most, window_s = GIFTS_PER_PHONE
    if not await limits.hit(f"gift:{merchant_id}:{number}", limit=most, window_s=window_s, now=now):
        raise TooMany(TOO_MANY_GIFTS, retry_after=window_s)
    async with atomic() as tx:
        row = usable(await own(tx, actor, voucher_id), now=now)
        sent = await messages.write(
            tx,
            Told.VOUCHER_GIFT,
            once,
            merchant_id=merchant_id,
            phone=number,
            params={"voucher_id": row["id"]},
            now=now,
        )
        if sent:
            await note(
                tx, "vouchers", voucher_id, "code_sent", merchant_id=merchant_id, at=now, actor=_named(actor),
                data={"phone": phones.mask(number)},
            )  # fmt: skip
        return sent


def _named(actor: Actor) -> str:
    return f"user:{actor.user_id}"


def _reason(why: str) -> str:
    reason = "".join(char for char in why if char.isprintable()).strip()
    if len(reason) < 3:
        raise Invalid({"why": SAY_WHY})
    return reason[:200]


def _seconds(amount: str, unit: str) -> int:
    plain = amount.strip()
    if unit not in UNITS or not (plain.isascii() and plain.isdecimal() and len(plain) < 8):
        raise Invalid({"amount": HOW_MUCH_MORE})
    seconds = int(plain) * UNITS[unit]
    if not 60 <= seconds <= LONGEST_MORE.total_seconds():
        raise Invalid({"amount": HOW_MUCH_MORE})
    return seconds


def _device(mac: str) -> str:
    try:
        return devices.hint(mac, "10.0.0.1").mac
    except Invalid as error:
        raise Invalid({"mac": WHICH_MAC}) from error
