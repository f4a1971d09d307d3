"""What a router's question tells us: jobs it has done or refused, and pages of its state. A step of the answer's verb.

Only numbers that wait count: an acknowledgement that comes twice or too late is nobody's."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from portal import access_grants, faults, sessions, vouchers
from portal.access_grants import Ending
from portal.db import Tx
from portal.pulls.conversation import Sent, Talk, Visit
from portal.pulls.pages import drop, keep_page
from routeros.script.pull_values import PullAck, PullReport, StateKind

log = logging.getLogger(__name__)

ACTOR = "router:pull"
_NO_REASON = "the router refused"


class _Grant(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    merchant_id: int
    voucher_id: int
    user_name: str
    status: str
    mac: str | None
    ip: str | None
    tries: int


async def take_in(tx: Tx, talk: Talk, report: PullReport, *, now: datetime) -> bool:
    """Note what became of the jobs that waited, and keep the pages of state. True: one of the read under way came.

    Jobs that are not acknowledged now never will be: their answer was lost, and they are given again."""
    waiting = {sent.number: sent for sent in talk.waiting}
    answers = [(waiting.pop(ack.number), ack) for ack in report.acks if ack.number in waiting]
    talk.waiting = []
    by_name = await _grants(tx, talk.router_id, {sent.name for sent, _ in answers})
    await _note_users(tx, answers, by_name, now=now)
    for sent, ack in answers:
        if sent.verb == "login" and ack.is_done:
            await _confirmed(tx, talk, sent, by_name.get(sent.name), now=now)
    await _note_refusals(tx, answers, by_name, now=now)
    if proofs := [sent for sent, _ in answers if sent.is_proof]:
        await drop(tx, talk.router_id)  # of a router as it was before it was started
        begin_read(talk, proofs, now=now)
    await _count_in(tx, talk, answers)
    has_page = False
    for page in report.states:
        has_page |= await keep_page(tx, talk, page)
    if has_page and talk.visit is not None and talk.visit.seen_at is None:
        talk.visit.seen_at, talk.visit.uptime_s = now, report.uptime
    return has_page


def begin_read(talk: Talk, sent: Iterable[Sent], *, now: datetime, is_for_drift: bool = False) -> None:
    """These jobs make a complete read."""
    talk.visit = Visit(
        numbers={each.name: each.number for each in sent if each.verb == "report"},
        asked_at=now,
        is_for_drift=is_for_drift,
    )
    talk.read_at = now


_Answers = Sequence[tuple[Sent, PullAck]]


async def _grants(tx: Tx, router_id: int, names: Iterable[str]) -> dict[str, _Grant]:
    rows = await tx.fetch(
        """SELECT id, merchant_id, voucher_id, user_name, status, mac, ip, tries FROM access_grants
           WHERE router_id = $1 AND user_name = ANY($2) AND status <> 'gone' ORDER BY id""",
        router_id,
        sorted(names),
    )
    return {row["user_name"]: _Grant(**dict(row)) for row in rows}


async def _note_users(tx: Tx, answers: _Answers, by_name: dict[str, _Grant], *, now: datetime) -> None:
    def done(verb: str) -> list[int]:
        return [
            by_name[sent.name].id for sent, ack in answers if sent.verb == verb and ack.is_done and sent.name in by_name
        ]

    await access_grants.appeared(tx, done("user"), now=now, actor=ACTOR)
    await access_grants.left(tx, done("end"), now=now, actor=ACTOR)


async def _confirmed(tx: Tx, talk: Talk, sent: Sent, grant: _Grant | None, *, now: datetime) -> None:
    """The device is in: its clock starts. One that stands elsewhere by now is not in, and is logged in again."""
    if grant is None or (grant.mac, grant.ip) != (sent.mac, sent.ip):
        return
    faults.reach("login.confirmed")
    await access_grants.logged_in(tx, grant.id, now=now)
    await sessions.began(tx, grant.id, grant.merchant_id, router_id=talk.router_id, mac=sent.mac, ip=sent.ip, now=now)
    await vouchers.start(tx, grant.voucher_id, at=now, actor=ACTOR)


async def _note_refusals(tx: Tx, answers: _Answers, by_name: dict[str, _Grant], *, now: datetime) -> None:
    """Each grant once, with the first reason: what came after failed because of it."""
    seen: set[int] = set()
    for sent, ack in answers:
        if ack.is_done:
            continue
        log.info("router refused a job", extra={"verb": sent.verb, "row": sent.name, "said": ack.why})
        grant = by_name.get(sent.name)
        if sent.grant is not None and grant is not None and grant.id not in seen:
            seen.add(grant.id)
            ending = Ending(id=grant.id, user_name=grant.user_name, tries=grant.tries)
            await access_grants.failed(tx, ending, ack.why or _NO_REASON, now=now)


async def _count_in(tx: Tx, talk: Talk, answers: _Answers) -> None:
    """What the complete pass under way has done, and whether it can go on."""
    visit = talk.visit
    if visit is None:
        return
    for sent, ack in answers:
        if sent.verb == "report":
            if ack.is_done or visit.numbers.get(sent.name) != sent.number:
                continue
            if sent.name == StateKind.SETTINGS:
                visit.failed.append(f"report:{sent.name}")  # an agent of before it was taught to
            elif sent.name == StateKind.FOREIGN:
                del visit.numbers[sent.name]  # likewise: the rest is told
            else:
                log.warning("router does not show a menu", extra={"router": talk.router_id, "menu": sent.name})
                talk.visit = None
                await drop(tx, talk.router_id)
                return
        elif sent.grant is None:
            (visit.done if ack.is_done else visit.failed).append(f"{sent.verb}:{sent.name}")
