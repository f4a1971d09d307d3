"""Mails to a person about the account: links, and that something changed. Written in the transaction that makes it true.

They go by the platform's mail gateway, never a merchant's: who can read a merchant's mail server must not reset passwords."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal import i18n
from portal.db import DB, Tx
from portal.messages.kinds import Channel, Told
from portal.messages.outbox import write


async def mail(
    tx: Tx, told: Told, once: object, *, to: str, language: str, now: datetime, params: Mapping[str, object] | None = None,
    link: tuple[int, str] | None = None, life: timedelta | None = None,
) -> None:  # fmt: skip
    """Write one. `link`: a link's id and the address of the page it opens; the secret is put in when the mail is sent."""
    values = dict(params or {}) | ({"link_id": link[0], "page": link[1]} if link else {})
    await write(
        tx, told, f"{once}", merchant_id=None, phone=None, params=values, now=now, channel=Channel.EMAIL, to=to,
        is_urgent=True, not_after=now + life if life else None, language=language,
    )  # fmt: skip


async def notice(
    tx: Tx, told: Told, user_id: int, *, now: datetime, once: object = "", params: Mapping[str, object] | None = None,
    what: str = "",
) -> None:  # fmt: skip
    """Tell a person at the address of the account that something changed. `what` is a catalogue text, said in their language."""
    row = await tx.row("SELECT email, language FROM users WHERE id = $1", user_id)
    if row is not None:
        params = dict(params or {}) | ({"what": i18n.language(row["language"]).gettext(what)} if what else {})
        key = once or f"{user_id}:{int(now.timestamp() * 1000)}"
        await mail(tx, told, key, to=row["email"], language=row["language"], now=now, params=params)


async def can_mail() -> bool:
    """Whether the platform has a mail gateway: without one links are shown to whoever may pass them on."""
    return await DB.value(
        """SELECT EXISTS (SELECT FROM message_gateways
                          WHERE merchant_id IS NULL AND channel = 'email' AND ended_at IS NULL)"""
    )
