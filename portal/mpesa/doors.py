"""The door to M-Pesa per account: keys from the database, one HTTP client for all, tokens shared by every process."""

import httpx

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import MpesaConfig
from portal.mpesa.client import Daraja
from portal.mpesa.credentials import MpesaApp, TransactionType
from portal.mpesa.tokens import SharedTokens
from portal.vault import Vault


class MpesaDoors:
    """Hands out a door per account; makes each once."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings, *, vault: Vault, clock: Clock) -> None:
        self._http = http
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._tokens: dict[int, SharedTokens] = {}

    def callback_url(self, token: str) -> str:
        """Where Daraja sends the outcome of one attempt. Avoids the words Daraja bans; the token is hex."""
        return f"{self._settings.mpesa_callback_base}/cb/{token}"

    async def for_account(self, account_id: int) -> Daraja:
        """The client of one account; MpesaConfig when its keys are gone."""
        row = await DB.row("SELECT * FROM mpesa_accounts WHERE id = $1", account_id)
        if row is None:
            raise MpesaConfig("", f"M-Pesa account {account_id} is gone")

        def secret(name: str) -> str:
            return self._vault.open("mpesa_accounts", name, row_id=account_id, sealed=row[name])

        app = MpesaApp(
            environment=row["environment"],
            base_url=self._settings.mpesa_url,
            consumer_key=secret("consumer_key_sealed"),
            consumer_secret=secret("consumer_secret_sealed"),
            shortcode=row["shortcode"],
            passkey=secret("passkey_sealed"),
            transaction_type=TransactionType(row["transaction_type"]),
            party_b=row["party_b"],
        )
        tokens = self._tokens.setdefault(account_id, SharedTokens(account_id, vault=self._vault, clock=self._clock))
        return Daraja(self._http, app, tokens=tokens, clock=self._clock)
