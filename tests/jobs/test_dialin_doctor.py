"""The doctor where PPPoE customers are served: what keeps them from dialling in is told with the line that mends it."""

from jobs import doctor
from portal import routers
from routeros.simulator.scripting.engine import ScriptEngine
from tests.jobs.dialing import serve_pppoe, subscriber
from tests.jobs.room import Room


async def _codes(room: Room) -> dict[str, str]:
    """What was found about PPPoE, and what to paste for it."""
    found = await doctor.examine(await routers.access_to(room.router.id, vault=room.vault), room.doors)
    return {each.code: each.fix for each in found if each.code.startswith("pppoe")}


async def test_a_router_without_pppoe_customers_is_not_judged_by_its_pppoe(room: Room) -> None:
    assert await _codes(room) == {}


async def test_no_server_is_told_before_anybody_can_dial_in(room: Room) -> None:
    await subscriber(room)
    assert await _codes(room) == {"pppoe_none": ""}
    serve_pppoe(room)
    assert await _codes(room) == {}


async def test_a_server_that_is_off_is_mended_by_the_pasted_line(room: Room) -> None:
    await subscriber(room)
    serve_pppoe(room)
    [server] = room.board.tables["/interface/pppoe-server/server"]
    server.values["disabled"] = "true"
    found = await _codes(room)
    assert list(found) == ["pppoe_off"]
    assert ScriptEngine(room.board).paste(found["pppoe_off"]).error is None
    assert await _codes(room) == {}


async def test_a_profile_without_addresses_is_mended_by_the_pasted_line(room: Room) -> None:
    await subscriber(room)
    serve_pppoe(room)
    [server] = room.board.tables["/interface/pppoe-server/server"]
    server.values["default-profile"] = "default"
    found = await _codes(room)
    assert list(found) == ["pppoe_addresses"]
    assert ScriptEngine(room.board).paste(found["pppoe_addresses"]).error is None
    assert await _codes(room) == {}
    assert await room.sync()
    assert room.board.ppp.dial("amina", "p1", "02:00:00:00:00:09").address == "10.64.0.10"
