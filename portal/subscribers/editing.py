"""Setting right what was written down about a subscriber: name, telephone, language of messages. Money and dates are elsewhere."""

from datetime import datetime

from portal import phones
from portal.db import atomic
from portal.errors import Invalid, NotFound
from portal.identity import Actor
from portal.states import note
from portal.subscribers import rights
from portal.subscribers.opening import WRITE_NAME


async def edit(actor: Actor, subscriber_id: int, *, name: str, phone: str, language: str, now: datetime) -> None:
    """Keep them; an empty phone means that nobody is written to. Forbidden, NotFound; Invalid: the fields that are wrong."""
    merchant_id = rights.deciding(actor)
    wrong: dict[str, str] = {}
    digits = ""
    if phone.strip():
        try:
            digits = phones.parse_phone(phone)
        except phones.PhoneError as error:
            wrong["phone"] = str(error)
    if not name.strip():
        wrong["name"] = WRITE_NAME
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        found = await tx.value(
            """UPDATE subscribers SET name = $3, phone = $4, language = $5 WHERE id = $1 AND merchant_id = $2 RETURNING id""",
            subscriber_id,
            merchant_id,
            name.strip()[:80],
            digits,
            "sw" if language == "sw" else "en",
        )
        if found is None:
            raise NotFound
        await note(tx, "subscribers", found, "edited", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}")
