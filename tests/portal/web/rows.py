"""Sales and people for the tests of signed-in pages: rows as the nouns leave them behind."""

from datetime import datetime, timedelta

from portal import codes, ledger, passwords
from portal.db import DB, atomic
from portal.routers import RouterView
from portal.terms import Terms
from portal.vault import Vault
from tests import factories

PASSWORD = "correct horse battery"
#: Hashed once for the whole run: hashing is slow on purpose.
_hashes: list[str] = []


async def person(email: str, merchant_id: int | None, **columns: object) -> int:
    """Somebody who can sign in with PASSWORD."""
    if not _hashes:
        _hashes.append(await passwords.hash_password(PASSWORD))
    return await factories.user(email, merchant_id, password_hash=_hashes[0], **columns)


async def payment(
    router: RouterView,
    package_id: int,
    *,
    at: datetime,
    status: str = "paid",
    cents: int = 5000,
    phone: str = factories.PHONE,
    method: str = "stk",
    name: str = "1 day",
    **columns: object,
) -> int:
    """A payment with its checkout; a paid one is posted as a sale at 20 %. Returns the payment's id."""
    checkout_id = await _insert(
        "checkouts", merchant_id=router.merchant_id, router_id=router.id, package_id=package_id,
        token=codes.hex_token(32), form_key=codes.hex_token(32), phone=phone, mac="A4:5E:60:11:22:33", ip="10.5.50.9",
        price_cents=cents, commission_bp=2000, terms=Terms(name=name, duration_s=86_400).encode(), created_at=at,
    )  # fmt: skip
    is_paid = status == "paid"
    payment_id = await _insert(
        "payments",
        **{
            "merchant_id": router.merchant_id, "checkout_id": checkout_id, "method": method, "status": status,
            "amount_cents": cents, "received_cents": cents if is_paid else None, "phone": phone,
            "account_reference": codes.payment_reference(), "callback_token": codes.hex_token(32), "created_at": at,
            "paid_at": at if is_paid else None,
            **columns,
        },
    )  # fmt: skip
    if is_paid:
        fee = cents // 5
        async with atomic() as tx:
            await ledger.post(
                tx, "sale", {"mpesa_clearing": cents, "merchant_payable": fee - cents, "commission": -fee},
                merchant_id=router.merchant_id, payment_id=payment_id, receipt=None, currency="KES", now=at,
            )  # fmt: skip
    return payment_id


async def access(
    payment_id: int,
    vault: Vault,
    *,
    at: datetime,
    voucher: str = "in_use",
    is_open: bool = True,
    has_login: bool = True,
) -> int:
    """What a paid payment bought: voucher, grant and, when open, a session. Returns the grant's id."""
    row = await DB.row(
        "SELECT c.* FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE p.id = $1", payment_id
    )
    assert row is not None
    ended = at + timedelta(hours=1) if voucher in ("expired", "revoked") else None
    voucher_id = await _insert(
        "vouchers", merchant_id=row["merchant_id"], package_id=row["package_id"], router_id=row["router_id"],
        code_hash=codes.hex_token(16).encode(), code_sealed=b"-", payment_reference=codes.payment_reference(),
        status=voucher, price_cents=row["price_cents"], terms=row["terms"], created_at=at, paid_at=at,
        started_at=at if voucher == "in_use" else None, expires_at=at + timedelta(days=1), ended_at=ended,
        ended_why="usage" if ended else None,
    )  # fmt: skip
    await DB.fetch("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", row["id"], voucher_id)
    grant_id = await _insert(
        "access_grants", merchant_id=row["merchant_id"], router_id=row["router_id"], voucher_id=voucher_id,
        status="gone" if ended else "present", user_name=codes.hex_token(8), password_sealed=b"-", mac=row["mac"],
        ip=row["ip"], terms=row["terms"], logged_in_at=at if has_login else None, created_at=at,
    )  # fmt: skip
    if is_open:
        await _insert(
            "hotspot_sessions", merchant_id=row["merchant_id"], router_id=row["router_id"], grant_id=grant_id,
            mac=row["mac"], ip=row["ip"], started_at=at, seen_at=at,
        )  # fmt: skip
    return grant_id


async def _insert(table: str, **values: object) -> int:
    names = ", ".join(values)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return await DB.value(f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id", *values.values())
