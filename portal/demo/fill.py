"""Filling an empty database with the demo's cast and its past: one transaction, bulk copies, a few seconds at most."""

import logging
from datetime import datetime, timedelta

from portal import codes, identity, passwords
from portal.db import DB, Tx, atomic, copy_in
from portal.demo import agents, paydays, specials
from portal.demo.cast import (
    CASHIER,
    HELP_PHONE,
    MERCHANT,
    OFFERS,
    OPERATOR,
    OWNER,
    ROUTERS,
    TIMEZONE,
    Person,
    RouterSpec,
)  # fmt: skip
from portal.demo.history import History, Shop
from portal.demo.past import DAYS, OFFLINE_FOR, attempts
from portal.demo.rows import COLUMNS, Records
from portal.identity import Role
from portal.merchants import COMMISSION_BP
from portal.mpesa.simulator import DEFAULT_KEY, DEFAULT_SECRET, SANDBOX_PASSKEY, SANDBOX_SHORTCODE
from portal.vault import Vault

log = logging.getLogger(__name__)

API_USER = "vocha"
#: A shorter pause than this is not worth filling.
_GAP = timedelta(hours=1)
#: Row numbers left free below the sales by the hour.
ROOM = 10_000


async def is_filled() -> bool:
    """Whether a demo world stands in the database."""
    return bool(await DB.value("SELECT EXISTS (SELECT FROM merchants)"))


async def fill(vault: Vault, *, now: datetime, days: int = DAYS) -> None:
    """Write everything, or nothing when it fails. The database must have its tables and no rows."""
    hashes = {person.email: await passwords.hash_password(person.password) for person in (OWNER, CASHIER, OPERATOR)}
    began = now - timedelta(days=days + 10)
    # The worker is not running yet, so that nothing waits for this long transaction.
    async with atomic() as tx:
        shop = await _open_shop(tx, vault, now=now, began=began)
        for person in (OWNER, CASHIER, OPERATOR):
            await _hire(tx, person, hashes[person.email], merchant_id=shop.merchant_id, now=began)
        history = History(shop, vault, now, dict.fromkeys(COLUMNS, ROOM), by_hand=agents.moments(now))
        past = attempts(now=now, days=days)
        records = history.write(past)
        await paydays.name_number(tx, shop.merchant_id, now=began)
        await _copy(tx, records)
        await _know_devices(tx)
    # No sequence is moved yet: what `months` does before today comes by its number before the sales by the hour, as it must.
    await DB.fetch("ANALYZE")
    log.info("demo world filled", extra={"attempts": len(past)})


async def catch_up(vault: Vault, *, now: datetime) -> int:
    """The shop went on while the demo was off: add what happened since the last sale, if that is long ago. Returns how
    many attempts to buy that were."""
    last = await DB.value("SELECT max(created_at) FROM payments")
    if last is None or now - last < _GAP:
        return 0
    row = await DB.row("SELECT id, (SELECT max(id) FROM mpesa_accounts) AS account FROM merchants ORDER BY id LIMIT 1")
    if row is None:
        return 0
    packages = await DB.fetch(
        "SELECT id FROM packages WHERE merchant_id = $1 AND name = ANY($2) AND period <> 'month' ORDER BY position",
        row["id"],
        [offer.terms.name for offer in OFFERS],
    )
    routers = await DB.fetch("SELECT id FROM routers WHERE merchant_id = $1 ORDER BY id", row["id"])
    if (len(packages), len(routers)) != (len(OFFERS), len(ROUTERS)):
        return 0  # somebody has changed the shop; its past is no longer ours to write
    shop = Shop(
        row["id"],
        row["account"],
        COMMISSION_BP["personal"],
        [package["id"] for package in packages],
        [router["id"] for router in routers],
    )
    missed = [attempt for attempt in attempts(now=now) if attempt.at > last]
    taken = await DB.fetch("SELECT DISTINCT ip FROM hotspot_sessions WHERE ended_at IS NULL")
    last_ids = {table: await DB.value(f"SELECT coalesce(max(id), 0) FROM {table}") for table in COLUMNS}
    # The past gives a checkout and its payment one number; sales over the counter have payments alone.
    last_ids["checkouts"] = max(last_ids["checkouts"], last_ids["payments"])
    seed = f"since {last:%Y-%m-%d %H:%M:%S}"
    history = History(shop, vault, now, last_ids, frozenset(session["ip"] for session in taken), seed=seed)
    async with atomic() as tx:
        await _copy(tx, history.write(missed))
        await _know_devices(tx)
    await move_sequences()
    return len(missed)


async def _copy(tx: Tx, records: Records) -> None:
    for table, columns in COLUMNS.items():
        await copy_in(tx, table, columns, records[table])


async def move_sequences() -> None:
    """Let new rows come after all there are. Harmless at any time."""
    for table in COLUMNS:
        await DB.fetch(f"SELECT setval('{table}_id_seq', greatest(1, (SELECT max(id) FROM {table})))")


async def _open_shop(tx: Tx, vault: Vault, *, now: datetime, began: datetime) -> Shop:
    merchant_id = await tx.value(
        """INSERT INTO merchants (name, kind, timezone, help_phone, created_at) VALUES ($1, 'personal', $2, $3, $4)
           RETURNING id""",
        MERCHANT,
        TIMEZONE,
        HELP_PHONE,
        began,
    )
    packages = [
        await tx.value(
            """INSERT INTO packages (merchant_id, name, price_cents, duration_s, rate_down_kbps, rate_up_kbps, devices,
                                     position, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id""",
            merchant_id, offer.terms.name, offer.price_cents, offer.terms.duration_s, offer.terms.rate_down_kbps,
            offer.terms.rate_up_kbps, offer.terms.devices, position, began,
        )
        for position, offer in enumerate(OFFERS, start=1)
    ]  # fmt: skip
    await specials.add(tx, merchant_id, first_place=len(OFFERS) + 1, began=began, now=now)
    routers = [await _install(tx, spec, vault, merchant_id=merchant_id, now=now, began=began) for spec in ROUTERS]
    account_id = await _open_account(tx, vault, now=began)
    return Shop(merchant_id, account_id, COMMISSION_BP["personal"], packages, routers)


async def _install(tx: Tx, spec: RouterSpec, vault: Vault, *, merchant_id: int, now: datetime, began: datetime) -> int:
    router_id = await tx.value("SELECT nextval('routers_id_seq')")
    away = None if spec.is_online else now - OFFLINE_FOR
    await tx.execute(
        """INSERT INTO routers (id, merchant_id, name, site, status, api_host, api_user, api_password_sealed,
                                hotspot_hosts, board, version, serial, last_seen_at, offline_since, last_error, tries,
                                next_try_at, reconciled_at, created_at)
           VALUES ($1, $2, $3, $4, $5, '127.0.0.1', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $12, $17)""",
        router_id, merchant_id, spec.name, codes.hex_token(16), "offline" if away else "online", API_USER,
        vault.seal("routers", "api_password_sealed", row_id=router_id, plaintext=codes.hex_token(12)),
        f"{spec.dns_name},{spec.address}", spec.board.name, spec.version, spec.serial, away or now, away,
        "No answer from the router" if away else None, 9 if away else 0, now if away else None, began,
    )  # fmt: skip
    return router_id


async def _open_account(tx: Tx, vault: Vault, *, now: datetime) -> int:
    account_id = await tx.value("SELECT nextval('mpesa_accounts_id_seq')")
    secrets = {
        "consumer_key_sealed": DEFAULT_KEY,
        "consumer_secret_sealed": DEFAULT_SECRET,
        "passkey_sealed": SANDBOX_PASSKEY,
    }
    await tx.execute(
        """INSERT INTO mpesa_accounts (id, shortcode, party_b, created_at, consumer_key_sealed, consumer_secret_sealed,
                                       passkey_sealed) VALUES ($1, $2, $2, $3, $4, $5, $6)""",
        account_id,
        SANDBOX_SHORTCODE,
        now,
        *(vault.seal("mpesa_accounts", name, row_id=account_id, plaintext=text) for name, text in secrets.items()),
    )
    return account_id


async def _hire(tx: Tx, person: Person, password_hash: str, *, merchant_id: int, now: datetime) -> None:
    user_id = await identity.add_user(
        tx, person.email, person.name, password_hash=password_hash, now=now, is_operator=person.role is None
    )
    if person.role is not None:
        await identity.join(tx, user_id, merchant_id, role=Role(person.role))


async def _know_devices(tx: Tx) -> None:
    await tx.execute(
        """INSERT INTO devices (merchant_id, mac, first_seen_at, last_seen_at)
           SELECT merchant_id, mac, min(created_at), max(created_at) FROM checkouts GROUP BY merchant_id, mac
           ON CONFLICT (merchant_id, mac) DO UPDATE SET last_seen_at = excluded.last_seen_at"""
    )
