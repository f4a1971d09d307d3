"""What every captive page shares: whose page it is, its language, the signed visit in its links, the inlined style.

A frame is made by a handler, asked for addresses by handler and template, and renders. No cookie is read for it or set.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from litestar import Request, Response
from markupsafe import Markup

from portal import colours, i18n, package_words, packages, routers
from portal.captive import links as captive_links
from portal.captive import visits as captive_visits
from portal.captive import words as captive_words
from portal.captive.visits import Visit, VisitLost
from portal.errors import NotFound
from portal.headers import csp_hash
from portal.i18n import NAMES, Language
from portal.look import PLAIN, Look
from portal.merchants import MerchantView
from portal.merchants import profile as merchant_profile
from portal.packages import PackageView
from portal.routers import RouterView
from portal.signing import Signer
from portal.web import Inline, render

AnyRequest = Request[Any, Any, Any]

_TEMPLATES = Path(__file__).parents[1] / "templates" / "captive"
_SITE = re.compile(r"[0-9A-Za-z-]{1,32}")
_LARGEST_ID = 2**63 - 1


def _squeezed(name: str) -> str:
    """A file without its comments, indentation and needless spaces: every byte crosses a slow link on every page."""
    text = re.sub(r"/\*.*?\*/", "", (_TEMPLATES / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = (line.strip() for line in text.splitlines())
    joined = " ".join(line for line in lines if line)
    if name.endswith(".js"):
        return joined
    return re.sub(r" ?([{};,>]|:(?= )) ?", r"\1", joined).replace(";}", "}")


_IN_COLOUR = (
    ":root{--ac:%(day)s;--ai:%(day_ink)s;--as:%(day_soft)s}"
    "@media (prefers-color-scheme:dark){:root{--ac:%(night)s;--ai:%(night_ink)s;--as:%(night_soft)s}}"
)
STYLE, WAIT, GO = _squeezed("style.css"), _squeezed("wait.js"), _squeezed("go.js")
SCAN, FILL = _squeezed("scan.js"), _squeezed("fill.js")
_HASHES = {script: csp_hash(script) for script in (WAIT, GO, SCAN, FILL)}


@lru_cache(maxsize=512)
def _styled(accent: str) -> tuple[str, str]:
    """The style in a shop's colour, and how the page's policy names it."""
    style = STYLE + (_IN_COLOUR % msgspec.structs.asdict(colours.tones(accent)) if accent else "")
    return style, csp_hash(style)


class Frame:
    """One captive page being made: for a site, or for nobody we know (`router` and `merchant` are None)."""

    def __init__(
        self, request: AnyRequest, *, router: RouterView | None = None, merchant: MerchantView | None = None,
        language: str | None = None,
    ) -> None:  # fmt: skip
        self.request = request
        #: Where people reach us; from the settings, never from a Host header.
        self.base_url: str = request.app.state["settings"].base_url
        self.router = router
        self.merchant = merchant
        self.language = _spoken(request, stored=language, fallback=merchant.language if merchant else i18n.SOURCE)
        #: Whether customers here may pay by M-Pesa; known where it was asked for.
        self.merchant_takes_mpesa = True
        self.visit: Visit | None = None
        #: The visit as the page's links carry it; "" when there is none.
        self.sealed = ""
        #: Whether the visit is fresh enough to buy with; otherwise the phone goes to its router first.
        self.is_fresh = False
        request.state.frame = self

    @classmethod
    async def at(cls, request: AnyRequest, site: str) -> "Frame":
        """The frame of a site's pages; NotFound for a site we do not know."""
        if not _SITE.fullmatch(site):
            raise NotFound
        router = await routers.by_site(site)
        return cls(request, router=router, merchant=await merchant_profile(router.merchant_id))

    @property
    def look(self) -> Look:
        """How the merchant's pages look."""
        return self.merchant.look if self.merchant else PLAIN

    def says(self, kind: str) -> str:
        """What the shop itself says here, in the page's language; "" for nothing."""
        return self.look.said(kind, self.language.code)

    @property
    def site(self) -> RouterView:
        """The router whose page this is; NotFound on a page of nobody."""
        if self.router is None:
            raise NotFound
        return self.router

    async def package(self, package_id: int, *, now: datetime, seen: str = "") -> PackageView:
        """A package that is sold here now, for money; what it raises: see packages.to_sell."""
        if not 0 < package_id <= _LARGEST_ID:
            raise NotFound
        return await packages.to_sell(self.site.id, self.site.merchant_id, package_id, now=now, seen=seen)

    def arrive(self, query: Mapping[str, str], *, signer: Signer, now: datetime) -> Visit:
        """Take the visit from a router's redirect; Invalid when mac or ip cannot be a device's."""
        self.visit = captive_visits.arrive(self.site, query, own_host=urlsplit(self.base_url).netloc)
        self.sealed, self.is_fresh = captive_visits.seal(self.visit, signer, now=now), True
        return self.visit

    def enter(self, sealed: str, *, signer: Signer, now: datetime) -> Visit:
        """Take the visit from a link or a form of ours; VisitLost when it is not a good one."""
        self.visit = captive_visits.unseal(sealed, self.site, signer=signer, now=now)
        self.sealed, self.is_fresh = sealed, True
        return self.visit

    def recall(self, sealed: str, *, signer: Signer, now: datetime) -> None:
        """Take the visit for what it remembers, if it is one: the page of a checkout works without."""
        try:
            self.enter(sealed, signer=signer, now=now)
        except VisitLost:
            try:
                old = captive_visits.REMEMBERED_FOR
                self.visit = captive_visits.unseal(sealed, self.site, signer=signer, now=now, max_age=old)
                self.sealed = sealed
            except VisitLost:
                self.visit = None

    @property
    def login(self) -> str | None:
        """The hotspot's login page, where a phone is told its mac and ip anew; None when we know no host of it."""
        if self.visit is not None:
            return self.visit.login
        return captive_links.login_link("", self.router.hotspot_hosts) if self.router else None

    def link(self, path: str, **query: str) -> str:
        """A path of ours with the visit and, where it was chosen by hand, the language."""
        chosen = self.request.query_params.get("l", "")
        kept = {"d": self.sealed, "l": chosen if chosen in NAMES else ""} | query
        words = urlencode({name: value for name, value in kept.items() if value})
        return f"{path}?{words}" if words else path

    def site_link(self, rest: str = "") -> str:
        """The site's list of packages, or what is below it: "/buy/7", "/code"."""
        return self.link(f"/c/{self.site.site}{rest}")

    def form_link(self, rest: str) -> str:
        """Where a form below the site posts to: it carries the visit in a field of its own."""
        return self.link(f"/c/{self.site.site}{rest}", d="")

    def by_router(self, path: str) -> str:
        """The way to one of our pages that passes by the router, when there is one."""
        return captive_links.login_and_return(self.login, self.base_url + path) if self.login else path

    def other_languages(self) -> list[tuple[str, str, str]]:
        """(code, own name, this page in it) of each language but the present one."""
        here = self.request.scope["path"]
        return [(code, name, self.link(here, l=code)) for code, name in NAMES.items() if code != self.language.code]

    def promise(self, package: PackageView) -> list[str]:
        """What a package gives, in sentences."""
        currency = self.merchant.currency if self.merchant else "KES"
        return package_words.promise(package.terms, package.price_cents, currency, self.language)

    def hours(self, package: PackageView) -> list[str]:
        """When a package is sold, and when it works."""
        both = (package.sell_hours, package.terms.use_hours)
        return [package_words.hours(hours, self.language) for hours in both if not hours.is_always]

    def price(self, cents: int) -> str:
        """An amount in the merchant's currency, on one line."""
        return captive_words.price(cents, self.merchant.currency if self.merchant else "KES")

    def moment(self, at: datetime, now: datetime) -> str:
        """A moment in words, where the merchant is."""
        zone = self.merchant.timezone if self.merchant else "Africa/Nairobi"
        return captive_words.moment(at, self.language, zone=zone, now=now)

    def show(
        self, template: str, context: Mapping[str, object] | None = None, *, status: int = 200, key: str = "",
        go: str | None = None, refresh_s: int | None = None, poll_s: int = 3, retry_after_s: int | None = None,
        script: str | None = None,
    ) -> Response[str]:  # fmt: skip
        """The whole page. `key`: the state a waiting page watches every `poll_s` seconds; `go`: where a page leads on to by itself after
        `refresh_s`, which is also when it loads anew without script; `script`: one of ours, where neither asks for its own."""
        script = WAIT if key else GO if go else script
        style, style_hash = _styled(self.look.accent)
        shared = {
            "frame": self,
            "words": captive_words,
            "style": Markup(style),  # noqa: S704  (our own file, and six hexadecimal digits)
            "script": Markup(script) if script else None,  # noqa: S704  (our own file)
            "key": key,
            "go": go,
            "refresh_s": refresh_s,
            "poll_s": poll_s,
        }
        return render(
            self.request,
            template,
            {**shared, **(context or {})},
            status=status,
            language=self.language,
            inline=Inline(
                styles=(style_hash,), scripts=(_HASHES[script],) if script else (), has_pictures=bool(self.look.logo)
            ),
            headers={"retry-after": str(retry_after_s)} if retry_after_s is not None else None,
        )


def _spoken(request: AnyRequest, *, stored: str | None, fallback: str) -> Language:
    # Asked for in the address, else the checkout's, else the browser's wish, else the merchant's. No cookie has a say:
    # captive browsers keep none.
    accept = request.headers.get("accept-language", "")
    return i18n.choose(asked=request.query_params.get("l"), stored=stored, accept=accept, fallback=fallback)
