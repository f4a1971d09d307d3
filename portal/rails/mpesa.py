"""M-Pesa as a rail: the same verbs over Daraja's client. The core's own road for M-Pesa is `payments.push` and its callbacks, which
know more than a rail must (pace, lent trust, payments by hand); this lets what is written for any rail speak of M-Pesa too.

Daraja echoes nothing of ours: a callback is known by the unguessable name in its address, so `reference` is that name."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from portal.errors import MpesaAlready, MpesaBusy, MpesaConfig, MpesaPromptOpen, MpesaRefused, MpesaUnknown
from portal.evidence import Outcome
from portal.mpesa import evidence
from portal.mpesa.client import Daraja
from portal.mpesa.initiated import ResultUrls
from portal.rails.errors import RailBusy, RailConfig
from portal.rails.interface import (
    Accepted,
    Answer,
    Attempt,
    Flags,
    Later,
    Lost,
    Observation,
    Proof,
    QueryKey,
    Refund,
    Rejected,
    Returned,
    Signed,
    Started,
    Why,
)

FLAGS = Flags(
    name="mpesa",
    echoes_our_ref=False,
    query_key=QueryKey.THEIRS,
    signed=Signed.NEVER,
    unsolicited_inbound=True,
    max_query_rate=5,
    min_repush_gap=60,
    amount_step=100,
)
#: Result codes in the words of the core. Source: Daraja documentation, M-Pesa Express, result codes.
_WHYS = {
    "1": Why.NO_MONEY,
    "2": Why.AMOUNT,
    "3": Why.AMOUNT,
    "4": Why.LIMIT,
    "8": Why.SETUP,
    "1001": Why.PROMPT_OPEN,
    "1019": Why.NO_ANSWER,
    "1032": Why.CANCELLED,
    "1037": Why.NO_ANSWER,
    "2001": Why.WRONG_PIN,
    "2028": Why.SETUP,
    "SFC_IC0003": Why.SETUP,
    "8006": Why.WRONG_PIN,
    "E3008": Why.NUMBER,
}
_MOST_PAGES = 100


class MpesaRail:
    """One account. `is_listed` says whether an address is one Safaricom publishes; `urls` where a reversal's result is told."""

    flags = FLAGS

    def __init__(
        self, daraja: Daraja, *, is_listed: Callable[[str], bool], urls: Callable[[str], ResultUrls] | None = None
    ) -> None:
        self._daraja = daraja
        self._is_listed = is_listed
        self._urls = urls

    async def start(self, attempt: Attempt) -> Started:
        """Push, once."""
        try:
            accepted = await self._daraja.push(
                phone=attempt.phone, amount_cents=attempt.amount_cents, reference=attempt.reference,
                description=attempt.description, callback_url=attempt.callback_url,
            )  # fmt: skip
        except MpesaPromptOpen as error:
            return Rejected(why=Why.PROMPT_OPEN, said=error.provider_message)
        except MpesaBusy as error:
            return Later(retry_after=error.retry_after, said=error.provider_message)
        except MpesaUnknown as error:
            return Lost(said=error.provider_message)
        except MpesaConfig as error:
            raise RailConfig(error.code, message=error.message) from error
        except MpesaRefused as error:
            return Rejected(why=Why.OTHER, said=f"{error.code} {error.provider_message}")
        return Accepted(their_id=accepted.checkout_request_id)

    def parse_callback(
        self, raw: bytes, headers: Mapping[str, str], peer_ip: str, url_token: str
    ) -> Sequence[Observation]:
        """An STK callback, believed when it comes from a listed address to an address only M-Pesa was told."""
        del headers
        read = evidence.of_callback(0, raw)
        if read is None:
            return []
        return [
            Observation(
                reference=url_token, proof=Proof.ADDRESS if self._is_listed(peer_ip) else Proof.NONE,
                outcome=read.outcome, why=_why(read.outcome, read.result_code), said=read.result_text,
                receipt=read.receipt, amount_cents=read.amount_cents, currency="KES",
            )
        ]  # fmt: skip

    async def query(self, attempt: Attempt) -> Answer:
        """What became of it, by M-Pesa's id; unknown while that was never told."""
        if attempt.their_id is None:
            return Answer(outcome=Outcome.OPEN, is_unknown=True)
        try:
            read = evidence.of_query(0, await self._daraja.query(attempt.their_id))
        except (MpesaBusy, MpesaUnknown) as error:
            raise RailBusy(error.code, message=error.message) from error
        except (MpesaConfig, MpesaRefused) as error:
            raise RailConfig(error.code, message=error.message) from error
        return Answer(outcome=read.outcome, why=_why(read.outcome, read.result_code), said=read.result_text)

    async def list_window(self, since: datetime, until: datetime) -> Sequence[Observation]:
        """Pull's list of the last 48 hours; `reference` is what the payer typed, or the push's own."""
        found: list[Observation] = []
        offset: int | None = 0
        for _ in range(_MOST_PAGES):
            if offset is None:
                return found
            page = await self._daraja.pull(since=since, until=until, offset=offset)
            found += [
                Observation(
                    reference=row.reference, proof=Proof.ADDRESS, outcome=Outcome.PAID, receipt=row.receipt,
                    amount_cents=row.amount_cents, currency="KES", happened_at=row.paid_at,
                )
                for row in page.rows
            ]  # fmt: skip
            offset = page.next_offset
        raise RailBusy("pages")

    async def refund(self, receipt: str, *, amount_cents: int, reference: str, reason: str) -> Refund:
        """Reverse it: taken now, and told later to the addresses of this one request. LookupError without such addresses."""
        if self._urls is None:
            raise LookupError("no address for the result of a reversal")
        urls = self._urls(reference)
        try:
            ack = await self._daraja.reverse(
                receipt, amount_cents=amount_cents, urls=urls, remarks=reason[:100] or "Refund"
            )
        except MpesaBusy as error:
            return Refund(state=Returned.LATER, said=error.provider_message)
        except (MpesaUnknown, MpesaAlready) as error:
            return Refund(state=Returned.UNKNOWN, said=error.provider_message)
        except (MpesaConfig, MpesaRefused) as error:
            return Refund(state=Returned.REFUSED, said=error.message)
        return Refund(state=Returned.UNDER_WAY, said=ack.description, their_id=ack.conversation_id)

    async def refund_state(self, receipt: str, *, amount_cents: int, reference: str) -> Refund:
        """M-Pesa tells it to an address of ours, never in an answer: see `transfers.watch`."""
        del receipt, amount_cents, reference
        return Refund(state=Returned.UNKNOWN)


def _why(outcome: Outcome, code: str) -> Why:
    is_failed = outcome in (Outcome.FAILED, Outcome.KEEP_WATCHING)
    return _WHYS.get(code, Why.OTHER) if is_failed else Why.NONE
