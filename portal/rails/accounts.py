"""Accounts at other rails as rows: which a merchant has, entering and taking out keys, what is wrong with them, ways to pay.

No HTTP here: see `doors`. Secrets go in sealed and come out only into a rail's keys. Replaced keys are a new row, so that what
was begun with the old ones is still asked about with them."""

import re
from datetime import datetime

import msgspec
from asyncpg import Record

from portal import codes
from portal.db import DB, Tx, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.paystack.hosts import HOSTS
from portal.states import note
from portal.vault import Vault

RAILS = ("airtel", "paystack")
#: Customers see their ways in this order.
WAYS = ("mpesa", "airtel", "paystack")
_TABLE = "rail_accounts"
ONLY_OWNER = N_("Only the owner can change where the money goes.")
NEEDED = N_("Fill this in.")
_TOO_LONG = N_("This is too long. Copy it again.")
NOT_A_SECRET_KEY = N_("A secret key of Paystack begins with sk_live_ or sk_test_. Do not enter the public key (pk_…).")
_MOST = 400
#: A dash or a blank that a chat made of it cannot stand in a header: nothing could be asked with such a key.
_PAYSTACK_KEY = re.compile(r"sk_(?:live|test)_[A-Za-z0-9_-]+")


class RailAccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account without its secrets. `webhook` is the path the provider is to be told."""

    id: int
    merchant_id: int | None
    rail: str
    environment: str
    key_name: str
    has_signing_key: bool
    is_offered: bool
    created_at: datetime
    trouble_text: str | None
    trouble_at: datetime | None
    webhook: str


class WayToPay(msgspec.Struct, frozen=True):
    """A way a customer may choose: its rail and the account (None for M-Pesa, which has its own)."""

    rail: str
    account_id: int | None


async def ways_to_pay(merchant_id: int | None) -> list[WayToPay]:
    """What customers of this merchant may choose from, the merchant's own accounts before the platform's; M-Pesa first. None: of
    a merchant without any account of its own."""
    rows = await DB.fetch(
        """SELECT DISTINCT ON (rail) rail, id, is_offered FROM (
             SELECT 'mpesa' AS rail, id, true AS is_offered, merchant_id FROM mpesa_accounts
             UNION ALL SELECT rail, id, is_offered, merchant_id FROM rail_accounts WHERE ended_at IS NULL) a
           WHERE merchant_id = $1::bigint OR merchant_id IS NULL ORDER BY rail, merchant_id NULLS LAST, id DESC""",
        merchant_id,
    )
    found = {row["rail"]: row["id"] for row in rows if row["is_offered"]}
    return [WayToPay(rail, None if rail == "mpesa" else found[rail]) for rail in WAYS if rail in found]


async def hosts_to_open(merchant_id: int | None) -> tuple[str, ...]:
    """What a router of this merchant must let unpaid phones reach, besides the portal: names with or without a leading `*.`."""
    return HOSTS if any(way.rail == "paystack" for way in await ways_to_pay(merchant_id)) else ()


#: Every host a router may have been told to open for some way.
EVER_OPENED = HOSTS


async def own(actor: Actor) -> list[RailAccountView]:
    """The live accounts of the actor's merchant; the platform's, for an operator who looks at no merchant."""
    rows = await DB.fetch(_SELECT.format(where="a.merchant_id IS NOT DISTINCT FROM $1::bigint"), _whose(actor))
    return [_view(row) for row in rows]


async def live() -> list[RailAccountView]:
    """Everybody's live accounts, the platform's first."""
    return [_view(row) for row in await DB.fetch(_SELECT.format(where="true") + ", a.merchant_id NULLS FIRST")]


def _whose(actor: Actor) -> int | None:
    """The merchant whose keys the actor looks after; None: the platform's."""
    if actor.merchant_id is None and not actor.is_operator:
        raise NotFound
    return actor.merchant_id


def owner(actor: Actor) -> int | None:
    """The same, for whoever may change them. Forbidden: not the owner, nor for the platform's an operator."""
    merchant_id = _whose(actor)
    if merchant_id is not None and actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    return merchant_id


_SELECT = """
SELECT a.*, c.token FROM rail_accounts a LEFT JOIN callback_addresses c ON c.rail_account_id = a.id
WHERE {where} AND a.ended_at IS NULL ORDER BY a.rail"""


async def enter(
    actor: Actor,
    rail: str,
    *,
    environment: str,
    key_name: str,
    secret: str,
    signing_key: str,
    vault: Vault,
    now: datetime,
) -> int:
    """Enter keys of the actor's, in place of those there were; the account's id. Audited, without secrets.

    Forbidden: not the owner. Invalid: by field. NotFound: no such rail."""
    merchant_id = owner(actor)
    if rail not in RAILS:
        raise NotFound
    check(
        rail, environment=environment, key_name=key_name.strip(), secret=secret.strip(), signing_key=signing_key.strip()
    )
    async with atomic() as tx:
        return await put(
            tx, rail, merchant_id=merchant_id, environment=environment, key_name=key_name.strip(), secret=secret.strip(),
            signing_key=signing_key.strip(), vault=vault, now=now, by=f"user:{actor.user_id}",
        )  # fmt: skip


def check(rail: str, *, environment: str, key_name: str, secret: str, signing_key: str = "") -> None:
    """Invalid, by field, for keys that cannot be meant."""
    wrong: dict[str, str] = {}
    if environment not in ("sandbox", "production"):
        wrong["environment"] = NEEDED
    if rail == "airtel" and not key_name:
        wrong["key_name"] = NEEDED
    if len(key_name) > 120:
        wrong["key_name"] = _TOO_LONG
    if not secret:
        wrong["secret"] = NEEDED
    elif rail == "paystack" and not _PAYSTACK_KEY.fullmatch(secret):
        wrong["secret"] = NOT_A_SECRET_KEY
    wrong |= {name: _TOO_LONG for name, text in (("secret", secret), ("signing_key", signing_key)) if len(text) > _MOST}
    if wrong:
        raise Invalid(wrong)


async def put(
    tx: Tx, rail: str, *, merchant_id: int | None, environment: str, key_name: str, secret: str, vault: Vault,
    now: datetime, by: str, signing_key: str = "", country: str = "KE",
) -> int:  # fmt: skip
    """The step of `enter`, also for the platform's keys (`merchant_id` None)."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtext($1))", f"rail_accounts {merchant_id or 0} {rail}"
    )  # two forms at once: one after the other, instead of an error for the second
    await _end(tx, rail, merchant_id=merchant_id, now=now)
    account_id = await tx.value("SELECT nextval('rail_accounts_id_seq')")

    def sealed(column: str, plaintext: str) -> bytes | None:
        return vault.seal(_TABLE, column, row_id=account_id, plaintext=plaintext) if plaintext else None

    await tx.execute(
        """INSERT INTO rail_accounts (id, merchant_id, rail, environment, country, key_name, secret_sealed, signing_sealed,
                                      created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        account_id,
        merchant_id,
        rail,
        environment,
        country,
        key_name,
        sealed("secret_sealed", secret),
        sealed("signing_sealed", signing_key),
        now,
    )
    await tx.execute(
        "INSERT INTO callback_addresses (merchant_id, rail_account_id, token, road, created_at) VALUES ($1, $2, $3, $4, $5)",
        merchant_id,
        account_id,
        codes.hex_token(32),
        rail,
        now,
    )
    data = {"rail": rail, "environment": environment}
    await note(tx, _TABLE, account_id, "rail_keys_set", merchant_id=merchant_id, at=now, actor=by, data=data)
    return account_id


async def offer(actor: Actor, rail: str, *, now: datetime, is_offered: bool) -> None:
    """Show a way to customers, or hide it; NotFound when it is not set up."""
    merchant_id = owner(actor)
    async with atomic() as tx:
        account_id = await tx.value(
            """UPDATE rail_accounts SET is_offered = $3 WHERE merchant_id IS NOT DISTINCT FROM $1::bigint AND rail = $2 AND ended_at IS NULL
               RETURNING id""",
            merchant_id,
            rail,
            is_offered,
        )
        if account_id is None:
            raise NotFound
        name = "rail_offered" if is_offered else "rail_hidden"
        await note(tx, _TABLE, account_id, name, merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}")


async def take_out(actor: Actor, rail: str, *, now: datetime) -> None:
    """Sell no more by these keys. They are kept sealed: what was begun with them is still asked about. NotFound: none."""
    merchant_id = owner(actor)
    async with atomic() as tx:
        ended = await _end(tx, rail, merchant_id=merchant_id, now=now)
        if ended is None:
            raise NotFound
        await note(
            tx, _TABLE, ended, "rail_keys_taken_out", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}"
        )


async def _end(tx: Tx, rail: str, *, merchant_id: int | None, now: datetime) -> int | None:
    return await tx.value(
        """UPDATE rail_accounts SET ended_at = $3
           WHERE coalesce(merchant_id, 0) = coalesce($1::bigint, 0) AND rail = $2 AND ended_at IS NULL RETURNING id""",
        merchant_id,
        rail,
        now,
    )


async def note_trouble(account_id: int, code: str, text: str, *, now: datetime) -> None:
    """Keep that the provider refuses our keys; told once until it works again."""
    async with atomic() as tx:
        row = await tx.row(
            """UPDATE rail_accounts SET trouble_code = $2, trouble_text = $3, trouble_at = $4
               WHERE id = $1 AND trouble_code IS DISTINCT FROM $2 RETURNING merchant_id, rail""",
            account_id,
            code[:80],
            text,
            now,
        )
        if row is not None:
            await note(
                tx, _TABLE, account_id, "rail_setup_wrong", merchant_id=row["merchant_id"], at=now, actor=row["rail"],
                data={"code": code[:80]},
            )  # fmt: skip


async def note_fine(account_id: int, *, now: datetime) -> None:
    """It works. Clears what was wrong."""
    async with atomic() as tx:
        row = await tx.row(
            """UPDATE rail_accounts SET trouble_code = NULL, trouble_text = NULL, trouble_at = NULL
               WHERE id = $1 AND trouble_at IS NOT NULL RETURNING merchant_id, rail""",
            account_id,
        )
        if row is not None:
            await note(
                tx, _TABLE, account_id, "rail_setup_mended", merchant_id=row["merchant_id"], at=now, actor=row["rail"]
            )


def _view(row: Record) -> RailAccountView:
    return RailAccountView(
        id=row["id"],
        merchant_id=row["merchant_id"],
        rail=row["rail"],
        environment=row["environment"],
        key_name=row["key_name"],
        has_signing_key=row["signing_sealed"] is not None,
        is_offered=row["is_offered"],
        created_at=row["created_at"],
        trouble_text=row["trouble_text"],
        trouble_at=row["trouble_at"],
        webhook=f"/cb/{row['token']}/{row['rail']}",
    )
