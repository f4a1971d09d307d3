"""Answers kept under an Idempotency-Key: a request sent twice is done once and answered twice, for a day (Internet draft
"The Idempotency-Key HTTP Header Field"). What a request does is not known here."""

import base64
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from portal.db import DB, atomic
from portal.vault import Vault

KEPT_FOR = timedelta(hours=24)
#: Whoever works on a request longer than this is dead: the same request may be taken up again.
_WORKING = timedelta(minutes=2)
LONGEST_KEY = 255


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered: status, headers worth repeating, body in base64."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def raw(self) -> bytes:
        """The body's bytes."""
        return base64.b64decode(self.body)


class Taken(StrEnum):
    """Why there is no answer to repeat and nothing to do: it is being worked on, or the key stands for something else."""

    AT_WORK = "at_work"
    ANOTHER = "another"


class Begun(msgspec.Struct, frozen=True):
    """Ours to do; `answer_id` is where the answer goes."""

    answer_id: int


async def begin(
    token_id: int, name: str, request_hash: bytes, *, vault: Vault, now: datetime
) -> Begun | Answer | Taken:
    """Take a request up, or say what came of it. A key is free again after a day."""
    async with atomic() as tx:
        answer_id = await tx.value(
            """INSERT INTO api_answers AS a (token_id, name, request_hash, began_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (token_id, name) DO UPDATE
               SET request_hash = excluded.request_hash, began_at = excluded.began_at, status = NULL, answer_sealed = NULL
               WHERE a.began_at <= $4 - $5::interval
                  OR (a.status IS NULL AND a.began_at <= $4 - $6::interval AND a.request_hash = excluded.request_hash)
               RETURNING id""",
            token_id,
            name,
            request_hash,
            now,
            KEPT_FOR,
            _WORKING,
        )
        if answer_id is not None:
            return Begun(answer_id)
        row = await tx.row("SELECT * FROM api_answers WHERE token_id = $1 AND name = $2", token_id, name)
    if row is None or row["request_hash"] != request_hash:
        return Taken.ANOTHER
    if row["status"] is None:
        return Taken.AT_WORK
    text = vault.open("api_answers", "answer_sealed", row_id=row["id"], sealed=row["answer_sealed"])
    return msgspec.json.decode(text, type=Answer)


async def keep(answer_id: int, status: int, *, headers: dict[str, str], body: bytes, vault: Vault) -> None:
    """Keep what was answered."""
    answer = Answer(status=status, headers=headers, body=base64.b64encode(body).decode())
    text = msgspec.json.encode(answer).decode()
    sealed = vault.seal("api_answers", "answer_sealed", row_id=answer_id, plaintext=text)
    await DB.fetch("UPDATE api_answers SET status = $2, answer_sealed = $3 WHERE id = $1", answer_id, status, sealed)


async def forget(answer_id: int) -> None:
    """Nothing came of it, and the same may be asked again: an error of ours, or a moment of being too busy."""
    await DB.fetch("DELETE FROM api_answers WHERE id = $1", answer_id)
