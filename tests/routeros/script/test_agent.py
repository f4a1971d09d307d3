"""The pull agent running on simulated routers against a portal that is honest, silent, old, torn or hostile."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Why
from routeros.script.agent import agent_script
from routeros.script.onboarding import Family, Onboarding, PullAgent, Trust, Variant, setup_script
from routeros.script.pull import build_work, parse_report, whole_state
from routeros.script.pull_values import Action, PullJob, PullReport, PullWork, Report, StateKind
from routeros.simulator.router import SimulatedRouter
from routeros.values import ActiveSession, CookieRow, HotspotUser, LogIn, UserChanges, UserProfile

from .cast import BASE, OLD, PULL

engine = pytest.importorskip("routeros.simulator.scripting.engine")
fetching = pytest.importorskip("routeros.simulator.scripting.fetching")

NAME, OTHER = "vocha-0123456789abcdef", "vocha-00000000deadbeef"
MAC, IP = "AA:BB:CC:00:00:01", "10.5.50.9"
PROFILE = UserProfile("vocha-1m-2m-x1", rate_limit="1M/2M", shared_users=1)
USER = HotspotUser(NAME, "00123", profile=PROFILE.name, comment="vocha:7", limit_uptime=3600)
SALE: tuple[Action, ...] = (
    EnsureProfile(PROFILE),
    AddUser(USER),
    LogIn(NAME, "00123", ip=IP, mac=MAC),
)
VERSIONS = [
    ("6.49", Variant.PLAIN),
    ("7.9", Variant.PLAIN),
    ("7.16", Variant.PLAIN),
    ("7.16", Variant.JSON),
    ("7.24", Variant.JSON),
]
EVERYWHERE = pytest.mark.parametrize(("version", "variant"), VERSIONS)
BOTH = pytest.mark.parametrize(("version", "variant"), [VERSIONS[0], VERSIONS[3]])

Tamper = Callable[[bytes, PullReport], bytes]


@dataclass
class Portal:
    """Answers reports with the jobs that wait; `tamper` is what happens to an answer on its way."""

    variant: Variant
    waiting: list[PullJob] = field(default_factory=list[PullJob])
    reports: list[PullReport] = field(default_factory=list[PullReport])
    tamper: Tamper = lambda body, _report: body
    largest: int = 0
    numbers: int = 0

    def ask(self, *actions: Action) -> None:
        for action in actions:
            self.numbers += 1
            self.waiting.append(PullJob(self.numbers, action))

    def __call__(self, request: "fetching.FetchRequest") -> "fetching.FetchReply":  # pyright: ignore[reportInvalidTypeForm]
        assert (request.method, request.url) == ("POST", PULL.url)
        report = parse_report(request.body, self.variant)
        self.largest = max(self.largest, len(request.body))
        self.reports.append(report)
        jobs, self.waiting = tuple(self.waiting), []
        body = self.tamper(build_work(PullWork(report.ask, PULL.answer_key, jobs), self.variant), report)
        return fetching.FetchReply(200, body=body)

    @property
    def acks(self) -> dict[int, bool]:
        return {ack.number: ack.is_done for report in self.reports for ack in report.acks}

    def state(self, kind: StateKind) -> tuple[object, ...] | None:
        return whole_state(page for report in self.reports for page in report.states if page.kind is kind)


def wish_for(version: str, variant: Variant) -> Onboarding:
    family = Family.SIX if version.startswith("6") else Family.SEVEN
    return replace(
        BASE, family=family, hotspot=OLD, way=replace(PULL, variant=variant), trust=Trust.NONE, ntp_servers=()
    )


class Site:
    """A router with our agent, a phone that is there, and the portal it asks."""

    def __init__(self, version: str, variant: Variant) -> None:
        wish = wish_for(version, variant)
        assert isinstance(wish.way, PullAgent)
        self.router = SimulatedRouter(
            version=version, server_name="hotspot1", address="10.5.50.1", login_by="http-pap,cookie,mac-cookie"
        )
        self.router.hotspot.see_host(MAC, IP)
        self.portal = Portal(variant)
        self.router.scripts.fetcher = self.portal
        self.script = agent_script(wish, wish.way)

    def run(self) -> None:
        policies = frozenset({"read", "write", "test"})
        result = engine.ScriptEngine(self.router).run(self.script, policies=policies)
        assert result.error is None, result.error

    def users(self) -> dict[str, dict[str, str]]:
        return {row["name"]: dict(row) for row in self.router.dispatcher.menus["/ip/hotspot/user"].shown()}

    def rows(self, menu: str) -> list[dict[str, str]]:
        return [dict(row) for row in self.router.dispatcher.menus[menu].shown()]


@EVERYWHERE
def test_a_sale_is_online_and_acknowledged_in_one_run(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.ask(*SALE)
    site.run()
    user = site.users()[NAME]
    assert (user["password"], user["profile"], user["comment"], user["limit-uptime"]) == (
        "00123",
        PROFILE.name,
        "vocha:7",
        "1h",
    )
    (active,) = site.rows("/ip/hotspot/active")
    assert (active["user"], active["address"], active["mac-address"]) == (NAME, IP, MAC)
    assert site.portal.acks == {1: True, 2: True, 3: True}
    first = site.portal.reports[0]
    assert (first.site, first.secret, first.serial) == ("5f2e9c", PULL.secret, "HEX0SIM0001")
    assert first.version.startswith(version)


@EVERYWHERE
def test_the_state_comes_back_as_values(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.ask(*SALE, *(Report(kind) for kind in StateKind))
    site.run()
    assert site.portal.state(StateKind.USERS) == (replace(USER, password=None),)
    (active,) = site.portal.state(StateKind.ACTIVE) or ()
    assert isinstance(active, ActiveSession)
    assert (active.user, active.address, active.mac_address) == (NAME, IP, MAC)
    assert active.session_time_left in range(3590, 3601)
    (cookie,) = site.portal.state(StateKind.COOKIES) or ()
    assert isinstance(cookie, CookieRow)
    assert (cookie.user, cookie.mac_address) == (NAME, MAC)
    assert site.portal.state(StateKind.PROFILES) == (PROFILE,)


@EVERYWHERE
def test_changes_and_ends_are_obeyed(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.ask(*SALE, ChangeUser(NAME, UserChanges(limit_uptime=7200, mac_address=MAC)))
    site.run()
    user = site.users()[NAME]
    assert (user["limit-uptime"], user["mac-address"], user["password"]) == ("2h", MAC, "00123")
    # A browser's cookie outlives its session; only a MAC's goes with it.
    assert site.router.hotspot.new_http_cookie(IP)
    site.portal.ask(ChangeUser(NAME, UserChanges(limit_uptime=None)), EndAccess(NAME, Why.ENDED))
    site.run()
    assert NAME not in site.users()
    assert site.rows("/ip/hotspot/active") == []
    assert site.rows("/ip/hotspot/cookie") == []
    assert all(site.portal.acks.values())
    assert len(site.portal.acks) == 6


@BOTH
def test_the_same_work_twice_is_harmless(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    for _ in range(2):
        site.portal.ask(*SALE)
        site.run()
    assert len([name for name in site.users() if name.startswith("vocha-")]) == 1
    assert len(site.rows("/ip/hotspot/active")) == 1
    assert all(site.portal.acks.values())
    for _ in range(2):
        site.portal.ask(EndAccess(NAME, Why.ENDED))
        site.run()
    assert all(site.portal.acks.values())


@BOTH
def test_an_old_answer_is_not_obeyed(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    old = build_work(PullWork("1-1h", PULL.answer_key, tuple(PullJob(n + 1, a) for n, a in enumerate(SALE))), variant)
    site.portal.tamper = lambda _body, _report: old
    site.run()
    assert NAME not in site.users()
    assert site.portal.acks == {}


@BOTH
def test_every_question_is_another(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    for _ in range(5):
        site.portal.ask(Report(StateKind.COOKIES))
        site.run()
    asks = [report.ask for report in site.portal.reports]
    assert len(asks) == 10
    assert len(set(asks)) == 10


@BOTH
def test_an_answer_without_our_key_is_not_obeyed(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.tamper = lambda body, _report: body.replace(PULL.answer_key.encode(), b"somebody-elses-key")
    site.portal.ask(*SALE)
    site.run()
    assert NAME not in site.users()


@BOTH
def test_a_torn_answer_is_not_obeyed(version: str, variant: Variant) -> None:
    whole = build_work(PullWork("x", PULL.answer_key, tuple(PullJob(n + 1, a) for n, a in enumerate(SALE))), variant)
    for left in (1, 2, 3, 8, 40, 120, len(whole) - 10):
        site = Site(version, variant)
        site.portal.tamper = lambda body, _report, left=left: body[: len(body) - left]
        site.portal.ask(*SALE)
        site.run()
        assert NAME not in site.users(), left
        assert site.portal.acks == {}


@BOTH
def test_a_lost_job_makes_the_whole_answer_void(version: str, variant: Variant) -> None:
    site = Site(version, variant)

    def lose(body: bytes, report: PullReport) -> bytes:
        less = build_work(
            PullWork(report.ask, PULL.answer_key, (PullJob(1, AddUser(replace(USER, profile="default"))),)), variant
        )
        return less.replace(b'"count":"=1"', b'"count":"=2"').replace(b"end|1\n", b"end|2\n")

    site.portal.tamper = lose
    site.run()
    assert NAME not in site.users()


@BOTH
def test_a_silent_portal_stops_nothing_for_good(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.router.scripts.fetcher = fetching.no_network
    site.run()
    site.router.scripts.fetcher = lambda _request: fetching.FetchReply(503, body=b"later")
    site.run()
    site.router.scripts.fetcher = site.portal
    site.portal.ask(*SALE)
    site.run()
    assert NAME in site.users()


def forged(variant: Variant, *jobs: tuple[str, ...]) -> Tamper:
    """Work with the right key that our own builder would refuse to write."""

    def write(_body: bytes, report: PullReport) -> bytes:
        empty = build_work(PullWork(report.ask, PULL.answer_key), variant).decode()
        if len(report.acks):
            return empty.encode()
        if variant is Variant.PLAIN:
            lines = "".join("|".join(("job", *job)) + "\n" for job in jobs)
            return empty.replace("end|0\n", f"{lines}end|{len(jobs)}\n").encode()
        rows = ",".join("[" + ",".join(f'"={word}"' for word in job) + "]" for job in jobs)
        return (
            empty.replace('"count":"=0"', f'"count":"={len(jobs)}"').replace('"jobs":[]', f'"jobs":[{rows}]').encode()
        )

    return write


@BOTH
def test_rows_that_are_not_ours_cannot_be_named(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    made = (
        "/ip hotspot user add name=guest password=theirs\n"
        + f"/ip hotspot user add name={OTHER} password=theirs comment=mine\n"
    )
    assert engine.ScriptEngine(site.router).paste(made).error is None
    everything = ("new", "default", "vocha:1", MAC, "1s", "1", "yes")
    site.portal.tamper = forged(
        variant,
        *(("1", "end", "guest"), ("2", "set", "guest", *everything), ("3", "user", "guest", *everything)),
        *(("4", "end", OTHER), ("5", "set", OTHER, *everything), ("6", "user", OTHER, *everything)),
        *(("7", "profile", "default", "9", "no", "-"), ("8", "login", "guest", "theirs", IP, MAC)),
        *(("9", "user", "admin", *everything), ("10", "reboot", NAME), ("11", "report", "secrets")),
    )
    before = site.users(), site.rows("/ip/hotspot/user/profile")
    site.run()
    assert (site.users(), site.rows("/ip/hotspot/user/profile")) == before
    assert site.rows("/ip/hotspot/active") == []
    assert site.portal.acks == dict.fromkeys(range(1, 12), False)


@BOTH
@pytest.mark.parametrize(
    "evil",
    [
        "x; /user add name=evil group=full",
        "[/user add name=evil group=full]",
        "$[/user add name=evil group=full]",
        "}{/user add name=evil group=full}",
    ],
)
def test_fetched_text_is_never_run(version: str, variant: Variant, evil: str) -> None:
    site = Site(version, variant)
    rest = ("default", "vocha:1", "00:00:00:00:00:00", "0s", "0", "no")
    site.portal.tamper = forged(
        variant, ("1", "user", NAME, evil, *rest), (evil, evil, evil), ("3", "profile", "vocha-x", evil, "yes", evil)
    )
    site.run()
    assert {row["name"] for row in site.rows("/user")} == {"admin"}
    assert site.users()[NAME]["password"] == evil
    assert site.portal.acks[1]
    assert not any(done for number, done in site.portal.acks.items() if number != 1)


@BOTH
def test_a_refused_job_does_not_stop_the_next(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    site.portal.ask(AddUser(replace(USER, profile="vocha-none")), AddUser(replace(USER, name=OTHER, profile="default")))
    site.run()
    assert OTHER in site.users()
    assert site.portal.acks == {1: False, 2: True}
    why = [ack.why for report in site.portal.reports for ack in report.acks if not ack.is_done]
    assert bool(why[0]) == (variant is Variant.JSON)


@BOTH
def test_a_thousand_users_are_told_in_pages_that_fit(version: str, variant: Variant) -> None:
    site = Site(version, variant)
    users = site.router.tables["/ip/hotspot/user"]
    for number in range(1_000):
        users.add({"name": f"vocha-{number:016x}", "password": "x", "comment": f"vocha:{number}"})
    users.add({"name": "guest", "password": "x"})
    site.portal.ask(Report(StateKind.USERS))
    site.run()
    told = site.portal.state(StateKind.USERS)
    assert told is not None
    assert len(told) == 1_000
    assert site.portal.largest <= 65_536
    last = next(page for report in site.portal.reports for page in report.states if page.is_last)
    assert last.total >= 1_001


def test_the_scheduler_runs_the_agent() -> None:
    wish = wish_for("7.16", Variant.JSON)
    router = SimulatedRouter(version="7.16", server_name="hotspot1", address="10.5.50.1")
    assert engine.ScriptEngine(router).paste(setup_script(wish)).error is None
    portal = Portal(Variant.JSON)
    router.scripts.fetcher = portal
    for _ in range(60):
        router.clock.advance(1)
        router.tick()
    assert 3 <= len(portal.reports) <= 5
    portal.ask(AddUser(replace(USER, profile="default")))
    for _ in range(16):
        router.clock.advance(1)
        router.tick()
    assert portal.acks == {1: True}
    router.reboot()
    for _ in range(20):
        router.clock.advance(1)
        router.tick()
    assert len({report.ask for report in portal.reports}) == len(portal.reports)


def test_the_agent_asks_only_with_its_few_rights() -> None:
    site = Site("7.16", Variant.JSON)
    site.portal.ask(*SALE)
    engine.ScriptEngine(site.router).run(site.script, policies=frozenset({"read"}))
    assert NAME not in site.users()
    site.run()
    assert NAME in site.users()
