"""A browser in front of the application, and the standing cast: an owner, her cashier, a rival, the operator."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from litestar import Litestar

from portal.clock import Clock
from portal.config import Settings
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories
from tests.apps import app_for
from tests.portal.web import rows

BASE = "http://portal.test"


class Cast(msgspec.Struct, frozen=True):
    """Two merchants with a router and a package each; who can sign in is named by e-mail."""

    merchant_id: int
    router: RouterView
    package_id: int
    rival_id: int
    rival_router: RouterView
    rival_package_id: int
    owner: str = "amina@kilimani.test"
    cashier: str = "juma@kilimani.test"
    rival: str = "brian@rival.test"
    operator: str = "olive@vocha.test"


@pytest.fixture
def app(db: str, settings: Settings, clock: Clock) -> Litestar:
    return app_for(settings, clock)


def browser(app: Litestar) -> httpx.AsyncClient:
    """A browser with its own cookies, which follows nothing by itself and shows what a bug answers."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url=BASE, headers={"accept": "text/html", "accept-language": "en"}
    )


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as found:
        yield found


@pytest.fixture
async def cast(db: str, vault: Vault) -> Cast:
    return await cast_of(vault)


async def cast_of(vault: Vault) -> Cast:
    """Both merchants and everybody, in an empty database."""
    ours = await factories.merchant()
    theirs = await factories.merchant("Rival Wi-Fi", kind="isp")
    router = await factories.router(vault, ours)
    rival_router = await factories.router(vault, theirs, name="Rival tower")
    package = await factories.package(ours)
    rival_package = await factories.package(theirs)
    found = Cast(ours, router, package, theirs, rival_router, rival_package)
    await rows.person(found.owner, ours)
    await rows.person(found.cashier, ours, role="cashier", name="Juma K.")
    await rows.person(found.rival, theirs, name="Brian O.")
    await rows.person(found.operator, None, name="Olive M.", is_operator=True)
    return found


async def form_token(client: httpx.AsyncClient, path: str = "/sign-in") -> str:
    """The form token a page gives this browser."""
    page = await client.get(path)
    return page.text.split('name="_csrf" value="', 1)[1].split('"', 1)[0]


async def sign_in(
    client: httpx.AsyncClient, email: str, password: str = rows.PASSWORD, *, target: str = "/"
) -> httpx.Response:
    """Fill the sign-in form in and send it."""
    token = await form_token(client)
    return await client.post("/sign-in", data={"_csrf": token, "email": email, "password": password, "next": target})
