"""Paystack's Transaction and Refund API, a page of its own, and webhooks. Its ledger is the truth.

Sources: see `portal.paystack.messages`. What is not written down is a switch: whether failures have a webhook
(`tells_failures`), whether a refund is made at once or processed later (`refund_status`; `end_refund` is later)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.types import ASGIApp

from portal import codes as random_codes
from portal.clock import Clock
from portal.paystack.messages import SIGNATURE_HEADER, sign
from portal.paystack.simulator.page import PAGE
from portal.rails.simulator.stage import Stage

AnyRequest = Request[Any, Any, Any]
SECRET_KEY = "sk_test_sim_paystack"  # noqa: S105  (a simulator's)
#: What a card may come to: the bank's words, "" when it pays.
CARDS = {"paid": "", "declined": "Declined", "no_money": "Insufficient Funds"}


@dataclass
class Transaction:
    """One transaction; amounts are in the currency's subunit."""

    id: int
    reference: str
    amount: int
    currency: str
    email: str
    callback_url: str
    access_code: str
    status: str = "abandoned"
    gateway_response: str = "The transaction was not completed"
    paid_at: datetime | None = None
    refunded: int = 0
    refund_status: str = ""


@dataclass
class PaystackLedger:
    """What really moved, by reference, in subunits."""

    paid: dict[str, int] = field(default_factory=dict[str, int])
    refunded: dict[str, int] = field(default_factory=dict[str, int])


class PaystackSimulator(Stage):
    """One business on Paystack's side. `webhook_url` is what its owner entered on the dashboard; "" tells nobody anything."""

    def __init__(self, *, clock: Clock | None = None, webhook_url: str = "", secret_key: str = SECRET_KEY) -> None:
        super().__init__(clock=clock)
        self.webhook_url = webhook_url
        self.secret_key = secret_key
        self.tells_failures = False
        self.refund_status = "pending"
        self.transactions: dict[str, Transaction] = {}
        self.ledger = PaystackLedger()
        self._last_id = 4_099_260_000

    def application(self) -> ASGIApp:
        """Paystack's API, its page, and `/_sim/ledger`."""
        sim = self

        @post("/transaction/initialize", status_code=200)
        async def initialize(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._initialize(await _json(request))

        @get("/transaction/verify/{reference:str}")
        async def verify(request: AnyRequest, reference: str) -> Response[bytes]:
            return sim._refused(request) or sim._verify(reference)

        @get("/transaction")
        async def listed(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._list(request.query_params)

        @post("/refund", status_code=200)
        async def refund(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._refund(await _json(request))

        @get("/refund")
        async def refunds(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._refunds(str(request.query_params.get("transaction", "")))

        @get("/pay/{access_code:str}", media_type=MediaType.HTML)
        async def page(access_code: str) -> Response[str]:
            return sim._page(access_code)

        @post("/pay/{access_code:str}", status_code=303)
        async def pay(request: AnyRequest, access_code: str) -> Response[bytes]:
            form = await request.form()
            found = sim._by_code(access_code)
            if form.get("card") != "cancel":
                sim.pay(found.reference, card=str(form.get("card", "paid")))
            back = f"{found.callback_url}?trxref={found.reference}&reference={found.reference}"
            return Response(b"", status_code=303, headers={"location": back})

        @get("/_sim/ledger")
        async def ledger() -> Response[bytes]:
            return _answer({"paid": sim.ledger.paid, "refunded": sim.ledger.refunded})

        return Litestar(
            route_handlers=[initialize, verify, listed, refund, refunds, page, pay, ledger],
            openapi_config=None,
            logging_config=None,
        )

    # -- the payer's hands -----------------------------------------------------------------------------------

    def pay(self, reference: str, *, card: str = "paid") -> Transaction:
        """Pay on the page with a card that does what `CARDS` says. A failed card may be followed by another."""
        found = self.transactions[reference]
        if found.status == "success":
            return found
        words = CARDS[card]
        found.status, found.gateway_response = ("failed", words) if words else ("success", "Successful")
        if not words:
            found.paid_at = self.clock.now()
            self.ledger.paid[reference] = found.amount
        self.note("ended", reference=reference, status=found.status)
        if self.webhook_url and (not words or self.tells_failures):
            event = "charge.failed" if words else "charge.success"
            body = msgspec.json.encode({"event": event, "data": self._told(found, faulty=True)})
            invented = self._told(found) | {"status": "success", "id": 1}
            forged = msgspec.json.encode({"event": "charge.success", "data": invented})
            self.tell(
                self.webhook_url, body, headers={SIGNATURE_HEADER: sign(body, self.secret_key)},
                forged=(forged, {SIGNATURE_HEADER: "0" * 128}),
            )  # fmt: skip
        return found

    def end_refund(self, reference: str, *, status: str = "processed") -> None:
        """The bank has done it, or ("failed") will not: then the money is with the business again. Told by a webhook."""
        found = self.transactions[reference]
        found.refund_status = status
        if status == "failed":
            found.refunded, found.status = 0, "success"
            del self.ledger.refunded[reference]
        data = {"status": status, "transaction_reference": reference, "amount": str(found.amount)}
        body = msgspec.json.encode({"event": f"refund.{status}", "data": data})
        if self.webhook_url:
            signed = {SIGNATURE_HEADER: sign(body, self.secret_key)}
            self.tell(self.webhook_url, body, headers=signed, forged=(body, {SIGNATURE_HEADER: "0" * 128}))

    def _told(self, found: Transaction, *, faulty: bool = False) -> dict[str, Any]:
        cents = self.faults.amount_cents if faulty else None
        return {
            "id": found.id,
            "domain": "test",
            "status": found.status,
            "reference": found.reference,
            "amount": found.amount if cents is None else cents,
            "currency": found.currency,
            "gateway_response": found.gateway_response,
            "channel": "card",
            "paid_at": found.paid_at.isoformat() if found.paid_at else None,
            "customer": {"email": found.email},
        }

    def _by_code(self, access_code: str) -> Transaction:
        return next(one for one in self.transactions.values() if one.access_code == access_code)

    # -- the API ---------------------------------------------------------------------------------------------

    def _refused(self, request: AnyRequest) -> Response[bytes] | None:
        if self.faults.busy:
            return _no("Service temporarily unavailable", status=503)
        if request.headers.get("authorization") != f"Bearer {self.secret_key}":
            return _no("Invalid key", status=401)
        return None

    def _initialize(self, body: dict[str, Any]) -> Response[bytes]:
        reference, amount, email = (
            str(body.get("reference", "")),
            str(body.get("amount", "")),
            str(body.get("email", "")),
        )
        if "@" not in email:
            return _no("Invalid Email Address Passed", status=400)
        if not amount.isdecimal() or int(amount) <= 0:
            return _no("Invalid Amount Sent", status=400)
        if reference in self.transactions:
            return _no("Duplicate Transaction Reference", status=400)
        self._last_id += 1
        code = random_codes.hex_token(8)
        self.transactions[reference] = Transaction(
            self._last_id, reference, int(amount), str(body.get("currency", "KES")), email,
            str(body.get("callback_url", "")), code,
        )  # fmt: skip
        self.note("initialize", reference=reference)
        if self.faults.answer_lost:
            return Response(b"<html>Gateway Time-out</html>", status_code=504, media_type="text/html")
        told = {"authorization_url": f"{self.url}/pay/{code}", "access_code": code, "reference": reference}
        return _answer({"status": True, "message": "Authorization URL created", "data": told})

    def _verify(self, reference: str) -> Response[bytes]:
        found = self.transactions.get(reference)
        if found is None:
            return _no("Transaction reference not found.", status=400)
        return _answer({"status": True, "message": "Verification successful", "data": self._told(found, faulty=True)})

    def _list(self, asked: Any) -> Response[bytes]:
        since, until = datetime.fromisoformat(asked["from"]), datetime.fromisoformat(asked["to"])
        rows = [
            self._told(one)
            for one in self.transactions.values()
            if one.paid_at is not None and since <= one.paid_at <= until
        ]
        size, page = int(asked["perPage"]), int(asked["page"])
        return _answer(
            {"status": True, "message": "Transactions retrieved", "data": rows[(page - 1) * size : page * size]}
        )

    def _refund(self, body: dict[str, Any]) -> Response[bytes]:
        wanted = str(body.get("transaction", ""))
        found = next((one for one in self.transactions.values() if wanted in (one.reference, str(one.id))), None)
        if found is None or found.status not in ("success", "reversed"):
            return _no("Transaction not found", status=404)
        if found.refunded:
            return _no("Transaction has been fully reversed", status=400)
        self.note("refund", reference=found.reference)
        found.refunded, found.status = int(body.get("amount", found.amount)), "reversed"
        found.refund_status = self.refund_status
        self.ledger.refunded[found.reference] = found.refunded
        if self.faults.answer_lost:
            return Response(b"", status_code=504)
        return _answer(
            {"status": True, "message": "Refund has been queued for processing", "data": self._told_refund(found)}
        )

    def _told_refund(self, found: Transaction) -> dict[str, Any]:
        return {"id": found.id + 1, "status": found.refund_status, "amount": found.amount, "currency": found.currency}

    def _refunds(self, transaction_id: str) -> Response[bytes]:
        rows = [
            self._told_refund(one)
            for one in self.transactions.values()
            if one.refund_status and str(one.id) == transaction_id
        ]
        return _answer({"status": True, "message": "Refunds retrieved", "data": rows})

    def _page(self, access_code: str) -> Response[str]:
        found = self._by_code(access_code)
        whole, rest = divmod(found.amount, 100)
        return Response(
            PAGE.format(amount=f"{found.currency} {whole}.{rest:02}", code=access_code), media_type=MediaType.HTML
        )


async def _json(request: AnyRequest) -> dict[str, Any]:
    return msgspec.json.decode(await request.body(), type=dict[str, Any])


def _no(message: str, *, status: int) -> Response[bytes]:
    return _answer({"status": False, "message": message}, status=status)


def _answer(body: dict[str, Any], *, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
