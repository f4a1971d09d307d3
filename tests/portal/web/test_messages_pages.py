"""Messages in the dashboard: strangers see nothing, cashiers look, managers choose, owners enter keys, which never come back out."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB, atomic
from portal.messages import Told, reports, write
from portal.vault import Vault
from tests.portal.web.conftest import Cast, browser, sign_in
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

#: {m} a message, {s} a stop.
LOOKS = ("/messages",)
FORMS = (
    "/messages/settings",
    "/messages/wording",
    "/messages/wording/voucher_code/sw",
    "/messages/gateways/{kind:str}",
)
CHANGES = (
    "/messages/{m}/again", "/messages/settings", "/messages/settings/test/{channel:str}", "/messages/stops",
    "/messages/stops/{s}/start", "/messages/gateways/{kind:str}", "/messages/gateways/{channel:str}/remove",
    "/messages/wording/voucher_code/sw", "/messages/wording/voucher_code/sw/length",
)  # fmt: skip
FILLED = {"kind": "africastalking", "channel": "sms"}
FIELDS = {
    "quiet_from": "22:00", "quiet_until": "06:30", "daily_cap": "100", "number_cap": "3", "shop_phone": "", "shop_email": "",
    "shop_chat": "", "phone": "0712345678", "user_name": "kilimani", "secret": "very-secret-key-1", "sender": "KILIMANI",
    "body": "Karibu! {code}", "deed": "keep",
}  # fmt: skip


def address(path: str, **ids: int) -> str:
    for name, value in FILLED.items():
        path = path.replace(f"{{{name}:str}}", value)
    return path.format(**ids)


@pytest.fixture
async def ids(cast: Cast, clock: Clock) -> dict[str, int]:
    """A failed message and a stopped number of the merchant."""
    async with atomic() as tx:
        params = {"shop": "<b>x</b>", "amount": "KES 50"}
        await write(
            tx, Told.MONEY_KEPT, "1", merchant_id=cast.merchant_id, phone="254712345678", params=params, now=clock.now()
        )
        await reports.stop(tx, "254799000111", merchant_id=cast.merchant_id, how="reply", now=clock.now())
    await DB.fetch("UPDATE messages SET status = 'failed', why = 'bad_address', last_error = '<script>403'")
    message = await DB.value("SELECT id FROM messages")
    return {"m": message, "s": await DB.value("SELECT id FROM message_stops")}


async def changes() -> tuple[Any, ...]:
    return tuple(
        await DB.row(
            """SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM message_gateways),
               (SELECT count(*) FROM message_settings), (SELECT count(*) FROM message_templates),
               (SELECT string_agg(status, ',') FROM messages), (SELECT count(*) FROM message_stops WHERE ended_at IS NULL)"""
        )
        or ()
    )


async def test_strangers_find_nothing_and_change_nothing(app: Litestar, cast: Cast, ids: dict[str, int]) -> None:
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        before = await changes()
        assert "Money kept" not in (await rival.get("/messages")).text
        assert "799" not in (await rival.get("/messages/settings")).text
        assert (await post(rival, address("/messages/{m}/again", **ids))).status_code == 404
        await post(rival, address("/messages/stops/{s}/start", **ids))
        assert await changes() == before
    async with browser(app) as nobody:
        for path in (*LOOKS, *FORMS):
            assert (await nobody.get(address(path, **ids))).status_code in (302, 303)


@pytest.mark.parametrize("role", ["cashier", "viewer"])
async def test_cashiers_and_viewers_see_the_list_masked_and_nothing_else(
    app: Litestar, cast: Cast, ids: dict[str, int], role: str
) -> None:
    await DB.fetch("UPDATE memberships SET role = $1 WHERE role = 'cashier'", role)
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        page = await client.get("/messages")
        assert page.status_code == 200
        assert "0712 ••• 678" in page.text
        assert "345" not in page.text.split("<main")[-1]
        assert 'method="post"' not in page.text.split("<main")[-1]
        before = await changes()
        for path in FORMS:
            assert (await client.get(address(path, **ids))).status_code == 403, path
        for path in CHANGES:
            assert (await post(client, address(path, **ids), **FIELDS)).status_code == 403, path
        assert await changes() == before


async def test_the_owner_may_do_all_of_it(owner: httpx.AsyncClient, ids: dict[str, int]) -> None:
    for path in (*LOOKS, *FORMS):
        page = await owner.get(address(path, **ids))
        assert page.status_code == 200, path
        assert "<script>403" not in page.text
    for path in CHANGES:
        fields = FIELDS | {"shop_phone": "0711 000 111"}
        answer = await post(owner, address(path, **ids), **fields)
        assert answer.status_code in (200, 303), (path, answer.text[-600:])
    assert await DB.value("SELECT quiet_until FROM message_settings") == 390
    assert await DB.value("SELECT shop_phone FROM message_settings") == "254711000111"
    assert await DB.value("SELECT body FROM message_templates") == "Karibu! {code}"


async def test_keys_are_sealed_and_never_shown(owner: httpx.AsyncClient, cast: Cast, vault: Vault) -> None:
    await post(owner, "/messages/gateways/africastalking", **FIELDS)
    row = await DB.row("SELECT * FROM message_gateways")
    assert row is not None
    assert b"very-secret" not in row["secret_sealed"]
    opened = vault.open("message_gateways", "secret_sealed", row_id=row["id"], sealed=row["secret_sealed"])
    assert opened == "very-secret-key-1"
    for path in ("/messages/settings", "/messages/gateways/africastalking", "/messages"):
        assert "very-secret" not in (await owner.get(path)).text
    assert "very-secret" not in str(await DB.fetch("SELECT data FROM events"))
    assert row["token"] in (await owner.get("/messages/settings")).text
    await post(owner, "/messages/gateways/africastalking", **(FIELDS | {"secret": "another"}))
    assert await DB.value("SELECT count(*) FROM message_gateways WHERE ended_at IS NULL") == 1


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("africastalking", {"secret": ""}, "secret"),
        ("http", {"url": "http://sms.example.com/"}, "url"),
        ("http", {"url": "https://sms.example.com:8443/"}, "url"),
        ("http", {"url": "https://127.1/"}, "url"),
        ("http", {"url": "https://a@sms.example.com/"}, "url"),
        ("http", {"url": "https://sms.example.com/", "template": '{"a": 1}'}, "template"),
        ("http", {"url": "https://sms.example.com/", "method": "DELETE"}, "method"),
        ("smtp", {"host": "smtp.example.com", "sender": "a@b.test>\r\nRCPT"}, "sender"),
        ("smtp", {"host": "smtp.example.com", "sender": "a@b.test", "port": "22"}, "port"),
        ("smtp", {"host": "smtp.example.com", "sender": "a@b.test", "tls": "none"}, "tls"),
        ("telegram", {"secret": ""}, "secret"),
        ("telegram", {"secret": "123:ABC DEF"}, "secret"),
        ("africastalking", {"user_name": "shop", "secret": "مفتاح 🔑"}, "secret"),
        ("http", {"url": "https://sms.example.com/", "secret": "Bearer clé"}, "secret"),
        ("webhook", {"url": "https://[::1]/", "secret": ""}, "secret"),
    ],
)
async def test_what_cannot_be_a_gateway_is_said_at_its_field(
    owner: httpx.AsyncClient, kind: str, fields: dict[str, str], wrong: str
) -> None:
    answer = await post(owner, f"/messages/gateways/{kind}", **(FIELDS | fields))
    assert answer.status_code == 422
    assert f'href="#{wrong}"' in answer.text
    assert await DB.value("SELECT count(*) FROM message_gateways") == 0


@pytest.mark.parametrize(
    ("field", "typed"),
    [("quiet_from", "25:00"), ("daily_cap", "-1"), ("number_cap", "9999"), ("shop_phone", "12"), ("shop_email", "x"), ("shop_chat", "@me")],
)  # fmt: skip
async def test_wrong_choices_are_said_and_nothing_is_kept(owner: httpx.AsyncClient, field: str, typed: str) -> None:
    answer = await post(owner, "/messages/settings", **(FIELDS | {field: typed}))
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert await DB.value("SELECT count(*) FROM message_settings") == 0


async def test_a_wording_is_checked_shown_and_taken_back(owner: httpx.AsyncClient) -> None:
    place = "/messages/wording/voucher_code/en"
    for body, said in (("Hello", "must be in it"), ("{code} {password}", "in braces"), ("", "Write something")):
        answer = await post(owner, place, body=body, deed="keep")
        assert (answer.status_code, said in answer.text) == (422, True), body
    looked = await post(owner, place, body="\u201c{shop}\u201d code {code} 😀", deed="look")
    assert "&#34;Kilimani Corner&#34; code K7Q-2MP 😀" in looked.text
    assert "only 70 fit" in looked.text
    assert await DB.value("SELECT count(*) FROM message_templates") == 0
    length = await post(owner, f"{place}/length", body="x" * 200)
    assert "2 SMS" in length.text
    assert "<html" not in length.text
    assert (await post(owner, place, body="Code {code}", deed="keep")).status_code == 303
    assert "Yours" in (await owner.get("/messages/wording")).text
    await post(owner, place, body="", deed="reset")
    assert await DB.value("SELECT count(*) FROM message_templates") == 0


async def test_a_test_message_needs_somebody_to_go_to(owner: httpx.AsyncClient) -> None:
    assert (await post(owner, "/messages/settings/test/sms")).status_code == 422
    await post(owner, "/messages/settings", **(FIELDS | {"shop_phone": "0711000111"}))
    assert (await post(owner, "/messages/settings/test/sms")).status_code == 303
    assert await DB.value("SELECT recipient FROM messages WHERE kind = 'test'") == "254711000111"


async def test_the_list_pages_by_its_last_row(owner: httpx.AsyncClient, cast: Cast, clock: Clock) -> None:
    for number in range(60):
        async with atomic() as tx:
            await write(
                tx, Told.MONEY_KEPT, str(number), merchant_id=cast.merchant_id, phone=f"2547123456{number:02d}",
                params={"shop": "x", "amount": "KES 50"}, now=clock.now() + timedelta(seconds=number),
            )  # fmt: skip
    first = await owner.get("/messages")
    older = re.findall(r'href="(/messages\?before=\d+)"', first.text)
    second = await owner.get(older[0])
    assert first.text.count('class="badge') == 50
    assert second.text.count('class="badge') == 10
    assert "All went out" in (await owner.get("/messages?trouble=true")).text


async def test_gateways_reports_are_kept_only_at_a_right_address(
    client: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    await post(owner, "/messages/gateways/africastalking", **FIELDS)
    token = await DB.value("SELECT token FROM message_gateways")
    form = urlencode({"id": "ATXid_1", "status": "Success", "phoneNumber": "+254712345678"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        assert (await client.post(f"/api/sms/{token}/delivery", content=form, headers=headers)).status_code == 200
    wrong = await client.post(f"/api/sms/{'0' * 64}/delivery", content=form, headers=headers)
    assert wrong.status_code == 404
    assert (await client.post(f"/api/sms/{token}/inbound", content=b"\xff\x00" * 9000)).status_code == 200
    assert await DB.value("SELECT count(*) FROM message_reports") == 2
    assert await DB.value("SELECT max(length(body)) FROM message_reports") == 8192


async def test_a_burst_of_reports_passes_and_a_flood_is_asked_to_come_later(
    client: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    await post(owner, "/messages/gateways/africastalking", **FIELDS)
    gateway = await DB.row("SELECT id, token FROM message_gateways")
    assert gateway
    address_of = {road: f"/api/sms/{gateway['token']}/{road}" for road in ("delivery", "inbound")}
    for number in range(100):
        assert (await client.post(address_of["delivery"], content=f"id={number}&status=Success")).status_code == 200
    for road, (most, _) in reports.MOST.items():
        assert most >= 600, "we send a few a second, and each is reported once or twice"
        (await client.post(address_of[road], content="id=x")).raise_for_status()
        await DB.fetch("UPDATE limits SET hits = $2 WHERE name = $1", f"sms-{road}:{gateway['id']}", most)
        kept = await DB.value("SELECT count(*) FROM message_reports")
        flood = await client.post(address_of[road], content="id=late")
        assert (flood.status_code, flood.headers["retry-after"]) == (429, "60")
        assert await DB.value("SELECT count(*) FROM message_reports") == kept


async def test_addresses_of_gateways_cannot_be_tried_without_end(client: httpx.AsyncClient) -> None:
    statuses = [
        (await client.post(f"/api/sms/{number:064x}/delivery", content="id=1")).status_code for number in range(62)
    ]
    assert statuses == [404] * 60 + [429] * 2


async def test_all_of_it_speaks_swahili(owner: httpx.AsyncClient, ids: dict[str, int]) -> None:
    for path in (*LOOKS, *FORMS):
        page = await owner.get(address(path, **ids), headers={"accept-language": "sw"})
        assert page.status_code == 200, path
