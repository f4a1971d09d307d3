"""The demo shop's owner as she acts: what the demo does for her goes by the verbs the pages use."""

from portal.db import DB
from portal.demo.cast import OWNER
from portal.identity import Actor, Role


async def find_owner() -> Actor | None:
    """The owner; None when the shop is not the demo's any more."""
    row = await DB.row(
        """SELECT u.id AS user_id, u.name, u.email, m.merchant_id FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.email = $1 ORDER BY m.id LIMIT 1""",
        OWNER.email,
    )
    return None if row is None else Actor(**dict(row), role=Role.OWNER, is_operator=False)


async def the_owner() -> Actor:
    """The owner, where there must be one; LookupError otherwise."""
    found = await find_owner()
    if found is None:
        raise LookupError("the demo's shop has no owner")
    return found
