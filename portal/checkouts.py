"""Checkouts: a phone's attempt to buy, from the tap on Pay to the end of its time. Pages ask `look`; nothing here asks M-Pesa."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import access_grants, codes, customer_credits, faults, limits, merchants, packages, phones
from portal.access_grants import Wish
from portal.collecting import METHODS, MPESA, RINGS, Collector, ask_for_money, collector, read_email
from portal.db import DB, Tx, atomic
from portal.devices import DeviceHint, Proof
from portal.errors import Invalid, NotFound, TooMany, Unavailable
from portal.merchants import MerchantView
from portal.msgid import N_
from portal.packages import PackageView
from portal.payments import kept
from portal.routers import RouterView, router_view
from portal.states import RouterStatus
from portal.terms import Terms, decode_terms
from portal.vault import Vault

#: Without an answer for this long the page says so; it never says "failed".
SLOW_AFTER = timedelta(seconds=90)
#: Pushes to one number: the facts name these ceilings, so that nobody can flood a stranger's phone.
PUSHES_PER_PHONE = ((3, 600), (6, 86_400))
PUSHES_PER_DEVICE = (3, 600)
PUSHES_PER_ROUTER = (120, 60)
#: The phone did not answer in time: late money may still come, and still connects.
KEEP_WATCHING = frozenset({"1037", "1019"})


class CheckoutState(StrEnum):
    """What the customer's page shows."""

    WAITING = "waiting"
    SLOW = "slow"
    FAILED = "failed"
    MISMATCH = "mismatch"
    CONNECTING = "connecting"
    ROUTER_AWAY = "router_away"
    CONNECTED = "connected"
    OVER = "over"


class CheckoutView(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout as its own page shows it. `code` is there once paid; `receipt` once M-Pesa told it.

    `uses_kept`: money kept for the number was to count. Whether there is any, and how much, is for nobody's eyes but its owner's."""

    token: str
    state: CheckoutState
    result_code: str | None
    keep_watching: bool
    package_id: int
    terms: Terms
    price_cents: int
    received_cents: int | None
    currency: str
    phone: str
    merchant: MerchantView
    router: RouterView
    mac: str
    ip: str
    created_at: datetime
    submitted_at: datetime | None
    code: str | None
    receipt: str | None
    account_reference: str | None
    expires_at: datetime | None
    seconds_left: int | None
    language: str
    method: str = "stk"
    pay_url: str | None = None
    uses_kept: bool = False


async def start(
    router: RouterView, package_id: int, *, phone: str, device: DeviceHint, form_key: str, language: str, now: datetime,
    way: str = MPESA, email: str = "", uses_kept: bool = False, seen: str = "",
) -> str:  # fmt: skip
    """Begin a sale: freeze price and terms, queue the request for the money. Returns the checkout's token.

    `way` is one of `rails.ways_to_pay`; on a card's a number is not needed, and `email` is where its receipt goes. `uses_kept`: the
    request is for what money kept for the number does not cover (M-Pesa only, see payments.kept). `seen`: see packages.to_sell.

    The same form posted twice, or the same device asking for the same again while its prompt is open, joins the first.
    Invalid: the number. Of the package: see packages.to_sell. TooMany: ceilings. Unavailable: no money is taken now."""
    payer, address = payer_of(phone, way), read_email(email)
    merchant = await merchants.profile(router.merchant_id)
    joined = await _same_again(router, device, form_key=form_key, package_id=package_id, phone=payer, way=way, now=now)
    if joined:
        return joined
    package = await packages.to_sell(router.id, router.merchant_id, package_id, seen=seen, now=now)
    selling(router, merchant)
    by = await collector(router.merchant_id, way, now=now)
    await throttle(router, device, phone=payer, now=now)
    return await _open(
        router, package, merchant, by, phone=payer, email=address, device=device, form_key=form_key, language=language,
        uses_kept=uses_kept and way == MPESA, now=now,
    )  # fmt: skip


def selling(router: RouterView, merchant: MerchantView) -> None:
    """Unavailable while nothing is sold here: no money is taken for what cannot be given."""
    if router.status in (RouterStatus.OFFLINE, RouterStatus.PAUSED) or not merchant.is_active:
        raise Unavailable(N_("The Wi-Fi is down right now. Payments are paused so that you do not lose money."))


def payer_of(phone: str, way: str) -> str:
    """The number that pays, digits with country code; "" where none is needed and none was typed. Invalid: no number."""
    if way not in RINGS and not phone.strip():
        return ""
    try:
        return phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


async def _same_again(
    router: RouterView, device: DeviceHint, *, form_key: str, package_id: int, phone: str, way: str, now: datetime
) -> str | None:
    return await DB.value(
        """SELECT c.token FROM checkouts c LEFT JOIN payments p ON p.checkout_id = c.id
           WHERE c.router_id = $1 AND (c.form_key = $2 OR (
             c.mac = $3 AND c.package_id = $4 AND c.phone = $5 AND c.created_at > $6
             AND p.method = $7 AND p.status IN ('created', 'submitting', 'pending', 'unknown')))
           ORDER BY c.id DESC LIMIT 1""",
        router.id,
        form_key,
        device.mac,
        package_id,
        phone,
        now - SLOW_AFTER,
        METHODS.get(way, way),
    )


async def throttle(router: RouterView, device: DeviceHint, *, phone: str, now: datetime) -> None:
    rules = [(f"push:phone:{phone}:{window_s}", most, window_s) for most, window_s in PUSHES_PER_PHONE if phone]
    rules.append((f"push:device:{router.id}:{device.mac}", *PUSHES_PER_DEVICE))
    rules.append((f"push:router:{router.id}", *PUSHES_PER_ROUTER))
    for name, most, window_s in rules:
        if not await limits.hit(name, limit=most, window_s=window_s, now=now):
            raise TooMany(N_("M-Pesa asks us to wait before we send another request."), retry_after=min(window_s, 600))


async def _open(
    router: RouterView, package: PackageView, merchant: MerchantView, by: Collector, *, phone: str, email: str,
    device: DeviceHint, form_key: str, language: str, uses_kept: bool, now: datetime,
) -> str:  # fmt: skip
    async with atomic() as tx:
        checkout_id, token = await insert(
            tx, router, package, merchant, phone=phone, device=device, form_key=form_key, language=language, now=now
        )
        if checkout_id is None:  # the same form, a moment ago
            return token
        credit_cents = None
        if uses_kept:
            there = await customer_credits.found_for(tx, merchant.id, customer_credits.of_phone(phone))
            credit_cents = kept.share(there.cents if there else 0, price_cents=package.price_cents)
        await ask_for_money(
            tx, checkout_id, by, price_cents=package.price_cents, merchant=merchant, phone=phone, email=email,
            credit_cents=credit_cents, now=now,
        )  # fmt: skip
    faults.reach("checkout.stored")
    return token


async def insert(
    tx: Tx, router: RouterView, package: PackageView, merchant: MerchantView, *, phone: str, device: DeviceHint,
    form_key: str, language: str, now: datetime,
) -> tuple[int | None, str]:  # fmt: skip
    """A checkout's row and its token; None and the first one's token when the same form came before."""
    token = codes.hex_token(32)
    checkout_id = await tx.value(
        """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, language, price_cents,
                                  commission_bp, terms, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (form_key) DO NOTHING RETURNING id""",
        router.merchant_id,
        router.id,
        package.id,
        token,
        form_key,
        phone,
        device.mac,
        device.ip,
        language,
        package.price_cents,
        merchant.commission_bp,
        package.terms.encode(),
        now,
    )
    if checkout_id is None:
        token = await tx.value(
            "SELECT token FROM checkouts WHERE form_key = $1 AND router_id = $2", form_key, router.id
        )
    return checkout_id, token


_LOOK = """
SELECT c.*, r.name AS router_name, r.site, r.status AS router_status, r.hotspot_hosts, r.way, r.pull_interval_s,
       p.status AS payment_status, p.result_code, p.submitted_at, p.receipt, p.received_cents, p.amount_cents, p.account_reference,
       p.method, p.pay_url, p.credit_cents,
       v.id AS bought_id, v.status AS voucher_status,
       v.expires_at, v.code_sealed, g.status AS grant_status, g.login_wanted_at, g.logged_in_at
FROM checkouts c
JOIN routers r ON r.id = c.router_id
LEFT JOIN LATERAL (SELECT * FROM payments p WHERE p.checkout_id = c.id ORDER BY p.status = 'paid' DESC, p.id DESC LIMIT 1) p ON true
LEFT JOIN vouchers v ON v.id = coalesce(c.voucher_id, p.voucher_id)
LEFT JOIN access_grants g ON g.voucher_id = v.id AND g.router_id = c.router_id
WHERE c.token = $1"""


async def look(token: str, *, vault: Vault, now: datetime) -> CheckoutView:
    """Everything the checkout's page shows; NotFound for an unknown token."""
    row = await DB.row(_LOOK, token)
    if row is None:
        raise NotFound
    expires_at: datetime | None = row["expires_at"] if row["voucher_status"] in ("paid", "in_use", "expired") else None
    code = None
    if row["voucher_id"] is not None:  # of a voucher that another payer's attempt brought, the code is that payer's
        code = vault.open("vouchers", "code_sealed", row_id=row["voucher_id"], sealed=row["code_sealed"])
    return CheckoutView(
        token=token,
        state=_state(row, now=now),
        result_code=row["result_code"],
        keep_watching=row["result_code"] in KEEP_WATCHING,
        package_id=row["package_id"],
        terms=decode_terms(row["terms"]),
        price_cents=row["price_cents"],
        received_cents=row["received_cents"],
        currency=(merchant := await merchants.profile(row["merchant_id"])).currency,
        phone=row["phone"],
        merchant=merchant,
        router=_router(row),
        mac=row["mac"],
        ip=row["ip"],
        created_at=row["created_at"],
        submitted_at=row["submitted_at"],
        code=code,
        receipt=row["receipt"] if row["method"] != "credit" else None,
        account_reference=row["account_reference"],
        expires_at=expires_at,
        seconds_left=max(0, int((expires_at - now).total_seconds())) if expires_at else None,
        language=row["language"],
        method=row["method"] or "stk",
        pay_url=row["pay_url"],
        uses_kept=row["credit_cents"] is not None,
    )


def _router(row: Record) -> RouterView:
    seen = dict(row) | {"id": row["router_id"], "name": row["router_name"], "status": row["router_status"]}
    return router_view(seen)


def _state(row: Record, *, now: datetime) -> CheckoutState:
    if row["bought_id"] is not None:
        return _state_when_paid(row, now=now)
    if row["received_cents"] is not None and row["received_cents"] != row["amount_cents"]:
        return CheckoutState.MISMATCH
    if row["payment_status"] == "failed":
        return CheckoutState.FAILED
    return CheckoutState.SLOW if now - row["created_at"] >= SLOW_AFTER else CheckoutState.WAITING


def _state_when_paid(row: Record, *, now: datetime) -> CheckoutState:
    if row["voucher_status"] in ("expired", "revoked") or (row["expires_at"] and row["expires_at"] <= now):
        return CheckoutState.OVER
    if row["grant_status"] == "present" and row["logged_in_at"] and not row["login_wanted_at"]:
        return CheckoutState.CONNECTED
    return CheckoutState.ROUTER_AWAY if row["router_status"] == "offline" else CheckoutState.CONNECTING


async def returned(token: str, device: DeviceHint, *, vault: Vault, now: datetime) -> None:
    """The device is back, perhaps with another MAC or address: log it in again if it is owed access. NotFound: no such token."""
    async with atomic() as tx:
        row = await tx.row(
            """SELECT c.id, c.merchant_id, c.router_id, c.voucher_id, c.terms, v.status FROM checkouts c
               LEFT JOIN vouchers v ON v.id = c.voucher_id WHERE c.token = $1 FOR UPDATE OF c""",
            token,
        )
        if row is None:
            raise NotFound
        await tx.execute("UPDATE checkouts SET mac = $2, ip = $3 WHERE id = $1", row["id"], device.mac, device.ip)
        if row["status"] in ("paid", "in_use"):
            wish = Wish(
                merchant_id=row["merchant_id"],
                router_id=row["router_id"],
                voucher_id=row["voucher_id"],
                mac=device.mac,
                ip=device.ip,
                terms=decode_terms(row["terms"]),
                proof=Proof.LINK,
            )
            await access_grants.want(tx, wish, vault=vault, now=now)
