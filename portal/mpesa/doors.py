"""The door to M-Pesa per account: keys from the database, one HTTP client for all, tokens shared by every process."""

import httpx

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import MpesaConfig
from portal.mpesa.accounts import AccountWatch, app_of
from portal.mpesa.client import Daraja
from portal.mpesa.tokens import SharedTokens
from portal.msgid import N_
from portal.vault import Vault

_GONE = N_("This M-Pesa account was removed. Enter one in the settings.")
_OTHER_WORLD = N_(
    "This M-Pesa account is for the other environment. Enter the keys of the one this server works with, or change the server's."
)


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

    def address(self, path: str) -> str:
        """What M-Pesa is given for a path such as `callbacks.addresses.path` makes."""
        return f"{self._settings.mpesa_callback_base}{path}"

    async def for_account(self, account_id: int) -> Daraja:
        """The client of one account; MpesaConfig when it is gone or of another environment than this server.

        With the simulator every account is taken as it is: play money needs no keys of its own."""
        row = await DB.row("SELECT * FROM mpesa_accounts WHERE id = $1", account_id)
        if row is None:
            raise MpesaConfig("", f"M-Pesa account {account_id} is gone", message=_GONE)
        here = self._settings.mpesa_environment
        watch = AccountWatch(account_id, trouble=(row["trouble_verb"], row["trouble_code"]), clock=self._clock)
        if here not in ("loopback", row["environment"]):
            error = MpesaConfig("environment", f"{row['environment']}, not {here}", message=_OTHER_WORLD)
            await watch.trouble("environment", error)
            raise error
        await watch.fine("environment")
        app = app_of(row, base_url=self._settings.mpesa_url, vault=self._vault)
        tokens = self._tokens.setdefault(account_id, SharedTokens(account_id, vault=self._vault, clock=self._clock))
        return Daraja(self._http, app, tokens=tokens, clock=self._clock, watch=watch)
