"""Airtel's Collection API with wallets behind it. Its own ledger is the truth that a merchant's books are compared with.

Sources: see `portal.airtel.messages`. What is not written down is a switch: whether callbacks are signed and over which bytes
(`signing_key`, `signs`), whether they tell an amount (`tells_amount`), how long a token lives (`token_s`), what the enquiry
calls a payment that was given back (`called_when_refunded`; "TS": it does not tell)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.types import ASGIApp

from portal import codes as random_codes
from portal.airtel.messages import sign
from portal.airtel.simulator.phone import page
from portal.clock import Clock
from portal.rails.simulator.stage import Stage

AnyRequest = Request[Any, Any, Any]
CLIENT_ID, CLIENT_SECRET, SIGNING_KEY = "sim-airtel-app", "sim-airtel-secret", "sim-airtel-signing-key"
_RIGHT_PIN = "1234"
_FAILED = {
    "DP00800001002": "Incorrect Pin",
    "DP00800001005": "User didn't enter the pin",
    "DP00800001007": "Not enough balance",
    "DP00800001008": "The transaction was refused",
    "DP00800001029": "Transaction Expired",
}


@dataclass
class Wallet:
    """A subscriber's phone and money, in whole units."""

    msisdn: str
    balance: Decimal = Decimal(50_000)
    prompt: "Push | None" = None


@dataclass
class Push:
    """One transaction. `status` as Airtel names it."""

    id: str
    msisdn: str
    amount: Decimal
    currency: str
    status: str = "TIP"
    code: str = "DP00800001006"
    message: str = "In process"
    airtel_money_id: str = ""
    refunded: bool = False


@dataclass
class _Token:
    value: str
    ends_at: datetime


@dataclass
class AirtelLedger:
    """What really moved."""

    paid: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    refunded: dict[str, Decimal] = field(default_factory=dict[str, Decimal])


class AirtelSimulator(Stage):
    """One app on Airtel's side. `callback_url` is what its owner entered on the portal; "" tells nobody anything."""

    def __init__(
        self, *, clock: Clock | None = None, callback_url: str = "", signing_key: str = SIGNING_KEY,
        signs: Literal["transaction", "object"] = "object", no_answer_s: float = 60.0,
    ) -> None:  # fmt: skip
        super().__init__(clock=clock)
        self.callback_url = callback_url
        self.signing_key = signing_key
        self.signs = signs
        self.tells_amount = False
        self.token_s = 180
        self.client_secret = CLIENT_SECRET
        self.called_when_refunded = "TS"
        self.refuses_refunds = False
        self.no_answer_s = no_answer_s
        self.wallets: dict[str, Wallet] = {}
        self.pushes: dict[str, Push] = {}
        self.ledger = AirtelLedger()
        self._token: _Token | None = None

    def wallet(self, msisdn: str) -> Wallet:
        """The wallet of a number, with or without its country's code."""
        own = msisdn[-9:]
        return self.wallets.setdefault(own, Wallet(own))

    def application(self) -> ASGIApp:
        """Airtel's API, `/phone/<number>` and `/_sim/ledger`."""
        sim = self

        @post("/auth/oauth2/token", status_code=200)
        async def token(request: AnyRequest) -> Response[bytes]:
            return sim._issue(await _json(request))

        @post("/merchant/v1/payments/", status_code=200)
        async def push(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._push(await _json(request))

        @get("/standard/v1/payments/{reference:str}")
        async def enquiry(request: AnyRequest, reference: str) -> Response[bytes]:
            return sim._refused(request) or sim._enquire(reference)

        @post("/standard/v1/payments/refund", status_code=200)
        async def refund(request: AnyRequest) -> Response[bytes]:
            return sim._refused(request) or sim._refund(await _json(request))

        @get("/phone/{msisdn:str}", media_type=MediaType.HTML)
        async def screen(msisdn: str) -> Response[str]:
            return sim._screen(msisdn)

        @post("/phone/{msisdn:str}", status_code=303)
        async def type_pin(request: AnyRequest, msisdn: str) -> Response[bytes]:
            form = await request.form()
            if sim.wallet(msisdn).prompt is not None:
                pin = str(form.get("pin", ""))
                _ = sim.cancel(msisdn) if form.get("do") == "refuse" else sim.approve(msisdn, pin=pin)
            return Response(b"", status_code=303, headers={"location": f"/phone/{quote(msisdn, safe='')}"})

        @get("/_sim/ledger")
        async def ledger() -> Response[bytes]:
            return _answer(
                {name: str(amount) for name, amount in sim.ledger.paid.items()}, refunded=list(sim.ledger.refunded)
            )

        return Litestar(
            route_handlers=[token, push, enquiry, refund, screen, type_pin, ledger],
            openapi_config=None,
            logging_config=None,
        )

    def _screen(self, msisdn: str) -> Response[str]:
        wallet = self.wallet(msisdn)
        asked = f"{wallet.prompt.currency} {wallet.prompt.amount:,.2f}" if wallet.prompt else ""
        said = next((one.message for one in reversed(self.pushes.values()) if one.msisdn == wallet.msisdn), "")
        shown = page(msisdn, wallet.balance, asked=asked, said=said)
        return Response(shown, media_type=MediaType.HTML, headers={"cache-control": "no-store"})

    # -- hands of the people with the phones -----------------------------------------------------------------

    def approve(self, msisdn: str, *, pin: str = _RIGHT_PIN) -> Push:
        """Type a PIN into the prompt. LookupError when there is none."""
        wallet, push = self._prompted(msisdn)
        if pin != _RIGHT_PIN:
            return self._fail(push, "DP00800001002")
        if wallet.balance < push.amount:
            return self._fail(push, "DP00800001007")
        wallet.balance -= push.amount
        stamp = self.clock.now().strftime("%y%m%d.%H%M")
        push.airtel_money_id = f"MP{stamp}.{random_codes.payment_reference()[:6]}"
        push.status, push.code, push.message = "TS", "DP00800001001", "Transaction Successful"
        self.ledger.paid[push.id] = push.amount
        return self._tell(push)

    def cancel(self, msisdn: str) -> Push:
        """Refuse the prompt."""
        return self._fail(self._prompted(msisdn)[1], "DP00800001008")

    def _prompted(self, msisdn: str) -> tuple[Wallet, Push]:
        wallet = self.wallet(msisdn)
        if wallet.prompt is None:
            raise LookupError("no prompt on this phone")
        push, wallet.prompt = wallet.prompt, None
        return wallet, push

    def _fail(self, push: Push, code: str) -> Push:
        push.status, push.code, push.message = "TF", code, _FAILED[code]
        return self._tell(push)

    def _tell(self, push: Push) -> Push:
        self.note("ended", id=push.id, status=push.status)
        if self.callback_url:
            body = self._callback(push)
            forged = msgspec.json.encode(
                {"transaction": {"id": push.id, "message": "Paid", "status_code": "TS", "airtel_money_id": "MP000000.0000.FORGED"},
                 "hash": "Zm9yZ2Vk"}
            )  # fmt: skip
            self.tell(self.callback_url, body, headers={}, forged=(forged, {}))
        return push

    def _callback(self, push: Push) -> bytes:
        told: dict[str, object] = {"id": push.id, "message": push.message, "status_code": push.status}
        if push.airtel_money_id:
            told["airtel_money_id"] = push.airtel_money_id
        if self.tells_amount or self.faults.amount_cents is not None:
            cents = self.faults.amount_cents
            told["amount"] = float(push.amount) if cents is None else cents / 100
        transaction = msgspec.json.encode(told)
        alone = b'{"transaction":' + transaction + b"}"
        if not self.signing_key:
            return alone
        signature = sign(transaction if self.signs == "transaction" else alone, self.signing_key)
        return alone[:-1] + b',"hash":"' + signature.encode() + b'"}'

    # -- the API ---------------------------------------------------------------------------------------------

    def _issue(self, body: dict[str, Any]) -> Response[bytes]:
        if (body.get("client_id"), body.get("client_secret")) != (CLIENT_ID, self.client_secret):
            return _answer(
                {"error": "invalid_client", "error_description": "Invalid client authentication"}, status=401
            )
        self._token = _Token(random_codes.hex_token(16), self.clock.now() + timedelta(seconds=self.token_s))
        return _answer({"access_token": self._token.value, "expires_in": str(self.token_s), "token_type": "bearer"})

    def _refused(self, request: AnyRequest) -> Response[bytes] | None:
        if self.faults.busy:
            return _answer({"status": {"message": "Too many requests"}}, status=429)
        token = self._token
        if (
            token is None
            or token.ends_at <= self.clock.now()
            or request.headers.get("authorization") != f"Bearer {token.value}"
        ):
            return _answer({"error": "invalid_token", "error_description": "The access token expired"}, status=401)
        if not request.headers.get("x-country") or not request.headers.get("x-currency"):
            return _status("ROUTER003", "Mandatory headers missing", status=400)
        return None

    def _push(self, body: dict[str, Any]) -> Response[bytes]:
        transaction, msisdn = body["transaction"], str(body["subscriber"]["msisdn"])
        if msisdn.startswith("254") or len(msisdn) != 9:
            return _status("DP00800001010", "Transaction not permitted to Payee")
        wallet, reference = self.wallet(msisdn), str(transaction["id"])
        if reference in self.pushes:
            return _status("DP00800001011", "Transaction ID already used")
        push = Push(reference, msisdn, Decimal(str(transaction["amount"])), str(transaction["currency"]))
        self.pushes[reference] = push
        wallet.prompt = push
        self.note("push", id=reference)
        self.after(self.no_answer_s, lambda: self._expire(wallet, push))
        if self.faults.answer_lost:
            return Response(b"<html>Gateway Time-out</html>", status_code=504, media_type="text/html")
        found = {"transaction": {"id": reference, "status": "SUCCESS"}}
        return _status("DP00800001006", "SUCCESS", data=found)

    def _expire(self, wallet: Wallet, push: Push) -> None:
        if wallet.prompt is push:
            wallet.prompt = None
            self._fail(push, "DP00800001029")

    def _enquire(self, reference: str) -> Response[bytes]:
        push = self.pushes.get(reference)
        if push is None:
            return _status("DP00800001025", "Transaction Not Found", success=False)
        status = self.called_when_refunded if push.refunded else push.status
        found: dict[str, object] = {"id": push.id, "message": push.message, "status": status}
        if push.airtel_money_id:
            found["airtel_money_id"] = push.airtel_money_id
        return _status(push.code, "SUCCESS", data={"transaction": found})

    def _refund(self, body: dict[str, Any]) -> Response[bytes]:
        if self.refuses_refunds:  # an app without the right to
            return _answer({"error": "access_denied", "error_description": "Access is denied"}, status=403)
        receipt = str(body["transaction"]["airtel_money_id"])
        self.note("refund", receipt=receipt)
        push = next((one for one in self.pushes.values() if one.airtel_money_id == receipt), None)
        if push is None or push.refunded:
            return _status("DP00800001025" if push is None else "DP00800001008", "Refund refused", success=False)
        push.refunded = True
        self.wallet(push.msisdn).balance += push.amount
        self.ledger.refunded[push.id] = push.amount
        if self.faults.answer_lost:
            return Response(b"", status_code=504)
        # `success` is false in Airtel's own sample of a refund that was made.
        found = {"transaction": {"airtel_money_id": receipt, "status": "SUCCESS"}}
        return _status("", "SUCCESS", data=found, success=False)


async def _json(request: AnyRequest) -> dict[str, Any]:
    return msgspec.json.decode(await request.body(), type=dict[str, Any])


def _status(
    code: str, message: str, *, data: dict[str, Any] | None = None, status: int = 200, success: bool = True
) -> Response[bytes]:
    told = {
        "code": str(status),
        "message": message,
        "result_code": "ESB000010",
        "response_code": code,
        "success": success,
    }
    return _answer({"data": data or {}, "status": told}, status=status)


def _answer(body: dict[str, Any], *, status: int = 200, **more: object) -> Response[bytes]:
    return Response(msgspec.json.encode(body | more), status_code=status, media_type="application/json")
