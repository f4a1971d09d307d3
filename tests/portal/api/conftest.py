"""A program before the API: with a token of the owner's, and the standing cast around it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from portal import api_tokens
from portal.api_tokens import Scope
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.identity import Actor, Role
from portal.vault import Vault
from tests.apps import app_for
from tests.portal.web.conftest import BASE, Cast, cast

__all__ = ["cast"]

ALL = [str(scope) for scope in Scope]


@pytest.fixture
def app(db: str, settings: Settings, clock: Clock) -> Litestar:
    return app_for(settings, clock)


class Programs:
    """Makes tokens and the programs that carry them."""

    def __init__(self, app: Litestar, vault: Vault, clock: Clock) -> None:
        self._app = app
        self._vault = vault
        self._clock = clock
        self.opened: list[httpx.AsyncClient] = []

    async def token(self, email: str, scopes: Sequence[str] = ALL, *, days: int = 30) -> api_tokens.Made:
        """A token made by this person."""
        actor = await actor_of(email)
        key = f"{len(self.opened)}-{email}-{scopes}"
        return await api_tokens.make(
            actor, "Till", scopes=scopes, days=days, form_key=key, vault=self._vault, now=self._clock.now()
        )

    async def of(self, email: str, scopes: Sequence[str] = ALL) -> httpx.AsyncClient:
        """A program with a token of this person's."""
        return self.with_token((await self.token(email, scopes)).token)

    def with_token(self, token: str | None) -> httpx.AsyncClient:
        """A program with this token, or with none."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
        found = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self.opened.append(found)
        return found


async def actor_of(email: str) -> Actor:
    row = await DB.row(
        """SELECT u.id, u.name, u.email, m.merchant_id, m.role FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.email = $1""",
        email,
    )
    assert row
    return Actor(
        user_id=row["id"], merchant_id=row["merchant_id"], role=Role(row["role"]), is_operator=False, name=row["name"],
        email=row["email"],
    )  # fmt: skip


@pytest.fixture
async def programs(app: Litestar, vault: Vault, clock: Clock, cast: Cast) -> AsyncIterator[Programs]:
    found = Programs(app, vault, clock)
    yield found
    for client in found.opened:
        await client.aclose()


@pytest.fixture
async def program(programs: Programs, cast: Cast) -> httpx.AsyncClient:
    """The owner's program, that may do everything."""
    return await programs.of(cast.owner)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    body: dict[str, Any] = msgspec.json.decode(answer.content)
    assert body["status"] == status
    assert body["type"] == f"/api/docs#{status}"
    assert body["title"]
    assert body["reference"]
    return body
