"""Merchants: who sells, and at what commission."""

import msgspec

from portal import look
from portal.db import DB
from portal.errors import NotFound
from portal.look import Look

#: Commission in basis points by kind, where the merchant has none of its own.
COMMISSION_BP = {"homeowner": 2000, "personal": 2000, "isp": 0, "enterprise": 0}


class MerchantView(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant as pages and checkouts need it; `shortcode` is the paybill customers see, `commission_bp` what applies."""

    id: int
    name: str
    help_phone: str
    language: str
    timezone: str
    currency: str
    shortcode: str
    is_active: bool
    commission_bp: int
    look: Look = look.PLAIN
    #: Whether the operator tells merchants of its kind something now.
    has_news: bool = False


async def profile(merchant_id: int) -> MerchantView:
    """The merchant, or NotFound."""
    row = await DB.row(
        f"""SELECT m.id, m.name, m.kind, m.commission_bp, m.help_phone, m.language, m.timezone, m.currency, m.is_active,
                  coalesce((SELECT a.shortcode FROM mpesa_accounts a
                            WHERE a.merchant_id = m.id OR a.merchant_id IS NULL
                            ORDER BY a.merchant_id NULLS LAST, a.id DESC LIMIT 1), '') AS shortcode,
                  EXISTS (SELECT FROM announcements n WHERE n.until_at > now() AND n.from_at <= now() AND n.ended_at IS NULL
                          AND (n.kind = '' OR n.kind = m.kind)) AS has_news,
                  {look.COLUMNS}
           FROM merchants m LEFT JOIN brandings b ON b.merchant_id = m.id WHERE m.id = $1""",
        merchant_id,
    )
    if row is None:
        raise NotFound
    own = row["commission_bp"]
    return MerchantView(
        id=row["id"],
        name=row["name"],
        help_phone=row["help_phone"],
        language=row["language"],
        timezone=row["timezone"],
        currency=row["currency"],
        shortcode=row["shortcode"],
        is_active=row["is_active"],
        commission_bp=COMMISSION_BP[row["kind"]] if own is None else own,
        look=look.of_row(row),
        has_news=row["has_news"],
    )
