"""M-Pesa accounts as rows: finding one, entering its initiator, noting what was registered and what is wrong with its set-up.

No HTTP here: see doors. Secrets go in sealed and come out only into an `MpesaApp`."""

import asyncio
import logging
from datetime import datetime

import asyncpg
import msgspec
from asyncpg import Record

from portal.clock import Clock
from portal.db import DB, atomic
from portal.errors import Conflict, MpesaConfig, NotFound
from portal.mpesa.c2b import VERSIONS
from portal.mpesa.credentials import Initiator, MpesaApp, TransactionType
from portal.mpesa.fields import require
from portal.mpesa.security import certificate_of
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

log = logging.getLogger(__name__)

_WHICH = N_("There are several M-Pesa accounts. Say which one, by its shortcode.")
_NONE = N_("There is no such M-Pesa account.")
_TABLE = "mpesa_accounts"
#: A note about a wrong set-up never holds a payment up for longer.
_NOTE_WITHIN_S = 3.0


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account without its secrets. `certificate` is public; moments are UTC; `trouble_*` is what M-Pesa last refused."""

    id: int
    merchant_id: int | None
    environment: str
    shortcode: str
    party_b: str
    initiator_name: str
    initiator_set_at: datetime | None
    certificate: str | None
    b2c_shortcode: str
    c2b_version: str
    c2b_response_type: str
    c2b_registered_at: datetime | None
    pull_number: str
    pull_registered_at: datetime | None
    trouble_verb: str | None
    trouble_code: str | None
    trouble_text: str | None
    trouble_at: datetime | None


_COLUMNS = ", ".join(AccountView.__struct_fields__)


async def every() -> list[AccountView]:
    """All accounts, the oldest first."""
    return [_view(row) for row in await DB.fetch(f"SELECT {_COLUMNS} FROM mpesa_accounts ORDER BY id")]


async def find(named: str = "") -> AccountView:
    """The account with this shortcode or till; without a name the only one there is.

    NotFound: none; Conflict: several, of which one must be named."""
    rows = await DB.fetch(
        f"SELECT {_COLUMNS} FROM mpesa_accounts WHERE $1 IN ('', shortcode, party_b, id::text) ORDER BY id", named
    )
    exact = [row for row in rows if named in (row["shortcode"], row["party_b"])] or rows
    if not exact:
        raise NotFound(_NONE)
    if len(exact) > 1:
        raise Conflict(_WHICH)
    return _view(exact[0])


def app_of(row: Record, *, base_url: str, vault: Vault) -> MpesaApp:
    """The account of a whole row, its secrets opened; VaultError when one cannot be read."""

    def secret(name: str) -> str:
        return vault.open(_TABLE, name, row_id=row["id"], sealed=row[name])

    initiator = None
    if row["initiator_name"]:
        initiator = Initiator(
            name=row["initiator_name"],
            password=secret("initiator_password_sealed"),
            certificate=row["certificate"] or "",
        )
    return MpesaApp(
        environment=row["environment"],
        base_url=base_url,
        consumer_key=secret("consumer_key_sealed"),
        consumer_secret=secret("consumer_secret_sealed"),
        shortcode=row["shortcode"],
        passkey=secret("passkey_sealed"),
        transaction_type=TransactionType(row["transaction_type"]),
        party_b=row["party_b"],
        initiator=initiator,
        b2c_shortcode=row["b2c_shortcode"],
        c2b_version=row["c2b_version"],
    )


async def set_initiator(
    account_id: int, *, name: str, password: str, certificate: str, vault: Vault, now: datetime, actor: str
) -> None:
    """Enter the API user of the M-Pesa portal; MpesaConfig, in words, for a certificate that is none. Audited, without secrets."""
    require(0 < len(name.strip()) <= 64, "Initiator")
    require(0 < len(password) <= 200, "InitiatorPassword")
    certificate_of(certificate)
    sealed = vault.seal(_TABLE, "initiator_password_sealed", row_id=account_id, plaintext=password)
    await _change(
        account_id, "mpesa_initiator_set", now=now, actor=actor, initiator_name=name.strip(), certificate=certificate,
        initiator_password_sealed=sealed, initiator_set_at=now,
    )  # fmt: skip


async def set_payouts(account_id: int, *, b2c_shortcode: str, now: datetime, actor: str) -> None:
    """Say which shortcode pays out; empty: the account's own."""
    require(b2c_shortcode == "" or (b2c_shortcode.isdecimal() and 5 <= len(b2c_shortcode) <= 7), "B2CShortCode")
    await _change(account_id, "mpesa_payouts_set", now=now, actor=actor, b2c_shortcode=b2c_shortcode)


async def choose_c2b(account_id: int, *, version: str, now: datetime, actor: str) -> None:
    """Say which version of C2B the app's product has."""
    require(version in VERSIONS, "Version")
    await _change(account_id, "mpesa_c2b_chosen", now=now, actor=actor, c2b_version=version)


async def note_registered(account_id: int, *, response_type: str, now: datetime, actor: str) -> None:
    """Keep that our addresses for payments by hand are registered."""
    await _change(
        account_id,
        "mpesa_urls_registered",
        now=now,
        actor=actor,
        c2b_response_type=response_type,
        c2b_registered_at=now,
    )


async def note_pull_registered(account_id: int, *, number: str, now: datetime, actor: str) -> None:
    """Keep that the shortcode may be pulled."""
    await _change(account_id, "mpesa_pull_registered", now=now, actor=actor, pull_number=number, pull_registered_at=now)


async def _change(account_id: int, event: str, *, now: datetime, actor: str, **columns: object) -> None:
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
    async with atomic() as tx:
        row = await tx.row(
            f"UPDATE mpesa_accounts SET {sets} WHERE id = $1 RETURNING merchant_id", account_id, *columns.values()
        )
        if row is None:
            raise NotFound(_NONE)
        await note(tx, _TABLE, account_id, event, merchant_id=row["merchant_id"], at=now, actor=actor)


class AccountWatch:
    """Keeps what M-Pesa refuses because of an account's set-up, tells it once, and clears it when the same works again.

    Never raises (verbs: `client.Watch`): the payment being made matters more than the note about it."""

    def __init__(self, account_id: int, *, trouble: tuple[str | None, str | None], clock: Clock) -> None:
        self._account_id = account_id
        self._verb, self._code = trouble
        self._clock = clock

    async def trouble(self, verb: str, error: MpesaConfig) -> None:
        """A setting is wrong. Told once per verb and code until it is mended."""
        code = error.code[:80]
        if (self._verb, self._code) == (verb, code):
            return
        try:
            async with asyncio.timeout(_NOTE_WITHIN_S), atomic() as tx:
                row = await tx.row(
                    """UPDATE mpesa_accounts SET trouble_verb = $2, trouble_code = $3, trouble_text = $4, trouble_at = $5
                       WHERE id = $1 AND (trouble_verb, trouble_code) IS DISTINCT FROM ($2, $3) RETURNING merchant_id""",
                    self._account_id,
                    verb,
                    code,
                    error.message,
                    self._clock.now(),
                )
                if row is not None:
                    await note(
                        tx, _TABLE, self._account_id, "mpesa_setup_wrong", merchant_id=row["merchant_id"],
                        at=self._clock.now(), actor="mpesa", data={"verb": verb, "code": code, "said": str(error)},
                    )  # fmt: skip
            self._verb, self._code = verb, code
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.exception("trouble with an M-Pesa account not noted", extra={"account": self._account_id, "code": code})

    async def fine(self, verb: str) -> None:
        """It works. Clears what was wrong with this verb; a push that works also clears the token's and the query's."""
        if self._verb is None or (verb != self._verb and not (verb == "push" and self._verb in ("token", "query"))):
            return
        try:
            async with asyncio.timeout(_NOTE_WITHIN_S), atomic() as tx:
                row = await tx.row(
                    """UPDATE mpesa_accounts SET trouble_verb = NULL, trouble_code = NULL, trouble_text = NULL, trouble_at = NULL
                       WHERE id = $1 AND trouble_verb = $2 RETURNING merchant_id""",
                    self._account_id,
                    self._verb,
                )
                if row is not None:
                    await note(
                        tx, _TABLE, self._account_id, "mpesa_setup_mended", merchant_id=row["merchant_id"],
                        at=self._clock.now(), actor="mpesa", data={"verb": verb},
                    )  # fmt: skip
            self._verb = self._code = None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.exception("mended M-Pesa account not noted", extra={"account": self._account_id})


def _view(row: Record) -> AccountView:
    return AccountView(**dict(row))
