"""API login: plain (6.43 and later) and the older MD5 challenge. Decides; the connection answers.

Source: MikroTik manual, API, Initial login; refusal of the hash by modern routers from field traces.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from routeros.simulator import traps
from routeros.simulator.calls import Call
from routeros.simulator.menus.access import is_admitted, policies_of
from routeros.simulator.tables import Row, Tables


@dataclass(slots=True)
class ApiLogin:
    """The login state of one connection. `is_legacy`: only the challenge login works, as before 6.43."""

    tables: Tables
    peer: str
    is_legacy: bool = field(kw_only=True)
    _challenge: bytes | None = None

    def attempt(self, call: Call) -> Row | str:
        """Return the user's row, or a challenge in hex for `ret`. Raises Trap with the router's text."""
        name, response = call.arguments.get("name", ""), call.arguments.get("response")
        if response is None and (self.is_legacy or "name" not in call.arguments):
            self._challenge = secrets.token_bytes(16)
            return self._challenge.hex()
        user = self._admitted(name)
        password = (user.get("password") if user else "").encode("utf-8", "surrogateescape")
        if response is not None:
            is_known = self.is_legacy and self._answers(response, password)
        else:
            given = call.arguments.get("password", "").encode("utf-8", "surrogateescape")
            is_known = hmac.compare_digest(given, password)
        if user is None or not is_known:
            raise traps.Trap("cannot log in" if self.is_legacy else "invalid user name or password (6)")
        return user

    def _admitted(self, name: str) -> Row | None:
        """Return the user if it may use the API from here."""
        for user in self.tables["/user"].named(name):
            if user.is_disabled or not is_admitted(user.get("address"), self.peer):
                continue
            if "api" in policies_of(self.tables, user):
                return user
        return None

    def _answers(self, response: str, password: bytes) -> bool:
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            return False
        digest = hashlib.md5(b"\0" + password + challenge, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(b"00" + digest.encode(), response.lower().encode("utf-8", "replace"))
