"""The shop's routers as simulators: set up as our onboarding leaves a router, with the people who are online on them.

The database says who that is; a router that starts is made to hold exactly it, as if it had never been off.
"""

import html
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from portal import access_grants, routers
from portal.access_grants import Grant
from portal.clock import Clock
from portal.db import DB
from portal.demo import homes
from portal.demo.cast import FIRST_PAGE, RouterSpec
from portal.desired import desired_user, profile_of
from portal.vault import Vault
from routeros.names import comment_for
from routeros.simulator.clock import VirtualClock
from routeros.simulator.exchange import Reply, Request
from routeros.simulator.factory import seed_server
from routeros.simulator.internet import StubInternet
from routeros.simulator.menus.hotspot_fields import USER_PROFILE, WALLED_GARDEN, WALLED_GARDEN_IP
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages

log = logging.getLogger(__name__)

PAGES = Path(__file__).parent / "pages"
#: What our group may do on a router (MikroTik manual, User: policies): speak the API, read and write, nothing else.
POLICY = "api,read,write"
#: Cookies bring a phone back without asking; PAP is the form's fallback.
LOGIN_BY = "cookie,mac-cookie,http-pap"
_PAGE_HEADERS = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))


class DemoInternet(StubInternet):
    """The pretend internet, with pages fit to be looked at."""

    def __init__(self) -> None:
        self._page = (PAGES / "internet.html").read_text(encoding="utf-8")

    def reply(self, request: Request) -> Reply:
        """A page for people; everything else as the stub answers."""
        usual = super().reply(request)
        if usual.status != 200 or b"You are on the internet" not in usual.body:
            return usual
        return Reply(200, "OK", _PAGE_HEADERS, self._page.replace("HOST", html.escape(request.host)).encode())


@dataclass(slots=True)
class DemoRouter:
    """One router of the demo: its row's id and site, the simulator with its Wi-Fi, and how we sign in to it."""

    id: int
    spec: RouterSpec
    site: str
    user: str
    password: str
    board: SimulatedRouter
    network: HotspotNetwork
    portal: str
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the merchant calls it."""
        return self.spec.name

    @property
    def is_on(self) -> bool:
        """Whether our server can reach it."""
        return self.board.is_online

    @property
    def is_slow(self) -> bool:
        """Whether it was made slow."""
        return self.board.latency.rtt > 0

    @property
    def is_set_up(self) -> bool:
        """Whether it has a hotspot: not after a factory reset."""
        return self.board.hotspot.server is not None

    def set_up(self) -> None:
        """What the merchant's paste of the set-up script does to a router as from the factory; harmless twice."""
        if not self.is_set_up:
            self.board.hotspot.identity = self.spec.name
            seed_server(
                self.board.tables,
                name="hotspot1",
                address=self.spec.address,
                dns_name=self.spec.dns_name,
                login_by=LOGIN_BY,
            )
            _onboard(self.board, self.user, self.password, open_to=(self.portal, *self.also))
            if self.spec.has_pppoe:
                homes.serve(self.board)

    def captive_url(self) -> str:
        """The captive page as the standing phone (number 1 of the hotspot's proxy) is sent there. Opens in any browser
        of this machine, also without the proxy."""
        phone = self.network.phone(1)
        self.board.hotspot.see_host(phone.mac, phone.ip)
        told = {
            "mac": phone.mac,
            "ip": phone.ip,
            "link-login-only": f"http://{self.spec.dns_name}/login",
            "link-orig": FIRST_PAGE,
        }
        return f"{self.portal}/c/{self.site}?{urlencode(told)}"

    async def stop(self) -> None:
        """Off the air; harmless twice."""
        await self.network.stop()
        await self.board.stop()


async def power_up(
    spec: RouterSpec, *, portal: str, also: Sequence[str], vault: Vault, clock: Clock, api_port: int, proxy_port: int
) -> DemoRouter:
    """Start the simulator of a router of the database. Its API port in the database is the one it has now."""
    row = await DB.row("SELECT id, site FROM routers WHERE name = $1 AND serial = $2", spec.name, spec.serial)
    if row is None:
        raise LookupError(f"the demo database has no router {spec.name}; start with --fresh")
    access = await routers.access_to(row["id"], vault=vault)
    board = SimulatedRouter(
        version=spec.version, identity=spec.name, serial=spec.serial, board=spec.board, api_user="admin",
        api_password=access.password, api_port=api_port, clock=VirtualClock(start=clock.now()), address=spec.address,
        dns_name=spec.dns_name, login_by=LOGIN_BY,
    )  # fmt: skip
    _onboard(board, access.user, access.password, open_to=(portal, *also))
    await _fill(board, row["id"], vault=vault, clock=clock)
    if spec.has_pppoe:
        homes.serve(board)
        await homes.remember(board, row["id"], vault)
    login = (PAGES / "login.html").read_text(encoding="utf-8").replace("PORTAL", portal).replace("SITE", row["site"])
    network = HotspotNetwork(board.hotspot, internet=DemoInternet(), html={**stock_pages(), "login.html": login})
    await board.start()
    await network.start(port=proxy_port)
    await DB.fetch("UPDATE routers SET api_port = $2 WHERE id = $1", row["id"], board.api_port)
    return DemoRouter(row["id"], spec, row["site"], access.user, access.password, board, network, portal, tuple(also))


def _onboard(board: SimulatedRouter, user: str, password: str, *, open_to: Sequence[str]) -> None:
    """Our user with as few rights as will do, and the walled garden that lets the portal, and the page for cards, through."""
    board.tables["/user/group"].add({"name": user, "policy": POLICY})
    board.tables["/user"].add({"name": user, "group": user, "password": password, "address": "127.0.0.1/32"})
    for url in open_to:
        host, port = urlsplit(url).hostname or "", str(urlsplit(url).port or 80)
        board.hotspot.tables[WALLED_GARDEN].add({"dst-host": host, "dst-port": port, "action": "allow"})
        board.hotspot.tables[WALLED_GARDEN_IP].add(
            {"dst-address": host, "dst-port": port, "protocol": "tcp", "action": "accept"}
        )


_SESSIONS = """
SELECT DISTINCT ON (grant_id) grant_id, mac, ip, started_at, bytes_up, bytes_down FROM hotspot_sessions
WHERE router_id = $1 AND ended_at IS NULL ORDER BY grant_id, id DESC"""


async def _fill(board: SimulatedRouter, router_id: int, *, vault: Vault, clock: Clock) -> None:
    """The users, sessions and hosts the database believes in, so that reconcile finds nothing to mend."""
    sessions = {row["grant_id"]: row for row in await DB.fetch(_SESSIONS, router_id)}
    now = clock.now()
    for grant in await access_grants.all_of(router_id, vault=vault):
        if grant.status == "wanted" and grant.mac and grant.ip:
            board.hotspot.see_host(grant.mac, grant.ip)  # the phone still sits there and waits
        if grant.status != "present" or not grant.is_live:
            continue
        # Whose time ended meanwhile was put off by the router itself; the user stays until we take it away.
        is_over = grant.expires_at is not None and grant.expires_at <= now
        session = None if is_over else sessions.get(grant.id)
        uptime_s = int((now - session["started_at"]).total_seconds()) if session else 0
        _add_user(board, grant, uptime_s=uptime_s, clock=clock)
        if session is not None:
            active = board.hotspot.login(
                ip=session["ip"], mac=session["mac"], username=grant.user_name, password=grant.password, by="api"
            )
            active.started_at = session["started_at"]
            active.traffic.add(session["bytes_up"], session["bytes_down"], session["bytes_up"] // 900, 1)


def _add_user(board: SimulatedRouter, grant: Grant, *, uptime_s: int, clock: Clock) -> None:
    """A user as reconcile would write it, with the time of the running session on top of what is left."""
    profile, wanted = profile_of(grant.terms), desired_user(grant, now=clock.now())
    profiles = board.hotspot.tables[USER_PROFILE]
    if not profiles.named(profile.name):
        limits = {"rate-limit": profile.rate_limit, "shared-users": str(profile.shared_users)}
        profiles.add({"name": profile.name, **limits})
    totals = [uptime_s + wanted.remaining] if wanted.remaining is not None else []
    totals += [wanted.limit_uptime] if wanted.limit_uptime is not None else []
    row = {
        "name": wanted.name,
        "password": wanted.password,
        "profile": wanted.profile,
        "comment": comment_for(wanted.grant_id),
    }
    board.hotspot.users.add(row | ({"limit-uptime": f"{max(1, min(totals))}s"} if totals else {}))


def keep_company(routers_up: list[DemoRouter], *, draw: Callable[[], float]) -> None:
    """Let everybody who is logged in use a little, and the standing phones be seen: call it every second or so."""
    for router in routers_up:
        hotspot = router.board.hotspot
        standing = router.network.phone(1)
        hotspot.see_host(standing.mac, standing.ip)
        here = [host for host in hotspot.host_table.hosts.values() if host.lost_at is None]
        for host in here:
            hotspot.see_host(host.mac, host.ip)
            if host.is_authorized:
                hotspot.count_traffic(host.ip, int(9_000 * draw()), int(110_000 * draw() ** 3))
        if router.is_set_up:
            homes.live(router.board, draw=draw)
