"""The doors to other rails per account: keys from the database, one HTTP client for all."""

from collections.abc import Mapping

import httpx
from asyncpg import Record

from portal.airtel.client import URLS as AIRTEL_URLS
from portal.airtel.client import AirtelKeys, AirtelRail
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import NotFound
from portal.paystack.client import URL as PAYSTACK_URL
from portal.paystack.client import PaystackKeys, PaystackRail
from portal.rails.errors import RailConfig
from portal.rails.interface import Rail
from portal.vault import Vault


class RailDoors:
    """Hands out a rail per account; keeps each, for it holds its token. `urls` stand in for the providers' own: simulators'."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        settings: Settings,
        *,
        vault: Vault,
        clock: Clock,
        urls: Mapping[str, str] | None = None,
    ) -> None:
        self._http = http
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._urls = settings.rail_urls if urls is None else urls
        self._made: dict[int, Rail] = {}

    def return_url(self, checkout_token: str) -> str:
        """Where a payer comes back to from a provider's own page: the page of the checkout."""
        return f"{self._settings.base_url}/w/{checkout_token}"

    def guest_address(self, reference: str) -> str:
        """An address for payers who gave none: a provider asks for one. Nobody reads what comes there."""
        host = self._settings.base_url.partition("://")[2].partition("/")[0].partition(":")[0]
        return f"{reference.lower()}@{host if '.' in host and not host[-1].isdigit() else 'guest.example.com'}"

    async def for_account(self, account_id: int) -> Rail:
        """The rail of one account, an ended one too. NotFound; RailConfig when its secrets are of another world than ours."""
        if account_id not in self._made:
            row = await DB.row("SELECT * FROM rail_accounts WHERE id = $1", account_id)
            if row is None:
                raise NotFound
            self._made[account_id] = rail_of(
                row, http=self._http, vault=self._vault, clock=self._clock, urls=self._urls,
                loopback=self._settings.mpesa_environment == "loopback",
            )  # fmt: skip
        return self._made[account_id]


def rail_of(
    row: Record, *, http: httpx.AsyncClient, vault: Vault, clock: Clock, urls: Mapping[str, str], loopback: bool
) -> Rail:
    """The rail of an account's row. In a world of play money only simulators are spoken to, never a provider."""

    def secret(column: str) -> str:
        sealed = row[column]
        return vault.open("rail_accounts", column, row_id=row["id"], sealed=sealed) if sealed is not None else ""

    url = urls.get(row["rail"], "")
    if loopback and not url:
        raise RailConfig("environment")
    if row["rail"] == "airtel":
        keys = AirtelKeys(
            client_id=row["key_name"], client_secret=secret("secret_sealed"), country=row["country"],
            currency=_CURRENCIES.get(row["country"], "KES"), signing_key=secret("signing_sealed"),
        )  # fmt: skip
        return AirtelRail(http, keys, base_url=url or AIRTEL_URLS[row["environment"]], clock=clock)
    return PaystackRail(http, PaystackKeys(secret_key=secret("secret_sealed")), base_url=url or PAYSTACK_URL)


_CURRENCIES = {"KE": "KES", "TZ": "TZS", "UG": "UGX"}
