"""Rows for tests, made by explicit functions. Every one returns what the test goes on with."""

from datetime import UTC, datetime, timedelta

from portal import codes
from portal.db import DB
from portal.routers import RouterView, by_site
from portal.terms import Terms
from portal.vault import Vault
from portal.webhooks import kinds, signing

PHONE = "254712345678"


async def merchant(name: str = "Kilimani Corner", *, kind: str = "personal", **columns: object) -> int:
    """A merchant's id."""
    values = {"name": name, "kind": kind, "help_phone": "254700000000"} | columns
    return await _insert("merchants", values)


async def mpesa_account(
    vault: Vault, *, merchant_id: int | None = None, shortcode: str = "174379", key: str = "key", secret: str = "secret",
    passkey: str = "passkey",
) -> int:  # fmt: skip
    """An M-Pesa account's id; by default the platform's."""
    account_id = await DB.value("SELECT nextval('mpesa_accounts_id_seq')")
    sealed = {
        f"{name}_sealed": vault.seal("mpesa_accounts", f"{name}_sealed", row_id=account_id, plaintext=value)
        for name, value in {
            "consumer_key": key,
            "consumer_secret": secret,
            "passkey": passkey,
        }.items()
    }
    return await _insert(
        "mpesa_accounts",
        {"id": account_id, "merchant_id": merchant_id, "shortcode": shortcode, "party_b": shortcode} | sealed,
    )


async def router(
    vault: Vault, merchant_id: int, *, name: str = "Main shop", password: str = "secret", **columns: object
) -> RouterView:
    """A router, online unless told otherwise."""
    router_id = await DB.value("SELECT nextval('routers_id_seq')")
    values = {
        "id": router_id,
        "merchant_id": merchant_id,
        "name": name,
        "site": codes.hex_token(16),
        "status": "online",
        "api_host": "127.0.0.1",
        "api_port": 8728,
        "api_user": "vocha",
        "api_password_sealed": vault.seal("routers", "api_password_sealed", row_id=router_id, plaintext=password),
        "hotspot_hosts": "10.5.50.1,login.hotspot",
        "last_seen_at": datetime.now(UTC),
    } | columns
    await _insert("routers", values)
    return await by_site(str(values["site"]))


async def package(
    merchant_id: int, *, name: str = "1 hour", price_cents: int = 1000, duration_s: int = 3600, **columns: object
) -> int:
    """A package's id."""
    return await _insert(
        "packages",
        {"merchant_id": merchant_id, "name": name, "price_cents": price_cents, "duration_s": duration_s} | columns,
    )


async def user(
    email: str,
    merchant_id: int | None,
    *,
    role: str = "owner",
    name: str = "Amina W.",
    password_hash: str = "!",
    is_operator: bool = False,
) -> int:
    """A user's id, with a membership when a merchant is given."""
    user_id = await _insert(
        "users", {"email": email, "name": name, "password_hash": password_hash, "is_operator": is_operator}
    )
    if merchant_id is not None:
        await _insert("memberships", {"user_id": user_id, "merchant_id": merchant_id, "role": role})
    return user_id


async def _insert(table: str, values: dict[str, object]) -> int:
    names = ", ".join(values)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return await DB.value(f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id", *values.values())


async def voucher(vault: Vault, merchant_id: int, package_id: int, *, status: str = "paid", **columns: object) -> int:
    """A voucher's id, in the given status with the moments that status needs."""
    voucher_id = await DB.value("SELECT nextval('vouchers_id_seq')")
    code, now = codes.voucher_code(), datetime.now(UTC)
    values: dict[str, object] = {
        "id": voucher_id,
        "merchant_id": merchant_id,
        "package_id": package_id,
        "code_hash": vault.code_hash(code),
        "code_sealed": vault.seal("vouchers", "code_sealed", row_id=voucher_id, plaintext=code),
        "payment_reference": codes.payment_reference(),
        "status": status,
        "price_cents": 1000,
        "terms": Terms(name="1 hour", duration_s=3600).encode(),
        "created_at": now,
    }
    if status != "unsold":
        values["paid_at"] = now
    if status == "in_use":
        values |= {"started_at": now, "expires_at": now + timedelta(hours=1)}
    if status in ("expired", "revoked"):
        values |= {"ended_at": now, "ended_why": "usage" if status == "expired" else "revoked"}
    return await _insert("vouchers", values | columns)


async def grant(
    vault: Vault, merchant_id: int, router_id: int, voucher_id: int, *, status: str = "wanted", **columns: object
) -> int:
    """A grant's id."""
    grant_id = await DB.value("SELECT nextval('access_grants_id_seq')")
    values = {
        "id": grant_id,
        "merchant_id": merchant_id,
        "router_id": router_id,
        "voucher_id": voucher_id,
        "status": status,
        "user_name": f"vocha-{codes.hex_token(8)}",
        "password_sealed": vault.seal("access_grants", "password_sealed", row_id=grant_id, plaintext=codes.hex_token()),
        "terms": Terms(name="1 hour", duration_s=3600).encode(),
    } | columns
    return await _insert("access_grants", values)


async def webhook(vault: Vault, merchant_id: int, *, hears: str = "voucher.paid", **columns: object) -> int:
    """An address's id, with a secret of its own. `hears`: kinds with spaces between."""
    webhook_id = await DB.value("SELECT nextval('webhook_endpoints_id_seq')")
    sealed = vault.seal("webhook_endpoints", "secret_sealed", row_id=webhook_id, plaintext=signing.new_secret())
    values = {
        "id": webhook_id, "merchant_id": merchant_id, "url": "https://till.test/hook", "kinds": hears,
        "sources": kinds.sources_of(hears.split()), "secret_sealed": sealed,
    }  # fmt: skip
    return await _insert("webhook_endpoints", values | columns)


async def payment(merchant_id: int, *, status: str = "created", amount_cents: int = 1000, **columns: object) -> int:
    """A payment's id, without a checkout unless one is given."""
    values = {
        "merchant_id": merchant_id,
        "status": status,
        "amount_cents": amount_cents,
        "phone": PHONE,
        "account_reference": codes.payment_reference(),
        "callback_token": codes.hex_token(32),
    }
    if status in ("paid", "refund_pending", "refunded"):
        values["paid_at"] = datetime.now(UTC)
    return await _insert("payments", values | columns)


async def checkout(router: RouterView, package_id: int, **columns: object) -> int:
    """A checkout's id, without a payment."""
    values = {
        "merchant_id": router.merchant_id,
        "router_id": router.id,
        "package_id": package_id,
        "token": codes.hex_token(32),
        "form_key": codes.hex_token(32),
        "phone": PHONE,
        "mac": "02:11:22:33:44:55",
        "ip": "10.5.50.7",
        "price_cents": 1000,
        "terms": Terms(name="1 hour", duration_s=3600).encode(),
    }
    return await _insert("checkouts", values | columns)


async def receipt(merchant_id: int | None, *, amount_cents: int = 1000, **columns: object) -> int:
    """A receipt's id: money that belongs to no payment yet. Nothing is posted."""
    values = {"merchant_id": merchant_id, "receipt": codes.payment_reference() + "QX", "amount_cents": amount_cents}
    return await _insert("receipts", values | {"roads": "c2b"} | columns)


async def suspense(receipt_id: int, *, status: str = "open", **columns: object) -> int:
    """A suspense row's id for a whole receipt. Nothing is posted."""
    of = await DB.row("SELECT merchant_id, amount_cents FROM receipts WHERE id = $1", receipt_id)
    assert of is not None
    values = {"receipt_id": receipt_id, "why": "no_match", "status": status} | dict(of)
    if status != "open":
        values["resolved_at"] = datetime.now(UTC)
    return await _insert("suspense", values | columns)


async def refund(receipt_id: int, *, status: str = "wanted", **columns: object) -> int:
    """A refund's id for a whole receipt. Nothing is posted."""
    of = await DB.row("SELECT merchant_id, amount_cents FROM receipts WHERE id = $1", receipt_id)
    assert of is not None
    values = {"receipt_id": receipt_id, "status": status} | dict(of)
    if status == "done":
        values["done_at"] = datetime.now(UTC)
    if status not in ("wanted", "dropped"):
        values["approved_at"] = datetime.now(UTC)
    return await _insert("refunds", values | columns)


async def payout(merchant_id: int, *, status: str = "wanted", amount_cents: int = 100_000, **columns: object) -> int:
    """A payout's id. Nothing is posted."""
    values: dict[str, object] = {"merchant_id": merchant_id, "status": status, "amount_cents": amount_cents}
    values["once"] = codes.hex_token(16)
    if status == "done":
        values["done_at"] = datetime.now(UTC)
    return await _insert("payouts", values | columns)


async def transfer(account_id: int, *, status: str = "created", **columns: object) -> int:
    """A B2C transfer's id, of the payout or refund that is named."""
    values: dict[str, object] = {"account_id": account_id, "kind": "b2c", "phone": PHONE, "status": status}
    values["our_id"] = codes.hex_token(16)
    if status in ("done", "failed"):
        values["ended_at"] = datetime.now(UTC)
    return await _insert("transfers", values | {"amount_cents": 100_000} | columns)


async def claim(checkout_id: int, *, status: str = "open", **columns: object) -> int:
    """A claim's id."""
    merchant_id = await DB.value("SELECT merchant_id FROM checkouts WHERE id = $1", checkout_id)
    values = {"merchant_id": merchant_id, "checkout_id": checkout_id, "receipt": "SKL4H7T2QX", "status": status}
    if status != "open":
        values["closed_at"] = datetime.now(UTC)
    return await _insert("claims", values | columns)


async def message(merchant_id: int, *, status: str = "queued", **columns: object) -> int:
    """A message's id, to a phone."""
    values: dict[str, object] = {"merchant_id": merchant_id, "status": status, "kind": "money_kept", "recipient": PHONE}
    values |= {"once": codes.hex_token(16), "body": "x"}
    if status == "sending":
        values["lease_until"] = datetime.now(UTC)
    return await _insert("messages", values | columns)
