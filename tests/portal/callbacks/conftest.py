"""A counter where callbacks are handed in: the application without a network, a merchant, payments that wait, and M-Pesa's answers."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from portal import callbacks, codes
from portal.callbacks import Intake, addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.spool import Spool
from portal.terms import Terms
from portal.vault import Vault
from tests import factories
from tests.apps import app_for

LISTED, FOREIGN = "127.0.0.1", "127.0.0.66"
SHORTCODE = "600984"
REQUEST_ID = "ws_CO_20112026101500712345678"


@dataclass(frozen=True)
class Pending:
    """A payment that waits for its callback."""

    id: int
    token: str
    request_id: str
    merchant_id: int


@dataclass(frozen=True)
class Counter:
    """Where messages are handed in."""

    app: Litestar
    merchant_id: int
    account_id: int
    vault: Vault
    clock: Clock

    @property
    def intake(self) -> Intake:
        """The application's."""
        return self.app.state["intake"]

    async def post(
        self, path: str, body: bytes, *, source: str = LISTED, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Hand a message in, from an address."""
        app: Any = self.app  # httpx's idea of an application is narrower
        transport = httpx.ASGITransport(app=app, client=(source, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
            return await client.post(path, content=body, headers=headers)

    async def pending(
        self, *, request_id: str | None = REQUEST_ID, status: str = "pending", **columns: object
    ) -> Pending:
        """A payment with a checkout of its own, for a device of its own."""
        router = await DB.value("SELECT min(id) FROM routers")
        package = await DB.value("SELECT min(id) FROM packages")
        checkout = await DB.value(
            """INSERT INTO checkouts (merchant_id, router_id, package_id, token, form_key, phone, mac, ip, price_cents,
                                      commission_bp, terms)
               VALUES ($1, $2, $3, $4, $5, '254712345678', $7, '10.5.50.7', 1000, 2000, $6::jsonb)
               RETURNING id""",
            self.merchant_id,
            router,
            package,
            codes.hex_token(32),
            codes.hex_token(32),
            Terms(name="1 hour", duration_s=3600).encode(),
            ":".join(re.findall("..", f"02{codes.hex_token(5)}")).upper(),
        )
        values: dict[str, Any] = {"checkout_id": checkout, "account_id": self.account_id} | columns
        values["checkout_request_id"] = request_id
        payment_id = await factories.payment(self.merchant_id, status=status, **values)
        token = await DB.value("SELECT callback_token FROM payments WHERE id = $1", payment_id)
        return Pending(payment_id, token, request_id or "", self.merchant_id)

    async def account_name(self) -> str:
        """The name in the addresses of the account."""
        async with atomic() as tx:
            return await addresses.of_account(tx, self.account_id, now=self.clock.now())

    async def handle_all(self) -> list[str | None]:
        """Do the worker's part; what came of each."""
        ids = await callbacks.waiting(now=self.clock.now())
        return [await callbacks.handle(one, vault=self.vault, now=self.clock.now()) for one in ids]

    async def granted(self) -> int:
        """Vouchers, grants, entries of the ledger and paid payments."""
        return await DB.value(
            """SELECT (SELECT count(*) FROM vouchers) + (SELECT count(*) FROM access_grants)
               + (SELECT count(*) FROM ledger_entries) + (SELECT count(*) FROM payments WHERE status = 'paid')"""
        )

    async def events(self, name: str) -> int:
        """How often this happened."""
        return await DB.value("SELECT count(*) FROM events WHERE name = $1", name)


def success(
    request_id: str = REQUEST_ID, *, receipt: str = "TKJ7XK2P1Q", amount: object = 10.0, code: object = 0
) -> bytes:
    """An STK callback; a success unless `code` says otherwise."""
    items = [{"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": receipt}]
    said: dict[str, object] = {
        "MerchantRequestID": "29115-34620561-1",
        "CheckoutRequestID": request_id,
        "ResultCode": code,
        "ResultDesc": "words",
    }
    return json.dumps(
        {"Body": {"stkCallback": said | ({"CallbackMetadata": {"Item": items}} if code == 0 else {})}}
    ).encode()


def confirmation(
    reference: str, *, receipt: str = "TKJ7XK2P1Q", amount: str = "10.00", shortcode: str = SHORTCODE
) -> bytes:
    """What M-Pesa says about a payment by hand."""
    return json.dumps(
        {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": "20261120101500",
            "TransAmount": amount,
            "BusinessShortCode": shortcode,
            "BillRefNumber": reference,
            "InvoiceNumber": "",
            "OrgAccountBalance": "490.00",
            "ThirdPartyTransID": "",
            "MSISDN": "2547 ***** 678",
            "FirstName": "JOHN",
            "MiddleName": "",
            "LastName": "",
        }
    ).encode()


@pytest.fixture
async def counter(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Counter]:
    merchant = await factories.merchant()
    account = await factories.mpesa_account(vault, merchant_id=merchant, shortcode=SHORTCODE)
    await factories.router(vault, merchant, status="paused")
    await factories.package(merchant)
    app = app_for(settings, clock)
    yield Counter(app, merchant, account, vault, clock)
    await app.state["intake"].close()


@pytest.fixture
async def intake(db: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Intake]:
    made = Intake(Spool(tmp_path / "spool"), clock)
    yield made
    await made.close()
