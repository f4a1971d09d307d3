"""One of everything that a path may name, for the matrix of rights: a merchant's own, so that every address shows something.

A route with a new number in its path (`{thing_id:int}`) needs a place here: make the row, and put its id under that name."""

from datetime import timedelta

import msgspec

from portal import codes, refunds
from portal.clock import Clock
from portal.db import DB, atomic
from portal.drift import Kind
from portal.identity import Actor, Role
from portal.invoices import receipts
from portal.messages import accounts as gateways
from portal.rails import accounts as rails
from portal.refunds import Road, Scope, Wish
from portal.reports.periods import Figures
from portal.subscribers import opening
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast
from tests.portal.web.report_rows import leak, looked, snapshot

#: What stands for a row that is not there, whatever the path names.
MISSING = 999_999


async def insert(table: str, **values: object) -> int:
    """A row's id."""
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return await DB.value(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks}) RETURNING id", *values.values())


async def furnish(cast: Cast, vault: Vault, clock: Clock) -> dict[str, int]:
    """Fill the shop; the ids by the name a path calls them."""
    shop, now = cast.merchant_id, clock.now()
    users = {row["email"]: row["id"] for row in await DB.fetch("SELECT id, email FROM users")}
    owner, cashier = (
        Actor(user_id=users[email], merchant_id=shop, role=role, is_operator=False, name="A", email=email)
        for email, role in ((cast.owner, Role.OWNER), (cast.cashier, Role.CASHIER))
    )
    batch = await insert("batches", merchant_id=shop, package_id=cast.package_id, size=1, done_at=now)
    agent = await insert("agents", merchant_id=shop, name="Mary", account_number="AGENT234")
    await looked(cast, leak(Kind.FOREIGN_USER, "cousin"), at=now)
    return {
        "merchant_id": shop,
        "user_id": await rows.person("wafula@kilimani.test", shop, role="cashier", name="Wafula"),
        "link_id": await insert(
            "identity_links", purpose="team", token_hash=b"team", email="new@kilimani.test", merchant_id=shop, role="cashier",
            expires_at=now + timedelta(days=7),
        ),
        "passkey_id": await insert("passkeys", user_id=users[cast.owner], name="P", credential_id=b"p", credential=b"-"),
        "session_id": await insert(
            "user_sessions", token_hash=b"session", user_id=users[cast.owner], expires_at=now + timedelta(days=1)
        ),
        "router_id": cast.router.id,
        "agent_id": agent,
        "allotment_id": await insert(
            "agent_allotments", merchant_id=shop, agent_id=agent, batch_id=batch, package_id=cast.package_id, size=1
        ),
        "sold_id": cast.package_id,
        "one_id": await snapshot(cast, at=now - timedelta(days=2), identity="a"),
        "other_id": await snapshot(cast, at=now, identity="b"),
        "outage_id": await insert(
            "router_outages", merchant_id=shop, router_id=cast.router.id, began_at=now - timedelta(hours=3),
            ended_at=now - timedelta(hours=2),
        ),
        "drawer_id": await insert("floats", merchant_id=shop, user_id=users[cast.cashier]),
        "promo_id": await insert(
            "promos", merchant_id=shop, code="KARIBU", kind="percent", percent=10, starts_at=now, package_ids=[]
        ),
        "batch_id": batch,
        "slip_id": await factories.voucher(vault, shop, cast.package_id, batch_id=batch),
        "announcement_id": await insert(
            "announcements", text_en="New prices", text_sw="Bei mpya", kind="personal", from_at=now - timedelta(hours=1),
            until_at=now + timedelta(days=1), created_by=users[cast.owner],
        ),
        "import_id": await insert("imports", merchant_id=shop, file_name="old.rsc", status="checked", created_by=users[cast.owner]),
        "print_id": await insert("prints", merchant_id=shop, batch_id=batch, cards=1, asked_by=users[cast.owner], created_at=now),
        "report_id": await insert(
            "reports", merchant_id=shop, kind="week", starts_on=now.date() - timedelta(days=11),
            ends_on=now.date() - timedelta(days=5), zone="Africa/Nairobi",
            data=msgspec.json.encode(_FIGURES).decode(),
        ),
        **await _programs(shop, users[cast.owner], vault, clock=clock),
        "run_id": await insert("job_runs", job="expire-vouchers", slot=now, status="dead", asked_at=now),
        "message_id": await factories.message(shop, status="failed", created_at=now),
        "copy_id": await insert("shop_copies", merchant_id=shop, asked_by=owner.user_id, next_try_at=now, created_at=now),
        "stop_id": await insert("message_stops", merchant_id=shop, phone=factories.PHONE, stopped_at=now),
        **await _money(cast, vault, cashier=cashier, clock=clock),
        **await _subscriber(cast, vault, owner=owner, clock=clock),
    }  # fmt: skip


_FIGURES = Figures(
    currency="KES", cents=5000, sold=1, before_cents=0, before_sold=0, by_day_cents=[0] * 7, before_by_day_cents=[0] * 7,
    by_clock_cents=[0] * 24, by_way_cents={"mpesa": 5000}, packages=[], routers=[], customers=1, new_customers=1,
    commission_cents=0, refunded_cents=0, paid_out_cents=0, owed_cents=0, sessions=0, uptime_s=0, bytes=0, before_bytes=0,
)  # fmt: skip


async def _money(cast: Cast, vault: Vault, *, cashier: Actor, clock: Clock) -> dict[str, int]:
    shop, now = cast.merchant_id, clock.now()
    account = await factories.mpesa_account(vault, merchant_id=shop, shortcode="600111")
    paid = await rows.payment(cast.router, cast.package_id, at=now, receipt="UKK41H7QZD", account_id=account)
    voucher = await factories.voucher(vault, shop, cast.package_id, router_id=cast.router.id)
    await DB.fetch(
        "UPDATE checkouts SET voucher_id = $2 WHERE id = (SELECT checkout_id FROM payments WHERE id = $1)",
        paid,
        voucher,
    )
    await factories.grant(vault, shop, cast.router.id, voucher, status="present")
    async with atomic() as tx:
        for whose in (shop, None):
            await rails.put(
                tx,
                "airtel",
                merchant_id=whose,
                environment="sandbox",
                key_name="a",
                secret="s",
                vault=vault,
                now=now,
                by="x",
            )
        await gateways.put(
            tx, "http", merchant_id=shop, user_name="", sender="", options={}, secret="", vault=vault, now=now, by="x"
        )
    await factories.receipt(
        shop, amount_cents=5000, receipt="UKK41H7QZD", payment_id=paid, account_id=account, phone=factories.PHONE
    )
    # Asked for by a cashier who has left: one may always take back what one has asked for.
    wish = Wish(scope=Scope.WHOLE, road=Road.REVERSAL, why="no internet")
    refund = await refunds.request(cashier, paid, wish, now=now)
    await DB.fetch("UPDATE refunds SET wanted_by = 'user:0'")
    stray = await factories.receipt(shop, receipt="UKK41H7QZE", account_id=account)
    return {
        "payment_id": paid,
        "voucher_id": voucher,
        "account_id": account,
        "refund_id": refund,
        "paper_id": (await receipts.made(paid, by="x", now=now)).id,
        "suspense_id": await factories.suspense(stray),
        "payout_id": await factories.payout(shop),
        "list_id": await insert(
            "comparisons", merchant_id=shop, account_id=account, source="statement", why="import", status="ready",
            file_hash=codes.hex_token(32), since=now - timedelta(days=1), until=now,
        ),
        "close_id": await insert(
            "daily_closes", merchant_id=shop, account_id=account, day=now.date() - timedelta(days=1), made_by="command"
        ),
    }  # fmt: skip


async def _subscriber(cast: Cast, vault: Vault, *, owner: Actor, clock: Clock) -> dict[str, int]:
    package = await factories.package(
        cast.merchant_id,
        name="Home 10",
        price_cents=150_000,
        duration_s=2_678_400,
        period="month",
        rate_down_kbps=10_000,
    )
    wish = opening.Wish(
        name="Njeri",
        phone="0712345678",
        router=str(cast.router.id),
        package=str(package),
        billing_day="1",
        grace_days="3",
    )
    made = await opening.open_account(owner, wish, form_key=codes.hex_token(16), vault=vault, now=clock.now())
    bill = await DB.value("SELECT min(id) FROM subscriber_bills WHERE subscriber_id = $1", made)
    return {"package_id": package, "subscriber_id": made, "bill_id": bill}


async def _programs(shop: int, owner_id: int, vault: Vault, *, clock: Clock) -> dict[str, int]:
    """A token, and an address with a message."""
    webhook = await factories.webhook(vault, shop)
    return {
        "token_id": await insert(
            "api_tokens", merchant_id=shop, user_id=owner_id, name="Till", token_hash=b"x", scopes="vouchers:read"
        ),
        "webhook_id": webhook,
        "told_id": await insert(
            "webhook_messages", merchant_id=shop, endpoint_id=webhook, kind="webhook.test", at=clock.now()
        ),
    }
