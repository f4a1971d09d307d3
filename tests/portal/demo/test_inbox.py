"""What the demo's portal sends arrives in the demo's inbox, and an answer goes back."""

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.demo.post import DemoPost
from portal.gateways.doors import GatewayDoors
from portal.gateways.interface import Accepted, Outgoing
from portal.vault import Vault


@pytest.fixture
async def post(db: str, clock: Clock) -> DemoPost:
    return DemoPost(clock)


async def test_the_platforms_gateways_are_entered_once_and_again_where_the_port_changed(
    post: DemoPost, vault: Vault, clock: Clock
) -> None:
    for port in (4025, 4025, 4026):
        post.mail.port = port
        await post.introduce(vault, portal="http://127.0.0.1:8000", now=clock.now())
    rows = await DB.fetch("SELECT channel, ended_at IS NULL AS is_live FROM message_gateways ORDER BY id")
    assert sorted((row["channel"], row["is_live"]) for row in rows) == [
        ("email", False), ("email", True), ("sms", True), ("telegram", True),
    ]  # fmt: skip
    token = await DB.value("SELECT token FROM message_gateways WHERE channel = 'sms'")
    assert post.office.reports_url == f"http://127.0.0.1:8000/api/sms/{token}/delivery"


async def test_mail_of_the_demo_arrives(post: DemoPost, vault: Vault, clock: Clock, settings: Settings) -> None:
    async with post.mail, httpx.AsyncClient() as http:
        await post.introduce(vault, portal="http://127.0.0.1:8000", now=clock.now())
        gateway = await DB.value("SELECT id FROM message_gateways WHERE channel = 'email'")
        env = {"PORTAL_DATABASE_URL": str(DB.config["dsn"]), "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex()}
        env |= {"PORTAL_MPESA_ENVIRONMENT": "loopback", "PORTAL_MPESA_URL": "http://127.0.0.1:9"}
        env["PORTAL_DATA_DIR"] = str(settings.data_dir)
        doors = GatewayDoors(http, Settings.from_env(env), vault=vault, clock=clock)
        door = await doors.for_gateway(gateway)
        sent = await door.send(Outgoing(key="vocha-1", to="amina@kilimani.example", text="Hello", subject="Hi"))
        assert isinstance(sent, Accepted)
    [letter] = post.letters.all(channel="email", to="amina@kilimani.example")
    assert (letter.subject, letter.text) == ("Hi", "Hello")
