"""Pages of refunds and payouts: who sees and presses what, what forms say when something is wrong, and that everything is Swahili."""

import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal import payouts, refunds
from portal.clock import Clock
from portal.db import DB
from portal.identity import Actor, Role
from portal.refunds import Road, Scope, Wish
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in
from tests.portal.web.report_rows import main
from tests.portal.web.test_routers import owner, post

__all__ = ["owner"]

CANARY = "<img src=x onerror=alert(1)>\"'"
LOOKS = ("/refunds", "/refunds/{r}", "/payments/{p}/refund")
OWNERS = ("/payouts", "/payouts/{o}", "/payouts/statement")
BUTTONS = (
    "/payments/{p}/refund", *(f"/refunds/{{r}}/{verb}" for verb in ("approve", "drop", "retry", "given", "seen")), "/payouts",
    "/payouts/number", "/payouts/number/keep", "/payouts/plan", "/payouts/{o}/retry", "/payouts/{o}/drop",
)  # fmt: skip


async def sold(cast: Cast, vault: Vault, clock: Clock, *, cents: int = 5000, receipt: str = "UKK41H7QZD") -> int:
    """A payment with a receipt and a voucher; its id."""
    account = await DB.value("SELECT id FROM mpesa_accounts") or await factories.mpesa_account(vault)
    paid = await rows.payment(cast.router, cast.package_id, at=clock.now(), cents=cents, receipt=receipt)
    await rows.access(paid, vault, at=clock.now(), voucher="paid", is_open=False)
    await factories.receipt(cast.merchant_id, amount_cents=cents, receipt=receipt, payment_id=paid, account_id=account)
    await DB.fetch("UPDATE receipts SET phone = $1 WHERE receipt = $2", factories.PHONE, receipt)
    return paid


def who(cast: Cast, user_id: int, role: Role = Role.OWNER) -> Actor:
    return Actor(
        user_id=user_id, merchant_id=cast.merchant_id, role=role, is_operator=False, name="A", email="a@example.com"
    )


@pytest.fixture
async def places(cast: Cast, vault: Vault, clock: Clock) -> dict[str, int]:
    """A payment, a refund the cashier asked for, and a payout."""
    first = await sold(cast, vault, clock)
    other = await sold(cast, vault, clock, receipt="UKK41H7QZE")
    await sold(cast, vault, clock, receipt="UKK41H7QZG")
    cashier = await DB.value("SELECT id FROM users WHERE email = $1", cast.cashier)
    master = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    wish = Wish(scope=Scope.WHOLE, road=Road.REVERSAL, why=CANARY)
    refund = await refunds.request(who(cast, cashier, Role.CASHIER), other, wish, now=clock.now())
    [payout] = await payouts.ask(who(cast, master), amount_cents=1000, form_key="k", now=clock.now())
    return {"p": first, "r": refund, "o": payout}


async def test_strangers_find_nothing_and_change_nothing(app: Litestar, cast: Cast, places: dict[str, int]) -> None:
    nobodys = dict.fromkeys(places, 999_999)
    reference = re.compile(r"[0-9a-f]{4}-[0-9a-f]{4}")
    counted = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM ledger_postings)"
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        before = tuple(await DB.row(counted) or ())
        for path in (*LOOKS, *OWNERS):
            if "{" in path:
                theirs, missing = await rival.get(path.format(**places)), await rival.get(path.format(**nobodys))
                assert theirs.status_code == missing.status_code == 404, path
                assert reference.sub("", theirs.text) == reference.sub("", missing.text), path
        for path in BUTTONS:
            if "{" in path:
                answer = await post(
                    rival, path.format(**places), scope="whole", road="reversal", why="why", note="note"
                )
                assert answer.status_code == 404, path
        assert tuple(await DB.row(counted) or ()) == before
        assert "UKK41H7QZE" not in (await rival.get("/refunds")).text


async def test_cashiers_ask_and_viewers_look(app: Litestar, cast: Cast, places: dict[str, int]) -> None:
    async with browser(app) as client:
        await sign_in(client, cast.cashier)
        for path in LOOKS:
            assert (await client.get(path.format(**places))).status_code == 200, path
        for path in OWNERS:
            assert (await client.get(path.format(**places))).status_code == 403, path
        for path in BUTTONS[5:]:
            assert (await post(client, path.format(**places))).status_code == 403, path
        assert (await post(client, f"/refunds/{places['r']}/approve")).status_code == 403
        asked = await post(client, f"/payments/{places['p']}/refund", scope="whole", road="reversal", why="no internet")
        assert asked.status_code == 303
        assert "Waits for approval" in (await client.get(asked.headers["location"])).text
        await DB.fetch("UPDATE memberships SET role = 'viewer' WHERE role = 'cashier'")
        assert (await client.get("/refunds")).status_code == 200
        assert (await client.get(f"/payments/{places['p']}/refund")).status_code == 403
        page = await client.get(f"/refunds/{places['r']}")
        assert "/approve" not in page.text


async def test_the_form_for_money_back_leads_to_another_voucher_for_who_may_give_one(
    app: Litestar, cast: Cast, places: dict[str, int]
) -> None:
    link = f'href="/payments/{places["p"]}/voucher"'
    for email, is_there in ((cast.owner, True), (cast.cashier, False)):
        async with browser(app) as client:
            await sign_in(client, email)
            page = await client.get(f"/payments/{places['p']}/refund")
            assert (page.status_code, link in page.text) == (200, is_there)


async def test_an_owner_approves_and_the_page_says_what_comes(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    page = await owner.get(f"/refunds/{places['r']}")
    assert "the voucher stops working" in main(page)
    assert (await post(owner, f"/refunds/{places['r']}/approve")).status_code == 303
    assert "Approved" in main(await owner.get(f"/refunds/{places['r']}"))
    again = await post(owner, f"/refunds/{places['r']}/approve")
    assert again.status_code == 409
    assert "decided about this refund already" in main(again)


async def test_a_form_says_what_is_missing_and_keeps_what_was_typed(
    owner: httpx.AsyncClient, places: dict[str, int]
) -> None:
    answer = await post(owner, f"/payments/{places['p']}/refund", scope="part", road="b2c", amount="ten", why=CANARY)
    assert answer.status_code == 422
    assert "whole shillings, less than the price" in main(answer)
    assert "<img" not in answer.text
    assert 'value="ten"' in answer.text
    assert (await post(owner, f"/payments/{places['p']}/refund", scope="x", road="y", why="")).status_code == 422
    assert await DB.value("SELECT count(*) FROM refunds") == 1


async def test_a_second_request_says_that_it_is_given_back_already(
    owner: httpx.AsyncClient, places: dict[str, int]
) -> None:
    fields = {"scope": "whole", "road": "reversal", "why": "no internet"}
    assert (await post(owner, f"/payments/{places['p']}/refund", **fields)).status_code == 303
    again = await post(owner, f"/payments/{places['p']}/refund", **fields)
    assert again.status_code == 409
    assert "given back already" in again.text


async def test_a_payout_is_asked_for_once_per_form(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    fields = {"amount": "20", "form_key": "same"}
    first, second = await post(owner, "/payouts", **fields), await post(owner, "/payouts", **fields)
    assert first.headers["location"] == second.headers["location"]
    assert await DB.value("SELECT count(*) FROM payouts") == 2
    too_much = await post(owner, "/payouts", amount="99999", form_key="other")
    assert too_much.status_code == 422
    assert "not more than what we owe you" in main(too_much)


async def test_the_number_needs_the_password(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    assert (await post(owner, "/payouts/number", phone="0722000111", password="")).status_code == 422
    done = await post(owner, "/payouts/number", phone="0722000111", password=rows.PASSWORD)
    assert done.status_code == 303
    assert "0722" in main(await owner.get("/payouts"))
    await post(owner, "/payouts/number", phone="0733000111", password=rows.PASSWORD)
    assert "entered a new number" in main(await owner.get("/payouts"))
    assert (await post(owner, "/payouts/number/keep")).status_code == 303
    assert "entered a new number" not in main(await owner.get("/payouts"))
    assert (await post(owner, "/payouts/number/keep")).status_code == 409


async def test_the_plan_is_kept(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    fields = {"schedule": "weekly", "weekday": "5", "minimum": "200", "threshold": "5000"}
    assert (await post(owner, "/payouts/plan", **fields)).status_code == 303
    assert 'value="5" selected' in (await owner.get("/payouts")).text
    assert (await post(owner, "/payouts/plan", **fields | {"weekday": "9"})).status_code == 422
    assert (await post(owner, "/payouts/plan", **fields | {"minimum": "1"})).status_code == 422


async def test_a_month_that_does_not_exist_is_not_there(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    assert (await owner.get("/payouts/statement?month=2026-13")).status_code == 404
    assert (await owner.get("/payouts/statement?month=1999-01")).status_code == 200


async def test_an_operator_decides_about_the_platforms_own(app: Litestar, cast: Cast, clock: Clock) -> None:
    receipt = await factories.receipt(None, receipt="UKK41H7QZF")
    refund = await factories.refund(receipt)
    async with browser(app) as operator:
        await sign_in(operator, cast.operator)
        assert "UKK41H7QZF" in (await operator.get("/refunds")).text
        assert (await operator.get(f"/refunds/{refund}")).status_code == 200


async def test_nothing_somebody_wrote_is_markup(owner: httpx.AsyncClient, places: dict[str, int]) -> None:
    await DB.fetch("UPDATE users SET name = $1", CANARY)
    await DB.fetch("UPDATE merchants SET name = $1", CANARY)
    for path in (*LOOKS, *OWNERS):
        assert "<img" not in (await owner.get(path.format(**places))).text, path


async def test_every_page_speaks_swahili(owner: httpx.AsyncClient, places: dict[str, int], clock: Clock) -> None:
    english = re.compile(
        r"\b(Refund|Payouts?|Approve|Statement|money|Money|voucher|Asked for|Waits|Everything|Pay out|owe|Brought|Sales)\b"
    )
    await DB.fetch("UPDATE payouts SET held_why = 'number'")
    for path in (*LOOKS, *OWNERS):
        text = main(await owner.get(f"{path.format(**places)}?l=sw")).replace(CANARY, "")
        assert not english.search(re.sub(r"<[^>]*>", " ", text)), (path, english.search(text))
    assert clock.now() > clock.now() - timedelta(1)
    assert await form_token(owner, "/payouts")
