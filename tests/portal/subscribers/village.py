"""A merchant with monthly customers, at a moment tests choose, for tests of subscriptions."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal import payments
from portal.db import DB, atomic
from portal.evidence import Inbound, Road
from portal.identity import Actor
from portal.payments import Taken
from portal.routers import RouterView
from portal.subscribers import billing, opening, reminders
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import actor, receipt

NAIROBI = ZoneInfo("Africa/Nairobi")


def local(day: str, at: str = "12:00", zone: ZoneInfo = NAIROBI) -> datetime:
    """A moment as a wall clock shows it: local("2026-11-20", "00:05")."""
    return datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=zone)


@dataclass
class Village:
    """A merchant of 0 % commission unless told otherwise, one router, and a monthly package of KES 1500."""

    vault: Vault
    merchant_id: int
    account_id: int
    router: RouterView
    package_id: int
    owner: Actor
    now: datetime

    @staticmethod
    async def founded(
        vault: Vault, *, now: datetime, kind: str = "isp", timezone: str = "Africa/Nairobi", price_cents: int = 150_000
    ) -> "Village":
        merchant = await factories.merchant(kind=kind, timezone=timezone)
        account_id = await factories.mpesa_account(vault)
        router = await factories.router(vault, merchant)
        package = await factories.package(
            merchant, name="Home 10", price_cents=price_cents, duration_s=2_678_400, period="month", devices=3,
            rate_down_kbps=10_000, rate_up_kbps=5_000, clock_from="purchase",
        )  # fmt: skip
        user = await factories.user(f"owner{merchant}@example.com", merchant)
        return Village(vault, merchant, account_id, router, package, actor(merchant, user_id=user), now)

    async def moves_in(self, *, form_key: str = "", **fields: Any) -> int:
        """A new subscriber, on the hotspot unless told otherwise."""
        typed = {
            "name": "Mama Njeri", "phone": "0712345678", "router": str(self.router.id), "package": str(self.package_id),
            "billing_day": "1", "grace_days": "3",
        }  # fmt: skip
        wish = opening.Wish(**(typed | fields))
        return await opening.open_account(
            self.owner, wish, form_key=form_key or receipt(), vault=self.vault, now=self.now
        )

    async def pays(self, subscriber_id: int, shillings: int, code: str | None = None, **changes: Any) -> Taken:
        """Somebody pays the paybill by the account number."""
        number = await DB.value("SELECT account_number FROM subscribers WHERE id = $1", subscriber_id)
        fields: dict[str, Any] = {
            "road": Road.C2B, "receipt": code or receipt(), "amount_cents": shillings * 100, "is_trusted": True,
            "account_id": self.account_id, "reference": number, "phone": "254712345678",
        }  # fmt: skip
        async with atomic() as tx:
            return await payments.take(tx, Inbound(**(fields | changes)), vault=self.vault, now=self.now)

    async def wait_until(self, now: datetime) -> None:
        """Time passes, and the jobs of that moment run once."""
        self.now = now
        await billing.proceed_due(now=now, actor="test")
        await reminders.remind_due(now=now)


async def row(subscriber_id: int) -> dict[str, Any]:
    """The subscriber's row."""
    found = await DB.row("SELECT * FROM subscribers WHERE id = $1", subscriber_id)
    assert found is not None
    return dict(found)


async def status(subscriber_id: int) -> str:
    """Where it stands."""
    return (await row(subscriber_id))["status"]


async def wallet(subscriber_id: int) -> int:
    """What is in the wallet, in cents: the sum of its postings."""
    return await DB.value(
        """SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e JOIN subscribers s ON s.credit_id = e.credit_id
           WHERE s.id = $1""",
        subscriber_id,
    )


async def bills(subscriber_id: int) -> list[tuple[date, date, int, str]]:
    """First day, day after the last, what it costs in cents now, and its status."""
    rows = await DB.fetch(
        """SELECT starts_on, ends_on, amount_cents - returned_cents AS cents, status FROM subscriber_bills
           WHERE subscriber_id = $1 ORDER BY id""",
        subscriber_id,
    )
    return [tuple(each) for each in rows]


async def told(subscriber_id: int) -> list[str]:
    """Kinds of the messages to the merchant's customers, in order."""
    rows = await DB.fetch(
        """SELECT m.kind FROM messages m JOIN subscribers s ON s.merchant_id = m.merchant_id AND s.phone = m.recipient
           WHERE s.id = $1 ORDER BY m.id""",
        subscriber_id,
    )
    return [each["kind"] for each in rows]


async def access(subscriber_id: int) -> tuple[str, set[str], datetime]:
    """The voucher's status, its grants' statuses, and until when it may be used."""
    found = await DB.row(
        """SELECT v.status, v.expires_at, array(SELECT g.status FROM access_grants g WHERE g.voucher_id = v.id) AS grants
           FROM subscribers s JOIN vouchers v ON v.id = s.voucher_id WHERE s.id = $1""",
        subscriber_id,
    )
    assert found is not None
    return found["status"], set(found["grants"]), found["expires_at"]
