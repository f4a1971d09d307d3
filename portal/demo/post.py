"""SMS, Telegram and mail in the demo: the platform's gateways lead to simulators, and all that arrives lies in one letterbox."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from portal.clock import Clock
from portal.db import DB, atomic
from portal.demo.cast import DEAD_NUMBER
from portal.gateways.simulator import API_KEY, BOT_TOKEN, Letterbox, MailServer, PostOffice
from portal.gateways.simulator.mail_server import PASSWORD, USER
from portal.gateways.simulator.post_office import HOOKS
from portal.messages import accounts
from portal.vault import Vault

SENDER = "post@vocha.example"
#: What of the rails' port is Africa's Talking's, Telegram's, and the shop's own programs'.
PATHS = ("/version1/", "/bot", f"{HOOKS}/")


class DemoPost:
    """The far side of every message. `letters` is what arrived."""

    def __init__(self, clock: Clock) -> None:
        self.letters = Letterbox()
        self.office = PostOffice(clock=clock, letterbox=self.letters)
        self.office.mishaps.numbers[DEAD_NUMBER] = 403  # no such number any more
        self.mail = MailServer(clock=clock, letterbox=self.letters)

    async def introduce(self, vault: Vault, *, portal: str, now: datetime) -> None:
        """Enter the platform's gateways, again only where the mail server has another port than last time."""
        mail: dict[str, Any] = {"host": "127.0.0.1", "port": self.mail.port, "tls": "none"}
        wanted: Mapping[str, tuple[str, str, str, str, dict[str, Any]]] = {
            "sms": ("africastalking", "sandbox", "VOCHA", API_KEY, {}),
            "telegram": ("telegram", "", "", BOT_TOKEN, {}),
            "email": ("smtp", USER, SENDER, PASSWORD, mail),
        }
        rows = await DB.fetch(
            "SELECT channel, options FROM message_gateways WHERE merchant_id IS NULL AND ended_at IS NULL"
        )
        known = {row["channel"]: msgspec.json.decode(row["options"]) for row in rows}
        for channel, (kind, user, sender, secret, options) in wanted.items():
            if known.get(channel) != options:
                async with atomic() as tx:
                    await accounts.put(
                        tx, kind, merchant_id=None, user_name=user, sender=sender, options=options, secret=secret, vault=vault,
                        now=now, by="demo", has_inbox=channel == "sms",
                    )  # fmt: skip
        sms = (await accounts.in_use(None))["sms"]
        self.office.reports_url = f"{portal}{sms.reports}/delivery"
        self.office.inbound_url = f"{portal}{sms.reports}/inbound"
