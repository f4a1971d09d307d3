"""M-Pesa asks whether it may take a payment by hand: answered at once, from memory where possible, with yes unless the merchant
wants unknown references refused. It moves no money; what was asked and answered is kept afterwards, as far as there is room.

M-Pesa waits about eight seconds and then decides by itself (Daraja documentation, Customer To Business)."""

import asyncio
import logging
import time
from datetime import datetime
from typing import Any

import msgspec

from portal import c2b_questions, codes
from portal.c2b_questions import Question, Why
from portal.db import DB
from portal.mpesa.c2b import Confirmation, Validation, read_confirmation
from portal.mpesa.messages import Malformed

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 0.5
_REMEMBER_S = 60.0
_MOST_REMEMBERED = 10_000
#: So many questions wait to be written down at most; beyond that they are answered and forgotten.
_MOST_KEEPING = 50


class _Policy(msgspec.Struct, frozen=True):
    account_id: int
    merchant_id: int | None
    refuses_unknown: bool
    good_until: float


class Checker:
    """One per web process; remembers each account's policy for a minute, and longer while the database is away."""

    def __init__(self) -> None:
        self._policies: dict[str, _Policy] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self._keeping: set[asyncio.Task[None]] = set()

    async def check(self, name: str, body: bytes, *, now: datetime) -> Validation | None:
        """Our answer; None: no account has this address. Takes less than a second, whatever the database does."""
        policy = self._policies.get(name)
        if policy is None or policy.good_until < time.monotonic():
            try:
                policy = await self._in_time(_policy_of(name))
            except Exception as error:
                log.warning("validation answered without the database", extra={"error": repr(error)})
            else:
                if policy is None:
                    return None
                if len(self._policies) >= _MOST_REMEMBERED:
                    self._policies.clear()
                self._policies[name] = policy
        if policy is None:
            return Validation.ACCEPT
        said = read_confirmation(body)
        answer, why = await self._judged(policy, said)
        self._note(policy, said, answer=answer, why=why, now=now)
        return answer

    async def settle(self) -> None:
        """Wait for questions to the database nobody waits for any more, and for what is still being kept."""
        await asyncio.gather(*self._under_way, *self._keeping, return_exceptions=True)

    async def _judged(self, policy: _Policy, said: Confirmation | Malformed) -> tuple[Validation, Why]:
        if not policy.refuses_unknown:
            return Validation.ACCEPT, Why.POLICY
        if not isinstance(said, Confirmation):
            return Validation.ACCEPT, Why.UNREADABLE
        try:
            reference = codes.fold_reference(said.reference)
        except codes.CodeError:
            return Validation.BAD_ACCOUNT, Why.UNKNOWN
        try:
            is_known = await self._in_time(_is_reference(policy.merchant_id, reference))
        except Exception as error:
            log.warning("validation answered without the database", extra={"error": repr(error)})
            return Validation.ACCEPT, Why.DATABASE
        return (Validation.ACCEPT, Why.KNOWN) if is_known else (Validation.BAD_ACCOUNT, Why.UNKNOWN)

    def _note(
        self, policy: _Policy, said: Confirmation | Malformed, *, answer: Validation, why: Why, now: datetime
    ) -> None:
        if len(self._keeping) >= _MOST_KEEPING:
            log.warning("question of M-Pesa not kept", extra={"account": policy.account_id, "why": "too many at once"})
            return
        question = Question(
            merchant_id=policy.merchant_id,
            account_id=policy.account_id,
            asked_at=now,
            answer=answer.value,
            why=why.value,
        )
        if isinstance(said, Confirmation):
            question = msgspec.structs.replace(
                question, receipt=said.receipt[:20], typed=said.reference[:40], amount_cents=said.amount_cents,
                payer_hint=said.payer.text[:64] if said.payer.kind != "full" else "",
            )  # fmt: skip
        task = asyncio.ensure_future(_keep(question))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _in_time(self, question: Any) -> Any:
        """Its answer, or TimeoutError. It is left alone rather than cancelled: a cancelled query waits for the server too."""
        task = asyncio.ensure_future(question)
        self._under_way.add(task)
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait([task], timeout=ANSWER_WITHIN_S)
        if not done:
            raise TimeoutError
        return task.result()

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that one nobody waited for any more does not warn


async def _keep(question: Question) -> None:
    try:
        await c2b_questions.keep(question)
    except Exception as error:  # whatever is wrong, M-Pesa has its answer
        log.warning("question of M-Pesa not kept", extra={"account": question.account_id, "error": repr(error)})


async def _policy_of(name: str) -> _Policy | None:
    row = await DB.row(
        """SELECT a.account_id, a.merchant_id, coalesce(m.unknown_reference = 'refuse', false) AS refuses
           FROM callback_addresses a LEFT JOIN merchants m ON m.id = a.merchant_id WHERE a.token = $1 AND a.road = 'c2b'""",
        name,
    )
    if row is None:
        return None
    return _Policy(row["account_id"], row["merchant_id"], row["refuses"], time.monotonic() + _REMEMBER_S)


async def _is_reference(merchant_id: int | None, reference: str) -> bool:
    return await DB.value(
        """SELECT EXISTS (SELECT FROM payments WHERE account_reference = $2 AND merchant_id = $1)
           OR EXISTS (SELECT FROM vouchers WHERE payment_reference = $2 AND merchant_id = $1)
           OR EXISTS (SELECT FROM subscribers WHERE account_number = $2 AND merchant_id = $1 AND status <> 'closed')""",
        merchant_id,
        reference,
    )
