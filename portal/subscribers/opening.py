"""Making a subscriber: checked fields, an account number of its own, a wallet, the first bill and access, in one transaction."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import UniqueViolationError

from portal import codes, customer_credits, phones
from portal.access_grants import wake_router
from portal.db import DB, Tx, atomic
from portal.dialins import refuse_pull
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.states import note
from portal.subscribers import access, offers, rights, typed
from portal.subscribers.billing import proceed
from portal.subscribers.calendar import day_at
from portal.subscribers.course import MOST_GRACE_DAYS
from portal.subscribers.offers import Monthly
from portal.vault import Vault

_USER_NAME = re.compile(r"[A-Za-z0-9._@-]{3,64}")
_PASSWORD = re.compile(r"[A-Za-z0-9]{8,64}")
WRITE_NAME = N_("Write the customer's name.")
CHOOSE_PACKAGE = N_("Choose a monthly package. Make one first if there is none.")
CHOOSE_ROUTER = N_("Choose the router the customer is on.")
WRITE_DAY = N_("Write a day of the month, from 1 to 31.")
WRITE_GRACE = N_("Write a number of days from 0 to 27.")
WRITE_USER = N_("Use 3 to 64 letters, digits, dots, dashes or @.")
USER_TAKEN = N_("This user name is taken on this router. Choose another one.")
WRITE_PASSWORD = N_("Use 8 to 64 letters and digits, or leave it empty: then one is made.")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A new subscriber as typed into the form; every field is text, and checked by `open_account`. `billing_day` empty: today's."""

    name: str = ""
    phone: str = ""
    kind: str = "hotspot"
    router: str = ""
    package: str = ""
    billing_day: str = ""
    grace_days: str = "3"
    user_name: str = ""
    password: str = ""
    language: str = ""


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    phone: str
    kind: str
    router_id: int
    package: Monthly
    first_day: date
    billing_day: int
    grace_days: int
    user_name: str
    password: str
    language: str


async def open_account(actor: Actor, wish: Wish, *, form_key: str, vault: Vault, now: datetime) -> int:
    """Make a subscriber and write its first bill, from today to the billing day; its id. The same form again is the same one.

    Forbidden; Invalid: the fields that are wrong."""
    merchant_id = rights.deciding(actor)
    checked = await _check(merchant_id, wish, now=now)
    once = f"{merchant_id}:{form_key[:40]}"
    try:
        async with atomic() as tx:
            return await _insert(tx, merchant_id, checked, once, by=f"user:{actor.user_id}", vault=vault, now=now)
    except UniqueViolationError as error:
        found = await DB.value("SELECT id FROM subscribers WHERE form_key = $1", once)
        if found is not None:
            return found
        raise Invalid({"user_name": USER_TAKEN}) from error


async def _check(merchant_id: int, wish: Wish, *, now: datetime) -> _Checked:
    wrong: dict[str, str] = {}
    phone = ""
    if wish.phone.strip():
        try:
            phone = phones.parse_phone(wish.phone)
        except phones.PhoneError as error:
            wrong["phone"] = str(error)
    router = await DB.row(
        "SELECT id, way FROM routers WHERE merchant_id = $1 AND id = $2 AND status <> 'removed'",
        merchant_id,
        typed.row_id(wish.router),
    )
    zone = ZoneInfo(await DB.value("SELECT timezone FROM merchants WHERE id = $1", merchant_id))
    billing_day = typed.number(wish.billing_day, day_at(now, zone).day)
    grace_days = typed.number(wish.grace_days, 3)
    if not wish.name.strip():
        wrong["name"] = WRITE_NAME
    if router is None:
        wrong["router"] = CHOOSE_ROUTER
    elif wish.kind == "pppoe":
        try:
            refuse_pull(router["way"])
        except Conflict as error:
            wrong["router"] = error.message
    if not 1 <= billing_day <= 31:
        wrong["billing_day"] = WRITE_DAY
    if not 0 <= grace_days <= MOST_GRACE_DAYS:
        wrong["grace_days"] = WRITE_GRACE
    wrong |= check_dialin(wish)
    try:
        package = await offers.one(merchant_id, typed.row_id(wish.package))
    except NotFound as error:
        raise Invalid(wrong | {"package": CHOOSE_PACKAGE}) from error
    if wrong or router is None:
        raise Invalid(wrong)
    is_dialin = wish.kind == "pppoe"
    return _Checked(
        name=wish.name.strip()[:80], phone=phone, kind="pppoe" if is_dialin else "hotspot", router_id=router["id"],
        package=package, billing_day=billing_day, grace_days=grace_days, first_day=day_at(now, zone),
        user_name=wish.user_name.strip() if is_dialin else "", password=wish.password.strip() or codes.voucher_code(),
        language="sw" if wish.language == "sw" else "en",
    )  # fmt: skip


def check_dialin(wish: Wish) -> dict[str, str]:
    """What is wrong with a PPPoE user name and password; an empty password is made up later."""
    if wish.kind != "pppoe":
        return {}
    wrong = {} if _USER_NAME.fullmatch(wish.user_name.strip()) else {"user_name": WRITE_USER}
    if wish.password.strip() and not _PASSWORD.fullmatch(wish.password.strip()):
        wrong["password"] = WRITE_PASSWORD
    return wrong


async def _insert(
    tx: Tx, merchant_id: int, checked: _Checked, once: str, *, by: str, vault: Vault, now: datetime
) -> int:
    subscriber_id = await tx.value("SELECT nextval('subscribers_id_seq')")
    wallet = await customer_credits.opened(tx, merchant_id, f"subscriber:{subscriber_id}", now=now)
    package, is_dialin = checked.package, checked.kind == "pppoe"
    sealed = vault.seal("subscribers", "password_sealed", row_id=subscriber_id, plaintext=checked.password)
    voucher_id = None
    if not is_dialin:
        voucher_id = await access.open_hotspot(
            tx, package.terms, merchant_id=merchant_id, router_id=checked.router_id, package_id=package.id, vault=vault,
            now=now, actor=by,
        )  # fmt: skip
    await tx.execute(
        """INSERT INTO subscribers (id, merchant_id, router_id, package_id, voucher_id, credit_id, name, phone, account_number,
             kind, user_name, password_sealed, terms, price_cents, billing_day, grace_days, starts_on, next_bill_on,
             paid_until_on, language, form_key, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $17, $18, $19, $20)""",
        subscriber_id,
        merchant_id,
        checked.router_id,
        package.id,
        voucher_id,
        wallet.id,
        checked.name,
        checked.phone,
        await _account_number(tx),
        checked.kind,
        checked.user_name,
        sealed if is_dialin else None,
        package.terms.encode(),
        package.price_cents,
        checked.billing_day,
        checked.grace_days,
        checked.first_day,
        checked.language,
        once,
        now,
    )
    await note(tx, "subscribers", subscriber_id, "opened", merchant_id=merchant_id, at=now, actor=by)
    await proceed(tx, subscriber_id, now=now, actor=by)
    if is_dialin:
        await wake_router(tx, checked.router_id)
    return subscriber_id


async def _account_number(tx: Tx) -> str:
    """A public reference nothing else has: subscribers, vouchers and payments are found by the same words at the paybill."""
    while True:
        drawn = codes.payment_reference()
        taken = await tx.value(
            """SELECT EXISTS (SELECT FROM subscribers WHERE account_number = $1)
               OR EXISTS (SELECT FROM vouchers WHERE payment_reference = $1)
               OR EXISTS (SELECT FROM payments WHERE account_reference = $1)""",
            drawn,
        )
        if not taken:
            return drawn


async def routers_of(actor: Actor) -> list[tuple[int, str]]:
    """The merchant's routers a subscriber may be on: id and name."""
    rows = await DB.fetch(
        "SELECT id, name FROM routers WHERE merchant_id = $1 AND status <> 'removed' ORDER BY name, id",
        actor.at_merchant(),
    )
    return [(row["id"], row["name"]) for row in rows]
