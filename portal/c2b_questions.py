"""M-Pesa's questions whether a payment by hand may come in, with our answers: kept for whoever wonders later why one was refused.

Written after the answer was given, and only if there is room: a question moves no money. Answering: `portal.callbacks.checks`."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import DB

_MOST = 20


class Why(StrEnum):
    """Why a question was answered so."""

    POLICY = "policy"  # everything is welcome here
    KNOWN = "known"  # something of this reference may be paid
    UNKNOWN = "unknown"  # nobody knows the reference
    UNREADABLE = "unreadable"  # yes: what cannot be read is looked at when the money is there
    DATABASE = "database"  # yes: nobody could be asked in time


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. `answer` is the ResultCode we gave, "0" for yes; `amount_cents` None: it could not be read."""

    merchant_id: int | None
    account_id: int
    asked_at: datetime
    answer: str
    why: str
    receipt: str = ""
    typed: str = ""
    amount_cents: int | None = None
    payer_hint: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether we said no."""
        return self.answer != "0"


async def keep(question: Question) -> None:
    """Write one down."""
    names = Question.__struct_fields__
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    values = msgspec.structs.astuple(question)
    await DB.fetch(f"INSERT INTO c2b_questions ({', '.join(names)}) VALUES ({marks})", *values)


_COLUMNS = ", ".join(Question.__struct_fields__)


async def about(*, receipts: Sequence[str], references: Sequence[str]) -> list[Question]:
    """Those about money of these receipts, or with one of these references typed, in order. For rows whose owner was checked."""
    rows = await DB.fetch(
        f"""SELECT {_COLUMNS} FROM c2b_questions WHERE receipt = ANY($1) OR upper(typed) = ANY($2)
            ORDER BY asked_at, id LIMIT {_MOST}""",
        list(receipts),
        [reference.upper() for reference in references],
    )
    return [_question(row) for row in rows]


async def refused(merchant_id: int, *, receipt: str, typed: str) -> list[Question]:
    """What was refused at a merchant's own account, the newest first, by its receipt or by what was typed."""
    rows = await DB.fetch(
        f"""SELECT {_COLUMNS} FROM c2b_questions WHERE merchant_id = $1 AND answer <> '0'
            AND ((receipt = $2 AND $2 <> '') OR upper(typed) = $3) ORDER BY id DESC LIMIT {_MOST}""",
        merchant_id,
        receipt,
        typed.strip().upper()[:40],
    )
    return [_question(row) for row in rows]


def _question(row: Record) -> Question:
    return Question(**dict(row))
