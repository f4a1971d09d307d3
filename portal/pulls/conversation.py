"""Where the conversation with one router stands: which of its questions was last believed, which jobs it has, which complete
pass is under way. A row per router; nothing is decided here."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from portal.db import DB, Tx
from portal.errors import NotFound
from routeros.script.pull_values import PullReport

_SEQ = re.compile(r"([0-9]{1,15})-", re.ASCII)


class Sent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job a router was given. `grant`: whose device it lets in or puts off; None: it belongs to a complete pass.
    `mac` and `ip` of a login: the confirmation is worth nothing once the device stands elsewhere."""

    number: int
    verb: str
    name: str
    grant: int | None = None
    mac: str = ""
    ip: str = ""
    is_proof: bool = False


class Visit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A complete pass over a router, over several questions. `numbers`: kind of state → the job that reports it.

    `done` and `failed`: operations it has acknowledged, as `verb:name`. `is_for_drift`: what is not ours was asked for too."""

    numbers: dict[str, int]
    asked_at: datetime
    seen_at: datetime | None = None
    uptime_s: int = 0
    is_counted: bool = False
    is_for_drift: bool = False
    done: list[str] = []
    failed: list[str] = []


class Talk(msgspec.Struct, kw_only=True):
    """One router's row. Changed in memory while a question is answered, written by `keep`."""

    router_id: int
    merchant_id: int
    interval_s: int
    ask: str
    seq: int | None
    uptime_s: int | None
    given: int
    waiting: list[Sent]
    visit: Visit | None
    profiles: list[str]
    read_at: datetime | None
    settings_due_at: datetime | None

    def is_repeat(self, report: PullReport) -> bool:
        """The very question that was answered last."""
        return report.ask == self.ask

    def believes(self, report: PullReport) -> bool:
        """Whether a question is new. Its count and the router's uptime have grown since the last one; or it answers a job that
        waits, whose number only this router was told. An old one, sent again or overtaken on its way, does neither; nor does
        the first one after the router was started: it is given something to report first."""
        numbers = {sent.number for sent in self.waiting}
        if any(ack.number in numbers for ack in report.acks):
            return True
        seq = seq_of(report)
        return (
            seq is not None
            and self.seq is not None
            and self.uptime_s is not None
            and seq > self.seq
            and report.uptime >= self.uptime_s
        )

    def hears(self, report: PullReport) -> None:
        """Remember a question that was believed."""
        self.ask, self.seq, self.uptime_s = report.ask, seq_of(report), report.uptime

    def number(self) -> int:
        """The next job's number."""
        self.given += 1
        return self.given


def seq_of(report: PullReport) -> int | None:
    """How often the router has asked since it was started; the ask begins with it."""
    found = _SEQ.match(report.ask)
    return int(found[1]) if found else None


async def of_router(router_id: int) -> Talk:
    """A router's conversation; NotFound when it never had a script."""
    row = await DB.row(
        """SELECT p.*, r.pull_interval_s AS interval_s FROM router_pulls p JOIN routers r ON r.id = p.router_id
           WHERE p.router_id = $1""",
        router_id,
    )
    if row is None:
        raise NotFound
    return Talk(
        router_id=router_id,
        merchant_id=row["merchant_id"],
        interval_s=row["interval_s"],
        ask=row["ask"],
        seq=row["seq"],
        uptime_s=row["uptime_s"],
        given=row["given"],
        waiting=msgspec.json.decode(row["waiting"], type=list[Sent]),
        visit=msgspec.json.decode(row["visit"], type=Visit | None) if row["visit"] else None,
        profiles=msgspec.json.decode(row["profiles"], type=list[str]),
        read_at=row["read_at"],
        settings_due_at=row["settings_due_at"],
    )


async def keep(tx: Tx, talk: Talk) -> None:
    """Write it, but for when settings are due: a person may set that at any time. The caller holds the router's lease."""
    await tx.execute(
        """UPDATE router_pulls SET ask = $2, seq = $3, uptime_s = $4, given = $5, waiting = $6::jsonb, visit = $7::jsonb,
                  profiles = $8::jsonb, read_at = $9 WHERE router_id = $1""",
        talk.router_id,
        talk.ask,
        talk.seq,
        talk.uptime_s,
        talk.given,
        _json(talk.waiting),
        _json(talk.visit) if talk.visit else None,
        _json(talk.profiles),
        talk.read_at,
    )


def _json(value: Sequence[Sent] | Sequence[str] | Visit) -> str:
    return msgspec.json.encode(value).decode()
