"""A customer's own link, and the secrets of access: shown to whom they belong, each look of the shop's people kept."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from portal import limits, messages
from portal.db import DB, atomic
from portal.errors import Conflict, NotFound, TooMany
from portal.identity import Actor
from portal.messages import Told
from portal.msgid import N_
from portal.signing import Signer, TokenError
from portal.states import note
from portal.subscribers import rights
from portal.subscribers.looks import Full
from portal.vault import Vault

PURPOSE = "my"
#: A link works this long; a new one is in every look at the subscriber's page.
LASTS = timedelta(days=400)

NO_PHONE = N_("There is no phone number to send it to. Write one under Name and phone.")
SENT_OFTEN = N_("The link was sent three times already. Try again in an hour.")
_CLOSED = N_("This subscriber is closed.")
#: Messages with the link, by subscriber.
_AT_MOST, _IN_S = 3, 3600

Reveal = Callable[..., Awaitable[str]]


def path(one: Full, signer: Signer, *, now: datetime) -> str:
    """The address of the customer's own page, below the house's."""
    return f"/my/{signer.sign(PURPOSE, {'s': one.line.id, 'r': one.link_round}, now=now)}"


async def read(token: str, signer: Signer, *, now: datetime) -> int:
    """Whose page a link opens. TokenError: not ours, too old; NotFound: it was made useless since."""
    payload = signer.read(PURPOSE, token, max_age=LASTS, now=now)
    subscriber_id, turn = payload.get("s"), payload.get("r")
    if not isinstance(subscriber_id, int) or not isinstance(turn, int):
        raise TokenError
    if turn != await DB.value("SELECT link_round FROM subscribers WHERE id = $1", subscriber_id):
        raise NotFound
    return subscriber_id


async def renew(actor: Actor, subscriber_id: int, *, now: datetime) -> None:
    """Make every link given out so far useless."""
    merchant_id = rights.deciding(actor)
    async with atomic() as tx:
        found = await tx.value(
            "UPDATE subscribers SET link_round = link_round + 1 WHERE id = $1 AND merchant_id = $2 RETURNING id",
            subscriber_id,
            merchant_id,
        )
        if found is None:
            raise NotFound
        await note(
            tx,
            "subscribers",
            subscriber_id,
            "link_renewed",
            merchant_id=merchant_id,
            at=now,
            actor=f"user:{actor.user_id}",
        )


async def send(actor: Actor, one: Full, *, address: str, form_key: str, now: datetime) -> None:
    """Send the customer its link by SMS, once per form. `address` is the whole link.

    Forbidden for who may only look; Conflict: closed, or no phone; TooMany: three in an hour."""
    merchant_id = rights.taking(actor)
    if one.line.status == "closed":
        raise Conflict(_CLOSED)
    if not one.line.phone:
        raise Conflict(NO_PHONE)
    subscriber_id, once = one.line.id, f"subscriber:{one.line.id}:{form_key[:40]}"
    if await DB.value("SELECT EXISTS (SELECT FROM messages WHERE once = $1)", f"{Told.OWN_PAGE}:{once}"):
        return
    if not await limits.hit(f"link:subscriber:{subscriber_id}", limit=_AT_MOST, window_s=_IN_S, now=now):
        raise TooMany(SENT_OFTEN, retry_after=_IN_S)
    async with atomic() as tx:
        await messages.write(
            tx, Told.OWN_PAGE, once, merchant_id=merchant_id, phone=one.line.phone, params={"link": address}, now=now,
            language=one.language,
        )  # fmt: skip
        await note(
            tx,
            "subscribers",
            subscriber_id,
            "link_sent",
            merchant_id=merchant_id,
            at=now,
            actor=f"user:{actor.user_id}",
        )


async def secret(actor: Actor, subscriber_id: int, *, reveal: Reveal, vault: Vault, now: datetime) -> tuple[str, str]:
    """What the customer gets in by: ("code", the hotspot's code) or ("password", the PPPoE password). Each look is kept.

    `reveal` shows a voucher's code. NotFound; Forbidden for who may only look; Conflict: the voucher has ended."""
    merchant_id = rights.taking(actor)
    row = await DB.row(
        "SELECT kind, voucher_id, password_sealed FROM subscribers WHERE id = $1 AND merchant_id = $2",
        subscriber_id,
        merchant_id,
    )
    if row is None:
        raise NotFound
    if row["kind"] == "hotspot":
        return "code", await reveal(actor, row["voucher_id"], vault=vault, now=now)
    async with atomic() as tx:
        await note(
            tx, "subscribers", subscriber_id, "password_shown", merchant_id=merchant_id, at=now,
            actor=f"user:{actor.user_id}",
        )  # fmt: skip
    return "password", vault.open("subscribers", "password_sealed", row_id=subscriber_id, sealed=row["password_sealed"])
