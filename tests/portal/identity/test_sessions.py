"""Sessions that can be seen and ended, proving anew before what is dangerous, and shops one goes between."""

import re
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.cookies import SESSION
from portal.db import DB
from portal.identity import Actor, sessions, signing_in
from tests.portal.identity.conftest import Mails
from tests.portal.identity.test_links import post
from tests.portal.web import rows
from tests.portal.web.conftest import Cast, browser, form_token, sign_in

CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
async def owner(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await sign_in(client, cast.owner)
    return client


async def test_one_sees_where_one_is_signed_in_and_ends_it(owner: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    async with browser(app) as phone, browser(app) as third:
        phone.headers["user-agent"] = CHROME
        await sign_in(phone, cast.owner)
        await sign_in(third, cast.owner)
        page = (await owner.get("/account/sessions")).text
        assert "Chrome, Android" in page
        ends = re.findall(r'action="(/account/sessions/\d+/end)"', page)
        assert len(ends) == 2
        assert (await post(owner, ends[-1], "/account")).status_code == 303
        assert (await phone.get("/home")).status_code == 303
        assert (await third.get("/home")).status_code == 200
        await post(owner, "/account/sessions/end-others", "/account")
        assert (await third.get("/home")).status_code == 303
        assert (await owner.get("/home")).status_code == 200


async def test_nobody_ends_anothers_session(owner: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    mine = await DB.value("SELECT max(id) FROM user_sessions")
    async with browser(app) as rival:
        await sign_in(rival, cast.rival)
        assert (await post(rival, f"/account/sessions/{mine}/end", "/account")).status_code == 404
    assert (await post(owner, f"/account/sessions/{mine}/end", "/account")).status_code == 404, (
        "nor the one in use by this"
    )
    assert (await owner.get("/home")).status_code == 200


async def test_a_new_browser_is_told_by_mail_and_a_known_one_is_not(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, mails: Mails
) -> None:
    assert await mails(cast.owner) == [], "the first browser of all is no news"
    async with browser(app) as phone:
        phone.headers["user-agent"] = CHROME
        for _ in range(2):
            await sign_in(phone, cast.owner)
            await post(phone, "/sign-out", "/account")
    [(kind, text)] = await mails(cast.owner)
    assert kind == "account_browser"
    assert "Chrome, Android" in text


async def test_a_browser_that_was_here_before_signs_in_whatever_others_try(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    await post(owner, "/sign-out", "/account")
    async with browser(app) as neighbour:
        answers = [(await sign_in(neighbour, cast.owner, "wrong wrong")).status_code for _ in range(6)]
        assert answers[-1] == 429
        assert (await sign_in(neighbour, cast.owner)).status_code == 429
    assert (await sign_in(owner, cast.owner)).status_code == 303, "behind the same address"


async def test_a_browser_cookie_nobody_gave_is_no_key(cast: Cast, app: Litestar) -> None:
    async with browser(app) as thief:
        thief.cookies.set("vocha_browser", "made-up", domain="portal.test")
        answers = [(await sign_in(thief, cast.owner, "wrong wrong")).status_code for _ in range(6)]
        assert answers[-1] == 429
        thief.cookies.set("vocha_browser", "made-up-too", domain="portal.test")
        assert (await sign_in(thief, cast.owner)).status_code == 429


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge, Windows",
        ),
        ("curl/8.0", "curl/8.0"),
        ("\x00", "?"),
    ],
)
def test_browsers_are_called_what_people_call_them(agent: str, name: str) -> None:
    assert signing_in.name_of(agent) == name


# -- proving anew ------------------------------------------------------------------------------------------------


async def test_after_a_quarter_of_an_hour_the_dangerous_asks_again_and_leads_back(
    owner: httpx.AsyncClient, cast: Cast, clock: Clock
) -> None:
    assert (await owner.get("/account/app")).status_code == 200
    clock.shift(timedelta(minutes=15, seconds=1))
    assert (await owner.get("/account/app")).headers["location"] == "/prove?next=/account/app"
    late = await post(owner, "/team/invite", "/account", email="a@b.test", role="viewer")
    assert late.status_code == 200, "a form opened in time may be sent a little later"
    clock.shift(timedelta(minutes=15))
    answer = await post(owner, "/team/invite", "/account", email="c@d.test", role="viewer")
    assert answer.headers["location"] == "/prove?next=/team"
    assert await DB.value("SELECT count(*) FROM identity_links WHERE email = 'c@d.test'") == 0
    assert (await post(owner, "/prove", "/prove", next="/team", password="wrong wrong")).status_code == 422
    answer = await post(owner, "/prove", "/prove", next="/team", password=rows.PASSWORD)
    assert answer.headers["location"] == "/team"
    assert (await post(owner, "/team/invite", "/team", email="c@d.test", role="viewer")).status_code == 200


async def test_proving_cannot_be_guessed_at_a_session_left_open(owner: httpx.AsyncClient) -> None:
    answers = [(await post(owner, "/prove", "/prove", password=f"wrong {n}")).status_code for n in range(6)]
    assert answers == [422] * 5 + [429]
    assert (await post(owner, "/prove", "/prove", next="//evil.test", password=rows.PASSWORD)).status_code == 429


async def test_proving_leads_to_no_other_site(owner: httpx.AsyncClient) -> None:
    answer = await post(owner, "/prove", "/prove", next="//evil.test", password=rows.PASSWORD)
    assert answer.headers["location"] == "/"


# -- shops -------------------------------------------------------------------------------------------------------


async def test_who_works_at_two_shops_goes_between_them_and_old_forms_are_worthless(
    owner: httpx.AsyncClient, cast: Cast
) -> None:
    me = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    await DB.fetch("INSERT INTO memberships (merchant_id, user_id, role) VALUES ($1, $2, 'viewer')", cast.rival_id, me)
    before, token = owner.cookies[SESSION], await form_token(owner, "/account")
    answer = await post(owner, "/switch", "/account", merchant=str(cast.rival_id))
    assert answer.headers["location"] == "/"
    assert owner.cookies[SESSION] != before
    assert "Rival Wi-Fi" in (await owner.get("/home")).text
    assert (await owner.post("/settings/time", data={"_csrf": token})).status_code == 403
    assert (await owner.get("/settings/time")).status_code == 403, "only a viewer here"
    await post(owner, "/switch", "/account", merchant=str(cast.merchant_id))
    assert (await owner.get("/settings/time")).status_code == 200


async def test_every_page_leads_to_ones_other_shops_and_with_one_shop_asks_for_none(
    owner: httpx.AsyncClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Actor] = []
    places_of = sessions.places_of

    async def counted(actor: Actor) -> Sequence[sessions.Place]:
        asked.append(actor)
        return await places_of(actor)

    monkeypatch.setattr(sessions, "places_of", counted)
    for path in ("/home", "/more", "/account"):
        assert 'action="/switch"' not in (await owner.get(path)).text, path
    assert asked == []
    me = await DB.value("SELECT id FROM users WHERE email = $1", cast.owner)
    await DB.fetch("INSERT INTO memberships (merchant_id, user_id, role) VALUES ($1, $2, 'viewer')", cast.rival_id, me)
    buttons = re.compile(r'<button type="submit" (?:class="btn" )?name="merchant" value="(\d+)"')
    for path, lists in {"/home": 1, "/more": 2, "/account": 2}.items():
        page = (await owner.get(path)).text
        assert buttons.findall(page) == [str(cast.rival_id)] * lists, "not where one is already"
        assert '<details class="shops">' in page
    side = re.search(r'<details class="shops">.*?</details>', (await owner.get("/home")).text, re.DOTALL)
    assert side is not None
    token = re.search(r'name="_csrf" value="([^"]+)"', side[0])
    assert token is not None
    answer = await owner.post("/switch", data={"_csrf": token[1], "merchant": str(cast.rival_id)})
    assert answer.status_code == 303
    assert "Go to Kilimani Corner" in (await owner.get("/home")).text


async def test_nobody_goes_to_a_shop_one_does_not_work_for(owner: httpx.AsyncClient, cast: Cast) -> None:
    for where in (str(cast.rival_id), "999", "x", "", "9" * 30):
        assert (await post(owner, "/switch", "/account", merchant=where)).status_code == 404, where
    assert "Kilimani Corner" in (await owner.get("/home")).text


# -- the team ----------------------------------------------------------------------------------------------------


async def ids(cast: Cast) -> dict[str, int]:
    return {row["email"]: row["id"] for row in await DB.fetch("SELECT id, email FROM users")}


async def test_who_is_removed_is_out_at_once(owner: httpx.AsyncClient, cast: Cast, app: Litestar) -> None:
    juma = (await ids(cast))[cast.cashier]
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get("/home")).status_code == 200
        assert (await post(owner, f"/team/{juma}/remove", "/team")).status_code == 303
        assert (await cashier.get("/home")).status_code == 303
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get("/home")).status_code == 404


async def test_another_role_holds_from_the_next_page_on_and_ends_the_session_before(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar
) -> None:
    juma = (await ids(cast))[cast.cashier]
    async with browser(app) as cashier:
        await sign_in(cashier, cast.cashier)
        await post(owner, f"/team/{juma}/role", "/team", role="manager")
        assert (await cashier.get("/home")).status_code == 303
        await sign_in(cashier, cast.cashier)
        assert (await cashier.get("/settings/time")).status_code == 200


async def test_the_last_owner_stays_until_there_is_another(owner: httpx.AsyncClient, cast: Cast) -> None:
    people = await ids(cast)
    me, juma = people[cast.owner], people[cast.cashier]
    for path, fields in ((f"/team/{me}/remove", {}), (f"/team/{me}/role", {"role": "viewer"})):
        answer = await post(owner, path, "/team", **fields)
        assert answer.status_code == 409
        assert "must have an owner" in answer.text
    assert (await post(owner, f"/team/{juma}/hand-over", "/team", password="wrong wrong")).status_code == 422
    assert (await post(owner, f"/team/{juma}/hand-over", "/team", password=rows.PASSWORD)).status_code == 303
    found = {row["user_id"]: row["role"] for row in await DB.fetch("SELECT user_id, role FROM memberships")}
    assert (found[juma], found[me]) == ("owner", "manager")


async def test_two_owners_leaving_at_once_leave_one(cast: Cast, app: Litestar) -> None:
    import asyncio

    await rows.person("asha@kilimani.test", cast.merchant_id)
    people = await ids(cast)
    async with browser(app) as one, browser(app) as other:
        await sign_in(one, cast.owner)
        await sign_in(other, "asha@kilimani.test")
        tokens = [await form_token(each, "/account") for each in (one, other)]
        answers = await asyncio.gather(
            one.post(f"/team/{people[cast.owner]}/remove", data={"_csrf": tokens[0]}),
            other.post(f"/team/{people['asha@kilimani.test']}/remove", data={"_csrf": tokens[1]}),
        )
    assert sorted(answer.status_code for answer in answers) == [303, 409]


# -- who did what ------------------------------------------------------------------------------------------------


async def test_the_history_says_who_when_and_from_where(
    owner: httpx.AsyncClient, cast: Cast, app: Litestar, clock: Clock
) -> None:
    await post(owner, f"/routers/{cast.router.id}/pause", "/account")
    async with browser(app) as cashier, browser(app) as rival:
        await sign_in(cashier, cast.cashier)
        page = (await owner.get("/history")).text
        assert page.index("Signed in") < page.index("Paused a router")
        assert "127.0.0.1" in page
        mine = (await ids(cast))[cast.cashier]
        assert "Paused a router" not in (await owner.get(f"/history?who={mine}")).text
        assert "Juma K.</small>" in re.sub(r", <span.*?</span>", "", (await owner.get(f"/history?who={mine}")).text)
        assert "Paused a router" in (await owner.get("/history?kind=routers")).text
        assert "Signed in" not in (await owner.get("/history?kind=routers")).text
        assert "Nobody did anything" in (await owner.get("/history?until=2020-01-01")).text
        assert (await owner.get("/history?who=x&kind=%00&since=9999-99-99&before=1")).status_code == 200
        await sign_in(rival, cast.rival)
        assert "Paused a router" not in (await rival.get("/history")).text
    assert (await owner.get("/history.csv")).text.count("\r\n") == 4
    assert await DB.value("SELECT count(*) FROM event_places") == await DB.value(
        "SELECT count(*) FROM events WHERE actor LIKE 'user:%'"
    )


async def test_the_history_goes_on_page_by_page_and_its_file_runs_nothing(owner: httpx.AsyncClient, cast: Cast) -> None:
    await DB.fetch("UPDATE users SET name = '=cmd()' WHERE email = $1", cast.owner)
    await DB.fetch(
        """INSERT INTO events (merchant_id, entity, entity_id, name, actor)
           SELECT $1, 'routers', 1, 'pause', 'user:1' FROM generate_series(1, 120)""",
        cast.merchant_id,
    )
    seen, path = 0, "/history?kind=routers"
    while path:
        page = (await owner.get(path)).text
        seen += page.count("Paused a router")
        more = re.findall(r'href="(/history\?[^"]*before=\d+)" rel|rel="next" href="(/history\?[^"]*)"', page)
        path = "".join(more[0]).replace("&amp;", "&") if more else ""
    assert seen == 120
    assert ",=cmd" not in (await owner.get("/history.csv")).text
