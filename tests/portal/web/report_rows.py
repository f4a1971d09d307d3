"""What looks, outages, vouchers and checkups leave behind, and what stands on a page: for the tests of reports."""

import json
import re
from datetime import datetime, timedelta

import httpx
import msgspec

from portal.db import DB
from portal.drift import Finding, Kind
from portal.vault import Vault
from tests import factories
from tests.portal.web.conftest import Cast


async def looked(
    cast: Cast, *found: Finding, at: datetime, wish: str = "look", error: str = "", **columns: object
) -> None:
    """A look that is done."""
    stored = msgspec.json.encode(found).decode()
    values = {"before": stored, "after": stored, "target": "{}"} | columns
    await DB.fetch(
        """INSERT INTO drift_looks (merchant_id, router_id, wish, target, asked_by, asked_at, done_at, error, before, after)
           VALUES ($1, $2, $3, $4::jsonb, 'job:drift-routers', $5, $5, $6, $7::jsonb, $8::jsonb)""",
        cast.merchant_id, cast.router.id, wish, values["target"], at, error, values["before"], values["after"],
    )  # fmt: skip


def leak(kind: Kind, who: str, cents: int = 5000, voucher_id: int | None = None) -> Finding:
    return Finding(kind=kind, who=who, at_stake_cents=cents, voucher_id=voucher_id)


async def outage_of(cast: Cast, *, began: datetime, ended: datetime | None, credited: datetime | None = None) -> int:
    return await DB.value(
        """INSERT INTO router_outages (merchant_id, router_id, began_at, ended_at, credited_at)
           VALUES ($1, $2, $3, $4, $5) RETURNING id""",
        cast.merchant_id, cast.router.id, began, ended, credited,
    )  # fmt: skip


async def running(cast: Cast, vault: Vault, *, at: datetime) -> int:
    """A voucher in use on the router since a moment, for a day. Returns its id."""
    voucher = await factories.voucher(
        vault, cast.merchant_id, cast.package_id, status="in_use", router_id=cast.router.id, paid_at=at, started_at=at,
        expires_at=at + timedelta(days=1),
    )  # fmt: skip
    await factories.grant(vault, cast.merchant_id, cast.router.id, voucher, status="present")
    return voucher


async def snapshot(cast: Cast, *, at: datetime, **settings: str) -> int:
    return await DB.value(
        """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
           VALUES ($1, $2, $3, 'ok', '[]', $4::jsonb) RETURNING id""",
        cast.merchant_id, cast.router.id, at, json.dumps({name.replace("_", " "): value for name, value in settings.items()}),
    )  # fmt: skip


def main(answer: httpx.Response) -> str:
    """What stands on the page itself, its white space folded."""
    return re.sub(r"\s+", " ", answer.text.split("<main", 1)[1].split("</main>", 1)[0]).replace("\xa0", " ")
