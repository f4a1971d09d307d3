"""What a new merchant does first, and how far they are: from a router to the first sale. Reads only."""

from enum import StrEnum

from portal.db import DB
from portal.identity import Actor


class First(StrEnum):
    """What is done once, in this order."""

    ROUTER = "router"
    PACKAGE = "package"
    WAY = "way"
    VOUCHERS = "vouchers"
    SALE = "sale"


_DONE = """SELECT
  EXISTS (SELECT FROM routers WHERE merchant_id = $1 AND status <> 'removed') AS router,
  EXISTS (SELECT FROM packages WHERE merchant_id = $1 AND is_active) AS package,
  EXISTS (SELECT FROM mpesa_accounts WHERE merchant_id = $1 OR merchant_id IS NULL)
    OR EXISTS (SELECT FROM rail_accounts WHERE merchant_id = $1 OR merchant_id IS NULL) AS way,
  EXISTS (SELECT FROM batches WHERE merchant_id = $1) AS vouchers,
  EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND status = 'paid') AS sale"""


async def firsts(actor: Actor) -> dict[First, bool]:
    """Each, and whether it is done."""
    row = await DB.row(_DONE, actor.at_merchant())
    assert row is not None  # a query without FROM
    return {each: row[each.value] for each in First}
