"""The servlet's pages by state of the phone, without sockets."""

import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.exchange import Reply, Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.servlet import COOKIE_NAME, Servlet, all_pages, stock_pages
from routeros.simulator.servlet.challenges import Challenges
from routeros.simulator.servlet.variables import nice

MAC, IP = "02:00:00:00:00:01", "10.5.50.2"
OTHER = {"mac": "02:00:00:00:00:02", "ip": "10.5.50.3"}
LOGIN = "http://login.hotspot/login"
CHALLENGE = Challenges(random=lambda size: b"\xfe" if size == 1 else bytes(range(0x78, 0x88)))


class Browser:
    """One phone's browser at the servlet."""

    def __init__(self, hotspot: Hotspot, servlet: Servlet, mac: str = MAC, ip: str = IP) -> None:
        self.hotspot, self.servlet, self.mac, self.ip = hotspot, servlet, mac, ip

    def get(self, target: str, *, secure: bool = False, **headers: str) -> Reply:
        lines = tuple((name.replace("_", "-").lower(), value) for name, value in headers.items())
        request = Request(method="GET", host="login.hotspot", target=target, headers=lines, is_secure=secure)
        self.hotspot.see_host(self.mac, self.ip)
        return self.servlet.answer(request, mac=self.mac, ip=self.ip)

    def post(self, target: str, **fields: str) -> Reply:
        form = (("content-type", "application/x-www-form-urlencoded"),)
        request = Request(
            method="POST", host="login.hotspot", target=target, headers=form, body=urlencode(fields).encode()
        )
        self.hotspot.see_host(self.mac, self.ip)
        return self.servlet.answer(request, mac=self.mac, ip=self.ip)

    def wander(self, url_path: str = "/news?id=1", host: str = "example.com") -> Reply:
        request = Request(method="GET", host=host, target=url_path)
        return self.servlet.intercept(request, mac=self.mac, ip=self.ip)


def make_hotspot(**settings: str) -> Hotspot:
    hotspot = Hotspot(clock=VirtualClock(monotonic=frozen), **settings)
    hotspot.users.add({"name": "code1", "password": "pw", "limit-uptime": "1h"})
    hotspot.users.add({"name": "free", "password": "pw"})
    return hotspot


@pytest.fixture
def hotspot() -> Hotspot:
    return make_hotspot(login_by="cookie,http-chap,http-pap")


@pytest.fixture
def browser(hotspot: Hotspot) -> Browser:
    return Browser(hotspot, Servlet(hotspot, challenges=CHALLENGE))


def header(reply: Reply, name: str) -> str:
    return next((value for key, value in reply.headers if key.lower() == name.lower()), "")


def text(reply: Reply) -> str:
    return reply.body.decode()


# -- the routing table -------------------------------------------------------------------------------------------------


def test_a_foreign_host_redirects_to_login_with_the_original_url(browser: Browser):
    reply = browser.wander()
    assert (reply.status, reply.reason) == (302, "Hotspot login required")
    assert header(reply, "Location") == f"{LOGIN}?dst={quote('http://example.com/news?id=1', safe='')}"


def test_a_foreign_host_without_rlogin_uses_redirect_and_without_both_is_404(browser: Browser):
    pages = stock_pages()
    del pages["rlogin.html"]
    browser.servlet.html = pages
    assert (browser.wander().status, browser.wander().reason) == (302, "Hotspot redirect")
    del pages["redirect.html"]
    browser.servlet.html = pages
    assert browser.wander().status == 404


def test_the_root_goes_to_login_or_to_status_by_state(browser: Browser):
    assert header(browser.get("/"), "Location") == LOGIN
    browser.post("/login", username="free", password="pw")
    assert header(browser.get("/"), "Location") == "http://login.hotspot/status"
    browser.servlet.html = all_pages()
    assert browser.get("/").reason == "Hotspot status"


def test_login_without_a_name_shows_the_form(browser: Browser):
    reply = browser.get("/login?dst=http%3A%2F%2Fexample.com%2F")
    assert reply.status == 200
    assert 'name="dst" value="http://example.com/"' in text(reply)
    assert header(reply, "Content-Type").startswith("text/html")


@pytest.mark.parametrize("method", ["get", "post"])
def test_login_with_a_plain_password_lets_in_by_get_and_by_post(browser: Browser, hotspot: Hotspot, method: str):
    if method == "get":
        reply = browser.get("/login?username=free&password=pw&dst=http%3A%2F%2Fexample.com%2Fa")
    else:
        reply = browser.post("/login", username="free", password="pw", dst="http://example.com/a")
    assert 'href="http://example.com/a"' in text(reply)
    session = hotspot.session(IP)
    assert session is not None
    assert (session.user, session.login_by) == ("free", "http-pap")


def test_after_login_without_a_destination_the_status_page_comes_next(browser: Browser):
    assert 'url=http://login.hotspot/status"' in text(browser.post("/login", username="free", password="pw"))


def test_without_alogin_the_login_redirects_to_the_destination(browser: Browser):
    pages = stock_pages()
    del pages["alogin.html"]
    browser.servlet.html = pages
    reply = browser.post("/login", username="free", password="pw", dst="http://example.com/a")
    assert (reply.status, header(reply, "Location")) == (302, "http://example.com/a")


def test_a_destination_with_a_line_break_sets_no_header_of_its_own(browser: Browser):
    pages = stock_pages()
    del pages["alogin.html"]
    browser.servlet.html = pages
    reply = browser.post("/login", username="free", password="pw", dst="http://a/\r\nX-Evil: 1")
    assert header(reply, "X-Evil") == ""
    assert "\r" not in header(reply, "Location")


def test_login_when_already_logged_in_shows_alogin_and_keeps_the_session(browser: Browser, hotspot: Hotspot):
    browser.post("/login", username="free", password="pw")
    before = hotspot.session(IP)
    assert "logged in as free" in text(browser.post("/login", username="code1", password="wrong"))
    assert hotspot.session(IP) is before


def test_the_popup_opens_only_when_asked_for(browser: Browser):
    assert "hotspot_status" in text(browser.post("/login", username="free", password="pw", popup="true"))
    assert "hotspot_status" not in text(browser.get("/login?popup=false"))


def test_status_when_logged_out_redirects_unless_there_is_fstatus(browser: Browser):
    assert (browser.get("/status").status, header(browser.get("/status"), "Location")) == (302, LOGIN)
    browser.servlet.html = all_pages()
    assert f"you are not logged in (ip {IP})" in text(browser.get("/status"))


def test_logout_when_logged_out_redirects_unless_there_is_flogout(browser: Browser):
    assert browser.get("/logout").status == 302
    browser.servlet.html = all_pages()
    assert f"you are not logged in (ip {IP})" in text(browser.get("/logout"))


def test_logout_ends_the_session_and_shows_its_last_numbers(browser: Browser, hotspot: Hotspot):
    browser.post("/login", username="code1", password="pw")
    hotspot.count_traffic(IP, 2048, 4096)
    hotspot.clock.advance(125)
    page = text(browser.get("/logout"))
    assert hotspot.session(IP) is None
    for shown in ("code1", "2m5s", "57m55s", "2.0 KiB / 4.0 KiB"):
        assert shown in page


def test_a_missing_file_is_404_and_a_path_out_of_the_directory_too(browser: Browser, tmp_path: Path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "hotspot"
    folder.mkdir()
    (folder / "login.html").write_text("own page")
    (folder / "leak.txt").symlink_to(tmp_path / "secret.txt")
    browser.servlet.html = folder
    assert text(browser.get("/login")) == "own page"
    for path in ("/nothing.html", "/../secret.txt", "/%2e%2e/secret.txt", "/leak.txt", "/lv/../../secret.txt"):
        assert browser.get(path).status == 404, path


def test_an_empty_folder_means_the_stock_pages(browser: Browser, tmp_path: Path):
    browser.servlet.html = tmp_path
    assert "Log in to hotspot1" in text(browser.get("/login"))


def test_text_files_are_filled_in_and_scripts_are_not(browser: Browser):
    browser.servlet.html = stock_pages() | {"a.txt": "$(mac)", "b.js": "$(mac)"}
    assert text(browser.get("/a.txt")) == MAC
    assert text(browser.get("/b.js")) == "$(mac)"
    assert b"function hexMD5" in browser.get("/md5.js").body


def test_a_subdirectory_overrides_single_pages_and_stays_in_the_links(browser: Browser):
    browser.servlet.html = stock_pages() | {"lv/login.html": "Latviski $(link-login-only)"}
    assert text(browser.get("/lv/login")) == "Latviski http://login.hotspot/lv/login"
    assert text(browser.get("/login?target=lv")) == "Latviski http://login.hotspot/lv/login"
    assert header(browser.get("/lv/status"), "Location") == "http://login.hotspot/lv/login"


def test_other_methods_are_refused(browser: Browser):
    reply = browser.servlet.answer(Request(method="DELETE", host="login.hotspot", target="/login"), mac=MAC, ip=IP)
    assert reply.status == 405


def test_a_form_with_too_many_fields_is_a_bad_request(browser: Browser):
    assert browser.get("/login?" + "&".join(f"a{n}=1" for n in range(200))).status == 400


# -- refusals ----------------------------------------------------------------------------------------------------------


def shown_error(reply: Reply) -> str:
    found = re.search(r'<p class="error" id="error">(.*?)</p>', text(reply))
    return found[1] if found else ""


def test_a_wrong_password_shows_the_text_of_errors_txt(browser: Browser):
    assert shown_error(browser.post("/login", username="free", password="no")) == "invalid username or password"


def test_a_second_device_is_refused_and_the_first_stays(browser: Browser, hotspot: Hotspot):
    browser.post("/login", username="free", password="pw")
    second = Browser(hotspot, browser.servlet, **OTHER)
    reply = second.post("/login", username="free", password="pw")
    assert shown_error(reply) == "no more sessions are allowed for user free"
    assert hotspot.session(IP) is not None
    assert hotspot.session(OTHER["ip"]) is None


def test_a_used_up_voucher_is_refused_with_its_text(browser: Browser, hotspot: Hotspot):
    browser.post("/login", username="code1", password="pw")
    hotspot.clock.advance(3601)
    reply = browser.post("/login", username="code1", password="pw")
    assert shown_error(reply) == "user code1 has reached uptime limit"


def test_a_locked_mac_address_is_refused_with_its_text(browser: Browser, hotspot: Hotspot):
    hotspot.users.add({"name": "mine", "password": "pw", "mac-address": OTHER["mac"]})
    reply = browser.post("/login", username="mine", password="pw")
    assert shown_error(reply) == "user mine is not allowed to log in from this MAC address"


def test_the_name_of_another_mac_address_is_refused_with_its_text(browser: Browser):
    reply = browser.post("/login", username=OTHER["mac"], password="")
    assert shown_error(reply) == f"invalid username ({OTHER['mac']}): this MAC address is not yours"


def test_translated_texts_keep_the_original_beside_them(browser: Browser):
    errors = "# own words\ninvalid-username = jina au neno la siri si sahihi: $(username)\n"
    browser.servlet.html = stock_pages() | {"errors.txt": errors, "login.html": "$(error)|$(error-orig)"}
    reply = browser.post("/login", username="free", password="no")
    assert text(reply) == "jina au neno la siri si sahihi: free|invalid username or password"


def test_a_failed_login_shows_flogin_when_there_is_one(browser: Browser):
    browser.servlet.html = all_pages()
    assert "<h1>Login failed</h1>" in text(browser.post("/login", username="free", password="no"))


def test_a_fatal_error_shows_the_error_page():
    hotspot = make_hotspot(login_by="mac")
    reply = Browser(hotspot, Servlet(hotspot)).post("/login", username="free", password="pw")
    assert "configuration error" in text(reply)
    assert "Hotspot error" in text(reply)


def test_a_name_that_looks_like_a_variable_is_shown_as_it_is(browser: Browser):
    browser.servlet.html = stock_pages() | {"login.html": "$(username)"}
    assert text(browser.post("/login", username="$(mac)", password="x")) == "$(mac)"


# -- http-chap ---------------------------------------------------------------------------------------------------------


def from_octal(value: str) -> bytes:
    return bytes(int(digits, 8) for digits in re.findall(r"\\([0-7]{3})", value))


def chap_answer(browser: Browser, password: str) -> str:
    found = re.search(r"hexMD5\('(.*?)' \+ .*? \+ '(.*?)'\)", text(browser.get("/login")))
    assert found is not None
    return hashlib.md5(from_octal(found[1]) + password.encode() + from_octal(found[2])).hexdigest()


def test_chap_with_bytes_above_0x7f_lets_in(browser: Browser, hotspot: Hotspot):
    answer = chap_answer(browser, "pw")
    assert "logged in as free" in text(browser.post("/login", username="free", password=answer))
    session = hotspot.session(IP)
    assert session is not None
    assert session.login_by == "http-chap"


def test_a_chap_answer_works_once(browser: Browser):
    answer = chap_answer(browser, "pw")
    browser.post("/login", username="free", password=answer)
    browser.get("/logout?erase-cookie=on")
    assert shown_error(browser.post("/login", username="free", password=answer)) == "invalid username or password"


def test_a_plain_password_under_chap_alone_is_chap_missing():
    hotspot = make_hotspot(login_by="http-chap")
    browser = Browser(hotspot, Servlet(hotspot))
    reply = browser.post("/login", username="free", password="pw")
    assert shown_error(reply).startswith("web browser did not send challenge response")


def test_a_challenge_older_than_an_hour_is_chap_missing():
    hotspot = make_hotspot(login_by="http-chap")
    browser = Browser(hotspot, Servlet(hotspot))
    answer = chap_answer(browser, "pw")
    hotspot.clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    reply = browser.post("/login", username="free", password=answer)
    assert shown_error(reply).startswith("web browser did not send challenge response")


def test_the_challenge_of_one_phone_is_no_use_to_another():
    hotspot = make_hotspot(login_by="http-chap")
    servlet = Servlet(hotspot)
    answer = chap_answer(Browser(hotspot, servlet), "pw")
    stranger = Browser(hotspot, servlet, **OTHER)
    stranger.get("/login")
    assert shown_error(stranger.post("/login", username="free", password=answer)) == "invalid username or password"


def test_a_plain_password_that_looks_like_a_chap_answer_still_works(browser: Browser, hotspot: Hotspot):
    hotspot.users.add({"name": "hex", "password": "0123456789abcdef0123456789abcdef"})
    browser.get("/login")
    assert "logged in as hex" in text(
        browser.post("/login", username="hex", password="0123456789abcdef0123456789abcdef")
    )


def test_over_https_there_is_no_challenge_and_the_plain_password_counts():
    hotspot = make_hotspot(login_by="http-chap,https")
    browser = Browser(hotspot, Servlet(hotspot, html={"login.html": "[$(chap-id)][$(ssl-login)][$(link-login-only)]"}))
    assert text(browser.get("/login", secure=True)) == f"[][yes][{LOGIN}]"
    browser.get("/login?username=free&password=pw", secure=True)
    session = hotspot.session(IP)
    assert session is not None
    assert session.login_by == "https"


# -- cookies, trial, api, variables ------------------------------------------------------------------------------------


def cookie_of(reply: Reply) -> str:
    return header(reply, "Set-Cookie").partition(";")[0]


def test_the_http_cookie_logs_in_again_without_a_form(browser: Browser, hotspot: Hotspot):
    reply = browser.post("/login", username="free", password="pw")
    assert f"Max-Age={3 * 86400}" in header(reply, "Set-Cookie")
    browser.get("/logout")
    assert "logged in as free" in text(browser.get("/login", cookie=f"theme=dark; {cookie_of(reply)}"))
    session = hotspot.session(IP)
    assert session is not None
    assert session.login_by == "cookie"


def test_erase_cookie_makes_the_cookie_useless(browser: Browser, hotspot: Hotspot):
    cookie = cookie_of(browser.post("/login", username="free", password="pw"))
    assert cookie.startswith(f"{COOKIE_NAME}=")
    browser.get("/logout?erase-cookie=on")
    assert "Log in to hotspot1" in text(browser.get("/login", cookie=cookie))
    assert hotspot.session(IP) is None


def test_another_phone_cannot_use_the_cookie(browser: Browser, hotspot: Hotspot):
    cookie = cookie_of(browser.post("/login", username="free", password="pw"))
    browser.get("/logout")
    Browser(hotspot, browser.servlet, **OTHER).get("/login", cookie=cookie)
    assert hotspot.session(OTHER["ip"]) is None


def test_without_the_cookie_method_no_cookie_is_set():
    hotspot = make_hotspot(login_by="http-pap")
    reply = Browser(hotspot, Servlet(hotspot)).post("/login", username="free", password="pw")
    assert header(reply, "Set-Cookie") == ""


def test_the_trial_link_lets_in_and_is_gone_when_used_up():
    hotspot = make_hotspot(login_by="trial,http-pap")
    browser = Browser(hotspot, Servlet(hotspot))
    link = f"{LOGIN}?dst=&amp;username=T-{quote(MAC, safe='')}"
    assert f'href="{link}"' in text(browser.get("/login"))
    browser.get(f"/login?dst=&username=T-{quote(MAC, safe='')}")
    session = hotspot.session(IP)
    assert session is not None
    assert session.login_by == "trial"
    hotspot.clock.advance(1801)
    hotspot.tick()
    assert hotspot.session(IP) is None
    assert 'id="trial"' not in text(browser.get("/login"))


def test_the_api_says_captive_first_and_what_is_left_after_login(browser: Browser, hotspot: Hotspot):
    hotspot.users.add({"name": "capped", "password": "pw", "limit-uptime": "1h", "limit-bytes-total": "10000"})
    before = browser.get("/api")
    assert json.loads(before.body) == {"captive": True, "user-portal-url": LOGIN, "can-extend-session": True}
    assert header(before, "Content-Type") == "application/captive+json"
    browser.post("/login", username="capped", password="pw")
    hotspot.count_traffic(IP, 1000, 500)
    hotspot.clock.advance(600)
    assert json.loads(browser.get("/api").body) == {
        "captive": False,
        "user-portal-url": LOGIN,
        "seconds-remaining": 3000,
        "bytes-remaining": 8500,
        "can-extend-session": True,
    }


STATUS = "$(username) $(uptime) $(uptime-secs) $(session-time-left) $(session-time-left-secs) $(bytes-in) $(bytes-out) "
STATUS += "$(bytes-in-nice) $(remain-bytes-in) $(limit-bytes-out) $(login-by) $(logged-in) $(idle-timeout-secs)"


def test_status_numbers_follow_the_clock_and_the_traffic(browser: Browser, hotspot: Hotspot):
    browser.servlet.html = stock_pages() | {"status.html": STATUS}
    browser.post("/login", username="code1", password="pw")
    hotspot.count_traffic(IP, 15423, 11352)
    hotspot.clock.advance(125)
    assert text(browser.get("/status")) == "code1 2m5s 125 57m55s 3475 15423 11352 15.1 KiB --- --- http-pap yes 0"


def test_counters_and_errors_are_empty_where_the_manual_says_so(browser: Browser):
    browser.servlet.html = stock_pages() | {
        "login.html": "[$(bytes-in)][$(uptime)][$(uptime-secs)]",
        "a.txt": "[$(error)]",
    }
    assert text(browser.get("/login")) == "[][][0]"
    assert text(browser.get("/a.txt")) == "[]"


def test_request_variables_and_headers_reach_the_page(browser: Browser):
    page = "$(var) $(session-id) $(http-header-User-Agent) $(user-agent) $(link-orig-esc)"
    browser.servlet.html = {"login.html": page}
    reply = browser.get("/login?var=v1&session-id=s2&dst=http%3A%2F%2Fa%2F%3Fb%3D1%262", user_agent="Test/1")
    assert text(reply) == "v1 s2 Test/1 Test/1 http%3A%2F%2Fa%2F%3Fb%3D1%262"


def test_an_external_login_page_gets_mac_ip_and_links(browser: Browser):
    page = '$(if http-status == 302)x$(endif)$(if http-header == "Location")https://portal.example/?mac=$(mac-esc)'
    page += "&ip=$(ip)&login=$(link-login-only-esc)&orig=$(link-orig-esc)&error=$(error-esc)$(endif)"
    browser.servlet.html = stock_pages() | {"login.html": page}
    reply = browser.post("/login", username="free", password="no", dst="http://example.com/")
    assert header(reply, "Location") == (
        "https://portal.example/?mac=02%3A00%3A00%3A00%3A00%3A01&ip=10.5.50.2&login=http%3A%2F%2Flogin.hotspot%2Flogin"
        "&orig=http%3A%2F%2Fexample.com%2F&error=invalid+username+or+password"
    )


def test_without_a_dns_name_links_use_the_address():
    hotspot = make_hotspot(dns_name="")
    assert header(Browser(hotspot, Servlet(hotspot)).get("/"), "Location") == "http://10.5.50.1/login"


def test_names_that_are_not_utf8_survive():
    hotspot = make_hotspot(login_by="http-pap")
    servlet = Servlet(hotspot, html={"login.html": b"\xe4 $(username)"})
    reply = Browser(hotspot, servlet).get("/login?username=%fc&password=x")
    assert reply.body == b"\xe4 \xfc"


def test_bytes_are_shown_in_a_readable_unit():
    assert [nice(size) for size in (0, 1023, 1024, 15423, 5 * 1024**3)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "15.1 KiB",
        "5.0 GiB",
    ]
