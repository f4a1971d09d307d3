"""Door 1, M-Pesa: Daraja's verbs. One request each, no retry but one after a dead token; jobs repeat, not doors.

Which error means what is the same for all: MpesaBusy: nothing was started, ask again later. MpesaUnknown, only from what may
move money: it may have been carried out. MpesaRefused, MpesaConfig: nothing was started, and the same would be refused again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

import httpx

from portal.clock import Clock
from portal.errors import MpesaAlready, MpesaBusy, MpesaConfig
from portal.mpesa import c2b, initiated, messages, pull, qr
from portal.mpesa.credentials import MpesaApp, Token
from portal.mpesa.initiated import Ack, PayoutKind, ResultUrls
from portal.mpesa.initiator_codes import Verb
from portal.mpesa.loose_json import MOST_BYTES
from portal.mpesa.messages import PushAccepted, QueryAnswer
from portal.mpesa.refusals import Failure
from portal.mpesa.security import security_credential
from portal.mpesa.wire import PATIENCE_S, Tokens, Wire, harmless, told

T = TypeVar("T")

PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"
SIMULATE_PATH = "/mpesa/c2b/v2/simulate"


class Watch(Protocol):
    """Who wants to know that an account's set-up is wrong, or works again. Must not raise."""

    async def trouble(self, verb: str, error: MpesaConfig) -> None: ...

    async def fine(self, verb: str) -> None: ...


class Unwatched:
    """Nobody does."""

    async def trouble(self, verb: str, error: MpesaConfig) -> None: ...

    async def fine(self, verb: str) -> None: ...


class Daraja:
    """One M-Pesa app. Cheap to build; the HTTP client and the tokens are shared and belong to whoever made them."""

    def __init__(
        self, http: httpx.AsyncClient, app: MpesaApp, *, tokens: Tokens, clock: Clock, patience_s: float = PATIENCE_S,
        watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self._wire = Wire(http, app, tokens=tokens, clock=clock, patience_s=patience_s)
        self._app = app
        self._clock = clock
        self._watch: Watch = watch or Unwatched()

    async def fetch_token(self) -> Token:
        """A new token; the one before stops working. MpesaConfig: wrong key, secret or environment; else MpesaBusy."""
        return await self._wire.fetch_token()

    async def ensure_token(self) -> None:
        """Make sure the shared token lasts; fetches one only if need be. Raises as `fetch_token` does."""
        try:
            await self._wire.ensure_token()
        except MpesaConfig as error:
            await self._watch.trouble("token", error)
            raise
        await self._watch.fine("token")

    async def push(
        self, *, phone: str, amount_cents: int, reference: str, description: str, callback_url: str
    ) -> PushAccepted:
        """Ask for a prompt on a phone. Not repeatable: Daraja has no idempotency key, a second call is a second prompt.

        Commit the attempt before calling: the callback may be here before the answer. MpesaRefused and MpesaConfig:
        nothing was started; MpesaPromptOpen: the phone shows another one; MpesaBusy: nothing was started, send the same
        attempt again later; MpesaUnknown: it may have been started, ask by query and wait for the callback.
        """
        body = messages.push_body(
            self._app,
            phone=phone,
            amount_cents=amount_cents,
            reference=reference,
            description=description,
            callback_url=callback_url,
            at=self._clock.now(),
        )
        return await self._move("push", PUSH_PATH, body=body, read=messages.read_push)

    async def query(self, checkout_request_id: str) -> QueryAnswer:
        """What became of a push; repeatable, but limited (seen: five a minute). Pending and unknown are answers.

        MpesaBusy: no answer, ask again later; MpesaConfig, MpesaRefused: our settings or the id's form are wrong.
        """
        body = messages.query_body(self._app, checkout_request_id=checkout_request_id, at=self._clock.now())
        read = await self._look("query", QUERY_PATH, body=body, read=messages.read_query)
        if read.checkout_request_id not in {"", checkout_request_id}:
            raise MpesaBusy("wrong answer", "the answer is about another request")
        return read

    async def register_urls(
        self, *, confirmation_url: str, validation_url: str, response_type: str = "Completed"
    ) -> c2b.Registered:
        """Tell Daraja where payments by hand are announced. Production takes it once: MpesaAlready the second time."""
        body = c2b.register_body(
            self._app, response_type=response_type, confirmation_url=confirmation_url, validation_url=validation_url
        )
        path = c2b.register_path(self._app.c2b_version)
        return await self._look("register", path, body=body, read=c2b.read_registered)

    async def simulate_payment(self, *, phone: str, amount_cents: int, reference: str = "") -> c2b.Registered:
        """Let the sandbox make up a payment by hand; MpesaRefused in production."""
        body = c2b.simulate_body(self._app, phone=phone, amount_cents=amount_cents, reference=reference)
        return await self._look("simulate", SIMULATE_PATH, body=body, read=c2b.read_registered)

    async def ask_status(self, about: str, *, urls: ResultUrls) -> Ack:
        """Ask what became of a transaction: by its receipt, or the OriginatorConversationID of a payout or reversal.

        Repeatable. The answer comes to `urls.result`, once or never. MpesaConfig also when the initiator is missing.
        """
        body = initiated.status_body(self._app, self._credential(), about=about, urls=urls)
        return await self._look("status", initiated.PATHS[Verb.STATUS], body=body, read=_ack(Verb.STATUS))

    async def ask_balance(self, *, urls: ResultUrls) -> Ack:
        """Ask for the balances of the shortcode's accounts. Repeatable; the answer comes to `urls.result`, once or never."""
        body = initiated.balance_body(self._app, self._credential(), urls=urls)
        return await self._look("balance", initiated.PATHS[Verb.BALANCE], body=body, read=_ack(Verb.BALANCE))

    async def reverse(self, receipt: str, *, amount_cents: int, urls: ResultUrls, remarks: str = "Refund") -> Ack:
        """Ask to give a C2B or STK payment back. Never repeat after MpesaUnknown: ask for the receipt's status first."""
        body = initiated.reversal_body(
            self._app, self._credential(), transaction=receipt, amount_cents=amount_cents, urls=urls, remarks=remarks
        )
        return await self._move("reversal", initiated.PATHS[Verb.REVERSAL], body=body, read=_ack(Verb.REVERSAL))

    async def pay_out(
        self, our_id: str, *, phone: str, amount_cents: int, urls: ResultUrls, kind: PayoutKind = PayoutKind.BUSINESS,
        remarks: str = "Payout", occasion: str = "",
    ) -> Ack:  # fmt: skip
        """Ask to pay a person (B2C v3). `our_id` is paid once: commit it first, and after MpesaUnknown send the same again.

        An id M-Pesa knows already was accepted before: `is_repeat`, and its outcome is asked for by status.
        """
        body = initiated.b2c_body(
            self._app, self._credential(), our_id=our_id, phone=phone, amount_cents=amount_cents, kind=kind, urls=urls,
            remarks=remarks, occasion=occasion,
        )  # fmt: skip
        try:
            return await self._move("b2c", initiated.PATHS[Verb.B2C], body=body, read=_ack(Verb.B2C))
        except MpesaAlready as error:
            return Ack(originator_conversation_id=our_id, description=error.provider_message, is_repeat=True)

    async def register_pull(self, *, number: str, callback_url: str) -> pull.PullRegistered:
        """Let the shortcode be pulled, once; again is as good. `number` is the one of the shortcode's papers."""
        body = pull.register_body(self._app, number=number, callback_url=callback_url)
        return await self._look("pull", pull.REGISTER_PATH, body=body, read=pull.read_registered)

    async def pull(self, *, since: datetime, until: datetime, offset: int = 0) -> pull.PullPage:
        """One page of the payments between two moments of the last 48 h. Go on at `next_offset` until it is None.

        An empty page may also mean that M-Pesa does not have them yet: it proves nothing about a payment that is missing.
        """
        body = pull.query_body(self._app, since=since, until=until, offset=offset, now=self._clock.now())

        def read(status: int, raw: bytes, *, headers: Mapping[str, str]) -> "pull.PullPage | Failure":
            return pull.read_page(status, raw, headers=headers, offset=offset)

        return await self._look("pull", pull.QUERY_PATH, body=body, read=read, most_bytes=pull.MOST_BYTES)

    async def qr_code(self, *, name: str, reference: str, amount_cents: int, pixels: int = 300) -> qr.QrCode:
        """A picture the M-Pesa app pays from, to our paybill or till."""
        body = qr.qr_body(self._app, name=name, reference=reference, amount_cents=amount_cents, pixels=pixels)
        return await self._look("qr", qr.PATH, body=body, read=qr.read_qr, most_bytes=qr.MOST_BYTES)

    def _credential(self) -> str:
        return security_credential(self._app.initiator, now=self._clock.now())

    async def _move(self, verb: str, path: str, *, body: Mapping[str, object], read: "Callable[..., T | Failure]") -> T:
        """A request that may move money: a lost answer is MpesaUnknown."""
        found = await self._ask(verb, path, body=body, read=read)
        if isinstance(found, Failure):
            raise await self._watched(verb, told(found, verb))
        await self._watch.fine(verb)
        return found

    async def _look(
        self, verb: str, path: str, *, body: Mapping[str, object], read: "Callable[..., T | Failure]",
        most_bytes: int = MOST_BYTES,
    ) -> T:  # fmt: skip
        """A request that moves nothing: a lost answer is MpesaBusy."""
        found = await self._ask(verb, path, body=body, read=read, most_bytes=most_bytes)
        if isinstance(found, Failure):
            raise await self._watched(verb, harmless(found, verb))
        await self._watch.fine(verb)
        return found

    async def _ask(
        self, verb: str, path: str, *, body: Mapping[str, object], read: "Callable[..., T | Failure]",
        most_bytes: int = MOST_BYTES,
    ) -> T | Failure:  # fmt: skip
        try:
            return await self._wire.ask(verb, path, body=body, read=read, most_bytes=most_bytes)
        except MpesaConfig as error:
            await self._watch.trouble(verb, error)
            raise

    async def _watched(self, verb: str, error: Exception) -> Exception:
        if isinstance(error, MpesaConfig):
            await self._watch.trouble(verb, error)
        return error


def _ack(verb: Verb) -> "Callable[..., Ack | Failure]":
    def read(status: int, raw: bytes, *, headers: Mapping[str, str]) -> Ack | Failure:
        return initiated.read_ack(status, raw, headers=headers, verb=verb)

    return read
