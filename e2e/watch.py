"""Writes down what a browser does that our pages must never make it do: foreign requests, errors, broken policies, storage.

It only listens. Whoever opened the browser asks for `complaints` at the end.
"""

from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI));
"""
_STORED = """async () => ({
  cookie: document.cookie.length, local: localStorage.length, session: sessionStorage.length,
  databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
})"""
_BY_STATUS = "Failed to load resource: the server responded with a status of"


class Watch:
    """Listens to one browser context. `own` are the hosts ("127.0.0.1:8000") that pages may load from."""

    def __init__(self, context: BrowserContext, *, own: frozenset[str]) -> None:
        self.context = context
        self.own = own
        self.requests: list[Request] = []
        self.answers: list[Response] = []
        self.said: list[str] = []
        self._typed: set[str] = set()
        context.on("request", self._requested)
        context.on("response", self._answered)
        context.on("console", self._console)
        context.on("weberror", self._error)

    @classmethod
    async def over(cls, context: BrowserContext, *, own: frozenset[str]) -> "Watch":
        """Start to watch a context without pages."""
        watch = cls(context, own=own)
        await context.add_init_script(_TELL_VIOLATIONS)
        return watch

    def typed(self, url: str) -> None:
        """The customer asked for this address by hand, so its host is no stranger."""
        self._typed.add(urlsplit(url).netloc)

    def documents(self, path: str = "") -> list[Request]:
        """Whole pages that were loaded from addresses whose path begins like this, oldest first."""
        return [
            request
            for request in self.requests
            if request.is_navigation_request() and urlsplit(request.url).path.startswith(path)
        ]

    def strangers(self) -> list[str]:
        """Addresses of other hosts that a page loaded from, or sent the customer to unasked."""
        return [
            request.url
            for request in self.requests
            if (host := urlsplit(request.url).netloc) not in self.own
            and not (request.is_navigation_request() and host in self._typed)
        ]

    async def complaints(self) -> list[str]:
        """All that must not have happened; cookies and storage of the pages that are still open included."""
        kept = [f"cookie kept: {cookie.get('name')}" for cookie in await self.context.cookies()]
        kept += [f"cookie set by {url}" for url in await self._cookie_setters()]
        for page in self.context.pages:
            kept += await self._stored(page)
        return [*self.said, *(f"loaded from {url}" for url in self.strangers()), *kept]

    async def _cookie_setters(self) -> list[str]:
        ours = [answer for answer in self.answers if urlsplit(answer.url).netloc in self.own]
        return [answer.url for answer in ours if answer.headers.get("set-cookie")]

    async def _stored(self, page: Page) -> list[str]:
        if urlsplit(page.url).netloc not in self.own or not urlsplit(page.url).netloc.startswith("127."):
            return []  # browsers offer the newer kinds of storage to secure addresses only, and loopback is one
        stored: dict[str, Any] = await page.evaluate(_STORED)
        return [f"{kind} storage used by {page.url}" for kind, count in stored.items() if count]

    def _requested(self, request: Request) -> None:
        self.requests.append(request)

    def _answered(self, answer: Response) -> None:
        self.answers.append(answer)

    def _console(self, message: ConsoleMessage) -> None:
        where = message.location["url"]
        # A page of ours may answer 422; and browsers ask hotspots for an icon, which pages there are not ours.
        is_expected = where.endswith("/favicon.ico") or any(request.url == where for request in self.documents())
        if message.type in ("error", "warning") and not (is_expected and message.text.startswith(_BY_STATUS)):
            self.said.append(f"console {message.type}: {message.text} ({where})")

    def _error(self, error: WebError) -> None:
        self.said.append(f"script error: {error.error}")
