"""The page of a checkout: each state's words and next step, what it never says, and who may see what."""

import re
from datetime import timedelta
from html import unescape

from portal.captive.failures import FAILURES, OTHERWISE, Next
from portal.captive.states import screen
from portal.checkouts import CheckoutState, look
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from portal.web import FOLDER
from tests import factories
from tests.portal.captive.conftest import IP, MAC, Phone, hidden_fields
from tests.portal.captive.stages import Stage

NBSP = "\u00a0"
TAKEN = "Nothing was taken"


def _text(html: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def _open(phone: Phone, token: str, **query: str) -> str:
    page = await phone.browser.get(f"/w/{token}", params={"d": await phone.visit(), **query})
    assert page.status_code == 200
    return page.text


async def test_while_waiting_the_page_repeats_number_amount_and_name(phone: Phone, stage: Stage) -> None:
    html = await _open(phone, await stage.waiting(sent=True, age_s=30))
    for words in ("Check your phone", "0712 345", "KES 50", "Kilimani Corner", "Keep this page open."):
        assert words in _text(html).replace(NBSP, " ")
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in html
    assert 'data-k="waiting-sent"' in html
    assert re.search(r'<progress max="90" value="3[0-2]"', html)
    assert "Try again" not in html


async def test_a_request_that_is_not_sent_yet_is_not_called_sent(phone: Phone, stage: Stage) -> None:
    html = await _open(phone, await stage.waiting())
    assert '<li class="c" aria-current="step">Send the request' in html


async def test_silence_is_never_called_a_failure_and_offers_no_second_push(phone: Phone, stage: Stage) -> None:
    html = await _open(phone, await stage.waiting(sent=True, age_s=95))
    assert "M‑PESA has not answered yet" in html
    assert "Do not pay again" in html
    assert TAKEN not in html
    assert "<form" not in html
    assert "again</a>" not in html
    late = await _open(phone, await stage.waiting(sent=True, age_s=125))
    assert "No SMS? Start again" in late


async def test_each_failure_has_its_own_words_and_one_first_step(phone: Phone, stage: Stage) -> None:
    for code in (*FAILURES, "77777", None):
        html = await _open(phone, await stage.failed(code))
        expected = FAILURES.get(code or "", OTHERWISE)
        assert expected.heading in html, code
        assert expected.advice in _text(html), code
        assert (TAKEN in html) == (code in ("1", "1032", "2001")), code
        assert len(re.findall(r'class="b"', html)) == (0 if expected.next is Next.LATER else 1), code
        assert ("We keep watching" in html) == (code in ("1037", "1019")), code
        assert ("<noscript>" in html) == (expected.next is Next.LATER or code in ("1037", "1019")), code


def test_nothing_was_taken_is_said_only_where_mpesa_is_sure() -> None:
    assert {code for code, failure in FAILURES.items() if failure.nothing_taken} == {"1", "1032", "2001"}
    assert not OTHERWISE.nothing_taken


async def test_when_mpesa_asks_to_wait_the_button_comes_after_two_minutes(
    phone: Phone, stage: Stage, clock: Clock
) -> None:
    token = await stage.failed("17", age_s=30)
    early = await _open(phone, token)
    assert "<form" not in early
    assert re.search(r'<span id="s">(90|89|88)</span>', early)
    clock.shift(timedelta(seconds=100))
    late = await _open(phone, token)
    assert "<form" in late
    assert (await phone.browser.get(f"/w/{token}/state")).text == "failed-17"


async def test_trying_again_is_a_new_checkout_with_the_same_number(phone: Phone, stage: Stage) -> None:
    token = await stage.failed("1032")
    html = await _open(phone, token)
    fields = hidden_fields(html)
    action = re.search(r'<form method="post" action="([^"]+)"', html)
    assert action is not None
    answer = await phone.browser.post(unescape(action[1]), data=fields)
    assert answer.status_code == 303
    rows = await DB.fetch("SELECT token, phone FROM checkouts ORDER BY id")
    assert len(rows) == 2
    assert rows[0]["phone"] == rows[1]["phone"]
    assert rows[1]["token"] in answer.headers["location"]
    again = await phone.browser.post(unescape(action[1]), data=fields)
    assert again.headers["location"] == answer.headers["location"]


async def test_without_a_fresh_visit_trying_again_goes_by_the_router(phone: Phone, stage: Stage, clock: Clock) -> None:
    token, visit = await stage.failed("1032"), await phone.visit()
    clock.shift(timedelta(hours=5))
    for query in ({}, {"d": visit}, {"d": "forged"}):
        html = (await phone.browser.get(f"/w/{token}", params=query)).text
        assert "<form" not in html
        assert (
            f'href="http://10.5.50.1/login?dst=http%3A%2F%2Fportal.test%2Fc%2F{phone.shop.router.site}%2Fbuy%2F' in html
        )


async def test_another_amount_is_held_and_said_so(phone: Phone, stage: Stage) -> None:
    html = await _open(phone, await stage.mismatch())
    for words in (
        "Another amount came in",
        f"KES{NBSP}3<",
        f"KES{NBSP}50<",
        "Do not pay again",
        'href="tel:+254700000000"',
    ):
        assert words in html
    assert TAKEN not in html


async def test_paid_shows_the_code_before_the_phone_is_online(phone: Phone, stage: Stage) -> None:
    token = await stage.paid()
    html = await _open(phone, token)
    code = await stage.code_of(token)
    assert "You have paid. We are connecting you" in html
    assert f"{code[:5]}‑{code[5:]}" in html
    assert 'data-k="connecting"' in html
    await DB.fetch("UPDATE routers SET status = 'offline'")
    away = await _open(phone, token)
    assert "You have paid. The WiFi is down" in away
    assert "Do not pay again" in away
    assert "Your time starts only then." in away


async def test_connected_shows_code_end_receipt_and_where_to_go(phone: Phone, stage: Stage) -> None:
    token = await stage.connected()
    html = await _open(phone, token)
    code = await stage.code_of(token)
    for words in ("You are connected", f"{code[:5]}‑{code[5:]}", f"tomorrow{NBSP}at", "SKL4H7T", "Goes to example.com"):
        assert words in html
    assert '<a class="b" href="http://example.com/x">Start browsing</a>' in html
    assert "<script>" not in html
    plain = (await phone.browser.get(f"/w/{token}")).text
    assert '<a class="b" href="http://10.5.50.1/status">Start browsing</a>' in plain


async def test_the_payers_number_is_gone_from_the_page_once_there_is_a_code(phone: Phone, stage: Stage) -> None:
    """Whoever types the code sees this page, and it need not be the payer."""
    for token in (await stage.paid(), await stage.connected(), await stage.over()):
        assert "0712" not in (await _open(phone, token)).replace(NBSP, "").replace(token, "")


async def test_when_the_time_is_over_buying_again_is_one_tap(phone: Phone, stage: Stage) -> None:
    html = await _open(phone, await stage.over())
    assert "Your time is up" in html
    assert re.search(
        rf'<a class="b" href="/c/{phone.shop.router.site}/buy/{phone.shop.package_ids[1]}\?d=[^"]+">Buy', html
    )


async def test_the_state_is_told_in_one_word_that_the_page_knows(phone: Phone, stage: Stage) -> None:
    tokens = [await stage.waiting(), await stage.waiting(sent=True), await stage.failed("1037"), await stage.paid()]
    for token, key in zip(tokens, ("waiting", "waiting-sent", "failed-1037", "connecting"), strict=True):
        told = await phone.browser.get(f"/w/{token}/state")
        assert (told.status_code, told.text, told.headers["content-type"]) == (200, key, "text/plain; charset=utf-8")
        assert told.headers["cache-control"] == "no-store"
        assert f'data-k="{key}"' in await _open(phone, token)


async def test_an_unknown_checkout_is_a_plain_page(phone: Phone) -> None:
    for token in ("0" * 64, "x", "0" * 63, "A" * 64, "%00", "a" * 5000):
        for path in (f"/w/{token}", f"/w/{token}/state"):
            page = await phone.browser.get(path)
            assert (page.status_code, "There is nothing here" in page.text) == (404, True)


async def test_a_phone_that_comes_back_by_its_router_is_wished_in_again(phone: Phone, stage: Stage) -> None:
    token = await stage.connected()
    link = re.search(r'href="(http://10\.5\.50\.1/login\?dst=[^"]+)"', await _open(phone, token))
    assert link is not None
    answer = await phone.arrive(mac="A6:00:00:00:00:01", ip="10.5.50.77", link_orig=f"http://portal.test/w/{token}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/w/{token}?d=")
    grant = await DB.row("SELECT mac, ip, login_wanted_at FROM access_grants")
    assert grant is not None
    assert (grant["mac"], grant["ip"]) == ("A6:00:00:00:00:01", "10.5.50.77")
    assert grant["login_wanted_at"] is not None


async def test_at_another_router_nobody_is_wished_in(phone: Phone, stage: Stage, vault: Vault) -> None:
    token = await stage.connected()
    other = await factories.router(vault, await factories.merchant("Stranger"))
    query = {"mac": MAC, "ip": IP, "link-orig": f"http://portal.test/w/{token}"}
    answer = await phone.browser.get(f"/c/{other.site}", params=query)
    assert answer.status_code == 200
    assert await DB.value("SELECT login_wanted_at FROM access_grants") is None


async def test_on_the_way_back_to_a_package_its_form_opens(phone: Phone) -> None:
    path = phone.buy_path()
    answer = await phone.arrive(link_orig=f"http://portal.test{path}")
    assert (answer.status_code, answer.headers["location"].startswith(f"{path}?d=")) == (303, True)
    elsewhere = await phone.arrive(link_orig="http://portal.test/c/another/buy/1")
    assert elsewhere.status_code == 200


async def test_the_page_speaks_the_language_the_checkout_was_begun_in(phone: Phone, stage: Stage) -> None:
    token = await stage.waiting(language="sw")
    assert "Angalia simu yako" in await _open(phone, token)
    assert "Check your phone" in await _open(phone, token, l="en")
    assert "Angalia simu yako" in await _open(phone, token, l="xx")


async def test_every_state_has_a_screen(stage: Stage, vault: Vault, clock: Clock) -> None:
    """A new state without a template would be a failure in front of a paying customer."""
    view = await look(await stage.waiting(), vault=vault, now=clock.now())
    for state in CheckoutState:
        changed = type(view)(**{name: getattr(view, name) for name in view.__struct_fields__} | {"state": state})
        assert (FOLDER / screen(changed, now=clock.now()).template).is_file()
