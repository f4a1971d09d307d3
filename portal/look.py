"""How a merchant's pages look to customers: the value that pages are drawn with. Pure; chosen in `portal.branding`."""

import base64

import msgspec
from asyncpg import Record


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """`accent` "" is our own colour; `logo` is a small PNG, b"" for none, its size in pixels."""

    accent: str = ""
    logo: bytes = b""
    logo_wide: int = 0
    logo_high: int = 0
    #: Language: kind of words: text.
    words: dict[str, dict[str, str]] = {}

    def logo_address(self) -> str:
        """The logo as an address that needs no request."""
        return "data:image/png;base64," + base64.b64encode(self.logo).decode() if self.logo else ""

    def said(self, kind: str, language: str) -> str:
        """What the shop says of this kind in this language; "" for nothing."""
        return self.words.get(language, {}).get(kind, "")


PLAIN = Look()
#: The columns of `brandings` a look is made of, joined as b.
COLUMNS = "b.accent, b.logo, b.logo_wide, b.logo_high, b.words"


def of_row(row: Record) -> Look:
    """The look of a row with COLUMNS; ours where the merchant has chosen nothing."""
    if row["accent"] is None:
        return PLAIN
    return Look(
        accent=row["accent"],
        logo=row["logo"] or b"",
        logo_wide=row["logo_wide"] or 0,
        logo_high=row["logo_high"] or 0,
        words=msgspec.json.decode(row["words"], type=dict[str, dict[str, str]]),
    )
