"""Batches to print: some for cash, some to be paid by reference, as `portal.batches` leaves them behind."""

from datetime import UTC, datetime

from portal import codes
from portal.db import DB
from portal.terms import Terms
from portal.vault import Vault

NAME = "1 day"


async def batch(
    vault: Vault, merchant_id: int, package_id: int, *, cards: int, kind: str = "cash", status: str = "unsold", name: str = NAME,
    prefix: str = "", length: int = 10,
) -> int:  # fmt: skip
    """A finished batch of so many vouchers in one status; its id."""
    now, terms = datetime.now(UTC), Terms(name=name, duration_s=86_400, rate_down_kbps=5000).encode()
    batch_id = await DB.value(
        """INSERT INTO batches (merchant_id, package_id, kind, size, made, prefix, code_length, price_cents, terms, created_at, done_at)
           VALUES ($1, $2, $3, $4, $4, $5, 10, 5000, $6, $7, $7) RETURNING id""",
        merchant_id, package_id, kind, cards, prefix, terms, now,
    )  # fmt: skip
    ids = [
        row["id"]
        for row in await DB.fetch("SELECT nextval('vouchers_id_seq') AS id FROM generate_series(1, $1)", cards)
    ]
    made = [codes.voucher_code(length) for _ in ids]
    sealed = [
        vault.seal("vouchers", "code_sealed", row_id=i, plaintext=code) for i, code in zip(ids, made, strict=True)
    ]
    await DB.fetch(
        """INSERT INTO vouchers (id, merchant_id, package_id, batch_id, code_hash, code_sealed, payment_reference, status, price_cents,
                                 terms, created_at, paid_at, started_at)
           SELECT u.id, $2, $3, $4, u.hash, u.sealed, u.reference, $5::text, 5000, $6, $7,
                  CASE WHEN $5::text = 'unsold' THEN NULL ELSE $7::timestamptz END, CASE WHEN $5::text = 'in_use' THEN $7::timestamptz END
           FROM unnest($1::bigint[], $8::bytea[], $9::bytea[], $10::text[]) AS u(id, hash, sealed, reference)""",
        ids, merchant_id, package_id, batch_id, status, terms, now, [vault.code_hash(code) for code in made], sealed,
        [codes.payment_reference() for _ in ids],
    )  # fmt: skip
    return batch_id


async def codes_of(vault: Vault, batch_id: int) -> list[str]:
    """The secret codes of a batch, in the order they were made."""
    rows = await DB.fetch("SELECT id, code_sealed FROM vouchers WHERE batch_id = $1 ORDER BY id", batch_id)
    return [vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"]) for row in rows]


async def references_of(batch_id: int) -> list[str]:
    """The public payment references of a batch."""
    rows = await DB.fetch("SELECT payment_reference FROM vouchers WHERE batch_id = $1 ORDER BY id", batch_id)
    return [row["payment_reference"] for row in rows]
