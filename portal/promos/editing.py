"""Making and changing promos: what a merchant typed becomes a rule, in the merchant's days. Never changes what was sold."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal import codes
from portal.db import Tx, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.money import AmountError, parse_amount
from portal.msgid import N_
from portal.promos.prices import LEAST_CENTS, fold
from portal.reports import day_start
from portal.routers.rights import named
from portal.states import note

ONLY_MANAGERS = N_("Only the owner or a manager can make or change promo codes.")
MOST_FREE = 10_000
_MOST_USES, _MOST_NOTE, _SHORTEST_FREE = 1_000_000, 60, 6
BAD_CODE = N_("Use 3 to 20 letters and numbers, like KARIBU10.")
BAD_FREE_CODE = N_("A code that gives packages away needs at least 6 letters and numbers, or it is guessed.")
TAKEN = N_("You have a promo with this code already. Choose another code.")
BAD_KIND = N_("Choose one of these.")
BAD_PERCENT = N_("Write a whole number from 1 to 100.")
BAD_AMOUNT = N_("Write how many shillings come off, at least 1.")
BAD_DAY = N_("Write a day, like 2027-03-31.")
ENDS_FIRST = N_("It ends before it begins.")
BAD_COUNT = N_("Write a whole number, or leave it empty for any number.")
FREE_NEEDS_LIMIT = N_("Say how often it may be used: what is free is always wanted more often than you think.")
NOT_YOURS = N_("Choose from your packages.")
NOTE_TOO_LONG = N_("Keep the note under 60 letters.")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A promo as typed and understood. Moments in UTC; None: no limit of that kind; no packages: all of them."""

    code: str
    note: str
    percent: int | None
    amount_cents: int | None
    starts_at: datetime
    ends_at: datetime | None
    most_uses: int | None
    most_per_customer: int | None
    least_price_cents: int
    package_ids: Sequence[int]


def may_change(actor: Actor) -> bool:
    """Whether this actor makes and changes promos."""
    return actor.merchant_id is not None and actor.role in (Role.OWNER, Role.MANAGER)


def _changer(actor: Actor) -> int:
    merchant_id = actor.at_merchant()
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def make(
    actor: Actor, form: Mapping[str, str], package_ids: Sequence[str], *, zone: ZoneInfo, now: datetime
) -> int:
    """Make a promo of what was typed; its id. An empty code: one is made up. Invalid, by field; Forbidden."""
    merchant_id = _changer(actor)
    typed = dict(form) if form.get("code", "").strip() else {**form, "code": codes.voucher_code()}
    draft = read(typed, package_ids, zone=zone, now=now)
    async with atomic() as tx:
        await _own_packages(tx, merchant_id, draft)
        promo_id = await tx.value(
            """INSERT INTO promos (merchant_id, code, note, kind, percent, amount_cents, starts_at, ends_at, most_uses,
                                   most_per_customer, least_price_cents, package_ids, created_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
               ON CONFLICT (merchant_id, code) WHERE archived_at IS NULL DO NOTHING RETURNING id""",
            merchant_id,
            draft.code,
            *_columns(draft),
            actor.user_id,
            now,
        )
        if promo_id is None:
            raise Invalid({"code": TAKEN})
        await _note(tx, promo_id, "promo_made", actor, draft, now=now)
    return promo_id


async def rewrite(
    actor: Actor, promo_id: int, form: Mapping[str, str], package_ids: Sequence[str], *, zone: ZoneInfo, now: datetime
) -> None:
    """Change a promo from now on; its code stays. Payments under way keep their price. Invalid, by field; NotFound; Forbidden."""
    merchant_id = _changer(actor)
    async with atomic() as tx:
        code = await tx.value(
            "SELECT code FROM promos WHERE id = $1 AND merchant_id = $2 AND archived_at IS NULL FOR NO KEY UPDATE",
            promo_id,
            merchant_id,
        )
        if code is None:
            raise NotFound
        draft = read({**form, "code": code}, package_ids, zone=zone, now=now)
        await _own_packages(tx, merchant_id, draft)
        await tx.execute(
            """UPDATE promos SET note = $2, kind = $3, percent = $4, amount_cents = $5, starts_at = $6, ends_at = $7,
                      most_uses = $8, most_per_customer = $9, least_price_cents = $10, package_ids = $11 WHERE id = $1""",
            promo_id,
            *_columns(draft),
        )
        await _note(tx, promo_id, "promo_changed", actor, draft, now=now)


async def stop(actor: Actor, promo_id: int, *, now: datetime) -> None:
    """From now on nobody begins a payment with it. Payments under way keep their price. Repeatable."""
    await _switch(actor, promo_id, "promo_stopped", "is_active", now=now)


async def restart(actor: Actor, promo_id: int, *, now: datetime) -> None:
    """It may be used again, within its days and limits. Repeatable."""
    await _switch(actor, promo_id, "promo_restarted", "NOT is_active", now=now)


async def _switch(actor: Actor, promo_id: int, event: str, if_so: str, *, now: datetime) -> None:
    merchant_id = _changer(actor)
    async with atomic() as tx:
        own = await tx.value(
            "SELECT id FROM promos WHERE id = $1 AND merchant_id = $2 AND archived_at IS NULL FOR NO KEY UPDATE",
            promo_id,
            merchant_id,
        )
        if own is None:
            raise NotFound
        if await tx.value(f"UPDATE promos SET is_active = NOT is_active WHERE id = $1 AND {if_so} RETURNING id", own):
            await note(tx, "promos", promo_id, event, merchant_id=merchant_id, at=now, actor=named(actor))


def read(form: Mapping[str, str], package_ids: Sequence[str], *, zone: ZoneInfo, now: datetime) -> Draft:
    """What was typed, understood; Invalid with a sentence per field. Days are whole ones where the merchant is."""
    typed = {name: value.strip() for name, value in form.items()}
    wrong: dict[str, str] = {}
    percent, amount = _cut(typed, wrong)
    starts_at, ends_at = _days(typed, wrong, zone=zone, now=now)
    code = fold(typed.get("code", ""))
    if code is None:
        wrong["code"] = BAD_CODE
    elif percent == 100 and len(code) < _SHORTEST_FREE:
        wrong["code"] = BAD_FREE_CODE
    most_uses = _count(typed, "most_uses", wrong, most=MOST_FREE if percent == 100 else _MOST_USES)
    if percent == 100 and most_uses is None:
        wrong.setdefault("most_uses", FREE_NEEDS_LIMIT)
    if len(typed.get("note", "")) > _MOST_NOTE:
        wrong["note"] = NOTE_TOO_LONG
    ids = [int(each) for each in package_ids if each.isascii() and each.isdigit() and len(each) < 19]
    if len(ids) != len(package_ids):
        wrong["packages"] = NOT_YOURS
    per_customer = _count(typed, "most_per_customer", wrong, most=_MOST_USES)
    least = _money(typed, "least_price", wrong, least=0) or 0
    if wrong:
        raise Invalid(wrong)
    return Draft(
        code=code or "", note=typed.get("note", ""), percent=percent, amount_cents=amount, starts_at=starts_at,
        ends_at=ends_at, most_uses=most_uses, most_per_customer=per_customer, least_price_cents=least,
        package_ids=sorted(set(ids)),
    )  # fmt: skip


def _cut(typed: Mapping[str, str], wrong: dict[str, str]) -> tuple[int | None, int | None]:
    kind = typed.get("kind")
    if kind == "percent":
        text = typed.get("percent", "").removesuffix("%").strip()
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100:
            return int(text), None
        wrong["percent"] = BAD_PERCENT
    elif kind == "amount":
        amount = _money(typed, "amount", wrong, least=LEAST_CENTS)
        if amount is not None:
            return None, amount
        wrong["amount"] = BAD_AMOUNT
    else:
        wrong["kind"] = BAD_KIND
    return None, None


def _money(typed: Mapping[str, str], name: str, wrong: dict[str, str], *, least: int) -> int | None:
    text = typed.get(name, "")
    if not text:
        return None
    try:
        cents = parse_amount(text)
    except AmountError as error:
        wrong[name] = str(error)
        return None
    if cents < least or cents % 100:
        wrong[name] = BAD_AMOUNT
    return cents


def _days(
    typed: Mapping[str, str], wrong: dict[str, str], *, zone: ZoneInfo, now: datetime
) -> tuple[datetime, datetime | None]:
    first = _day(typed, "from", wrong) or now.astimezone(zone).date()
    last = _day(typed, "until", wrong)
    if last is None:
        return day_start(first, zone), None
    if last < first:
        wrong.setdefault("until", ENDS_FIRST)
    return day_start(first, zone), day_start(last + timedelta(days=1), zone)


def _day(typed: Mapping[str, str], name: str, wrong: dict[str, str]) -> date | None:
    text = typed.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        wrong[name] = BAD_DAY
        return None
    if not 2000 <= day.year < 9999:
        wrong[name] = BAD_DAY
        return None
    return day


def _count(typed: Mapping[str, str], name: str, wrong: dict[str, str], *, most: int) -> int | None:
    text = typed.get(name, "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
        return int(text[:9])
    wrong[name] = BAD_COUNT
    return None


def _columns(draft: Draft) -> list[object]:
    kind = "amount" if draft.percent is None else "percent"
    return [
        draft.note, kind, draft.percent, draft.amount_cents, draft.starts_at, draft.ends_at, draft.most_uses,
        draft.most_per_customer, draft.least_price_cents, list(draft.package_ids),
    ]  # fmt: skip


async def _own_packages(tx: Tx, merchant_id: int, draft: Draft) -> None:
    """A promo may keep a package that is no longer on sale; another merchant's it may not have."""
    own = await tx.value(
        "SELECT count(*) FROM packages WHERE merchant_id = $1 AND id = ANY($2)", merchant_id, list(draft.package_ids)
    )
    if own != len(draft.package_ids):
        raise Invalid({"packages": NOT_YOURS})


async def _note(tx: Tx, promo_id: int, name: str, actor: Actor, draft: Draft, *, now: datetime) -> None:
    said = {key: value for key, value in msgspec.to_builtins(draft).items() if value not in (None, "", [])}
    await note(tx, "promos", promo_id, name, merchant_id=actor.at_merchant(), at=now, actor=named(actor), data=said)
