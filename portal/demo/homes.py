"""The demo's PPPoE: a server on one router, and in every house that has a secret there a small router that dials by itself."""

from collections.abc import Callable

from portal import dialins
from portal.db import DB
from portal.vault import Vault
from routeros.dialins import dialin_comment
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.router import SimulatedRouter
from routeros.words import write_flag

SECRETS, PROFILES, SERVERS = "/ppp/secret", "/ppp/profile", "/interface/pppoe-server/server"


def serve(board: SimulatedRouter) -> None:
    """What a merchant has before the first PPPoE customer: a pool, a profile with addresses, a server on a cable. Harmless twice."""
    if any(row.get("interface") == "ether2" for row in board.tables[SERVERS]):
        return
    board.tables["/ip/pool"].add({"name": "homes", "ranges": "10.9.0.2-10.9.0.250"})
    board.tables[PROFILES].add({"name": "homes", "local-address": "10.9.0.1", "remote-address": "homes"})
    board.tables[SERVERS].add({"interface": "ether2", "default-profile": "homes", "disabled": "no"})


async def remember(board: SimulatedRouter, router_id: int, vault: Vault) -> None:
    """Put on the board what the database says was written there, so that a new start finds nothing missing."""
    rows = await DB.fetch("SELECT subscriber_id FROM dialins WHERE router_id = $1 AND carried IS NOT NULL", router_id)
    carried = {row["subscriber_id"] for row in rows}
    if not carried:
        return
    wanted = await dialins.desired(router_id, vault=vault)
    for profile in wanted.profiles.values():
        only_one = write_flag(profile.is_only_one)
        board.tables[PROFILES].add({"name": profile.name, "rate-limit": profile.rate_limit, "only-one": only_one})
    for each in wanted.dialins.values():
        if each.subscriber_id in carried:
            board.tables[SECRETS].add(
                {
                    "name": each.name,
                    "password": each.password,
                    "profile": each.profile,
                    "service": "pppoe",
                    "comment": dialin_comment(each.subscriber_id),
                    "disabled": write_flag(not each.is_on),
                }
            )


def live(board: SimulatedRouter, *, draw: Callable[[], float]) -> None:
    """Every house dials, and uses a little: call it every second or so."""
    for secret in board.tables[SECRETS]:
        name, password = secret.get("name"), secret.get("password")
        client = board.ppp.clients.get(name)
        if client is None:
            mac = "02:50:50:" + ":".join(f"{byte:02X}" for byte in name.encode()[-3:].rjust(3, b"\0"))
            board.ppp.clients[name] = PppoeClient(mac=mac, user=name, password=password)
        else:
            client.password = password  # its owner was told the new one
    board.ppp.tick()
    for dialin in list(board.ppp.sessions.values()):
        board.ppp.count_traffic(dialin.user, int(20_000 * draw()), int(400_000 * draw() ** 3))
