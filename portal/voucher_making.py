"""Rows of vouchers, one or ten thousand: codes and references drawn together, sealed, and stored by one statement.

Two references of 27 milliard may be the same by chance; the database refuses the second, and another is drawn. What a voucher is
made for is said by whoever calls: `portal.vouchers`, `portal.batches`."""

from datetime import datetime

import msgspec

from portal import codes
from portal.db import Tx
from portal.terms import Terms
from portal.vault import Vault


class Issued(msgspec.Struct, frozen=True):
    """A voucher just made: its row and its secret code in canonical form."""

    id: int
    code: str


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """What vouchers made together have in common. `code_length` counts the check character; `paid_at` None: unsold."""

    merchant_id: int
    package_id: int
    price_cents: int
    terms: Terms
    code_length: int
    made_at: datetime
    batch_id: int | None = None
    router_id: int | None = None
    paid_at: datetime | None = None

    @property
    def expires_at(self) -> datetime | None:
        """When they end if nobody uses them."""
        if self.paid_at is not None:
            return self.terms.unused_deadline(paid_at=self.paid_at)
        return self.terms.first_deadline(made_at=self.made_at)


_INSERT = """
INSERT INTO vouchers (id, code_hash, code_sealed, payment_reference, merchant_id, package_id, batch_id, router_id, status,
                      price_cents, terms, created_at, paid_at, expires_at)
SELECT n.id, n.code_hash, n.code_sealed, n.reference, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[]) AS n (id, code_hash, code_sealed, reference)
ON CONFLICT DO NOTHING"""


async def code_length(tx: Tx, merchant_id: int, *, more: int) -> int:
    """How long the codes of `more` new vouchers must be, so that guessing stays hopeless among all live ones."""
    live = await tx.value(
        "SELECT count(*) FROM vouchers WHERE merchant_id = $1 AND status IN ('unsold', 'paid', 'in_use')", merchant_id
    )
    routers = await tx.value("SELECT count(*) FROM routers WHERE merchant_id = $1", merchant_id)
    return codes.code_length(live + more, routers)


async def make(tx: Tx, lot: Lot, count: int, *, vault: Vault) -> list[Issued]:
    """Make exactly so many, each with a code and a payment reference nobody else has; in the order of their ids."""
    made: list[Issued] = []
    while len(made) < count:
        made += await _some(tx, lot, count - len(made), vault=vault)
    return made


async def _some(tx: Tx, lot: Lot, count: int, *, vault: Vault) -> list[Issued]:
    """As many of them as meet no other's code or reference."""
    ids: list[int] = await tx.value(
        "SELECT array_agg(nextval('vouchers_id_seq')) FROM generate_series(1, $1::int)", count
    )
    drawn = codes.voucher_codes(count, lot.code_length)
    tag = await tx.execute(
        _INSERT,
        ids,
        vault.code_hash_all(drawn),
        vault.seal_all("vouchers", "code_sealed", rows=list(zip(ids, drawn, strict=True))),
        codes.payment_references(count),
        lot.merchant_id,
        lot.package_id,
        lot.batch_id,
        lot.router_id,
        "unsold" if lot.paid_at is None else "paid",
        lot.price_cents,
        lot.terms.encode(),
        lot.made_at,
        lot.paid_at,
        lot.expires_at,
    )
    issued = [Issued(*each) for each in zip(ids, drawn, strict=True)]
    if tag == f"INSERT 0 {count}":
        return issued
    there = {row["id"] for row in await tx.fetch("SELECT id FROM vouchers WHERE id = ANY($1)", ids)}
    return [each for each in issued if each.id in there]
