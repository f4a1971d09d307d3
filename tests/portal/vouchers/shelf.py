"""Batches and codes for tests of vouchers."""

from portal import batches
from portal.db import DB
from tests.portal.payments.stall import Stall


async def made_of(stall: Stall, count: int, *, note: str = "", prefix: str = "", kind: str = "reference") -> int:
    """A batch's id."""
    made = await batches.make(
        stall.owner, stall.package_id, count=count, note_text=note, vault=stall.vault, now=stall.clock.now(), prefix=prefix,
        kind=kind,
    )  # fmt: skip
    return made.id


async def vouchers_of(batch_id: int) -> list[int]:
    """The ids of a batch's vouchers in order."""
    return [row["id"] for row in await DB.fetch("SELECT id FROM vouchers WHERE batch_id = $1 ORDER BY id", batch_id)]


async def open_code(stall: Stall, voucher_id: int) -> str:
    """A voucher's secret code, past every rule."""
    sealed = await DB.value("SELECT code_sealed FROM vouchers WHERE id = $1", voucher_id)
    return stall.vault.open("vouchers", "code_sealed", row_id=voucher_id, sealed=sealed)
