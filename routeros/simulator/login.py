"""Login of router users: to the API plain (6.43 and later) or by the older MD5 challenge, to REST by a password.

Decides and knows the log's words; the connection answers.

Source: MikroTik manual, API, Initial login; refusal of the hash by modern routers from field traces.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from routeros.simulator import traps
from routeros.simulator.calls import Call
from routeros.simulator.log import RouterLog
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
        user = admitted(self.tables, name, peer=self.peer, policy="api")
        if response is not None:
            password = (user.get("password") if user else "").encode("utf-8", "surrogateescape")
            is_known = self.is_legacy and self._answers(response, password)
        else:
            is_known = knows(user, call.arguments.get("password", "").encode("utf-8", "surrogateescape"))
        if user is None or not is_known:
            raise traps.Trap("cannot log in" if self.is_legacy else "invalid user name or password (6)")
        return user

    def _answers(self, response: str, password: bytes) -> bool:
        challenge, self._challenge = self._challenge, None
        if challenge is None:
            return False
        digest = hashlib.md5(b"\0" + password + challenge, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(b"00" + digest.encode(), response.lower().encode("utf-8", "replace"))


def admitted(tables: Tables, name: str, *, peer: str, policy: str) -> Row | None:
    """Return the user of that name if its group has the policy and it may come from this address."""
    for user in tables["/user"].named(name):
        if user.is_disabled or not is_admitted(user.get("address"), peer):
            continue
        if policy in policies_of(tables, user):
            return user
    return None


def knows(user: Row | None, password: bytes) -> bool:
    """Say whether this is the user's password; nobody's is never known."""
    secret = (user.get("password") if user else "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(password, secret) and user is not None


def log_failure(log: RouterLog, name: str, *, peer: str, via: str = "api") -> None:
    """Write a refused login into the router's log."""
    log.write("system,error,critical", f"login failure for user {name} from {peer} via {via}")


def log_account(log: RouterLog, user: Row, what: str, *, peer: str, via: str = "api") -> None:
    """Write a login or logout into the router's log; `what` is "logged in" or "logged out"."""
    log.write("system,info,account", f"user {user.get('name')} {what} from {peer} via {via}")
