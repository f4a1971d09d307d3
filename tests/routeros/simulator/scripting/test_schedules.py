"""When scripts run by themselves: the scheduler, stored scripts, jobs, hotspot hooks, rights, the log."""

import pytest

from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from tests.routeros.simulator.scripting.bench import allowed, logged, refused, said, still_router


def later(router: SimulatedRouter, seconds: float) -> None:
    router.clock.advance(seconds)
    router.tick()


def ticks(router: SimulatedRouter) -> int:
    return logged(router).count("tick")


def test_an_interval_runs_again_and_again() -> None:
    router = still_router()
    said('/system scheduler add name=s interval=1m on-event=":log info tick"', router=router)
    router.tick()
    assert ticks(router) == 0
    for _ in range(3):
        later(router, 60)
    assert ticks(router) == 3
    assert said(":put [/system scheduler get s run-count]", router=router) == "3"
    said("/system scheduler disable s", router=router)
    later(router, 60)
    assert ticks(router) == 3


def test_a_start_without_an_interval_runs_once() -> None:
    router = still_router()
    said('/system scheduler add name=s start-time=12:05:00 on-event=":log info tick"', router=router)
    assert said(":put [/system scheduler get s next-run]", router=router) == "12:05:00"
    later(router, 299)
    assert ticks(router) == 0
    later(router, 1)
    later(router, 86400)
    assert ticks(router) == 1


def test_startup_runs_three_seconds_after_a_boot_but_not_with_an_interval() -> None:
    router = still_router()
    said(
        '/system scheduler add name=once start-time=startup on-event=":log info tick"\n'
        '/system scheduler add name=often start-time=startup interval=10m on-event=":log info often"',
        router=router,
    )
    later(router, 100)
    router.reboot()
    later(router, 2)
    assert ticks(router) == 0
    later(router, 1)
    assert (ticks(router), "often" in logged(router)) == (1, False)
    later(router, 600)
    assert (ticks(router), "often" in logged(router)) == (1, True)


def test_a_date_in_the_future_waits_while_the_clock_is_wrong() -> None:
    router = still_router()
    said('/system scheduler add name=s interval=1m on-event=":log info tick"', router=router)
    router.wall.lose_power(ntp_after=None)
    later(router, 600)
    assert ticks(router) == 0
    router.wall.synchronise()
    later(router, 60)
    assert ticks(router) == 1


def test_days_hold_a_schedule_back() -> None:
    router = still_router("7.24")  # 1 March 2026 is a Sunday
    said('/system scheduler add name=s interval=1h days=mon on-event=":log info tick"', router=router)
    later(router, 3600)
    assert ticks(router) == 0
    later(router, 12 * 3600)
    assert ticks(router) == 1
    assert "expected end" in refused("/system scheduler add name=t days=mon", version="7.18")


def test_device_mode_keeps_the_scheduler_still() -> None:
    router = still_router("7.18", device_mode="home")
    words = "failure: not allowed by device-mode"
    assert refused("/system scheduler add name=s interval=1m on-event=x", router=router) == words
    assert refused("/tool fetch url=http://x/", router=router) == words


def test_a_stored_script_runs_by_name_with_its_own_rights() -> None:
    router = still_router()
    said(
        '/system script add name=job policy=read,write source=":log info \\"as \\$[/system identity get name]\\""\n'
        "/system scheduler add name=s interval=1m on-event=job policy=read,write,test",
        router=router,
    )
    later(router, 60)
    assert "as MikroTik" in logged(router)
    assert said(":put [/system script get job run-count]", router=router) == "1"


def test_a_schedule_without_the_rights_of_its_script_fails_in_the_log() -> None:
    router = still_router()
    said(
        '/system script add name=job policy=ftp,read,write source="/export file=x"\n'
        "/system scheduler add name=s interval=1m on-event=job policy=read,write\n"
        '/system scheduler add name=t interval=1m on-event="/export file=y" policy=read,write',
        router=router,
    )
    later(router, 60)
    lines = logged(router)
    assert "executing script job from scheduler (s) failed, please check it manually" in lines
    assert "not enough permissions (9)" in lines
    assert "executing script from scheduler (t) failed, please check it manually" in lines
    assert "(scheduler:t) not enough permissions (9) (/export; line 1)" in lines
    assert not len(router.scripts.files.table)


def test_nobody_schedules_more_than_he_may() -> None:
    router = still_router()
    few = allowed("read", "write", "test")
    engine = ScriptEngine(router)
    text = "/system scheduler add name=s on-event=x policy=read,policy"
    assert engine.run(text, policies=few).error == "not enough permissions (9)"
    assert engine.run("/system scheduler add name=s on-event=x", policies=few).error is None
    assert said(":put [/system scheduler get s policy]", router=router) == "read,write,test"
    assert engine.run("/system scheduler set s policy=ftp", policies=few).error == "not enough permissions (9)"


def test_a_script_asks_for_the_rights_it_lists_unless_it_is_open() -> None:
    router = still_router()
    said('/system script add name=job policy=read,ftp source="/export file=x"', router=router)
    engine, few = ScriptEngine(router), allowed("read", "write")
    assert engine.run("/system script run job", policies=few).error == "not enough permissions (9)"
    said("/system script set job dont-require-permissions=yes", router=router)
    assert engine.run("/system script run job", policies=few).error is None
    assert [row.get("name") for row in router.scripts.files.table] == ["x.rsc"]


def test_a_waiting_job_can_be_seen_and_ended() -> None:
    router = still_router()
    said(
        '/system script add name=slow source=":delay 100s; :log info tick"; :execute "/system script run slow"',
        router=router,
    )
    assert said(":put [/system script job print count-only]", router=router).startswith("1")
    said("/system script job remove [find]", router=router)
    later(router, 200)
    assert ticks(router) == 0


def test_execute_goes_on_in_the_background_and_keeps_its_words_in_a_file() -> None:
    router = still_router()
    said(':execute script=":delay 5s; :put done" file=words; :put "first"', router=router)
    assert not len(router.scripts.files.table)
    later(router, 5)
    assert router.scripts.files.read("words.txt") == "done\n"
    assert said(':put [:execute ":put inside" as-string]', router=router) == "inside"


def test_a_reboot_ends_what_runs() -> None:
    router = still_router()
    said(':execute ":delay 10s; :log info tick"', router=router)
    router.reboot()
    later(router, 20)
    assert ticks(router) == 0
    assert router.scripts.jobs == []


@pytest.mark.parametrize("source", ["/system script run loop", ':execute "/system script run loop" as-string'])
def test_a_script_that_runs_itself_is_stopped(source: str) -> None:
    router = still_router()
    router.scripts.stored.table.add({"name": "loop", "source": source, "policy": "read"})
    assert refused("/system script run loop", router=router) == "script calls itself too deeply"


def test_login_and_logout_run_the_scripts_of_the_profile() -> None:
    router = still_router(login_by="http-pap")
    said(
        '/ip hotspot user profile set default on-login=":log info \\"in \\$user \\$address \\$\\"mac-address\\"\\"" '
        'on-logout=":log info \\"out \\$username after \\$\\"uptime-secs\\"\\""\n/ip hotspot user add name=v1 password=p',
        router=router,
    )
    router.hotspot.login(ip="10.5.50.9", mac="AA:BB:CC:00:00:01", username="v1", password="p", by="http-pap")
    router.tick()
    assert "in v1 10.5.50.9 AA:BB:CC:00:00:01" in logged(router)
    router.clock.advance(60)
    router.hotspot.see_host("AA:BB:CC:00:00:01", "10.5.50.9")
    router.hotspot.logout("10.5.50.9", cause="user request")
    router.tick()
    assert "out v1 after 60" in logged(router)


def test_a_broken_hook_is_told_in_the_log_and_lets_the_phone_in() -> None:
    router = still_router(login_by="http-pap")
    said(
        '/ip hotspot user profile set default on-login="nonsense here"\n/ip hotspot user add name=v1 password=p',
        router=router,
    )
    router.hotspot.login(ip="10.5.50.9", mac="AA:BB:CC:00:00:01", username="v1", password="p", by="http-pap")
    router.tick()
    assert router.hotspot.session("10.5.50.9") is not None
    assert "(hotspot) bad command name nonsense (line 1 column 1)" in logged(router)
