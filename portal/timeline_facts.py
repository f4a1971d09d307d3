"""The stored facts a timeline is made of, each table by itself: events, requests, messages from outside, questions, postings,
messages to people, times online. Reads only; whose they are was checked by whoever names the ids."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from asyncpg import Record

from portal import c2b_questions, phones
from portal.db import DB
from portal.messages import Told

#: A confirmation and the row of its money are this far apart at most: the database was away meanwhile.
_SPOOLED_FOR = timedelta(hours=12)
_MOST = 300


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt: where its money came in, and when we first heard of it."""

    id: int
    receipt: str
    account_id: int | None
    first_heard_at: datetime


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The rows one timeline is about."""

    payment_ids: Sequence[int] = ()
    money: Sequence[Money] = ()
    voucher_ids: Sequence[int] = ()
    checkout_ids: Sequence[int] = ()
    suspense_ids: Sequence[int] = ()
    refund_ids: Sequence[int] = ()
    references: Sequence[str] = ()

    @property
    def receipts(self) -> list[str]:
        """The provider's names of all the money."""
        return [each.receipt for each in self.money]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known. `kind` says which table tells it and `name` what happened there; `raw` is a message as it came."""

    at: datetime
    kind: str
    name: str
    data: Mapping[str, Any]
    by: str = ""
    raw: str | None = None


async def events(subject: Subject) -> list[Fact]:
    """What was decided and moved, about every row of the subject."""
    grants = await DB.fetch("SELECT id FROM access_grants WHERE voucher_id = ANY($1)", list(subject.voucher_ids))
    transfers = await DB.fetch("SELECT id FROM transfers WHERE refund_id = ANY($1)", list(subject.refund_ids))
    claims = await DB.fetch("SELECT id FROM claims WHERE checkout_id = ANY($1)", list(subject.checkout_ids))
    wanted = {
        "payments": subject.payment_ids, "vouchers": subject.voucher_ids, "suspense": subject.suspense_ids,
        "refunds": subject.refund_ids, "receipts": [each.id for each in subject.money],
        "access_grants": [row["id"] for row in grants], "transfers": [row["id"] for row in transfers],
        "claims": [row["id"] for row in claims],
    }  # fmt: skip
    pairs = [(entity, each) for entity, ids in wanted.items() for each in ids]
    rows = await DB.fetch(
        """SELECT e.id, e.at, e.entity, e.name, e.was, e.became, e.data, e.actor, u.name AS by, r.name AS router
           FROM unnest($1::text[], $2::bigint[]) AS w (entity, id)
           JOIN events e ON e.entity = w.entity AND e.entity_id = w.id
           LEFT JOIN users u ON e.actor = 'user:' || u.id
           LEFT JOIN access_grants g ON e.entity = 'access_grants' AND g.id = e.entity_id
           LEFT JOIN routers r ON r.id = g.router_id ORDER BY e.id LIMIT $3""",
        [entity for entity, _ in pairs],
        [each for _, each in pairs],
        _MOST,
    )
    return [
        Fact(
            at=row["at"], kind=row["entity"], name=row["name"], by=row["by"] or row["actor"],
            data=msgspec.json.decode(row["data"]) | ({"router": row["router"]} if row["router"] else {}),
        )
        for row in rows
    ]  # fmt: skip


async def requests(subject: Subject) -> list[Fact]:
    """What we asked the provider at once, and how long it took."""
    rows = await DB.fetch(
        "SELECT * FROM exchanges WHERE payment_id = ANY($1) ORDER BY id LIMIT $2", list(subject.payment_ids), _MOST
    )
    return [
        Fact(
            at=row["asked_at"], kind="exchanges", name=row["verb"],
            data={name: row[name] for name in ("took_ms", "http_status", "code", "said")},
        )
        for row in rows
    ]  # fmt: skip


_OF_PAYMENT = "SELECT * FROM callbacks WHERE payment_id = ANY($1) ORDER BY id LIMIT $2"
#: Of money that waits in suspense, a confirmation names no payment: it is found by the receipt it carries.
_OF_MONEY = """SELECT * FROM callbacks WHERE road = 'c2b' AND account_id = $1 AND received_at BETWEEN $2 AND $3
AND position(convert_to($4, 'UTF8') in body) > 0 ORDER BY id LIMIT 20"""


async def heard(subject: Subject) -> list[Fact]:
    """Messages from outside, as they came."""
    rows = list(await DB.fetch(_OF_PAYMENT, list(subject.payment_ids), _MOST)) if subject.payment_ids else []
    for money in subject.money:
        if money.account_id is not None:
            around = (money.first_heard_at - _SPOOLED_FOR, money.first_heard_at + _SPOOLED_FOR)
            rows += await DB.fetch(_OF_MONEY, money.account_id, *around, money.receipt)
    return [_heard(row) for row in {row["id"]: row for row in rows}.values()]


def _heard(row: Record) -> Fact:
    names = ("repeats", "is_trusted", "is_cut", "outcome", "verdict", "handled_at", "last_error", "source")
    return Fact(
        at=row["received_at"], kind="callbacks", name=row["road"], data={name: row[name] for name in names},
        raw=bytes(row["body"]).decode("utf-8", "replace"),
    )  # fmt: skip


async def questions(subject: Subject) -> list[Fact]:
    """Questions to M-Pesa whose answer came, or comes, as a message of its own."""
    rows = await DB.fetch(
        "SELECT * FROM mpesa_enquiries WHERE account_id = ANY($1) AND about = ANY($2) AND kind = 'status' ORDER BY id",
        [each.account_id for each in subject.money if each.account_id is not None],
        subject.receipts,
    )
    facts: list[Fact] = []
    for row in rows:
        data = {"tries": row["tries"], "error": row["last_error"] or "", "receipt": row["about"]}
        facts.append(Fact(at=row["created_at"], kind="mpesa_enquiries", name="asked", data=data, by=row["asked_by"]))
        if row["answered_at"] is not None:
            said = {"verdict": row["verdict"], "receipt": row["about"]}
            facts.append(Fact(at=row["answered_at"], kind="mpesa_enquiries", name="answered", data=said))
    return facts


async def asked_before(subject: Subject) -> list[Fact]:
    """What M-Pesa asked before it took money by hand, or did not take it; a refused one is known by what was typed."""
    asked = await c2b_questions.about(
        receipts=subject.receipts, references=[each for each in subject.references if each]
    )
    return [
        Fact(
            at=each.asked_at, kind="c2b_questions", name=each.answer if each.is_refused else "accepted", by="mpesa",
            data={"receipt": each.receipt, "typed": each.typed, "cents": each.amount_cents, "why": each.why},
        )
        for each in asked
    ]  # fmt: skip


async def postings(subject: Subject) -> list[Fact]:
    """What was booked, with each account's part."""
    rows = await DB.fetch(
        """SELECT l.id, l.created_at, l.kind, l.receipt, l.note, l.reverses_id,
                  array_agg(e.account ORDER BY e.id) AS accounts, array_agg(e.amount_cents ORDER BY e.id) AS cents,
                  max(e.currency) AS currency
           FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
           WHERE l.payment_id = ANY($1) OR (l.payment_id IS NULL AND l.receipt = ANY($2))
           GROUP BY l.id ORDER BY l.id LIMIT $3""",
        list(subject.payment_ids),
        subject.receipts,
        _MOST,
    )
    return [
        Fact(
            at=row["created_at"], kind="ledger_postings", name=row["kind"],
            data={
                "lines": list(zip(row["accounts"], row["cents"], strict=True)), "currency": row["currency"],
                "cents": sum(cents for cents in row["cents"] if cents > 0), "note": row["note"],
            },
        )
        for row in rows
    ]  # fmt: skip


async def told(subject: Subject) -> list[Fact]:
    """Messages to the customer and the shop; to whom is masked, what a code is nobody reads here."""
    about = [*subject.receipts, *(str(each) for each in subject.voucher_ids)]
    about += [f"payment:{each}" for each in subject.payment_ids]
    rows = await DB.fetch(
        "SELECT * FROM messages WHERE once = ANY($1) ORDER BY id", [f"{told}:{each}" for told in Told for each in about]
    )
    facts: list[Fact] = []
    for row in rows:
        to = phones.mask(row["recipient"]) if row["recipient"] else ""
        data = {"to": to, "status": row["status"], "error": row["last_error"] or ""}
        facts.append(Fact(at=row["created_at"], kind="messages", name=row["kind"], data=data))
        if row["sent_at"] is not None:
            facts.append(Fact(at=row["sent_at"], kind="messages", name="sent", data=data | {"what": row["kind"]}))
    return facts


async def online(subject: Subject) -> list[Fact]:
    """When the device was on the router."""
    rows = await DB.fetch(
        """SELECT s.started_at, s.ended_at, r.name AS router FROM hotspot_sessions s
           JOIN access_grants g ON g.id = s.grant_id JOIN routers r ON r.id = s.router_id
           WHERE g.voucher_id = ANY($1) ORDER BY s.id LIMIT 50""",
        list(subject.voucher_ids),
    )
    facts = [Fact(at=row["started_at"], kind="online", name="began", data={"router": row["router"]}) for row in rows]
    ended = [row for row in rows if row["ended_at"] is not None]
    return facts + [
        Fact(at=row["ended_at"], kind="online", name="ended", data={"router": row["router"]}) for row in ended
    ]
