"""One of several processes that use one Daraja app at once: `python -m tests.portal.mpesa.worker_process DSN URL ACCOUNT COUNT`.

Prints how many of its requests succeeded. Not a test itself."""

import asyncio
import sys

import httpx

from portal.clock import Clock
from portal.db import DB
from portal.mpesa.accounts import app_of
from portal.mpesa.client import Daraja
from portal.mpesa.tokens import SharedTokens
from portal.vault import Vault

_KEYS = (("test", bytes(range(32))),)


async def main(dsn: str, url: str, account_id: int, count: int) -> None:
    """Register addresses again and again: every verb needs the token, and this one has no limit and no effect."""
    vault, clock = Vault(_KEYS), Clock()
    DB.configure(dsn)
    await DB.open(min_size=1, max_size=2)
    done = 0
    async with httpx.AsyncClient(trust_env=False) as http:
        row = await DB.row("SELECT * FROM mpesa_accounts WHERE id = $1", account_id)
        assert row is not None
        tokens = SharedTokens(account_id, vault=vault, clock=clock)
        daraja = Daraja(http, app_of(row, base_url=url, vault=vault), tokens=tokens, clock=clock)
        for _ in range(count):
            await daraja.register_urls(confirmation_url=f"{url}/paid", validation_url=f"{url}/check")
            done += 1
    await DB.close()
    sys.stdout.write(str(done))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
