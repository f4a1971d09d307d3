"""Vouchers and grants by the thousand, as benches of the router side want them. Rows only, by COPY."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench import house
from portal import codes
from portal.db import DB, atomic, copy_in
from portal.routers import RouterView
from portal.terms import Terms

VOUCHER = (
    "id", "merchant_id", "package_id", "code_hash", "code_sealed", "payment_reference", "status", "price_cents", "terms",
    "created_at", "paid_at", "started_at", "expires_at",
)  # fmt: skip
GRANT = (
    "id", "merchant_id", "router_id", "voucher_id", "status", "user_name", "password_sealed", "terms", "created_at",
)  # fmt: skip
TERMS = Terms(name="1 hour", duration_s=3600).encode()


def names(count: int) -> list[str]:
    """Names for hotspot users of ours."""
    return [f"vocha-{codes.hex_token(8)}" for _ in range(count)]


async def vouchers_with_grants(
    router: RouterView,
    package_id: int,
    users: Sequence[str],
    *,
    voucher: str = "in_use",
    grant: str = "present",
    ends_in: timedelta | None = timedelta(hours=1),
    terms: str = TERMS,
    is_last: bool = True,
) -> None:
    """A voucher and a grant on this router for each user. Their passwords are `0123456789abcdef`. `is_last`: nothing more is
    filled in, so the database may count what it has."""
    vault, now = house.vault(), datetime.now(UTC)
    merchant, ends_at = router.merchant_id, now + ends_in if ends_in else None
    started_at = now - timedelta(hours=2) if voucher == "in_use" else None
    first = 1 + (await DB.value("SELECT coalesce(max(id), 0) FROM vouchers"))
    sold = [
        (at, merchant, package_id, codes.hex_token(16).encode(), b"", f"R{at}", voucher, 1000, terms, now, now, started_at,
         ends_at)
        for at in range(first, first + len(users))
    ]  # fmt: skip
    wanted = [
        (at, merchant, router.id, at, grant, name,
         vault.seal("access_grants", "password_sealed", row_id=at, plaintext="0123456789abcdef"), terms, now)
        for at, name in enumerate(users, start=first)
    ]  # fmt: skip
    async with atomic() as tx:
        await copy_in(tx, "vouchers", VOUCHER, sold)
        await copy_in(tx, "access_grants", GRANT, wanted)
    if is_last:
        await DB.fetch("ANALYZE routers, vouchers, access_grants")
