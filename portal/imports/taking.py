"""Taking over the rows of an import that was looked at: packages first, then codes as vouchers of one batch a package.

A card nobody used is a voucher of a batch for cash: its sale is booked when it is first used, as Mikhmon itself counts. One whose time
runs, that was sold before or costs nothing works at once and is in no book: what was paid then is in the other system's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import codes
from portal.db import Tx
from portal.imports import foreign
from portal.imports.found import Why
from portal.imports.judging import CodePlan, PackagePlan
from portal.states import E, move, note
from portal.terms import Terms
from portal.vault import Vault

CHUNK = 1000
_ACTOR = "job:imports"
_MOST_ON_SALE = 60


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A code's row, opened, with the package and the batch it goes to."""

    row_id: int
    voucher_id: int
    code: CodePlan
    package_id: int
    batch_id: int


async def take_some(tx: Tx, row: Record, *, vault: Vault, now: datetime, most: int = CHUNK) -> bool:
    """The next rows of an import whose row is locked; False when that was all, and it is done."""
    rows = await tx.fetch(
        """SELECT * FROM import_rows WHERE import_id = $1 AND outcome IS NULL AND verdict IN ('make', 'join')
           ORDER BY place LIMIT $2""",
        row["id"],
        most,
    )
    if not rows:
        await _finish(tx, row, now=now)
        return False
    for each in rows:
        if each["kind"] == "package":
            await _package(tx, row, each, vault=vault, now=now)
    those = [each for each in rows if each["kind"] == "code"]
    if those:
        await _codes(tx, row, those, vault=vault, now=now)
    return True


def _opened(row: Record, vault: Vault) -> str:
    return vault.open("import_rows", "data_sealed", row_id=row["id"], sealed=row["data_sealed"])


async def _package(tx: Tx, of: Record, row: Record, *, vault: Vault, now: datetime) -> None:
    plan = msgspec.json.decode(_opened(row, vault), type=PackagePlan)
    package_id, outcome = plan.joins, "joined"
    if package_id is None:
        package_id, outcome = await _make_package(tx, of, plan, now=now), "made"
    await tx.execute("UPDATE import_rows SET outcome = $2, made_id = $3 WHERE id = $1", row["id"], outcome, package_id)


async def _make_package(tx: Tx, of: Record, plan: PackagePlan, *, now: datetime) -> int:
    """On sale if it costs something and there is room on the page; else archived, to be looked at first."""
    on_sale = await tx.value(
        "SELECT count(*) FROM packages WHERE merchant_id = $1 AND is_active AND period = 'once'", of["merchant_id"]
    )
    package_id = await tx.value(
        """INSERT INTO packages (merchant_id, name, price_cents, duration_s, uptime_s, data_bytes, rate_down_kbps, rate_up_kbps,
                                 devices, is_active, created_at, position)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                   (SELECT coalesce(max(position), 0) + 1 FROM packages WHERE merchant_id = $1)) RETURNING id""",
        of["merchant_id"], plan.name[:60], plan.price_cents, plan.duration_s, plan.uptime_s, plan.data_bytes,
        plan.rate_down_kbps, plan.rate_up_kbps, plan.devices, plan.price_cents > 0 and on_sale < _MOST_ON_SALE, now,
    )  # fmt: skip
    await note(
        tx,
        "packages",
        package_id,
        "made",
        merchant_id=of["merchant_id"],
        at=now,
        actor=_by(of),
        data={"import": of["id"]},
    )
    return package_id


def _by(of: Record) -> str:
    return f"user:{of['created_by']}" if of["created_by"] else "command"


async def _codes(tx: Tx, of: Record, rows: Sequence[Record], *, vault: Vault, now: datetime) -> None:
    packages = await _packages_of(tx, of, vault)
    plans: list[_Plan] = []
    batches: dict[int, int] = {}
    ids: list[int] = await tx.value(
        "SELECT array_agg(nextval('vouchers_id_seq')) FROM generate_series(1, $1::int)", len(rows)
    )
    for row, voucher_id in zip(rows, ids, strict=True):
        code = msgspec.json.decode(_opened(row, vault), type=CodePlan)
        package_id = packages.get(code.package) or await _there(tx, of, code.package)
        if package_id is None or (code.ends_at is not None and code.ends_at <= now):
            await _skip(tx, [row["id"]], Why.OVER if package_id else Why.NO_PACKAGE)
            continue
        if package_id not in batches:
            batches[package_id] = await _batch(tx, of, package_id, code, now=now)
        plans.append(
            _Plan(
                row_id=row["id"], voucher_id=voucher_id, code=code, package_id=package_id, batch_id=batches[package_id]
            )
        )
    await _insert(tx, of, plans, vault=vault, now=now)


async def _packages_of(tx: Tx, of: Record, vault: Vault) -> dict[str, int]:
    rows = await tx.fetch(
        "SELECT * FROM import_rows WHERE import_id = $1 AND kind = 'package' AND made_id IS NOT NULL", of["id"]
    )
    return {msgspec.json.decode(_opened(row, vault), type=PackagePlan).key: row["made_id"] for row in rows}


async def _there(tx: Tx, of: Record, key: str) -> int | None:
    """A package the file does not describe: the merchant's own of that name."""
    return await tx.value(
        """SELECT id FROM packages WHERE merchant_id = $1 AND period = 'once' AND price_cents > 0
           AND lower(regexp_replace(btrim(name), '\\s+', ' ', 'g')) = lower($2) ORDER BY is_active DESC, id LIMIT 1""",
        of["merchant_id"],
        key,
    )


async def _batch(tx: Tx, of: Record, package_id: int, code: CodePlan, *, now: datetime) -> int:
    """The import's batch of a package; made with its first code, and grown with each."""
    once = f"import:{of['id']}:{package_id}"
    found = await tx.value("SELECT id FROM batches WHERE form_key = $1", once)
    if found is not None:
        return found
    name = await tx.value("SELECT name FROM packages WHERE id = $1", package_id)
    return await tx.value(
        """INSERT INTO batches (merchant_id, package_id, size, made, note, created_by, created_at, done_at, form_key, kind, router_ids,
                                price_cents, terms)
           VALUES ($1, $2, 1, 0, $3, $4, $5, $5, $6, 'cash', $7, $8, $9::jsonb) RETURNING id""",
        of["merchant_id"], package_id, f"{of['file_name']}"[:120], of["created_by"], now, once,
        [of["router_id"]] if of["router_id"] else [], code.price_cents, _terms(name, code, now=now).encode(),
    )  # fmt: skip


def _terms(name: str, code: CodePlan, *, now: datetime) -> Terms:
    """Where it is known until when somebody may be online, the clock runs from now and ends then."""
    known = code.ends_at is not None and code.is_running
    left = int((code.ends_at - now).total_seconds()) if code.ends_at is not None and known else code.duration_s
    return Terms(
        name=name, duration_s=max(1, left), uptime_s=code.uptime_s, data_bytes=code.data_bytes, devices=code.devices,
        rate_down_kbps=code.rate_down_kbps, rate_up_kbps=code.rate_up_kbps, clock_from="purchase" if known else "first_use",
    )  # fmt: skip


async def _insert(tx: Tx, of: Record, plans: Sequence[_Plan], *, vault: Vault, now: datetime) -> None:
    names = await tx.fetch(
        "SELECT id, name FROM packages WHERE id = ANY($1)", list({plan.package_id for plan in plans})
    )
    named = {row["id"]: row["name"] for row in names}
    waiting = list(plans)
    while waiting:
        await _insert_once(tx, of, waiting, named=named, vault=vault, now=now)
        ids = [plan.voucher_id for plan in waiting]
        there = {row["id"] for row in await tx.fetch("SELECT id FROM vouchers WHERE id = ANY($1)", ids)}
        await _made(tx, of, [plan for plan in waiting if plan.voucher_id in there], vault=vault)
        missing = [plan for plan in waiting if plan.voucher_id not in there]
        taken = await _taken(tx, of, missing, vault=vault)
        await _skip(tx, [plan.row_id for plan in missing if plan.code.text in taken], Why.MEANWHILE)
        waiting = [plan for plan in missing if plan.code.text not in taken]


async def _taken(tx: Tx, of: Record, plans: Sequence[_Plan], *, vault: Vault) -> set[str]:
    hashes = dict(zip(_hashes(plans, vault), (plan.code.text for plan in plans), strict=True))
    rows = await tx.fetch(
        "SELECT code_hash FROM vouchers WHERE merchant_id = $1 AND code_hash = ANY($2)", of["merchant_id"], list(hashes)
    )
    return {hashes[row["code_hash"]] for row in rows}


def _hashes(plans: Sequence[_Plan], vault: Vault) -> list[bytes]:
    return vault.code_hash_all([foreign.kept(plan.code.text) for plan in plans])


async def _insert_once(
    tx: Tx, of: Record, plans: Sequence[_Plan], *, named: dict[int, str], vault: Vault, now: datetime
) -> None:
    terms = [_terms(named[plan.package_id], plan.code, now=now) for plan in plans]
    works = [not of["counts_sales"] or plan.code.is_running or plan.code.price_cents == 0 for plan in plans]
    weak_until = now + timedelta(days=of["weak_days"])
    ends = [
        _ends(plan.code, each, weak_until=weak_until, works=now if is_paid else None)
        for plan, each, is_paid in zip(plans, terms, works, strict=True)
    ]
    await tx.execute(
        """INSERT INTO vouchers (id, code_hash, code_sealed, payment_reference, merchant_id, package_id, batch_id, status, price_cents,
                                 terms, created_at, paid_at, expires_at)
           SELECT n.id, n.hash, n.sealed, n.reference, $5, n.package_id, n.batch_id, CASE WHEN n.works THEN 'paid' ELSE 'unsold' END,
                  n.price, n.terms::jsonb, $12::timestamptz, CASE WHEN n.works THEN $12::timestamptz END, n.ends
           FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],
                       $10::timestamptz[], $11::bool[]) AS n (id, hash, sealed, reference, package_id, batch_id, price, terms, ends, works)
           ON CONFLICT DO NOTHING""",
        [plan.voucher_id for plan in plans],
        _hashes(plans, vault),
        vault.seal_all("vouchers", "code_sealed", rows=[(plan.voucher_id, plan.code.text) for plan in plans]),
        codes.payment_references(len(plans)),
        of["merchant_id"],
        [plan.package_id for plan in plans],
        [plan.batch_id for plan in plans],
        [plan.code.price_cents for plan in plans],
        [each.encode() for each in terms],
        ends,
        works,
        now,
    )


def _ends(code: CodePlan, terms: Terms, *, weak_until: datetime, works: datetime | None) -> datetime | None:
    """The least of: until when it was good there, what its terms say once it is paid, and the end of easy codes."""
    known = [
        code.ends_at,
        terms.unused_deadline(paid_at=works) if works else None,
        weak_until if code.is_weak else None,
    ]
    return min((each for each in known if each is not None), default=None)


async def _made(tx: Tx, of: Record, plans: Sequence[_Plan], *, vault: Vault) -> None:
    if not plans:
        return
    await tx.execute(
        """INSERT INTO imported_codes (merchant_id, import_id, voucher_id, loose_hash, is_weak)
           SELECT $1, $2, n.id, n.loose, n.weak FROM unnest($3::bigint[], $4::bytea[], $5::bool[]) AS n (id, loose, weak)""",
        of["merchant_id"], of["id"], [plan.voucher_id for plan in plans],
        vault.code_hash_all([foreign.kept_loose(plan.code.text) for plan in plans]), [plan.code.is_weak for plan in plans],
    )  # fmt: skip
    await tx.execute(
        """UPDATE import_rows r SET outcome = 'made', made_id = n.voucher_id, data_sealed = NULL
           FROM unnest($1::bigint[], $2::bigint[]) AS n (row_id, voucher_id) WHERE r.id = n.row_id""",
        [plan.row_id for plan in plans], [plan.voucher_id for plan in plans],
    )  # fmt: skip
    await tx.execute(
        """UPDATE batches b SET size = made + n.more, made = made + n.more
           FROM (SELECT id, count(*) AS more FROM unnest($1::bigint[]) AS u (id) GROUP BY id) n WHERE b.id = n.id""",
        [plan.batch_id for plan in plans],
    )


async def _skip(tx: Tx, row_ids: Sequence[int], why: Why) -> None:
    if row_ids:
        await tx.execute(
            "UPDATE import_rows SET outcome = 'skipped', why = $2, data_sealed = NULL WHERE id = ANY($1)",
            list(row_ids), why.value,
        )  # fmt: skip


async def _finish(tx: Tx, of: Record, *, now: datetime) -> None:
    await tx.execute("UPDATE import_rows SET outcome = 'skipped' WHERE import_id = $1 AND outcome IS NULL", of["id"])
    await tx.execute("UPDATE import_rows SET data_sealed = NULL WHERE import_id = $1", of["id"])
    counts = await tx.fetch(
        "SELECT outcome, kind, count(*) AS n FROM import_rows WHERE import_id = $1 GROUP BY 1, 2", of["id"]
    )
    data = {f"{row['kind']}_{row['outcome']}": row["n"] for row in counts}
    like = f"import:{of['id']}:%"
    await tx.execute(
        "DELETE FROM batches WHERE merchant_id = $2 AND form_key LIKE $1 AND made = 0", like, of["merchant_id"]
    )
    batches = await tx.fetch(
        "SELECT id, size FROM batches WHERE merchant_id = $2 AND form_key LIKE $1 ORDER BY id", like, of["merchant_id"]
    )
    for batch in batches:
        await note(
            tx, "batches", batch["id"], "made", merchant_id=of["merchant_id"], at=now, actor=_by(of),
            data={"count": batch["size"], "kind": "cash", "import": of["id"]},
        )  # fmt: skip
    await move(tx, "imports", of["id"], E.ARRIVE, at=now, actor=_ACTOR, data=data, done_at=now, next_try_at=None)
