"""Tokens and webhooks in the dashboard: shown once, asked for again before, typed text kept, and nothing a far side says is markup."""

import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from portal.webhooks import outbox
from portal.webhooks.door import Told
from tests import factories
from tests.portal.web.conftest import Cast
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

CANARY = "<img src=x onerror=alert(1)>\"'"
_TOKEN = re.compile(r"vocha_[A-Za-z0-9_-]{43}")


async def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    owner: httpx.AsyncClient, app: Litestar, cast: Cast
) -> None:
    fields = {"name": CANARY, "scopes": "vouchers:read", "days": "90", "form_key": "a" * 32}
    made = await post(owner, "/settings/tokens", **fields)
    (token,) = _TOKEN.findall(made.text)
    assert made.status_code == 201
    assert CANARY not in made.text
    assert "&lt;img" in made.text
    again = await post(owner, "/settings/tokens", **fields)
    assert _TOKEN.findall(again.text) == [token], "a second tap makes no second one"
    listed = await owner.get("/settings/tokens")
    assert not _TOKEN.search(listed.text)
    assert f"…{token[-4:]}" in listed.text
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://portal.test",
        headers={"authorization": f"Bearer {token}"},
    ) as till:
        assert (await till.get("/api/vouchers")).status_code == 200
        assert (await till.get("/api/payments")).status_code == 403
        token_id = await DB.value("SELECT id FROM api_tokens WHERE merchant_id = $1", cast.merchant_id)
        await post(owner, f"/settings/tokens/{token_id}/revoke")
        assert (await till.get("/api/vouchers")).status_code == 401


async def test_what_is_wrong_is_named_and_what_was_typed_stays(owner: httpx.AsyncClient) -> None:
    wrong = await post(owner, "/settings/tokens", name="Till", days="12")
    assert wrong.status_code == 422
    assert 'value="Till"' in wrong.text
    assert wrong.text.count('class="wrong"') == 2
    wrong = await post(owner, "/settings/webhooks", url="http://10.0.0.1/", note=CANARY, kinds="voucher.paid")
    assert wrong.status_code == 422
    assert 'value="http://10.0.0.1/"' in wrong.text
    assert 'value="voucher.paid" checked' in wrong.text
    assert CANARY not in wrong.text
    assert (
        await DB.value("SELECT count(*) FROM api_tokens") + await DB.value("SELECT count(*) FROM webhook_endpoints")
        == 0
    )


@pytest.mark.parametrize(
    "path",
    [
        "/settings/tokens/new",
        "POST /settings/tokens",
        "POST /settings/webhooks/{}/secret",
        "POST /settings/webhooks/{}/rotate",
    ],
)
async def test_who_signed_in_long_ago_proves_who_it_is_first(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock, path: str
) -> None:
    webhook = await factories.webhook(vault, cast.merchant_id)
    method, _, address = path.rpartition(" ")
    token = (await owner.get("/settings/webhooks")).text.split('name="_csrf" value="', 1)[1].split('"', 1)[0]
    clock.shift(timedelta(minutes=31))
    data = {"_csrf": token, "name": "Till", "scopes": "vouchers:read", "days": "90"}
    asked = await owner.request(method or "GET", address.format(webhook), data=data if method else None)
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/prove")
    assert "whsec_" not in asked.text
    assert await DB.value("SELECT count(*) FROM api_tokens") == 0


async def test_an_address_is_entered_tested_switched_and_taken_out(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    fields = {"url": "https://till.example/hook", "note": "Till", "kinds": "voucher.paid", "form_key": "k"}
    entered = await post(owner, "/settings/webhooks", **fields)
    here = entered.headers["location"]
    page = (await owner.get(here)).text
    assert "whsec_" not in page
    assert "whsec_" in (await post(owner, f"{here}/secret")).text
    assert "whsec_" in (await post(owner, f"{here}/rotate")).text
    assert (await post(owner, f"{here}/rotate")).status_code == 409
    for deed in ("test", "off"):
        assert (await post(owner, f"{here}/{deed}")).status_code == 303
    assert (await post(owner, f"{here}/test")).status_code == 409
    await post(owner, f"{here}/on")
    changed = await post(owner, here, url="https://till.example/other", kinds="payment.paid")
    assert changed.headers["location"] == f"{here}?said=saved"
    row = await DB.row("SELECT url, sources FROM webhook_endpoints")
    assert row
    assert tuple(row) == ("https://till.example/other", "payments:pay payment.paid")
    assert (await post(owner, f"{here}/nonsense")).status_code == 404
    await post(owner, f"{here}/remove")
    assert (await owner.get(here)).status_code == 404
    names = [
        row["name"] for row in await DB.fetch("SELECT name FROM events WHERE entity = 'webhook_endpoints' ORDER BY id")
    ]
    assert names == ["added", "secret_shown", "secret_changed", "secret_shown", "off", "on", "changed", "removed"]
    assert cast.merchant_id
    assert clock.now()


async def test_what_a_far_side_answers_is_shown_as_text(
    owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock
) -> None:
    webhook = await factories.webhook(vault, cast.merchant_id)
    await post(owner, f"/settings/webhooks/{webhook}/test")
    now = clock.now()
    _, (message,) = await outbox.claim(webhook, now=now)
    await outbox.keep_body(message["id"], '{"a": "<b>"}')
    await outbox.record(message, Told(status=500, answer=CANARY), began=now, now=now)
    page = (await owner.get(f"/settings/webhooks/messages/{message['id']}")).text
    assert CANARY not in page
    assert "&lt;img" in page
    assert "{&#34;a&#34;: &#34;&lt;b&gt;&#34;}" in page
    listed = (await owner.get(f"/settings/webhooks/{webhook}")).text
    assert "500" in listed
    await post(owner, f"/settings/webhooks/messages/{message['id']}/again")
    row = await DB.row("SELECT tries, next_try_at FROM webhook_messages")
    assert row
    assert row["tries"] == 0
    assert row["next_try_at"] <= clock.now(), "at once, not when it would have been"


async def test_messages_are_paged(owner: httpx.AsyncClient, cast: Cast, vault: Vault, clock: Clock) -> None:
    webhook = await factories.webhook(vault, cast.merchant_id)
    await DB.fetch(
        """INSERT INTO webhook_messages (merchant_id, endpoint_id, kind, at)
           SELECT $1, $2, 'voucher.paid', $3 FROM generate_series(1, 65)""",
        cast.merchant_id, webhook, clock.now(),
    )  # fmt: skip
    seen, address = list[str](), f"/settings/webhooks/{webhook}"
    while address:
        page = (await owner.get(address)).text
        seen += re.findall(r'href="/settings/webhooks/messages/(\d+)"', page)
        older = re.search(rf'href="(/settings/webhooks/{webhook}\?before=\d+)#messages"', page)
        address = older[1] if older else ""
    assert [int(one) for one in seen] == sorted((int(one) for one in seen), reverse=True)
    assert len(set(seen)) == 65
