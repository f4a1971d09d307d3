"""The one OAuth token of a Daraja app, shared by every process and every shortcode of the app through its row.

A new token kills the old one (Daraja documentation, Authorization), so only the holder of a short lease fetches; everybody else
waits for what it stores. No transaction is open while Daraja is asked. Where another program uses the same keys, the two kill
each other's tokens: that alarms, and beyond a measure we stop refreshing for a while instead of joining a race."""

import asyncio
import hashlib
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal.clock import Clock
from portal.db import DB, atomic
from portal.errors import MpesaBusy, MpesaUnknown
from portal.mpesa.credentials import REFRESH_EARLY, Fetch, MpesaApp, Token
from portal.mpesa.sentences import CONTESTED
from portal.states import note
from portal.vault import Vault

LEASE = timedelta(seconds=20)
#: Tokens turned down before their time are counted over this long.
COUNT_OVER = timedelta(minutes=10)
#: So many say that somebody else uses the keys: alarmed once in that time.
ALARM_AT = 3
#: Beyond so many no token is replaced until that time is over.
STOP_AT = 60
_LOOK_AGAIN_S = 0.05
_PATIENCE_S = 25.0


class SharedTokens:
    """A token source (verbs: `wire.Tokens`) kept in `mpesa_tokens`, for one account; accounts of one app share the row."""

    def __init__(self, account_id: int, *, vault: Vault, clock: Clock) -> None:
        self._account_id = account_id
        self._vault = vault
        self._clock = clock
        self._app_hash = b""
        self._row_id = 0
        self._known: Token | None = None

    async def current(self, app: MpesaApp, fetch: Fetch) -> str:
        """A token good for two minutes at least."""
        await self._find_row(app)
        if self._known is not None and self._is_good(self._known.expires_at):
            return self._known.value
        return await self._agree(fetch, failed=None)

    async def replace(self, app: MpesaApp, fetch: Fetch, *, failed: str) -> str:
        """The token after `failed` was turned down: fetched only if nobody has replaced that one already.

        MpesaBusy: too many were turned down lately, so somebody else keeps fetching with the same keys."""
        await self._find_row(app)
        self._known = None
        return await self._agree(fetch, failed=failed)

    async def _find_row(self, app: MpesaApp) -> None:
        """The row of this app, made at the first use; another one when the keys were changed."""
        app_hash = hashlib.sha256(msgspec.json.encode(app.identity)).digest()
        if app_hash == self._app_hash:
            return
        async with atomic() as tx:
            await tx.execute("INSERT INTO mpesa_tokens (app_hash) VALUES ($1) ON CONFLICT DO NOTHING", app_hash)
            self._row_id = await tx.value("SELECT id FROM mpesa_tokens WHERE app_hash = $1", app_hash)
            await tx.execute(
                "UPDATE mpesa_accounts SET app_hash = $2 WHERE id = $1 AND app_hash IS DISTINCT FROM $2",
                self._account_id,
                app_hash,
            )
        self._app_hash, self._known = app_hash, None

    async def _agree(self, fetch: Fetch, *, failed: str | None) -> str:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                if await self._is_stored(failed=failed):
                    return self._live()
                if not await self._lease():
                    await asyncio.sleep(_LOOK_AGAIN_S)
                elif await self._is_stored(failed=failed):  # stored by another between our look and our lease
                    await self._store(None)
                    return self._live()
                else:
                    return await self._fetch(fetch, failed=failed)

    async def _is_stored(self, *, failed: str | None) -> bool:
        """Whether the row holds a token that is good and is not the one that failed; keeps it in mind."""
        row = await DB.row("SELECT token_sealed, expires_at FROM mpesa_tokens WHERE id = $1", self._row_id)
        stored = self._stored(row)
        if stored is None or stored.value == failed or not self._is_good(stored.expires_at):
            return False
        self._known = stored
        return True

    def _live(self) -> str:
        assert self._known is not None
        return self._known.value

    async def _lease(self) -> bool:
        now = self._clock.now()
        async with atomic() as tx:
            mine = await tx.value(
                """UPDATE mpesa_tokens SET lease_until = $2
                   WHERE id = $1 AND (lease_until IS NULL OR lease_until < $3) RETURNING id""",
                self._row_id,
                now + LEASE,
                now,
            )
        return mine is not None

    async def _fetch(self, fetch: Fetch, *, failed: str | None) -> str:
        try:
            if failed is not None:
                await self._count_refusal()
            token = await fetch()
        except BaseException:
            await self._store(None)
            raise
        await self._store(token)
        self._known = token
        return token.value

    async def _count_refusal(self) -> None:
        """Note that a token died before its time; alarm, and in the end stop, when that keeps happening."""
        now = self._clock.now()
        async with atomic() as tx:
            refused = await tx.value(
                """UPDATE mpesa_tokens SET
                     refused = CASE WHEN refused_since > $2 THEN refused + 1 ELSE 1 END,
                     refused_since = CASE WHEN refused_since > $2 THEN refused_since ELSE $3 END
                   WHERE id = $1 RETURNING refused""",
                self._row_id,
                now - COUNT_OVER,
                now,
            )
            if refused == ALARM_AT:
                merchant_id = await tx.value("SELECT merchant_id FROM mpesa_accounts WHERE id = $1", self._account_id)
                await note(
                    tx, "mpesa_accounts", self._account_id, "mpesa_token_contested", merchant_id=merchant_id, at=now,
                    actor="mpesa", data={"times": refused},
                )  # fmt: skip
        if refused is not None and refused > STOP_AT:
            raise MpesaBusy("token", "contested", retry_after=60, message=CONTESTED)

    async def _store(self, token: Token | None) -> None:
        """Keep the token and give the lease back; without one only the lease."""
        async with atomic() as tx:
            if token is None:
                await tx.execute("UPDATE mpesa_tokens SET lease_until = NULL WHERE id = $1", self._row_id)
                return
            sealed = self._vault.seal("mpesa_tokens", "token_sealed", row_id=self._row_id, plaintext=token.value)
            await tx.execute(
                "UPDATE mpesa_tokens SET token_sealed = $2, expires_at = $3, lease_until = NULL WHERE id = $1",
                self._row_id,
                sealed,
                token.expires_at,
            )

    def _stored(self, row: Record | None) -> Token | None:
        if row is None:
            self._app_hash = b""  # made anew at the next use
            raise MpesaUnknown("", "the row of the M-Pesa app's token is gone")
        if row["token_sealed"] is None or row["expires_at"] is None:
            return None
        value = self._vault.open("mpesa_tokens", "token_sealed", row_id=self._row_id, sealed=row["token_sealed"])
        return Token(value, row["expires_at"])

    def _is_good(self, expires_at: datetime) -> bool:
        return self._clock.now() < expires_at - REFRESH_EARLY
