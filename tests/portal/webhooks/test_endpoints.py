"""Addresses: where they may lead, who may enter them, and what is kept secret."""

import httpx
import pytest

from portal.addresses import Addresses
from portal.config import Settings
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Actor, Role
from portal.webhooks import endpoints, kinds, looks
from portal.webhooks.door import WebhookDoor, may_be_told
from tests.portal.webhooks.conftest import Shop

BAD = (
    "", "till", "ftp://till.test/", "http://till.example/hook", "https://user:pass@till.example/", "https://till.example/#x",
    "https://till.example:8443/", "https://127.0.0.1/", "https://10.0.0.5/", "https://192.168.88.1/hook", "https://169.254.169.254/latest",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://2130706433/", "https://127.1/",
    "https://0x7f.1/", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/", "https://" + "a" * 600 + ".example/", "javascript:alert(1)",
    "https://till.example\\@127.0.0.1/", "https:///hook", "//till.example/",
)  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_no_address_of_ours_and_nothing_odd_is_taken(settings: Settings, url: str) -> None:
    assert not may_be_told(url, settings)


@pytest.mark.parametrize("url", ["https://till.example/hook", "https://till.example/hook?key=1", "https://41.90.1.1/x"])
def test_public_addresses_by_https_are_taken(settings: Settings, url: str) -> None:
    assert may_be_told(url, settings)


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(settings: Settings) -> None:
    asked: list[str] = []

    async def lookup(host: str) -> list[str]:
        asked.append(host)
        return {
            "rebound.example": ["127.0.0.1"],
            "half.example": ["41.90.1.1", "10.0.0.1"],
            "meta.example": ["169.254.169.254"],
        }[host]

    async with httpx.AsyncClient(transport=httpx.MockTransport(_never)) as http:
        door = WebhookDoor(http, settings, addresses=Addresses(lookup=lookup, patience_s=0.01))
        for host in ("rebound.example", "half.example", "meta.example"):
            told = await door.post(f"https://{host}/hook", headers={}, body=b"{}")
            assert (told.status, told.why) == (0, "refused")
    assert len(asked) == 3


async def test_the_judged_address_is_connected_to_and_the_name_only_spoken(settings: Settings) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async def lookup(_: str) -> list[str]:
        return ["41.90.1.1"]

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        door = WebhookDoor(http, settings, addresses=Addresses(lookup=lookup, patience_s=0.01))
        assert (await door.post("https://till.example/hook", headers={}, body=b"{}")).is_taken
        for other in ("http://till.example/hook", "http://till.example:443/hook", "https://till.example:8729/hook"):
            assert (await door.post(other, headers={}, body=b"{}")).why == "refused", other
    (request,) = seen
    assert (request.url.host, request.headers["host"]) == ("41.90.1.1", "till.example")
    assert request.extensions["sni_hostname"] == "till.example"


def _never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"connected to {request.url}")


async def test_an_address_is_entered_once_and_its_secret_is_sealed(shop: Shop, settings: Settings) -> None:
    async def add() -> int:
        return await endpoints.add(
            shop.owner, " https://till.example/hook ", chosen=["voucher.paid", "nonsense"], note_text="Till\x00", form_key="k",
            settings=settings, vault=shop.vault, now=shop.clock.now(),
        )  # fmt: skip

    first = await add()
    assert await add() == first
    line = await looks.endpoint(shop.owner, first, now=shop.clock.now())
    assert (line.url, line.kinds, line.note) == ("https://till.example/hook", ["voucher.paid"], "Till")
    row = await DB.row("SELECT * FROM webhook_endpoints WHERE id = $1", first)
    assert row
    assert b"whsec_" not in row["secret_sealed"]
    shown = await endpoints.show_secret(shop.owner, first, vault=shop.vault, now=shop.clock.now())
    assert shown.startswith("whsec_")
    events = await DB.fetch("SELECT name, data::text FROM events WHERE entity = 'webhook_endpoints' ORDER BY id")
    assert [event["name"] for event in events] == ["added", "secret_shown"]
    assert shown not in str(events)
    with pytest.raises(Invalid) as wrong:
        await endpoints.change(
            shop.owner, first, "http://10.0.0.1/", chosen=[], note_text="", settings=settings, now=shop.clock.now()
        )
    assert set(wrong.value.fields) == {"url", "kinds"}


async def test_strangers_find_no_address_and_cashiers_may_not(shop: Shop, settings: Settings) -> None:
    now, vault, webhook = shop.clock.now(), shop.vault, shop.webhook_id
    message = await endpoints.test(shop.owner, webhook, now=now)

    def at(merchant_id: int, role: Role) -> Actor:
        return Actor(
            user_id=shop.owner.user_id,
            merchant_id=merchant_id,
            role=role,
            is_operator=False,
            name="B",
            email="b@b.test",
        )

    for actor, error in (
        (at(shop.merchant_id + 1, Role.OWNER), NotFound),
        (at(shop.merchant_id, Role.CASHIER), Forbidden),
    ):
        for deed in (
            lambda actor=actor: endpoints.switch(actor, webhook, on=False, now=now),
            lambda actor=actor: endpoints.rotate(actor, webhook, vault=vault, now=now),
            lambda actor=actor: endpoints.show_secret(actor, webhook, vault=vault, now=now),
            lambda actor=actor: endpoints.remove(actor, webhook, now=now),
            lambda actor=actor: endpoints.again(actor, message, now=now),
            lambda actor=actor: endpoints.again_since(actor, webhook, now, missed_only=False, now=now),
            lambda actor=actor: looks.endpoint(actor, webhook, now=now),
            lambda actor=actor: looks.message(actor, message),
        ):
            with pytest.raises(error):
                await deed()


async def test_what_is_off_or_gone_is_not_sent_to(shop: Shop) -> None:
    now = shop.clock.now()
    await endpoints.switch(shop.owner, shop.webhook_id, on=False, now=now)
    with pytest.raises(Conflict):
        await endpoints.test(shop.owner, shop.webhook_id, now=now)
    await endpoints.switch(shop.owner, shop.webhook_id, on=True, now=now)
    await endpoints.test(shop.owner, shop.webhook_id, now=now)
    await endpoints.remove(shop.owner, shop.webhook_id, now=now)
    assert await shop.send() == []
    with pytest.raises(NotFound):
        await endpoints.test(shop.owner, shop.webhook_id, now=now)


async def test_tests_are_counted(shop: Shop) -> None:
    for _ in range(6):
        await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())
    with pytest.raises(TooMany):
        await endpoints.test(shop.owner, shop.webhook_id, now=shop.clock.now())


def test_every_kind_comes_from_something_and_fits_its_column() -> None:
    for name, kind in kinds.KINDS.items():
        assert kind.sources
        assert len(name) <= 32
    assert kinds.sources_of(["voucher.started", "nonsense"]) == "vouchers:start voucher.started"
