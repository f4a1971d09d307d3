"""Kill -9 between claiming, sending and writing down: a message arrives at least once, always under the same id."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.config import Settings
from portal.db import DB
from portal.webhooks import endpoints, outbox
from tests.portal.webhooks.conftest import Shop


@pytest.mark.parametrize(("point", "arrived"), [("webhook.claimed", 0), ("webhook.answered", 1)])
async def test_a_message_arrives_whoever_dies(
    shop: Shop, settings: Settings, tmp_path: Path, point: str, arrived: int
) -> None:
    await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    plan = tmp_path / "fault"
    plan.write_text(f"{point} self\n")
    ahead = (shop.clock.now() - datetime.now(UTC)).total_seconds()
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
        "PORTAL_DATA_DIR": str(settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_MPESA_ENVIRONMENT": "loopback",
        "PORTAL_MPESA_URL": "http://127.0.0.1:9",
        "PORTAL_LOG_LEVEL": "error",
        "PORTAL_FAULT": str(plan),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.portal.webhooks.one_run", str(ahead), env=env, cwd=Path(__file__).parents[3]
    )
    assert await process.wait() == -9, f"nobody came to {point}: this test tries nothing"
    assert len(shop.listener.heard) == arrived
    assert await shop.send() == [], "it is still held by the dead"
    shop.shift(minutes=2)
    await outbox.sweep(now=shop.clock.now())
    assert await shop.send() == ["sent"]
    assert len(shop.listener.heard) == arrived + 1
    assert len({headers["webhook-id"] for headers, _ in shop.listener.heard}) == 1
    assert len({body for _, body in shop.listener.heard}) == 1
