"""Which vouchers a print is of, and their cards, read page by page: a print of ten thousand needs no more memory than one of ten."""

from collections.abc import AsyncIterator, Sequence
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal import codes
from portal.batch_pages import paybill
from portal.config import Settings
from portal.db import DB
from portal.errors import Invalid, NotFound
from portal.i18n import Language
from portal.identity import Actor, Role
from portal.merchants import profile
from portal.msgid import N_
from portal.printing import handles
from portal.printing.cards import card_of, sheet_of
from portal.printing.sheets import Card, Sheet
from portal.vault import Vault

#: Vouchers chosen one by one, at once.
MOST_CHOSEN = 500
TOO_MANY = N_("Choose at most 500 vouchers, or print the whole batch.")
_PAGE = 500

# A code is shown once its voucher is paid for, and on cards that are made to be sold for cash. What waits to be paid by its
# reference keeps its code to itself.
_SHOWS = "(v.status IN ('paid', 'in_use') OR (v.status = 'unsold' AND coalesce(b.kind, '') = 'cash'))"
_FROM = "FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id WHERE v.merchant_id = $1 AND"
_LIVE = "v.status IN ('unsold', 'paid', 'in_use')"
_ROWS = f"""
SELECT v.id, v.payment_reference, v.price_cents, v.terms, v.expires_at, coalesce(b.prefix, '') AS prefix,
       {_SHOWS} AS shows, CASE WHEN {_SHOWS} THEN v.code_sealed END AS code_sealed
{_FROM} {{those}} AND {_LIVE} AND v.id > $3 ORDER BY v.id LIMIT {_PAGE}"""
_COUNT = f"SELECT count(*) AS cards, count(*) FILTER (WHERE {_SHOWS}) AS codes {_FROM} {{those}} AND {_LIVE}"
_KNOWN = """
SELECT v.id, v.status = 'unsold' AND coalesce(b.kind, '') = 'cash' AS is_stock
FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id WHERE v.id = ANY($1) AND v.merchant_id = $2"""
_OF_BATCH, _CHOSEN = "v.batch_id = $2", "v.id = ANY($2::bigint[])"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be printed of a merchant's: a batch, or vouchers chosen one by one."""

    merchant_id: int
    batch_id: int | None = None
    voucher_ids: Sequence[int] = ()
    #: Some are cards that nobody has sold yet.
    has_stock: bool = False

    @property
    def those(self) -> tuple[str, object]:
        """Its condition, and the value of $2 in it."""
        return (_OF_BATCH, self.batch_id) if self.batch_id is not None else (_CHOSEN, list(self.voucher_ids))


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many live vouchers there are, how many of them show their code, and how many of the batch are still to be made."""

    cards: int
    codes: int
    missing: int = 0


async def wanted_of(actor: Actor, *, batch_id: int | None = None, ids: str = "") -> Wanted:
    """What an address names. NotFound: another merchant's, or nothing; Invalid: too many."""
    merchant_id = actor.at_merchant()
    if batch_id is not None:
        if not await DB.value("SELECT true FROM batches WHERE id = $1 AND merchant_id = $2", batch_id, merchant_id):
            raise NotFound
        return Wanted(merchant_id=merchant_id, batch_id=batch_id)
    parts = [part for part in ids.split(",") if part]
    if len(parts) > MOST_CHOSEN:
        raise Invalid({"ids": TOO_MANY})
    chosen = sorted({int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 19})
    known = await DB.fetch(_KNOWN, chosen, merchant_id)
    if not chosen or len(known) != len(parts):
        raise NotFound
    return Wanted(merchant_id=merchant_id, voucher_ids=chosen, has_stock=any(row["is_stock"] for row in known))


async def counted(wanted: Wanted) -> Counted:
    """How much it is now."""
    those, value = wanted.those
    row = await DB.row(_COUNT.format(those=those), wanted.merchant_id, value)
    assert row is not None
    missing = await DB.value("SELECT size - made FROM batches WHERE id = $1 AND done_at IS NULL", wanted.batch_id)
    return Counted(cards=row["cards"], codes=row["codes"], missing=missing or 0)


def may_print(actor: Actor, wanted: Wanted) -> bool:
    """Whole batches and cards nobody has sold yet are the owner's and managers'; whoever sells prints what was just sold."""
    is_sold = wanted.batch_id is None and not wanted.has_stock
    return actor.role in ((Role.OWNER, Role.MANAGER, Role.CASHIER) if is_sold else (Role.OWNER, Role.MANAGER))


async def sheet_for(merchant_id: int, layout: str, language: Language, *, settings: Settings) -> Sheet:
    """What the merchant's cards share."""
    merchant, pays = await profile(merchant_id), await paybill(merchant_id)
    address = f"{settings.base_url}/V/{handles.handle_of(merchant_id, settings.secret_keys)}"
    number = pays.number if pays and not pays.is_till else ""
    logo = await logo_of(merchant_id)
    return sheet_of(merchant, language, layout=layout, address=address, paybill=number, logo=logo)


async def logo_of(merchant_id: int) -> bytes:
    """The merchant's logo for paper, a PNG; b"" when there is none."""
    return await DB.value("SELECT logo_print FROM brandings WHERE merchant_id = $1", merchant_id) or b""


async def cards(
    wanted: Wanted, language: Language, *, vault: Vault, after: int = 0, most: int | None = None
) -> AsyncIterator[Card]:
    """The cards in the order the vouchers were made, from behind the id `after` on, `most` at most."""
    merchant, left = await profile(wanted.merchant_id), most
    zone = ZoneInfo(merchant.timezone)
    while left is None or left > 0:
        rows = await _page(wanted, after)
        for row in rows[:left]:
            code = (
                vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
                if row["shows"]
                else ""
            )
            yield card_of(
                row, code=code, prefix=row["prefix"], currency=merchant.currency, zone=zone, language=language
            )
        if len(rows) < _PAGE:
            return
        after, left = rows[-1]["id"], None if left is None else left - len(rows)


async def samples(wanted: Wanted, language: Language) -> list[Card]:
    """The first card with crosses for its code, to see what a paper looks like: nothing secret is opened for it."""
    merchant, rows = await profile(wanted.merchant_id), (await _page(wanted, 0))[:1]
    zone = ZoneInfo(merchant.timezone)
    crosses = ["X" * codes.SHORTEST_CODE if row["shows"] else "" for row in rows]
    made = [
        card_of(row, code=code, prefix=row["prefix"], currency=merchant.currency, zone=zone, language=language)
        for row, code in zip(rows, crosses, strict=True)
    ]
    return [msgspec.structs.replace(card, secret="") for card in made]


async def _page(wanted: Wanted, after: int) -> list[Record]:
    those, value = wanted.those
    return await DB.fetch(_ROWS.format(those=those), wanted.merchant_id, value, after)
