"""The cast and their browsers, and the mails they get."""

import re
from collections.abc import Awaitable, Callable

import pytest

from portal.db import DB
from portal.messages import wording
from portal.vault import Vault
from tests.portal.web.conftest import app, cast, client

__all__ = ["app", "cast", "client"]

Mails = Callable[[str], Awaitable[list[tuple[str, str]]]]


@pytest.fixture
def mails(vault: Vault) -> Mails:
    """What an address got, as (kind, text), the oldest first; the links in it work."""

    async def to(address: str) -> list[tuple[str, str]]:
        rows = await DB.fetch("SELECT * FROM messages WHERE recipient = $1 AND channel = 'email' ORDER BY id", address)
        found: list[tuple[str, str]] = []
        for row in rows:
            try:
                found.append((row["kind"], (await wording.compose(row, vault=vault)).text))
            except wording.Unreadable:
                found.append((row["kind"], ""))
        return found

    return to


def link_in(text: str) -> str:
    """The path and query of the link in a mail."""
    return re.findall(r"http://portal\.test(/\S+\?t=[\w-]{43})", text)[-1]
