"""Gateways by their rows: keys from the database, one HTTP client for all. In a world of play money only simulators are spoken to."""

import ssl
import sys
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any

import httpx
import msgspec
from asyncpg import Record

from portal.addresses import Addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.gateways.africastalking import SANDBOX_USER, URLS, AfricasTalking, AfricasTalkingKeys
from portal.gateways.console import Console
from portal.gateways.interface import Gateway
from portal.gateways.plain_http import PlainHttp, PlainHttpOptions
from portal.gateways.smtp import Smtp, SmtpOptions
from portal.gateways.telegram import URL as TELEGRAM_URL
from portal.gateways.telegram import TelegramBot
from portal.gateways.webhook import Webhook
from portal.gateways.wire import Outside
from portal.vault import Vault

_THIS_MACHINE = IPv4Network("127.0.0.0/8")


class NotHere(Exception):  # noqa: N818  (reads as a sentence where it is raised)
    """This gateway cannot be used in this world: no simulator stands for it, or its row makes no sense."""


class GatewayDoors:
    """Hands out a gateway per row; keeps each, for rows are replaced and never changed. `urls` stand in for the providers' own;
    `trust` for the system's authorities, where a test has a mail server of its own."""

    def __init__(
        self, http: httpx.AsyncClient, settings: Settings, *, vault: Vault, clock: Clock,
        urls: Mapping[str, str] | None = None, trust: ssl.SSLContext | None = None, addresses: Addresses | None = None,
    ) -> None:  # fmt: skip
        self._plays = settings.mpesa_environment == "loopback"
        # Never the networks routers may be in: an address a merchant types must not lead to our own machines.
        judge = addresses or Addresses([_THIS_MACHINE] if self._plays else [])
        self._http = http
        self._outside = Outside(http, judge, plays=self._plays)
        self._vault = vault
        self._clock = clock
        self._urls = dict(settings.gateway_urls if urls is None else urls)
        self._trust = trust
        self._made: dict[int, Gateway] = {}

    async def for_gateway(self, gateway_id: int) -> Gateway:
        """The gateway of one row. NotHere; VaultError when its secret does not open."""
        if gateway_id not in self._made:
            row = await DB.row("SELECT * FROM message_gateways WHERE id = $1", gateway_id)
            if row is None:
                raise NotHere("no such gateway")
            self._made[gateway_id] = self.of(row)
        return self._made[gateway_id]

    def of(self, row: Record | Mapping[str, Any]) -> Gateway:
        """The gateway a row describes."""
        sealed: bytes | None = row["secret_sealed"]
        secret = (
            ""
            if sealed is None
            else self._vault.open("message_gateways", "secret_sealed", row_id=row["id"], sealed=sealed)
        )
        try:
            return self._kinds[row["kind"]](row, secret)
        except (msgspec.MsgspecError, ValueError, KeyError) as error:
            raise NotHere(str(error)) from error

    @property
    def _kinds(self) -> Mapping[str, Callable[[Any, str], Gateway]]:
        return {
            "africastalking": self._africastalking,
            "http": self._http_sms,
            "smtp": self._smtp,
            "telegram": self._telegram,
            "webhook": self._webhook,
            "console": self._console,
        }

    def _url(self, name: str, own: str) -> str:
        found = self._urls.get(name, "")
        if self._plays and not found:
            raise NotHere(f"no simulator of {name}")
        return found or own

    def _africastalking(self, row: Any, secret: str) -> Gateway:
        world = "sandbox" if row["user_name"] == SANDBOX_USER else "production"
        keys = AfricasTalkingKeys(user_name=row["user_name"], api_key=secret, sender=row["sender"])
        return AfricasTalking(self._http, keys, base_url=self._url("africastalking", URLS[world]))

    def _http_sms(self, row: Any, secret: str) -> Gateway:
        options = msgspec.json.decode(row["options"], type=PlainHttpOptions)
        return PlainHttp(self._outside, options, sender=row["sender"], secret=secret)

    def _smtp(self, row: Any, secret: str) -> Gateway:
        options = msgspec.json.decode(row["options"], type=SmtpOptions)
        if options.tls == "none" and not self._plays:
            raise NotHere("mail without TLS leaves this machine in the clear")
        return Smtp(
            self._outside, options, user=row["user_name"], password=secret, sender=row["sender"], clock=self._clock,
            trust=self._trust,
        )  # fmt: skip

    def _telegram(self, row: Any, secret: str) -> Gateway:
        del row
        return TelegramBot(self._http, token=secret, base_url=self._url("telegram", TELEGRAM_URL))

    def _webhook(self, row: Any, secret: str) -> Gateway:
        url: str = msgspec.json.decode(row["options"], type=dict[str, str])["url"]
        return Webhook(self._outside, url=url, key=secret, clock=self._clock)

    def _console(self, row: Any, secret: str) -> Gateway:
        del row, secret
        if not self._plays:
            raise NotHere("messages hold codes, and the output of a service is kept in logs")
        return Console(sys.stdout)
