"""What a file is called when it is saved. Pure."""

import re
import unicodedata
from datetime import date

_LONGEST = 40


def file_name(what: str, shop: str, on: date, ending: str) -> str:
    """ "vouchers-kilimani-corner-2026-11-20.csv": plain letters, digits and dashes, whatever the shop is called."""
    plain = unicodedata.normalize("NFKD", shop).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")
    return "-".join(part for part in (what, slug, f"{on:%Y-%m-%d}") if part) + f".{ending}"


def attachment(name: str) -> dict[str, str]:
    """The headers of a file to be saved, which nothing between us and the browser may keep."""
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
