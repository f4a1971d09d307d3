"""M-Pesa accounts as rows: who is meant, what is entered, and what is told when the set-up is wrong."""

import dataclasses
from datetime import timedelta

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.errors import Conflict, MpesaConfig, MpesaRefused, NotFound
from portal.mpesa import accounts, checks
from portal.mpesa.accounts import AccountWatch
from portal.mpesa.checks import Severity
from portal.mpesa.doors import MpesaDoors
from portal.vault import Vault
from tests import factories
from tests.portal.mpesa.envelopes import certificate
from tests.portal.mpesa.fake import FakeDaraja, answer
from tests.portal.mpesa.samples import refusal

PEM, _ = certificate(starts=Clock().now() - timedelta(days=1), ends=Clock().now() + timedelta(days=300))
QUERY = "/mpesa/stkpushquery/v1/query"
REGISTERED = refusal("500.001.1001", "The transaction does not Exist")


async def events() -> list[str]:
    return [
        row["name"] for row in await DB.fetch("SELECT name FROM events WHERE entity = 'mpesa_accounts' ORDER BY id")
    ]


async def test_the_only_account_needs_no_name_and_several_need_one(db: str, vault: Vault) -> None:
    with pytest.raises(NotFound):
        await accounts.find()
    first = await factories.mpesa_account(vault, shortcode="600638")
    assert (await accounts.find()).id == first
    second = await factories.mpesa_account(vault, shortcode="600992", key="other")
    with pytest.raises(Conflict):
        await accounts.find()
    assert (await accounts.find("600992")).id == second
    with pytest.raises(NotFound):
        await accounts.find("600993")


async def test_an_initiator_is_sealed_and_comes_out_only_to_sign(db: str, vault: Vault, clock: Clock) -> None:
    account = await factories.mpesa_account(vault)
    await accounts.set_initiator(
        account, name=" vochaapi ", password="Secret#1", certificate=PEM, vault=vault, now=clock.now(), actor="user:7"
    )
    row = await DB.row("SELECT * FROM mpesa_accounts")
    assert row is not None
    assert b"Secret#1" not in row["initiator_password_sealed"]
    app = accounts.app_of(row, base_url="https://sandbox.safaricom.co.ke", vault=vault)
    assert app.initiator is not None
    assert (app.initiator.name, app.initiator.password, app.initiator.certificate) == ("vochaapi", "Secret#1", PEM)
    event = await DB.row("SELECT name, actor, data FROM events")
    assert event is not None
    assert (event["name"], event["actor"]) == ("mpesa_initiator_set", "user:7")
    assert "Secret" not in event["data"]


@pytest.mark.parametrize("changes", [{"name": " "}, {"password": ""}, {"certificate": "none"}, {"certificate": ""}])
async def test_an_initiator_that_cannot_sign_is_not_entered(
    db: str, vault: Vault, clock: Clock, changes: dict[str, str]
) -> None:
    account = await factories.mpesa_account(vault)
    given = {"name": "vochaapi", "password": "Secret#1", "certificate": PEM} | changes
    with pytest.raises((MpesaConfig, MpesaRefused)):
        await accounts.set_initiator(account, **given, vault=vault, now=clock.now(), actor="user:7")
    assert (await accounts.find()).initiator_name == ""


@pytest.mark.parametrize("number", ["1234", "12345678", "60099x"])
async def test_a_payout_shortcode_is_one(db: str, vault: Vault, clock: Clock, number: str) -> None:
    account = await factories.mpesa_account(vault)
    with pytest.raises(MpesaRefused):
        await accounts.set_payouts(account, b2c_shortcode=number, now=clock.now(), actor="user:7")
    await accounts.set_payouts(account, b2c_shortcode="600992", now=clock.now(), actor="user:7")
    assert (await accounts.find()).b2c_shortcode == "600992"


async def test_trouble_is_told_once_and_mended_once(db: str, vault: Vault, clock: Clock) -> None:
    account = await factories.mpesa_account(vault)
    wrong = MpesaConfig("500.001.1001", "Wrong credentials", message="The passkey does not fit.")
    watches = [AccountWatch(account, trouble=(None, None), clock=clock) for _ in range(2)]
    for watch in watches * 2:
        await watch.trouble("push", wrong)
    found = await accounts.find()
    assert (found.trouble_verb, found.trouble_code, found.trouble_text) == (
        "push", "500.001.1001", "The passkey does not fit."
    )  # fmt: skip
    await watches[0].fine("b2c")
    assert (await accounts.find()).trouble_at is not None, "another verb proves nothing"
    for watch in watches:
        await watch.fine("push")
    assert (await accounts.find()).trouble_at is None
    assert await events() == ["mpesa_setup_wrong", "mpesa_setup_mended"]


async def test_a_note_that_cannot_be_kept_does_not_stop_the_payment(db: str, vault: Vault, clock: Clock) -> None:
    await DB.fetch("ALTER TABLE mpesa_accounts RENAME TO mpesa_accounts_away")
    try:
        watch = AccountWatch(1, trouble=("push", "x"), clock=clock)
        await watch.trouble("token", MpesaConfig("HTTP 400", "wrong"))
        await watch.fine("push")
    finally:
        await DB.fetch("ALTER TABLE mpesa_accounts_away RENAME TO mpesa_accounts")


def settings_at(settings: Settings, environment: str) -> Settings:
    return dataclasses.replace(
        settings, mpesa_environment=environment, mpesa_url="https://daraja.test",
        mpesa_callback_base="https://wifi.example.co.ke",
    )  # fmt: skip


async def test_an_account_of_the_other_environment_gets_no_door(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    account = await factories.mpesa_account(vault)  # of the sandbox
    async with httpx.AsyncClient(transport=httpx.MockTransport(FakeDaraja().handle)) as http:
        with pytest.raises(MpesaConfig, match="other environment"):
            await MpesaDoors(http, settings_at(settings, "production"), vault=vault, clock=clock).for_account(account)
        assert await events() == ["mpesa_setup_wrong"]
        for environment in ("sandbox", "loopback"):
            doors = MpesaDoors(http, settings_at(settings, environment), vault=vault, clock=clock)
            assert await doors.for_account(account)
    assert await events() == ["mpesa_setup_wrong", "mpesa_setup_mended"]


async def look(
    settings: Settings, vault: Vault, clock: Clock, *, query: httpx.Response, token: httpx.Response | None = None
) -> list[checks.Finding]:
    fake = FakeDaraja()
    fake.will(QUERY, query)
    if token is not None:
        fake.will("/oauth/v1/generate", token)
    async with httpx.AsyncClient(transport=httpx.MockTransport(fake.handle)) as http:
        doors = MpesaDoors(http, settings, vault=vault, clock=clock)
        return await checks.examine(
            await accounts.find(), doors, environment=settings.mpesa_environment, now=clock.now()
        )


async def test_a_good_account_is_found_good(db: str, settings: Settings, vault: Vault, clock: Clock) -> None:
    account = await factories.mpesa_account(vault)
    now = clock.now()
    await accounts.set_initiator(
        account, name="vochaapi", password="Secret#1", certificate=PEM, vault=vault, now=now, actor="user:7"
    )
    await accounts.note_registered(account, response_type="Completed", now=now, actor="user:7")
    await accounts.note_pull_registered(account, number="254722000000", now=now, actor="user:7")
    found = await look(settings_at(settings, "sandbox"), vault, clock, query=answer(500, REGISTERED))
    assert {finding.severity for finding in found} == {Severity.OK}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("token", "query", "severity", "said"),
    [
        (answer(400), answer(500, REGISTERED), Severity.BAD, "consumer key"),
        (answer(503), answer(500, REGISTERED), Severity.WARN, "busy"),
        (None, answer(500, refusal("500.001.1001", "Wrong credentials")), Severity.BAD, "passkey"),
        (None, answer(500, refusal("500.001.1001", "Merchant does not exist")), Severity.BAD, "shortcode"),
        (
            None,
            answer(400, refusal("400.002.02", "Bad Request - Invalid CheckoutRequestID")),
            Severity.WARN,
            "did not say",
        ),
        (None, answer(429), Severity.WARN, "slower"),
    ],
)
async def test_wrong_keys_shortcode_and_passkey_are_told_apart(
    db: str, settings: Settings, vault: Vault, clock: Clock, token: httpx.Response | None, query: httpx.Response,
    severity: Severity, said: str,
) -> None:  # fmt: skip
    await factories.mpesa_account(vault)
    found = await look(settings_at(settings, "sandbox"), vault, clock, query=query, token=token)
    assert any(finding.severity is severity and said in finding.sentence for finding in found), found


async def test_addresses_certificate_and_password_are_looked_at(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    account = await factories.mpesa_account(vault)
    await accounts.set_initiator(
        account, name="vochaapi", password="Secret#1", certificate=PEM, vault=vault, now=clock.now(), actor="user:7"
    )
    wrong = dataclasses.replace(settings_at(settings, "sandbox"), mpesa_callback_base="http://mpesa.local")
    clock.shift(timedelta(days=295))
    said = {
        finding.sentence % dict(finding.params)
        for finding in await look(wrong, vault, clock, query=answer(500, REGISTERED))
    }
    for part in (
        "reach mpesa.local",
        "“mpesa”",
        "certificate ends on",
        "90 days old",
        "register-urls",
        "--pull-number",
    ):
        assert any(part in sentence for sentence in said), part
    clock.shift(timedelta(days=10))
    said = {finding.sentence for finding in await look(wrong, vault, clock, query=answer(500, REGISTERED))}
    assert any("certificate ended on" in sentence for sentence in said)
