"""Who gets in at the API, and in what words everybody else is refused."""

from datetime import timedelta

import httpx
import pytest

from portal import api_tokens
from portal.api_tokens import Scope
from portal.clock import Clock
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import roles
from portal.vault import Vault
from tests import factories
from tests.portal.api.conftest import ALL, Programs, actor_of, problem
from tests.portal.web.conftest import Cast, browser, sign_in


async def test_a_token_opens_its_merchants_rows_and_says_what_it_is_for(program: httpx.AsyncClient, cast: Cast) -> None:
    me = (await program.get("/api/me")).json()
    assert me["merchant"]["id"] == cast.merchant_id
    assert (me["token"], me["role"], me["scopes"]) == ("Till", "owner", sorted(ALL))


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer vocha_wrong", "Basic dm9jaGE6eA==", "Bearer " + "x" * 5000])
async def test_without_a_token_that_works_nobody_gets_in(programs: Programs, header: str | None) -> None:
    nobody = programs.with_token(None)
    answer = await nobody.get("/api/me", headers={"authorization": header} if header else {})
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_cookie_counts_for_nothing_and_none_is_set(app: object, cast: Cast) -> None:
    async with browser(app) as client:  # pyright: ignore[reportArgumentType]
        await sign_in(client, cast.owner)
        assert (await client.get("/account")).status_code == 200
        answer = await client.get("/api/me")
        problem(answer, 401)
        assert "set-cookie" not in answer.headers


async def test_a_revoked_and_an_expired_token_open_nothing(programs: Programs, cast: Cast, clock: Clock) -> None:
    made = await programs.token(cast.owner)
    till = programs.with_token(made.token)
    assert (await till.get("/api/me")).status_code == 200
    clock.shift(timedelta(days=31))
    problem(await till.get("/api/me"), 401)
    clock.shift(timedelta(days=-31))
    await api_tokens.revoke(await actor_of(cast.owner), made.id, now=clock.now())
    problem(await till.get("/api/me"), 401)
    names = await DB.fetch("SELECT name, actor FROM events WHERE entity = 'api_tokens' ORDER BY id")
    assert [row["name"] for row in names] == ["made", "revoked"]


async def test_a_token_is_never_mightier_than_its_maker_is_today(programs: Programs, cast: Cast) -> None:
    till = await programs.of(cast.owner)
    await DB.fetch("UPDATE memberships SET role = 'viewer' WHERE merchant_id = $1", cast.merchant_id)
    assert "vouchers:write" not in (await till.get("/api/me")).json()["scopes"]
    body = {"package_id": cast.package_id, "count": 1}
    problem(await till.post(f"/api/routers/{cast.router.id}/vouchers/generate", json=body), 403)
    await DB.fetch("DELETE FROM memberships WHERE merchant_id = $1", cast.merchant_id)
    problem(await till.get("/api/me"), 401)


async def test_who_leaves_the_team_takes_no_token_along_and_brings_none_back(
    programs: Programs, cast: Cast, clock: Clock
) -> None:
    await DB.fetch(
        "UPDATE memberships SET role = 'manager' WHERE user_id = (SELECT id FROM users WHERE email = $1)", cast.cashier
    )
    till = await programs.of(cast.cashier)
    assert (await till.get("/api/me")).json()["role"] == "manager"
    member = await actor_of(cast.cashier)
    await roles.remove(await actor_of(cast.owner), member.user_id, now=clock.now())
    problem(await till.get("/api/me"), 401)
    await DB.fetch(
        "INSERT INTO memberships (merchant_id, user_id, role) VALUES ($1, $2, 'owner')",
        cast.merchant_id,
        member.user_id,
    )
    problem(await till.get("/api/me"), 401)


async def test_a_token_is_kept_as_a_hash_and_a_second_tap_makes_no_second(
    programs: Programs, cast: Cast, clock: Clock
) -> None:
    first, second = await programs.token(cast.owner), await programs.token(cast.owner)
    assert first == second
    assert len(first.token) == len("vocha_") + 43
    stored = await DB.fetch("SELECT * FROM api_tokens")
    assert len(stored) == 1
    assert first.token not in str([tuple(row.values()) for row in stored])
    clock.shift(timedelta(minutes=3))
    with pytest.raises(Conflict):
        await programs.token(cast.owner)


async def test_only_owners_and_managers_make_tokens(programs: Programs, cast: Cast, vault: Vault, clock: Clock) -> None:
    with pytest.raises(Forbidden):
        await programs.token(cast.cashier)
    with pytest.raises(Invalid) as wrong:
        await api_tokens.make(
            await actor_of(cast.owner), " ", scopes=["everything"], days=7, form_key="a", vault=vault, now=clock.now()
        )
    assert set(wrong.value.fields) == {"name", "scopes", "days"}
    made = await programs.token(cast.owner)
    with pytest.raises(NotFound):
        await api_tokens.revoke(await actor_of(cast.rival), made.id, now=clock.now())


async def test_a_token_that_asks_too_often_waits_and_wrong_ones_keep_nobody_else_out(
    programs: Programs, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "REQUESTS", (3, 60))
    monkeypatch.setattr(api_tokens, "WRONG", (2, 60))
    till, guesser = await programs.of(cast.owner), programs.with_token("vocha_guess")
    assert [(await guesser.get("/api/me")).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert [(await till.get("/api/me")).status_code for _ in range(3)] == [200, 200, 200]
    answer = await till.get("/api/me")
    problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/vouchers", Scope.VOUCHERS_READ),
        ("GET", "/api/payments", Scope.PAYMENTS_READ),
        ("GET", "/api/routers", Scope.ROUTERS_READ),
        ("GET", "/api/packages", Scope.PACKAGES_READ),
        ("GET", "/api/reports/summary", Scope.REPORTS_READ),
        ("POST", "/api/routers/{r}/vouchers/bulk-sync", Scope.ROUTERS_SYNC),
        ("POST", "/api/vouchers/1/revoke", Scope.VOUCHERS_WRITE),
    ],
)
async def test_each_scope_opens_its_own_and_nothing_else(
    programs: Programs, cast: Cast, method: str, path: str, scope: Scope
) -> None:
    address, body = path.format(r=cast.router.id), {"json": {"why": "tried"}} if method == "POST" else {}
    others = await programs.of(cast.owner, [one for one in ALL if one != scope])
    answer = await others.request(method, address, **body)
    assert scope.value in problem(answer, 403)["detail"]
    assert f'scope="{scope.value}"' in answer.headers["www-authenticate"]
    own = await programs.of(cast.owner, [scope])
    assert (await own.request(method, address, **body)).status_code in (200, 202, 404)


async def test_every_error_below_api_is_a_problem(program: httpx.AsyncClient, cast: Cast) -> None:
    generate = f"/api/routers/{cast.router.id}/vouchers/generate"
    problem(await program.get("/api/nothing/here"), 404)
    answer = await program.put("/api/me")
    assert problem(answer, 405)["detail"]
    assert "GET" in answer.headers["allow"]
    problem(await program.post(generate, content=b"count=1", headers={"content-type": "text/plain"}), 415)
    problem(await program.post(generate, content=b"{", headers={"content-type": "application/json"}), 400)
    problem(await program.get("/api/vouchers/99999999999999999999999"), 404)
    problem(await program.get("/api/vouchers/0"), 404)
    big = b'{"note": "' + b"x" * 70_000 + b'"}'
    problem(await program.post(generate, content=big, headers={"content-type": "application/json"}), 413)


async def test_a_wrong_field_is_named_by_a_pointer_and_a_parameter_by_name(
    program: httpx.AsyncClient, cast: Cast
) -> None:
    generate = f"/api/routers/{cast.router.id}/vouchers/generate"
    bodies = {
        "#/count": {"package_id": cast.package_id, "count": 10_001},
        "#/package_id": {"package_id": "x", "count": 1},
        "#": {"count": 1},
        "#/prefix": {"package_id": cast.package_id, "count": 1, "prefix": "0O1-"},
    }
    for pointer, body in bodies.items():
        told = problem(await program.post(generate, json=body), 422)
        assert [one.get("pointer") for one in told["errors"]] == [pointer], told
    surprise = {"package_id": cast.package_id, "count": 1, "price_cents": 1}
    assert "price_cents" in str(problem(await program.post(generate, json=surprise), 422)["errors"])
    for name, value in (("limit", "0"), ("limit", "x"), ("status", "stolen"), ("cursor", "abc")):
        told = problem(await program.get("/api/vouchers", params={name: value}), 422)
        assert [one.get("parameter") for one in told["errors"]] == [name], told
    assert await DB.value("SELECT count(*) FROM batches") == 0


async def test_strangers_rows_are_as_missing_as_those_nobody_has(programs: Programs, cast: Cast, vault: Vault) -> None:
    voucher = await factories.voucher(vault, cast.merchant_id, cast.package_id)
    payment = await factories.payment(cast.merchant_id, status="paid")
    rival = await programs.of(cast.rival)
    for path, mine in (
        ("/api/vouchers/{}", voucher),
        ("/api/payments/{}", payment),
        ("/api/routers/{}", cast.router.id),
        ("/api/packages/{}", cast.package_id),
        ("/api/routers/{}/vouchers", cast.router.id),
        ("/api/routers/{}/vouchers/export", cast.router.id),
    ):
        told = [problem(await rival.get(path.format(row)), 404) for row in (mine, 999_999)]
        assert {**told[0], "reference": ""} == {**told[1], "reference": ""}
    told = problem(await rival.post(f"/api/routers/{cast.router.id}/vouchers/bulk-sync"), 404)
    body = {"package_id": cast.rival_package_id, "count": 1}
    told = problem(await rival.post(f"/api/routers/{cast.router.id}/vouchers/generate", json=body), 404)
    assert told["detail"] == "There is nothing here."
    told = problem(await rival.post(f"/api/vouchers/{voucher}/revoke", json={"why": "mine now"}), 404)
    assert (await rival.get("/api/vouchers")).json()["items"] == []
    assert (await rival.get("/api/payments")).json()["items"] == []


async def test_an_error_of_ours_tells_nothing_of_itself(
    program: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("portal.controllers.api.shops.merchants.profile", broken)
    told = problem(await program.get("/api/me"), 500)
    assert "secret" not in str(told)
