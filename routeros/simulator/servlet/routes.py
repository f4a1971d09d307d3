"""Which page answers which request of which phone: the hotspot servlet's table, and logging in and out by it.

Source: MikroTik manual, HotSpot customisation, "Serving Servlet Pages". It decides no login (see `Hotspot.login`)
and opens no socket.
"""

import mimetypes
import re
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie

from routeros.simulator.admission import seconds
from routeros.simulator.exchange import Reply, Request, plain_reply
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.refusals import ERROR_TEXTS, LoginRefused, RadiusQuestion
from routeros.simulator.servlet.challenges import Challenge, Challenges
from routeros.simulator.servlet.html import HtmlDirectory, HtmlSource
from routeros.simulator.servlet.variables import Visit, links, page_variables
from routeros.simulator.templates import render

#: The manual does not name the cookie; this name is made up.
COOKIE_NAME = "hotspot"
_FATAL = frozenset({"internal-error", "config-error"})
_RADIUS_FIELD = re.compile(r"radius[0-9]+(?:-[0-9]+)?u?")
_RESPONSE = re.compile(r"[0-9A-Fa-f]{32}")
_TARGET = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_RENDERED = (".html", ".htm", ".txt")
_HTML, _TEXT, _API_JSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/captive+json"


class Servlet:
    """The web side of one hotspot. `html` is its html directory: a folder, a dict of pages by file name, or None for
    the stock pages; setting the attribute replaces it at once."""

    def __init__(
        self, hotspot: Hotspot, *, html: HtmlSource | None = None, challenges: Challenges | None = None
    ) -> None:
        self._hotspot = hotspot
        self._challenges = challenges or Challenges()
        self._directory = HtmlDirectory(html)
        self._html = html

    @property
    def html(self) -> HtmlSource | None:
        """The html directory in use; None for the stock pages."""
        return self._html

    @html.setter
    def html(self, source: HtmlSource | None) -> None:
        self._html, self._directory = source, HtmlDirectory(source)

    def intercept(self, request: Request, *, mac: str, ip: str) -> Reply:
        """Answer a logged-out phone's request for somebody else's host: rlogin.html, else redirect.html."""
        visit = Visit(request, mac, ip, {}, orig=request.url)
        return self._redirect(visit, "rlogin.html", links(self._hotspot, visit)["link-login"])

    def answer(self, request: Request, *, mac: str, ip: str) -> Reply:
        """Answer a request for the hotspot itself. Logs in and out as asked; a bad form gives 400.

        Raises RadiusQuestion, having changed nothing, where RADIUS has to be asked first (see `radius.desk.settled`).
        """
        if request.method not in {"GET", "HEAD", "POST"}:
            return plain_reply(405, "Method Not Allowed", "405 Method Not Allowed")
        try:
            parameters = request.parameters()
        except ValueError:
            return plain_reply(400, "Bad Request", "400 Bad Request")
        self._hotspot.tick()
        target, _, name = request.path.strip("/").rpartition("/")
        if request.path.endswith("/") and name:
            target, name = f"{target}/{name}".strip("/"), ""
        if _TARGET.fullmatch(parameters.get("target", "")):
            target = parameters["target"]
        visit = Visit(request, mac, ip, parameters, target=target, orig=parameters.get("dst", ""))
        routes = {
            "": self._root,
            "login": self._login,
            "status": self._status,
            "logout": self._logout,
            "api": self._api,
        }
        return routes[name](visit) if name in routes else self._file(visit, name)

    # -- the five kinds of request -------------------------------------------------------------------------------

    def _root(self, visit: Visit) -> Reply:
        self._log_in_by_cookie(visit)
        if self._recall(visit):
            return self._redirect(visit, "rstatus.html", links(self._hotspot, visit)["link-status"])
        return self._redirect(visit, "rlogin.html", links(self._hotspot, visit)["link-login"])

    def _login(self, visit: Visit) -> Reply:
        if not visit.parameters.get("username"):
            self._log_in_by_cookie(visit)
        if self._recall(visit):
            return self._welcome(visit, cookie=None)
        if not visit.parameters.get("username"):
            return self._form(visit, "login.html")
        try:
            self._attempt(visit)
        except LoginRefused as refusal:
            self._explain(visit, refusal.key, refusal.error_orig)
            if refusal.key in _FATAL:
                return self._page(visit, "error.html")
            return self._form(visit, "flogin.html", "login.html")
        self._recall(visit)
        return self._welcome(visit, cookie=self._hotspot.new_http_cookie(visit.ip))

    def _status(self, visit: Visit) -> Reply:
        self._log_in_by_cookie(visit)
        if self._recall(visit):
            visit.has_counters = True
            return self._page(visit, "status.html")
        self._explain(visit, "not-logged-in")
        return self._redirect(visit, "fstatus.html", links(self._hotspot, visit)["link-login"])

    def _logout(self, visit: Visit) -> Reply:
        if not self._recall(visit):
            self._explain(visit, "not-logged-in")
            return self._redirect(visit, "flogout.html", links(self._hotspot, visit)["link-login"])
        erases = visit.parameters.get("erase-cookie") in {"on", "true"}
        self._hotspot.logout(visit.ip, cause="user request", erase_cookie=erases)
        visit.is_logged_in, visit.has_counters = False, True
        return self._page(visit, "logout.html")

    def _api(self, visit: Visit) -> Reply:
        self._recall(visit)
        visit.has_counters = True
        reply = self._page(visit, "api.json")
        return replace(reply, headers=_with(reply.headers, "Content-Type", _API_JSON)) if reply.status == 200 else reply

    def _file(self, visit: Visit, name: str) -> Reply:
        if name.endswith(_RENDERED):
            self._recall(visit)
            reply = self._page(visit, name)
            is_text = name.endswith(".txt") and reply.status == 200
            return replace(reply, headers=_with(reply.headers, "Content-Type", _TEXT)) if is_text else reply
        content = self._directory.find(name, visit.target)
        if content is None:
            return _missing()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Reply(200, "OK", (("Content-Type", kind),), content)

    # -- logging in ----------------------------------------------------------------------------------------------

    def _attempt(self, visit: Visit) -> None:
        """Log in with the form's fields. Raises LoginRefused.

        A password of 32 hex digits answers the phone's open challenge. Where plain passwords are allowed too and it
        does not fit, it is tried as it is, since a password may look like that (inferred).
        """
        challenge = self._challenges.take(visit.mac, visit.ip, now=self._hotspot.clock.now())
        try:
            self._attempt_with(visit, challenge)
        except RadiusQuestion:
            if challenge is not None:
                self._challenges.put_back(visit.mac, visit.ip, challenge)
            raise

    def _attempt_with(self, visit: Visit, challenge: Challenge | None) -> None:
        username, password = visit.parameters["username"], visit.parameters.get("password", "")
        methods = self._hotspot.login_by
        if username == f"T-{visit.mac}" and "trial" in methods:
            self._plain(visit, username, password, by="trial")
        elif visit.request.is_secure and "https" in methods:
            self._plain(visit, username, password, by="https")
        elif challenge and "http-chap" in methods and _RESPONSE.fullmatch(password):
            try:
                self._answered(visit, username, password, challenge)
            except LoginRefused as refusal:
                if refusal.key != "invalid-username" or "http-pap" not in methods:
                    raise
                self._plain(visit, username, password, by="http-pap")
        else:
            self._plain(visit, username, password, by="http-pap")

    def _plain(self, visit: Visit, username: str, password: str, *, by: str) -> None:
        self._hotspot.login(
            ip=visit.ip,
            mac=visit.mac,
            username=username,
            password=password,
            by=by,
            domain=visit.parameters.get("domain", ""),
            radius_fields=_radius_fields(visit),
        )

    def _answered(self, visit: Visit, username: str, response: str, challenge: Challenge) -> None:
        self._hotspot.login(
            ip=visit.ip,
            mac=visit.mac,
            username=username,
            chap_id=challenge.chap_id,
            chap_challenge=challenge.value,
            chap_response=response,
            by="http-chap",
            domain=visit.parameters.get("domain", ""),
            radius_fields=_radius_fields(visit),
        )

    def _log_in_by_cookie(self, visit: Visit) -> None:
        try:
            jar = SimpleCookie(visit.request.header("cookie"))
        except CookieError:
            jar = SimpleCookie()
        value = jar[COOKIE_NAME].value if COOKIE_NAME in jar else None
        self._hotspot.cookie_login(visit.ip, visit.mac, value)

    # -- pages ---------------------------------------------------------------------------------------------------

    def _recall(self, visit: Visit) -> bool:
        visit.session = self._hotspot.session(visit.ip)
        visit.is_logged_in = visit.session is not None
        visit.numbers = self._hotspot.session_numbers(visit.ip)
        return visit.is_logged_in

    def _explain(self, visit: Visit, key: str, error_orig: str = "") -> None:
        text = self._directory.error_text(key, visit.target)
        # Without an inner reason, the original is the message before errors.txt translated it.
        names = {"ip": visit.ip, "username": visit.parameters.get("username", ""), "error-orig": error_orig}
        visit.error = render(text, names).body
        visit.error_orig = error_orig or render(ERROR_TEXTS.get(key, key), names).body

    def _form(self, visit: Visit, *names: str) -> Reply:
        if "http-chap" in self._hotspot.login_by and not visit.request.is_secure:
            visit.challenge = self._challenges.show(visit.mac, visit.ip, now=self._hotspot.clock.now())
        return self._page(visit, *names)

    def _welcome(self, visit: Visit, *, cookie: str | None) -> Reply:
        grant = visit.session.grant if visit.session else None
        onwards = (grant.redirection_url if grant else "") or visit.orig or links(self._hotspot, visit)["link-status"]
        reply = self._redirect(visit, "alogin.html", onwards)
        if cookie is None or self._hotspot.profile is None:
            return reply
        lifetime = int(seconds(self._hotspot.profile.get("http-cookie-lifetime")) or 0)
        return replace(
            reply, headers=(*reply.headers, ("Set-Cookie", f"{COOKIE_NAME}={cookie}; Max-Age={lifetime}; Path=/"))
        )

    def _redirect(self, visit: Visit, name: str, link: str) -> Reply:
        visit.link_redirect = link
        return self._page(visit, name, "redirect.html")

    def _page(self, visit: Visit, *names: str) -> Reply:
        """Render the first of these pages that exists, or answer 404."""
        found = (self._directory.find(name, visit.target) for name in names)
        content = next((page for page in found if page is not None), None)
        if content is None:
            return _missing()
        rendered = render(content.decode("utf-8", "surrogateescape"), page_variables(self._hotspot, visit))
        headers = (("Content-Type", _HTML), ("Cache-Control", "no-cache"), ("Expires", "0"))
        for name, value in rendered.headers.items():
            headers = _with(headers, name, value)
        body = rendered.body.encode("utf-8", "surrogateescape")
        return Reply(rendered.status, rendered.reason, headers, body)


def _with(headers: tuple[tuple[str, str], ...], name: str, value: str) -> tuple[tuple[str, str], ...]:
    return (*((known, old) for known, old in headers if known.lower() != name.lower()), (name, value))


def _radius_fields(visit: Visit) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in visit.parameters.items() if _RADIUS_FIELD.fullmatch(name))


def _missing() -> Reply:
    return plain_reply(404, "Not Found", "Error 404: Not Found")
