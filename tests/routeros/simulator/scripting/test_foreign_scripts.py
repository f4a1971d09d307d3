"""Scripts in the manner of other projects: they must do here what they do on a router."""

import pytest

from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from tests.routeros.simulator.scripting.bench import logged, said, still_router

#: First login of a voucher: let a schedule work out when it ends, write that into the comment, note the sale.
ON_LOGIN = r"""
:put (",rem,2000,1d,2000,,Enable,"); {
:local day [ /system clock get date ]; :local year [ :pick $day 7 11 ];
:local note [ /ip hotspot user get [/ip hotspot user find where name="$user"] comment];
:local kind [:pic $note 0 2];
:if ($kind = "vc" or $kind = "up" or $note = "") do={
  /sys sch add name="$user" disable=no start-date=$day interval="1d"; :delay 2s;
  :local ends [ /sys sch get [ /sys sch find where name="$user" ] next-run];
  :local size [len $ends];
  :if ($size = 15) do={ :local d [:pic $ends 0 6]; :local t [:pic $ends 7 16]; :local s ("/"); \
    /ip hotspot user set comment="$d$s$year $t" [find where name="$user"];};
  :if ($size = 8) do={ /ip hotspot user set comment="$day $ends" [find where name="$user"];};
  :if ($size > 15) do={ /ip hotspot user set comment="$ends" [find where name="$user"];};
  /sys sch remove [find where name="$user"]; :local mac $"mac-address"; :local hour [/system clock get time ];
  /system script add name="$day-|-$hour-|-$user-|-2000-|-$address-|-$mac" owner="mar2026" source="$day" comment="sale"
  [:local mac $"mac-address"; /ip hotspot user set mac-address=$mac [find where name=$user]]
}}
"""

#: Every few minutes: whoever's comment says a time that is over is removed, with his session.
MONITOR = r"""
:local dateint do={:local names ( "jan","feb","mar","apr","may","jun","jul","aug","sep","oct","nov","dec" );
  :local days [ :pick $d 4 6 ];:local month [ :pick $d 0 3 ];:local year [ :pick $d 7 11 ];
  :local at ([ :find $names $month]);:local month ($at + 1);
  :if ( [len $month] = 1) do={:local zero ("0");:return [:tonum ("$year$zero$month$days")];} \
  else={:return [:tonum ("$year$month$days")];}};
:local timeint do={ :local hours [ :pick $t 0 2 ]; :local minutes [ :pick $t 3 5 ]; :return ($hours * 60 + $minutes) ; };
:local today [$dateint d=[ /system clock get date ]] ; :local now [$timeint t=[ /system clock get time ]] ;
:foreach i in [ /ip hotspot user find where profile="day" ] do={
  :local note [ /ip hotspot user get $i comment]; :local who [ /ip hotspot user get $i name];
  :local hour [:pic $note 12 20];
  :if ([:pic $note 3] = "/" and [:pic $note 6] = "/") do={
    :local day [$dateint d=$note] ; :local end [$timeint t=$hour] ;
    :if (($day < $today) or ($day = $today and $end < $now)) do={
      [ /ip hotspot user remove $i ]; [ /ip hotspot active remove [find where user=$who] ];}}}
"""


def log_in(router: SimulatedRouter, name: str, ip: str = "10.5.50.9") -> None:
    router.hotspot.login(ip=ip, mac="AA:BB:CC:00:00:01", username=name, password=name, by="http-pap")
    router.tick()


def shop(version: str) -> SimulatedRouter:
    router = still_router(version, login_by="http-pap")
    router.tables["/ip/hotspot/user/profile"].add({"name": "day", "on-login": ON_LOGIN})
    router.tables["/system/scheduler"].add(
        {"name": "monitor", "start-date": "1970-01-01", "start-time": "00:03:17", "interval": "2m", "on-event": MONITOR}
    )
    router.hotspot.users.add({"name": "v1", "password": "v1", "profile": "day", "comment": "vc-100"})
    return router


def wait(router: SimulatedRouter, *, minutes: int) -> None:
    for _ in range(minutes):
        router.clock.advance(60)
        for ip in list(router.hotspot.active):
            router.hotspot.see_host(router.hotspot.active[ip].mac, ip)
        router.tick()


def complaints(router: SimulatedRouter) -> list[str]:
    return [line for line in logged(router) if "failed" in line]


def test_a_login_script_writes_the_end_into_the_comment_and_notes_the_sale() -> None:
    router = shop("6.49")
    log_in(router, "v1")
    wait(router, minutes=1)
    assert complaints(router) == []
    (user,) = router.hotspot.users.named("v1")
    assert user.get("comment") == "mar/02/2026 12:00:00"
    assert user.get("mac-address") == "AA:BB:CC:00:00:01"
    (sale,) = router.tables["/system/script"]
    assert sale.get("name") == "mar/01/2026-|-12:01:00-|-v1-|-2000-|-10.5.50.9-|-AA:BB:CC:00:00:01"
    assert not router.tables["/system/scheduler"].named("v1")


def test_an_expiry_monitor_ends_the_voucher_after_its_day() -> None:
    router = shop("6.49")
    log_in(router, "v1")
    wait(router, minutes=10)
    assert router.hotspot.session("10.5.50.9") is not None
    router.clock.advance(86400)
    wait(router, minutes=3)
    assert complaints(router) == []
    assert not router.hotspot.users.named("v1")
    assert router.hotspot.session("10.5.50.9") is None


def test_the_new_date_format_of_7_10_breaks_such_a_monitor() -> None:
    router = shop("7.16")
    log_in(router, "v1")
    wait(router, minutes=1)
    assert router.hotspot.users.named("v1")[0].get("comment") == "2026-03-02 12:00:00"
    router.clock.advance(86400)
    wait(router, minutes=3)
    assert router.hotspot.users.named("v1"), "its dates are not the ones it was written for"


IDEMPOTENT = {
    "count": ':if ([:len [/ip pool find name="p"]] = 0) do={/ip pool add name=p ranges=10.9.0.2-10.9.0.9}',
    "empty": ':if ([/ip pool find name=p] = "") do={/ip pool add name=p ranges=10.9.0.2-10.9.0.9}',
    "catch": ":do {/ip pool add name=p ranges=10.9.0.2-10.9.0.9} on-error={/ip pool set p ranges=10.9.0.2-10.9.0.9}",
    "remove": "/ip pool remove [find name=p]; /ip pool add name=p ranges=10.9.0.2-10.9.0.9",
    "either": (
        ":local it [/ip pool find where name=p]\n"
        ":if ([:len $it] > 0) do={/ip pool set $it ranges=10.9.0.2-10.9.0.9} "
        "else={/ip pool add name=p ranges=10.9.0.2-10.9.0.9}"
    ),
}


@pytest.mark.parametrize("version", ["6.49", "7.16", "7.24"])
@pytest.mark.parametrize("text", IDEMPOTENT.values(), ids=IDEMPOTENT.keys())
def test_an_idiom_may_be_repeated(text: str, version: str) -> None:
    router = still_router(version)
    for _ in range(3):
        said(text, router=router)
    assert [(row.get("name"), row.get("ranges")) for row in router.tables["/ip/pool"]] == [("p", "10.9.0.2-10.9.0.9")]


EXPORTED = r"""# mar/01/2026 12:00:00 by RouterOS 6.49.10
# software id = ABCD-EFGH
/interface bridge
add comment=guests name=bridge_hotspot
/ip hotspot profile
set [ find default=yes ] html-directory=flash/hotspot
add dns-name=wifi.example hotspot-address=10.10.8.1 html-directory=\
    flash/hotspot login-by=cookie,http-chap,trial name=prof2 \
    trial-uptime-limit=15m
/ip pool
add name=dhcp ranges=10.10.8.10-10.10.8.254
/ip hotspot
add address-pool=dhcp disabled=no interface=bridge_hotspot name=guests profile=\
    prof2
/system script
add dont-require-permissions=no name=hello owner=admin policy=read,write source=":\
    local a \"x\"\r\
    \n:log info \"hello \$a\"\r\
    \n"
/system scheduler
add interval=1m name=greet on-event=hello policy=read,write start-time=startup
"""


def test_an_exported_configuration_can_be_imported() -> None:
    router = still_router("6.49")
    engine = ScriptEngine(router)
    engine.host.files.write("old.rsc", EXPORTED)
    assert engine.run("/import old.rsc").error is None
    text = ":put [/ip hotspot get guests profile]; :put [/ip hotspot profile get prof2 trial-uptime-limit]"
    assert engine.run(text).output == "prof2\n00:15:00"
    assert router.tables["/ip/hotspot/profile"].named("default")[0].get("html-directory") == "flash/hotspot"
    router.clock.advance(63)
    router.tick()
    assert "hello x" in logged(router)
