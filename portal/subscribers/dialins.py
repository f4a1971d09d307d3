"""PPPoE subscribers of a router, as it should hold them. Reads only; the router's side is the jobs' business."""

from datetime import datetime, timedelta

import msgspec

from portal.db import DB
from portal.terms import Terms, decode_terms
from portal.vault import Vault

#: So long a closed subscriber is still named, so that a router that was away takes its secret off.
CLOSED_FOR = timedelta(days=30)


class Dialin(msgspec.Struct, frozen=True, kw_only=True):
    """A user name that may dial in, while `is_on`; `is_closed`: the router is to forget it. `access_until` None: it is over."""

    subscriber_id: int
    merchant_id: int
    router_id: int
    user_name: str
    password: str
    terms: Terms
    is_on: bool
    is_closed: bool
    access_until: datetime | None


# A name that was given to somebody else since is theirs.
_OF = """FROM subscribers s WHERE router_id = $1 AND kind = 'pppoe' AND (status <> 'closed' OR (
  closed_at > now() - $2::interval AND NOT EXISTS (SELECT FROM subscribers o WHERE o.router_id = s.router_id
  AND o.user_name = s.user_name AND o.status <> 'closed')))"""


async def on_router(router_id: int, *, vault: Vault) -> list[Dialin]:
    """Every PPPoE subscriber of a router, those closed in the last 30 days too."""
    rows = await DB.fetch(
        f"""SELECT id, merchant_id, router_id, user_name, password_sealed, terms, status, access_until {_OF} ORDER BY id""",
        router_id,
        CLOSED_FOR,
    )
    return [
        Dialin(
            subscriber_id=row["id"],
            merchant_id=row["merchant_id"],
            router_id=row["router_id"],
            user_name=row["user_name"],
            password=vault.open("subscribers", "password_sealed", row_id=row["id"], sealed=row["password_sealed"]),
            terms=decode_terms(row["terms"]),
            is_on=row["status"] in ("active", "grace"),
            is_closed=row["status"] == "closed",
            access_until=row["access_until"],
        )
        for row in rows
    ]


async def any_on(router_id: int) -> bool:
    """Whether a router has PPPoE subscribers at all."""
    return await DB.value(f"SELECT EXISTS (SELECT {_OF})", router_id, CLOSED_FOR)
