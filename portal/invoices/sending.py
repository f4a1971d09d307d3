"""The customer's link to a paper, and sending it by SMS. The link is signed and tells nothing but a number; it carries no code."""

from datetime import datetime, timedelta
from typing import Literal

from portal import messages, phones
from portal.branding import logo_for_paper
from portal.db import DB, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.identity import Actor
from portal.invoices import bills, looks, receipts, rights
from portal.invoices.papers import Kind, Paper
from portal.messages import Told
from portal.money import format_amount
from portal.msgid import N_
from portal.routers.rights import named
from portal.signing import Signer, TokenError
from portal.states import note

PURPOSE = "paper"
#: Receipts are looked for years later.
LASTS = timedelta(days=5 * 366)
SENT_ALREADY = N_("It was sent already.")
BY = "customer"

Subject = tuple[Literal["p", "b"], int]


def path(paper: Paper, signer: Signer) -> str:
    """The address of the customer's page, below the house's; the same whenever it is asked for."""
    kind, number = ("p", paper.payment_id) if paper.payment_id is not None else ("b", paper.bill_id)
    return f"/r/{signer.sign(PURPOSE, {kind: number}, now=paper.issued_at)}"


def path_of_bill(bill_id: int, signer: Signer, *, now: datetime) -> str:
    """The same for a bill whose invoice is made with the first look."""
    return f"/r/{signer.sign(PURPOSE, {'b': bill_id}, now=now)}"


async def opened(token: str, signer: Signer, *, now: datetime) -> list[Paper]:
    """The papers a link leads to, made now if they are not there yet. TokenError: not ours, or too old; Conflict: nothing was paid."""
    kind, number = read(token, signer, now=now)
    paper = await (receipts if kind == "p" else bills).made(number, by=BY, now=now)
    return (await looks.standing(paper)).papers


def read(token: str, signer: Signer, *, now: datetime) -> Subject:
    """What a link is about. TokenError as above."""
    payload = signer.read(PURPOSE, token, max_age=LASTS, now=now)
    for kind in ("p", "b"):
        number = payload.get(kind)
        if isinstance(number, int):
            return kind, number
    raise TokenError


async def logo(token: str, signer: Signer, *, now: datetime) -> bytes:
    """The logo of the shop a link's paper is of, a PNG; b"" for none. TokenError as above."""
    kind, number = read(token, signer, now=now)
    table = "payments" if kind == "p" else "subscriber_bills"
    merchant_id = await DB.value(f"SELECT merchant_id FROM {table} WHERE id = $1", number)
    return await logo_for_paper(merchant_id) if merchant_id else b""


async def is_sent(paper: Paper) -> bool:
    """Whether an SMS about this paper was written before."""
    return await DB.value("SELECT EXISTS (SELECT FROM messages WHERE once = $1)", f"{told_of(paper)}:{_once(paper)}")


async def send(actor: Actor, paper_id: int, *, phone: str, base_url: str, signer: Signer, now: datetime) -> Paper:
    """Send the link by SMS to who paid, or to `phone` where nobody knows the number; once per paper.

    Forbidden for who may only look; NotFound; Invalid: no number; Conflict: it was sent already."""
    merchant_id = rights.maker(actor)
    paper = await looks.one(actor, paper_id)
    to = (await looks.standing(paper)).phone or _parsed(phone)
    async with atomic() as tx:
        row = await tx.row("SELECT name, currency FROM merchants WHERE id = $1", merchant_id)
        if row is None:
            raise NotFound
        params = {
            "shop": row["name"], "number": paper.name, "amount": format_amount(paper.total_cents, paper.currency),
            "link": base_url + path(paper, signer),
        }  # fmt: skip
        if not await messages.write(
            tx, told_of(paper), _once(paper), merchant_id=merchant_id, phone=to, params=params, now=now
        ):
            raise Conflict(SENT_ALREADY)
        await note(
            tx, "papers", paper.id, "paper_sent", merchant_id=merchant_id, at=now, actor=named(actor),
            data={"to": phones.mask(to)},
        )  # fmt: skip
    return paper


def told_of(paper: Paper) -> Told:
    """Which message tells of a paper of its kind."""
    return (
        Told.RECEIPT if paper.kind is Kind.RECEIPT else Told.INVOICE if paper.kind is Kind.INVOICE else Told.CREDIT_NOTE
    )


def _once(paper: Paper) -> str:
    return f"paper:{paper.id}"


def _parsed(phone: str) -> str:
    try:
        return phones.parse_phone(phone)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


async def mark(actor: Actor, paper_id: int, number: str, *, now: datetime) -> bool:
    """Write the number of the tax authority's control unit on a paper, or take a wrong one off (""). False: it is so already.

    For owners and managers. Invalid: too long, or not letters, digits and dashes."""
    merchant_id = rights.decider(actor)
    typed = "".join(number.split()).upper()
    if len(typed) > 40 or not all(char.isascii() and (char.isalnum() or char in "-/") for char in typed):
        raise Invalid({"control": NOT_CONTROL})
    async with atomic() as tx:
        row = await tx.row(
            "SELECT control_number FROM papers WHERE id = $1 AND merchant_id = $2 FOR UPDATE", paper_id, merchant_id
        )
        if row is None:
            raise NotFound
        if row["control_number"] == typed:
            return False
        await tx.execute("UPDATE papers SET control_number = $2 WHERE id = $1", paper_id, typed)
        await note(
            tx, "papers", paper_id, "control_number", merchant_id=merchant_id, at=now, actor=named(actor),
            data={"was": row["control_number"], "became": typed},
        )  # fmt: skip
    return True


NOT_CONTROL = N_("Write the number as the control unit printed it: letters, digits and dashes.")
