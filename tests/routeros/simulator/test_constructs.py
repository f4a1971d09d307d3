"""Every construct that login pages in the field are made of, rendered letter by letter for a phone before, during and after.

The constructs were collected from the manual and from pages of other projects; the words around them are ours.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.exchange import Reply, Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.hotspot_fields import SERVER_PROFILE
from routeros.simulator.servlet import Servlet, stock_pages
from routeros.simulator.servlet.challenges import Challenges

MAC, IP = "02:00:00:00:00:09", "10.5.50.9"
FAR = "http://news.example/a?b=1&c=2"
FAR_ESC = "http%3A%2F%2Fnews.example%2Fa%3Fb%3D1%26c%3D2"
CHALLENGE = bytes(range(250, 256)) + bytes(range(10))


class Phone:
    """A phone before one page; `page` is what the page's file holds."""

    def __init__(self, *, login_by: str = "http-chap,http-pap,trial,mac", **limits: str) -> None:
        clock = VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)
        self.hotspot = Hotspot(clock=clock, identity="duka", login_by=login_by)
        self.hotspot.users.add({"name": "amina", "password": "p", **limits})
        profile = self.hotspot.profile
        assert profile is not None
        where = {"radius-location-id": "isocc=ke", "radius-location-name": "Duka la Njeri"}
        self.hotspot.tables[SERVER_PROFILE].change(profile, where)
        challenges = Challenges(random=lambda size: b"\371" if size == 1 else CHALLENGE)
        self.servlet = Servlet(self.hotspot, challenges=challenges)

    def log_in(self, *, by: str = "http-pap", user: str = "amina") -> None:
        self.hotspot.login(ip=IP, mac=MAC, username=user, password="p", by=by)

    def sees(self, name: str, page: str, *, target: str = "", headers: tuple[tuple[str, str], ...] = ()) -> str:
        return self.asks(name, page, target=target, headers=headers).body.decode()

    def asks(self, name: str, page: str, *, target: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        self.servlet.html = stock_pages() | {name: page}
        where = {"login.html": "/login", "status.html": "/status", "alogin.html": "/login", "api.json": "/api"}
        request = Request(method="GET", host="login.hotspot", target=target or where[name], headers=headers)
        return self.servlet.answer(request, mac=MAC, ip=IP)


BEFORE = [
    # Forms, and what is sent along hidden.
    ('<form action="$(link-login-only)" method="post"$(if chap-id) onSubmit="return doLogin()"$(endif)>',
     '<form action="http://login.hotspot/login" method="post" onSubmit="return doLogin()">'),
    ('<input name="dst" value="$(link-orig)"><input name="popup" value="true">',
     f'<input name="dst" value="{FAR}"><input name="popup" value="true">'),
    ('<input name="username" value="$(username)">', '<input name="username" value="">'),
    ('<a href="$(link-login-only)?dst=$(link-orig-esc)&amp;username=T-$(mac-esc)">',
     f'<a href="http://login.hotspot/login?dst={FAR_ESC}&amp;username=T-02%3A00%3A00%3A00%3A00%3A09">'),
    ("$(if trial == 'yes')try$(endif)", "try"),
    ("$(if trial == 'no')none$(else)try$(endif)", "try"),
    # CHAP.
    ("hexMD5('$(chap-id)' + p + '$(chap-challenge)')",
     "hexMD5('\\371' + p + '" + "".join(f"\\{byte:03o}" for byte in CHALLENGE) + "')"),
    ("<!-- $(if chap-id) --><script src=\"/md5.js\"></script><!-- $(endif) -->",
     "<!--  --><script src=\"/md5.js\"></script><!--  -->"),
    # Scripts: what looks like a tag and is none stays; what looks like a variable is one, as on a router.
    ("$('#loginForm').submit(function () {})", "$('#loginForm').submit(function () {})"),
    ('$("#menu").toggle(); ${backend} $x $', '$("#menu").toggle(); ${backend} $x $'),
    ("jQuery $(document).ready", "jQuery .ready"),
    ("{$(if popup == 'true')open('$(link-status)');$(endif)go()}", "{go()}"),
    # Errors: none yet.
    ("$(if error)<b>$(error)</b>$(endif)", ""),
    ('var ERR="$(error)", ORIG="$(error-orig)";', 'var ERR="", ORIG="";'),
    # The site.
    ("$(hostname) $(identity) $(server-name) $(server-address) $(interface-name)",
     "login.hotspot duka hotspot1 10.5.50.1:80 bridge"),
    ("$(location-id) $(location-name)", "isocc=ke Duka la Njeri"),
    ("$(location-name-esc)", "Duka+la+Njeri"),
    ("$(ssl-login) $(plain-passwd) $(logged-in) $(login-by)", "no yes no "),
    ("$(ip) $(host-ip) $(mac) $(mac-esc)", f"{IP} {IP} {MAC} 02%3A00%3A00%3A00%3A00%3A09"),
    ("$(if logged-in == 'yes')in$(elif trial == 'yes')trial$(else)out$(endif)", "trial"),
    ("$(vlan-id)|$(session-id)|$(var)|$(no-such-thing)", "||3|"),
    ("$(radius25)|$(radius27u)|$(radius8-14988)|$(radius8-14988u)", "|0||0"),
    # Language choice by directory.
    ('<a href="$(link-login)&target=lv">Latviski</a>',
     f'<a href="http://login.hotspot/login?dst={FAR_ESC}&target=lv">Latviski</a>'),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "shown"), BEFORE)
def test_before_the_login(construct: str, shown: str) -> None:
    target = f"/login?dst={FAR_ESC}&var=3"
    assert Phone().sees("login.html", f"<p>{construct}</p>", target=target) == f"<p>{shown}</p>"


DURING = [
    ("$(if login-by == 'trial')trial$(elif login-by != 'mac')hello $(username)$(else)known$(endif)", "hello amina"),
    ("$(if login-by-mac != 'yes')<input type=submit>$(endif)", "<input type=submit>"),
    ("$(if blocked == 'yes')<a href=\"$(link-advert)\">ad</a>$(elif refresh-timeout)every $(refresh-timeout)$(endif)",
     "every 1m"),
    ("<body $(if advert-pending == 'yes') onLoad=\"openAdvert()\" $(endif)>", "<body >"),
    ("$(if advert-pending == 'yes')pop$(else)function openAdvert() { }$(endif)", "function openAdvert() { }"),
    ('<meta http-equiv="refresh" content="$(refresh-timeout-secs)">', '<meta http-equiv="refresh" content="60">'),
    ("$(if session-time-left)$(uptime) / $(session-time-left)$(else)$(uptime)$(endif)", "2m5s / 57m55s"),
    ("$(uptime-secs) $(session-time-left-secs) $(session-timeout) $(session-timeout-secs)", "125 3475 57m55s 3475"),
    ("$(bytes-in-nice) / $(bytes-out-nice)", "15.1 KiB / 11.1 KiB"),
    ("$(bytes-in) $(bytes-out) $(packets-in) $(packets-out)", "15423 11352 12 9"),
    ("$(limit-bytes-in) $(limit-bytes-out) $(remain-bytes-in) $(remain-bytes-out)", "--- --- --- ---"),
    ("$(if remain-bytes-total)$(remain-bytes-total) = $(remain-bytes-total-nice)$(endif)", "1021801 = 997.9 KiB"),
    ("$(idle-timeout)|$(idle-timeout-secs)", "|0"),
    ('<form action="$(link-logout)" name="logout">', '<form action="http://login.hotspot/logout" name="logout">'),
    ("$(if ip == 10.5.50.9)you$(elif ip == 10.5.50.10)other$(endif)", "you"),
    ("$(if mac == 02:00:00:00:00:09)you$(endif)", "you"),
    ("$(if username == \"amina\")A$(endif)$(if username == amina)B$(endif)$(if username=='amina')C$(endif)", "ABC"),
    ("$(chap-id)$(chap-challenge)$(error)", ""),
]  # fmt: skip


@pytest.mark.parametrize(("construct", "shown"), DURING)
def test_while_logged_in(construct: str, shown: str) -> None:
    phone = Phone(**{"limit-uptime": "1h", "limit-bytes-total": str(1024 * 1024)})
    phone.log_in()
    phone.hotspot.clock.advance(125)
    phone.hotspot.count_traffic(IP, 15423, 11352)
    assert phone.sees("status.html", f"<p>{construct}</p>") == f"<p>{shown}</p>"


@pytest.mark.parametrize(("by", "greeting", "has_button"), [("trial", "trial", True), ("mac", "known", False)])
def test_a_page_tells_logins_apart(by: str, greeting: str, has_button: bool) -> None:
    phone = Phone()
    phone.hotspot.users.add({"name": MAC, "password": "p"})
    phone.log_in(by=by, user=f"T-{MAC}" if by == "trial" else MAC)
    page = "$(if login-by == 'trial')trial$(elif login-by != 'mac')hello$(else)known$(endif)"
    assert phone.sees("status.html", page) == greeting
    assert phone.sees("status.html", "$(if login-by-mac != 'yes')button$(endif)") == ("button" if has_button else "")


def test_after_the_login_scripts_and_refreshes_lead_on() -> None:
    phone = Phone()
    page = (
        '<meta http-equiv="refresh" content="2; url=$(link-redirect)">'
        "{$(if popup == 'true')open('$(link-status)');$(endif)location.href = unescape('$(link-redirect-esc)');}"
    )
    target = f"/login?username=amina&password=p&dst={FAR_ESC}&popup=true"
    assert phone.sees("alogin.html", page, target=target) == (
        f'<meta http-equiv="refresh" content="2; url={FAR}">'
        f"{{open('http://login.hotspot/status');location.href = unescape('{FAR_ESC}');}}"
    )


@pytest.mark.parametrize(
    ("password", "errors", "shown"),
    [
        ("no", "", "invalid username or password"),
        ("no", "# ours\ninvalid-username = Voucher $(username) haipo (ip $(ip))\n", f"Voucher amina haipo (ip {IP})"),
        ("no", "uptime-limit = Muda umeisha\n", "invalid username or password"),
    ],
)
def test_errors_speak_the_words_of_errors_txt(password: str, errors: str, shown: str) -> None:
    phone = Phone(login_by="http-pap")
    phone.servlet.html = stock_pages() | {
        "login.html": "$(if error)$(error) [$(error-orig)]$(endif)",
        "errors.txt": errors,
    }
    request = Request(method="GET", host="login.hotspot", target=f"/login?username=amina&password={password}")
    body = phone.servlet.answer(request, mac=MAC, ip=IP).body.decode()
    assert body == f"{shown} [invalid username or password]"


def test_a_page_may_answer_by_the_browsers_name_and_headers() -> None:
    firefox = "Mozilla/5.0 (Android; Mobile; rv:40.0) Gecko/40.0 Firefox/40.0"
    page = f'$(if user-agent == "{firefox}" )<b>Success</b>$(else)$(http-header-Accept-Language) $(http-header-User-Agent)$(endif)'
    phone = Phone()
    assert phone.sees("login.html", page, headers=(("user-agent", firefox),)) == "<b>Success</b>"
    other = (("user-agent", "curl"), ("accept-language", "sw"))
    assert phone.sees("login.html", page, headers=other) == "sw curl"


def test_a_page_may_set_status_and_headers() -> None:
    page = (
        "$(if http-status == 302)Hotspot login required$(endif)"
        '$(if http-header == "Location")$(link-login-only)?from=$(mac-esc)$(endif)'
        '$(if http-header == "Cache-Control")no-store$(endif)body'
    )
    reply = Phone().asks("login.html", page)
    assert (reply.status, reply.reason, reply.body) == (302, "Hotspot login required", b"body")
    headers = dict(reply.headers)
    assert headers["Location"] == "http://login.hotspot/login?from=02%3A00%3A00%3A00%3A00%3A09"
    assert headers["Cache-Control"] == "no-store"


FIELD_JSON = """{
  "provider": "shop",
  "captive": $(if logged-in == 'yes')false$(else)true$(endif),
  "user-portal-url": "$(link-login-only)",
$(if session-timeout-secs != 0)
  "seconds-remaining": $(session-timeout-secs),
$(endif)
$(if remain-bytes-total)
  "bytes-remaining": $(remain-bytes-total),
$(endif)
  "can-extend-session": true
}"""


def test_api_json_of_other_projects_is_json_before_and_after() -> None:
    phone = Phone(**{"limit-uptime": "1h", "limit-bytes-total": "1000"})
    captive = {
        "provider": "shop",
        "captive": True,
        "user-portal-url": "http://login.hotspot/login",
        "can-extend-session": True,
    }
    assert json.loads(phone.sees("api.json", FIELD_JSON)) == captive
    phone.log_in()
    free = json.loads(phone.sees("api.json", FIELD_JSON))
    assert free == captive | {"captive": False, "seconds-remaining": 3600, "bytes-remaining": 1000}
