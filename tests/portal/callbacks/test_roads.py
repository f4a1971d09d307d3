"""Every road a message may come by: kept under what its address names, handled once, and nothing else than that."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest

from portal import callbacks
from portal.callbacks import addresses
from portal.callbacks.results import HANDLERS, Result
from portal.callbacks.store import MOST_UNTRUSTED, UNKNOWN_ADDRESSES
from portal.db import DB, Tx, atomic
from tests import factories
from tests.portal.callbacks.conftest import FOREIGN, LISTED, Counter, confirmation, success


async def outcomes() -> list[str]:
    return [row["outcome"] for row in await DB.fetch("SELECT outcome FROM callbacks ORDER BY id")]


async def test_five_copies_at_once_are_one_sale(counter: Counter) -> None:
    """Case 1."""
    payment = await counter.pending()
    answers = await asyncio.gather(*(counter.post(f"/cb/{payment.token}", success()) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert await counter.handle_all() == ["sold"]
    row = await DB.row("SELECT count(*) AS rows, sum(repeats)::int AS repeats FROM callbacks")
    assert row is not None
    assert tuple(row) == (1, 4)
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_five_different_tellings_at_once_are_one_sale(counter: Counter) -> None:
    """Case 1, where no two bodies are the same."""
    payment = await counter.pending()
    bodies = [success() + b" " * number for number in range(5)]
    await asyncio.gather(*(counter.post(f"/cb/{payment.token}", body) for body in bodies))
    ids = await callbacks.waiting(now=counter.clock.now())
    settled = await asyncio.gather(
        *(callbacks.handle(one, vault=counter.vault, now=counter.clock.now()) for one in ids)
    )
    assert sorted(map(str, settled)) == ["known"] * 4 + ["sold"]


async def test_a_wrong_name_is_404_and_leaves_nothing_but_a_count(counter: Counter) -> None:
    """Case 24."""
    payment = await counter.pending()
    wrong = [
        "0" * 64,
        payment.token[:-1],
        payment.token.upper() + "0",
        "x",
        "%00",
        "ä",
        f"{payment.token}/paid",
        f"{payment.token}/x/y",
    ]
    for name in wrong:
        assert (await counter.post(f"/cb/{name}", success())).status_code == 404, name
    assert (await counter.post("/cb", success())).status_code == 404
    assert await DB.value("SELECT count(*) FROM callbacks") == 0
    assert await DB.value("SELECT hits FROM limits WHERE name = $1", UNKNOWN_ADDRESSES) >= 7


async def test_a_success_from_elsewhere_is_kept_and_credits_nothing_by_itself(counter: Counter) -> None:
    """Case 25."""
    payment = await counter.pending()
    assert (await counter.post(f"/cb/{payment.token}", success(), source=FOREIGN)).status_code == 200
    assert await counter.handle_all() == ["to_verify"]
    assert await counter.granted() == 0
    assert await DB.value("SELECT next_query_at IS NOT NULL FROM payments WHERE id = $1", payment.id)
    assert await DB.value("SELECT verdict FROM callbacks") == "waiting"


async def test_a_header_makes_no_address_listed(counter: Counter) -> None:
    """X-Forwarded-For counts only from a proxy of ours."""
    payment = await counter.pending()
    forwarded = {"x-forwarded-for": f"196.201.214.200, {LISTED}"}
    await counter.post(f"/cb/{payment.token}", success(), source=FOREIGN, headers=forwarded)
    assert not await DB.value("SELECT is_trusted FROM callbacks")
    assert await DB.value("SELECT source FROM callbacks") == FOREIGN


async def test_a_message_that_comes_again_from_a_listed_address_counts(counter: Counter) -> None:
    payment = await counter.pending()
    await counter.post(f"/cb/{payment.token}", success(), source=FOREIGN)
    assert await counter.handle_all() == ["to_verify"]
    await counter.post(f"/cb/{payment.token}", success(), source=LISTED)
    assert await counter.handle_all() == ["sold"]
    assert await DB.value("SELECT verdict FROM callbacks") == "confirmed"


async def test_an_old_message_for_a_new_attempt_is_ignored(counter: Counter) -> None:
    """Case 27: genuine, replayed to another attempt's address."""
    await counter.pending()
    fresh = await counter.pending(request_id="ws_CO_20112026102000712345678")
    for source in (LISTED, FOREIGN):
        await counter.post(
            f"/cb/{fresh.token}", success(receipt=f"OLD{source[-2:].replace('.', 'X')}5678"), source=source
        )
    assert await counter.handle_all() == ["wrong_request", "wrong_request"]
    assert await counter.granted() == 0


async def test_a_receipt_used_elsewhere_is_refused_and_told(counter: Counter) -> None:
    """Case 28."""
    first, second = await counter.pending(), await counter.pending(request_id="ws_CO_2")
    await counter.post(f"/cb/{first.token}", success())
    await counter.post(f"/cb/{second.token}", success("ws_CO_2"))
    assert await counter.handle_all() == ["sold", "receipt_used"]
    assert await counter.events("receipt_used_again") == 1
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_an_unhandled_callback_is_found_after_a_restart(counter: Counter) -> None:
    """Case 29: the wake-up is lost with the process; the row is the truth, and is handled once."""
    payment = await counter.pending()
    await counter.post(f"/cb/{payment.token}", success())
    await DB.fetch("DELETE FROM pgqueuer")
    assert await counter.handle_all() == ["sold"]
    assert await counter.handle_all() == []
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_the_address_decides_whose_money_it_is_never_the_shortcode(counter: Counter) -> None:
    """Case 53: another tenant has the same shortcode in the message, and nobody else's address helps."""
    rival = await factories.merchant("Rival")
    stranger = await factories.mpesa_account(counter.vault, merchant_id=rival, shortcode="600111")
    async with atomic() as tx:
        name = await addresses.of_account(tx, stranger, now=counter.clock.now())
    payment = await counter.pending()
    reference = await DB.value("SELECT account_reference FROM payments WHERE id = $1", payment.id)
    assert (await counter.post(f"/cb/{name}/paid", confirmation(reference))).status_code == 200
    assert await counter.handle_all() == ["wrong_shortcode"]
    assert await counter.events("wrong_shortcode") == 1
    assert await counter.granted() == 0


ODD = [
    b"", b"{", b"null", b"[]", b"\x00" * 100, b"\xff\xfe{}", b"[" * 30_000, b'{"Body":{"stkCallback":[]}}', gzip.compress(success()),
    b" " * 300_000, b"x" * 2_000_000, success(code="SFC_XX9"), success(code=1e99), success(amount="ten"),
]  # fmt: skip


@pytest.mark.parametrize("road", ["", "/paid", "/result", "/timeout"])
async def test_whatever_comes_to_a_right_address_is_kept_and_answered_200(counter: Counter, road: str) -> None:
    """Case 47."""
    if road == "/paid":
        name = await counter.account_name()
    elif road:
        async with atomic() as tx:
            name = await addresses.of_request(tx, "odd", 7, account_id=counter.account_id, now=counter.clock.now())
    else:
        name = (await counter.pending()).token
    for body in ODD:
        answer = await counter.post(f"/cb/{name}{road}", body, headers={"content-encoding": "gzip"})
        assert answer.status_code == 200, body[:30]
        assert answer.json()["ResultCode"] == 0
    assert await DB.value("SELECT count(*) FROM callbacks") == len(ODD)
    assert await DB.value("SELECT max(octet_length(body)) FROM callbacks") == 65_536
    await counter.handle_all()
    assert await DB.value("SELECT count(*) FROM callbacks WHERE handled_at IS NULL") == 0
    assert await counter.granted() == 0
    assert await counter.events("callback_too_large") == 2
    told = await DB.value("SELECT count(DISTINCT entity_id) FROM events WHERE entity = 'callbacks'")
    assert told == len(ODD), "each of them is told"


async def test_two_long_messages_alike_at_the_start_are_two(counter: Counter) -> None:
    payment = await counter.pending()
    for end in (b"1", b"2"):
        await counter.post(f"/cb/{payment.token}", b" " * 100_000 + end)
    assert await DB.value("SELECT count(*) FROM callbacks") == 2


async def test_money_by_hand_pays_for_what_its_reference_names(counter: Counter) -> None:
    payment = await counter.pending()
    reference = await DB.value("SELECT account_reference FROM payments WHERE id = $1", payment.id)
    answer = await counter.post(f"/cb/{await counter.account_name()}/paid", confirmation(reference))
    assert answer.json() == {"ResultCode": 0, "ResultDesc": "Success"}
    assert await counter.handle_all() == ["sold"]
    row = await DB.row("SELECT road, payment_id, account_id FROM callbacks")
    assert row is not None
    assert tuple(row) == ("c2b", payment.id, counter.account_id)


async def test_money_by_hand_told_from_elsewhere_is_asked_about_and_credits_nothing(counter: Counter) -> None:
    payment = await counter.pending()
    reference = await DB.value("SELECT account_reference FROM payments WHERE id = $1", payment.id)
    await counter.post(f"/cb/{await counter.account_name()}/paid", confirmation(reference), source=FOREIGN)
    assert await counter.handle_all() == ["to_verify"]
    assert await counter.granted() == 0
    assert await counter.events("payment_unproved") == 1


async def test_an_account_keeps_its_address(counter: Counter) -> None:
    name = await counter.account_name()
    assert await counter.account_name() == name
    assert len(name) == 64
    path = addresses.path(name, addresses.CONFIRMATION)
    banned = ("mpesa", "safaricom", "exe", "cmd", "sql", "query")
    uses = (addresses.VALIDATION, addresses.CONFIRMATION, addresses.RESULT, addresses.TIMEOUT)
    assert not [word for use in uses for word in banned if word in addresses.path("", use)]
    assert path == f"/cb/{name}/paid"


async def test_the_common_address_finds_the_attempt_and_proves_nothing(counter: Counter) -> None:
    """The seeds' address: even from a listed source, a success waits for M-Pesa's word, and a failure fails nothing."""
    payment = await counter.pending()
    assert (await counter.post("/api/webhooks/mpesa", success())).status_code == 200
    assert (await counter.post("/api/webhooks/mpesa", success(code=1032))).status_code == 200
    assert await counter.handle_all() == ["to_verify", "to_verify"]
    row = await DB.row("SELECT status, next_query_at IS NOT NULL AS is_asked FROM payments WHERE id = $1", payment.id)
    assert row is not None
    assert tuple(row) == ("pending", True)
    assert await DB.value("SELECT bool_or(is_trusted) FROM callbacks") is False
    assert await counter.granted() == 0


@pytest.mark.parametrize("body", [b"", b"{}", success("ws_CO_nobody"), success("x" * 70), success("'; --"), b"\xff"])
async def test_the_common_address_keeps_nothing_it_cannot_place(counter: Counter, body: bytes) -> None:
    await counter.pending()
    assert (await counter.post("/api/webhooks/mpesa", body)).status_code == 404
    assert await DB.value("SELECT count(*) FROM callbacks") == 0


async def test_a_flood_about_one_payment_fills_nothing(counter: Counter) -> None:
    payment = await counter.pending()
    for number in range(MOST_UNTRUSTED + 20):
        body = success(receipt=f"F{number:09d}")
        assert (await counter.post(f"/cb/{payment.token}", body, source=FOREIGN)).status_code == 200
    assert await DB.value("SELECT count(*) FROM callbacks") == MOST_UNTRUSTED
    await counter.post(f"/cb/{payment.token}", success())
    assert "sold" in await counter.handle_all(), "M-Pesa's own message is kept all the same"


async def test_a_result_reaches_whoever_asked(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[Result] = []

    async def take(tx: Tx, result: Result) -> str:
        del tx
        came.append(result)
        return "done"

    monkeypatch.setitem(HANDLERS, "trial", take)
    async with atomic() as tx:
        name = await addresses.of_request(tx, "trial", 42, account_id=counter.account_id, now=counter.clock.now())
        assert name == await addresses.of_request(
            tx, "trial", 42, account_id=counter.account_id, now=counter.clock.now()
        )
    envelope = json.dumps({"Result": {"ResultCode": 0, "ConversationID": "AG_1"}}).encode()
    await counter.post(f"/cb/{name}/result", envelope)
    await counter.post(f"/cb/{name}/timeout", envelope, source=FOREIGN)
    assert await counter.handle_all() == ["done", "done"]
    told = [(one.kind, one.request_id, one.body, one.is_timeout, one.is_trusted) for one in came]
    assert told == [("trial", 42, envelope, False, True), ("trial", 42, envelope, True, False)]


async def test_a_result_nobody_takes_is_kept_and_told(counter: Counter) -> None:
    async with atomic() as tx:
        name = await addresses.of_request(tx, "nobody", 1, account_id=counter.account_id, now=counter.clock.now())
    assert (await counter.post(f"/cb/{name}/result", b"{}")).status_code == 200
    assert await counter.handle_all() == ["unclaimed"]
    assert await counter.events("result_unclaimed") == 1


async def test_an_address_serves_its_own_road_only(counter: Counter) -> None:
    payment, account = await counter.pending(), await counter.account_name()
    wrong = [f"/cb/{payment.token}/paid", f"/cb/{payment.token}/result", f"/cb/{account}", f"/cb/{account}/result"]
    for path in wrong:
        assert (await counter.post(path, success())).status_code == 404, path
    assert await DB.value("SELECT count(*) FROM callbacks") == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_only_posts_are_messages(counter: Counter, method: str) -> None:
    payment = await counter.pending()
    app: Any = counter.app
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        for path in (f"/cb/{payment.token}", "/api/webhooks/mpesa"):
            answer = await client.request(method, path)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "POST"
    assert await DB.value("SELECT count(*) FROM callbacks") == 0
