"""Every page of the route table, in a real browser: axe, width, weight, policy. The rows are the matrix of rights, so a new page cannot be
forgotten: a route without a row fails there, and a row is a page here."""

from collections.abc import Mapping

import pytest
from playwright.async_api import Page, Response

from e2e import axe
from e2e.browsers import PHONE
from e2e.conftest import Desks
from e2e.test_accessibility import sticking_out
from portal.clock import Clock
from portal.cookies import SESSION
from portal.vault import Vault
from tests.flows.world import Shop
from tests.portal.web.conftest import Cast, cast_of
from tests.portal.web.rights import Right
from tests.portal.web.rights import rows as rights
from tests.portal.web.rights_places import furnish
from tests.portal.web.test_rights import address, session_of

#: What a page may weigh altogether as it crosses the link on a first visit.
MOST_BYTES = 60 * 1024
#: Pages of the house, by who opens them; parts of pages are looked at in their pages, and files are no pages.
STAFF = [
    (route, right)
    for route, right in rights()
    if route.startswith("GET ") and not right.who & {"public", "captive", "token"}
]
OWNERS = [(route, right) for route, right in STAFF if "owner" in right.who or "anybody" in right.who]
OPERATORS = [(route, right) for route, right in STAFF if right.who == {"operator"}]
#: So many parts the owner's pages are looked at in: a part is a minute at most.
PARTS = 4


class Look:
    """Opens pages one after the other and collects what is wrong with them."""

    def __init__(self, page: Page, places: Mapping[str, int]) -> None:
        self.page = page
        self.places = places
        self.found: list[str] = []
        self.seen = 0
        self._weights: dict[str, int] = {}
        self._loaded: list[str] = []
        page.on("response", self._weigh)

    def _weigh(self, answer: Response) -> None:
        self._loaded.append(answer.url)

    async def open(self, route: str, right: Right) -> None:
        """One route. What is no page (a file, a part of a page, a way on) is left."""
        self._loaded.clear()
        path = address(route, right, self.places)
        answer = await self.page.request.get(path, max_redirects=0)
        is_page = answer.headers.get("content-type", "").startswith("text/html") and "<html" in await answer.text()
        if not is_page or answer.status != 200 or "attachment" in answer.headers.get("content-disposition", ""):
            return
        shown = await self.page.goto(path)
        assert shown is not None
        self.seen += 1
        self.found += await axe.findings(self.page, f"{path} by day")
        await self.page.emulate_media(color_scheme="dark")
        self.found += await axe.findings(self.page, f"{path} by night", rules=axe.COLOURS)
        await self.page.emulate_media(color_scheme="light")
        self.found += await sticking_out(self.page, path)
        if "<Macro" in await self.page.content():
            self.found.append(f"{path} shows a template's inside")
        await self._judge_weight(path, shown)

    async def _judge_weight(self, path: str, shown: Response) -> None:
        total = (await shown.request.sizes())["responseBodySize"]
        for url in {url for url in self._loaded if "/static/" in url}:
            if url not in self._weights:
                whole = await self.page.request.get(url, headers={"accept-encoding": "gzip"})
                self._weights[url] = int(whole.headers.get("content-length", 0)) or len(await whole.body())
            total += self._weights[url]
        if total > MOST_BYTES:
            self.found.append(f"{path} weighs {total} bytes")


@pytest.fixture
async def cast(db: str, vault: Vault) -> Cast:
    return await cast_of(vault)


async def look(
    desks: Desks, shop: Shop, who: str, places: Mapping[str, int], asked: list[tuple[str, Right]], *, most_left: int
) -> list[str]:
    """Open all as somebody on a phone; returns what is wrong. At most so many routes may turn out to be no pages."""
    desk = await desks.open(shop, viewport=PHONE)
    token = await session_of(who, now=shop.clock.now())
    await desk.page.context.add_cookies([{"name": SESSION, "value": token, "url": shop.portal}])
    looking = Look(desk.page, places)
    for route, right in asked:
        await looking.open(route, right)
    assert looking.seen >= len(asked) - most_left, f"only {looking.seen} of {len(asked)} are pages"
    return looking.found


@pytest.mark.parametrize("part", range(PARTS))
async def test_nothing_is_wrong_with_any_page_of_a_merchants(
    desks: Desks, standing_shop: Shop, cast: Cast, vault: Vault, clock: Clock, part: int
) -> None:
    places = await furnish(cast, vault, clock)
    found = await look(
        desks, standing_shop, cast.owner, places, OWNERS[part::PARTS], most_left=len(OWNERS) // PARTS // 2
    )
    assert not found, "\n".join(found)


async def test_nothing_is_wrong_with_any_page_of_the_operators(
    desks: Desks, standing_shop: Shop, cast: Cast, vault: Vault, clock: Clock
) -> None:
    places = await furnish(cast, vault, clock)
    found = await look(desks, standing_shop, cast.operator, places, OPERATORS, most_left=6)
    assert not found, "\n".join(found)
