"""The one OAuth token of an M-Pesa account, shared by every process through its row.

A new token kills the old one (Daraja documentation, Authorization), so only the holder of a short lease fetches; everybody else
waits for what it stores. No transaction is open while Daraja is asked."""

import asyncio
from datetime import datetime, timedelta

from asyncpg import Record

from portal.clock import Clock
from portal.db import DB, atomic
from portal.errors import MpesaUnknown
from portal.mpesa.credentials import REFRESH_EARLY, Fetch, MpesaApp, Token
from portal.vault import Vault

LEASE = timedelta(seconds=20)
_LOOK_AGAIN_S = 0.05
_PATIENCE_S = 25.0


class SharedTokens:
    """A token source (verbs: `client.Tokens`) kept in `mpesa_accounts`: one account, so the `app` it is given is always its own."""

    def __init__(self, account_id: int, *, vault: Vault, clock: Clock) -> None:
        self._account_id = account_id
        self._vault = vault
        self._clock = clock
        self._known: Token | None = None

    async def current(self, app: MpesaApp, fetch: Fetch) -> str:  # noqa: ARG002
        """A token good for two minutes at least."""
        if self._known is not None and self._is_good(self._known.expires_at):
            return self._known.value
        return await self._agree(fetch, failed=None)

    async def replace(self, app: MpesaApp, fetch: Fetch, *, failed: str) -> str:  # noqa: ARG002
        """The token after `failed` was turned down: fetched only if nobody has replaced that one already."""
        self._known = None
        return await self._agree(fetch, failed=failed)

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
                    return await self._fetch(fetch)

    async def _is_stored(self, *, failed: str | None) -> bool:
        """Whether the row holds a token that is good and is not the one that failed; keeps it in mind."""
        row = await DB.row("SELECT token_sealed, token_expires_at FROM mpesa_accounts WHERE id = $1", self._account_id)
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
                """UPDATE mpesa_accounts SET token_lease_until = $2
                   WHERE id = $1 AND (token_lease_until IS NULL OR token_lease_until < $3) RETURNING id""",
                self._account_id,
                now + LEASE,
                now,
            )
        return mine is not None

    async def _fetch(self, fetch: Fetch) -> str:
        try:
            token = await fetch()
        except BaseException:
            await self._store(None)
            raise
        await self._store(token)
        self._known = token
        return token.value

    async def _store(self, token: Token | None) -> None:
        """Keep the token and give the lease back; without one only the lease."""
        async with atomic() as tx:
            if token is None:
                await tx.execute("UPDATE mpesa_accounts SET token_lease_until = NULL WHERE id = $1", self._account_id)
                return
            sealed = self._vault.seal("mpesa_accounts", "token_sealed", row_id=self._account_id, plaintext=token.value)
            await tx.execute(
                "UPDATE mpesa_accounts SET token_sealed = $2, token_expires_at = $3, token_lease_until = NULL WHERE id = $1",
                self._account_id,
                sealed,
                token.expires_at,
            )

    def _stored(self, row: Record | None) -> Token | None:
        if row is None:
            raise MpesaUnknown("", "the M-Pesa account is gone")
        if row["token_sealed"] is None or row["token_expires_at"] is None:
            return None
        value = self._vault.open("mpesa_accounts", "token_sealed", row_id=self._account_id, sealed=row["token_sealed"])
        return Token(value, row["token_expires_at"])

    def _is_good(self, expires_at: datetime) -> bool:
        return self._clock.now() < expires_at - REFRESH_EARLY
