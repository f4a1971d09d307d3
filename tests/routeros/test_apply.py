"""Carrying a plan out: every row gets its outcome, one refused row stops nobody, a lost router stops at once."""

import asyncio

from routeros.apply import apply, observe
from routeros.client import HotspotRouter
from routeros.errors import AlreadyExists, NotPermitted, Unreachable
from routeros.operations import AddUser, ChangeUser, EndAccess, EnsureProfile, Operation, Plan, Why
from tests.routeros.model import PROFILE, name, row
from tests.routeros.peer import Peer, Sentence, done, framed, read_sentence, rows, trap

MENUS = ("user", "user/profile", "active", "cookie", "host")


def all_empty(peer: Peer) -> None:
    for menu in MENUS:
        peer.answers[f"/ip/hotspot/{menu}/print"] = lambda _: rows()


def found(said: Sentence) -> list[Sentence]:
    asked = [word.removeprefix("?=name=") for word in said if word.startswith("?=name=")]
    return rows(*({".id": f"*{int(each[6:], 16) + 1:X}", "name": each} for each in asked))


async def test_a_refused_row_does_not_stop_the_rest(router: HotspotRouter, peer: Peer) -> None:
    all_empty(peer)
    peer.answers["/ip/hotspot/user/print"] = found
    peer.answers["/ip/hotspot/user/profile/add"] = lambda _: done(ret="*1")
    peer.answers["/ip/hotspot/user/remove"] = lambda said: (
        trap("not enough permissions (9)") if "*2" in said[1].removeprefix("=.id=").split(",") else done()
    )
    peer.answers["/ip/hotspot/user/add"] = lambda said: (
        trap("already have user with this name") if f"=name={name(5)}" in said else done(ret="*1")
    )
    peer.answers["/ip/hotspot/user/set"] = lambda _: done()
    operations: tuple[Operation, ...] = (
        EndAccess(name(0), Why.ENDED),
        EndAccess(name(1), Why.ENDED),
        EndAccess(name(2), Why.ENDED),
        EnsureProfile(PROFILE),
        AddUser(row(5)),
        AddUser(row(6)),
        ChangeUser(name(7), {"limit_uptime": 60}),
    )
    applied = await apply(Plan(operations), router)
    assert [outcome.operation for outcome in applied.outcomes] == list(operations)
    assert {outcome.operation.name: type(outcome.error) for outcome in applied.failed} == {
        name(1): NotPermitted,
        name(5): AlreadyExists,
    }
    assert applied.lost is None
    assert peer.heard[-1] == ["/ip/hotspot/user/set", "=.id=*8", "=limit-uptime=1m"]


async def test_a_lost_router_stops_the_work_and_marks_what_was_not_done(router: HotspotRouter, peer: Peer) -> None:
    heard: list[str] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            words = await read_sentence(reader)
            heard.append(words[0])
            if words[0].endswith("/add"):
                return
            writer.write(framed("!done", words[-1]))

    peer.takes_over = dies
    operations: tuple[Operation, ...] = (
        EndAccess(name(0), Why.ENDED),
        AddUser(row(5)),
        ChangeUser(name(7), {"limit_uptime": 60}),
    )
    applied = await apply(Plan(operations), router)
    assert [type(outcome.error) for outcome in applied.outcomes] == [type(None), Unreachable, Unreachable]
    assert isinstance(applied.lost, Unreachable)
    assert heard[-1] == "/ip/hotspot/user/add"
    assert peer.connections == 1


async def test_an_empty_plan_does_not_even_connect(router: HotspotRouter, peer: Peer) -> None:
    assert (await apply(Plan(), router)).outcomes == ()
    assert peer.connections == 0


async def test_a_full_read_is_complete_and_takes_sessions_before_users(router: HotspotRouter, peer: Peer) -> None:
    all_empty(peer)
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*1", "name": name(1)})
    observed = await observe(router)
    assert observed.complete
    assert [user.name for user in observed.users] == [name(1)]
    assert peer.paths().index("/ip/hotspot/active/print") < peer.paths().index("/ip/hotspot/user/print")


async def test_a_menu_the_router_does_not_show_leaves_the_read_incomplete(router: HotspotRouter, peer: Peer) -> None:
    all_empty(peer)
    peer.answers["/ip/hotspot/cookie/print"] = lambda _: trap("not enough permissions (9)")
    assert not (await observe(router)).complete


async def test_the_fast_path_asks_only_for_the_named_users(router: HotspotRouter, peer: Peer) -> None:
    all_empty(peer)
    observed = await observe(router, names=[name(1)])
    assert observed.complete
    asked = {said[0]: said[2:] for said in peer.heard}
    assert asked["/ip/hotspot/user/print"] == [f"?=name={name(1)}"]
    assert asked["/ip/hotspot/active/print"] == [f"?=user={name(1)}"]
    assert asked["/ip/hotspot/cookie/print"] == [f"?=user={name(1)}"]
    assert "/ip/hotspot/host/print" not in asked
