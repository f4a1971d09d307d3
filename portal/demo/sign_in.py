"""Signing the merchant in without typing: links that work once and soon end. The route exists in the demo's portal only."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Dependency

from portal import guards, identity
from portal.clock import Clock
from portal.config import Settings
from portal.demo.cast import OWNER
from portal.web import see_other

PATH = "/demo/sign-in"
_GOOD_FOR = timedelta(minutes=1)
_MOST = 50


class SignInLinks:
    """Links not used yet, by token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[str, datetime] = {}

    def make(self) -> str:
        """The path of a new link."""
        while len(self._made) >= _MOST:
            del self._made[next(iter(self._made))]
        token = secrets.token_urlsafe(32)
        self._made[token] = self._clock.now()
        return f"{PATH}/{token}"

    def take(self, token: str) -> bool:
        """Use one up; False when it was used, is too old or never was."""
        made_at = self._made.pop(token, None)
        return made_at is not None and self._clock.now() - made_at <= _GOOD_FOR

    def route(self) -> HTTPRouteHandler:
        """What the portal answers these links with: the owner's session, and on to the dashboard."""

        @get(PATH + "/{token:str}")
        async def sign_in_once(
            request: Request[Any, Any, Any],
            token: str,
            settings: Annotated[Settings, Dependency(skip_validation=True)],
            clock: Clock,
        ) -> Response[Any]:
            if not self.take(token):
                return see_other(request, "/sign-in")
            browser = guards.browser_of(request)
            opened = await identity.sign_in(
                OWNER.email, OWNER.password, browser=browser, settings=settings, now=clock.now()
            )
            return see_other(request, "/", cookies=guards.session_cookies(opened, settings=settings))

        return sign_in_once
