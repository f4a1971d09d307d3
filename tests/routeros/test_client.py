"""The verbs, word for word, against a scripted peer."""

import asyncio
from datetime import UTC, datetime

import pytest

from routeros.client import HotspotRouter
from routeros.errors import AlreadyExists, BadReply, HostUnknown, NoSuchItem, Refused, Unreachable
from routeros.values import Ended, HotspotUser, UserProfile
from tests.routeros.peer import Peer, Sentence, done, framed, read_sentence, rows, trap

USER = HotspotUser(name="vocha-0123456789abcdef", password="no", profile="vocha-full-x1", comment="vocha:7")


async def test_text_that_looks_like_numbers_or_booleans_arrives_as_text(router: HotspotRouter, peer: Peer) -> None:
    names = ["no", "true", "00123", "123456", "ũ", "none"]
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows(
        *({".id": "*1", "name": name, "password": name, "comment": name} for name in names)
    )
    users = await router.users()
    assert [user.name for user in users] == names
    assert [user.password for user in users] == names
    assert [user.comment for user in users] == names


async def test_a_fresh_user_row_with_absent_fields_is_read(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows(
        {".id": "*2A", "name": "ann", "profile": "default", "uptime": "1h2s", "bytes-in": "5", "bytes-out": "0"},
        {"default": "true", ".id": "*0", "name": "default-trial", "limit-uptime": "1h", "limit-bytes-total": "10"},
    )
    ann, trial = await router.users()
    assert ann == HotspotUser(name="ann", uptime=3602, bytes_in=5)
    assert ann.id == "*2A"
    assert trial == HotspotUser(name="default-trial", limit_uptime=3600, limit_bytes_total=10, is_dynamic=True)


async def test_empty_prints_are_empty_lists_in_old_and_new_versions(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/active/print"] = lambda _: [["!empty"], ["!done"]]
    peer.answers["/ip/hotspot/host/print"] = lambda _: [["!done"]]
    assert await router.active() == []
    assert await router.hosts() == []


async def test_the_system_menus_are_read(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/system/resource/print"] = lambda _: rows(
        {"version": "7.16 (stable)", "uptime": "1d", "cpu-load": "7", "free-memory": "1024", "board-name": "hEX"}
    )
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "123"})
    peer.answers["/system/clock/print"] = lambda _: rows(
        {"date": "1970-01-02", "time": "00:00:09", "gmt-offset": "+00:00"}
    )
    resource = await router.resource()
    assert (resource.version, resource.uptime, resource.free_memory) == ("7.16 (stable)", 86400, 1024)
    assert resource.write_sectors is None
    assert (await router.identity()).name == "123"
    clock = await router.clock()
    assert clock.at == datetime(1970, 1, 2, 0, 0, 9, tzinfo=UTC)
    assert not clock.is_set


async def test_an_unreadable_field_is_a_bad_reply_that_names_it_and_not_its_value(
    router: HotspotRouter, peer: Peer
) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*1", "name": "x", "uptime": "s3cret"})
    with pytest.raises(BadReply) as caught:
        await router.users()
    assert "s3cret" not in caught.value.text


async def test_adding_a_user_sends_exactly_its_fields(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda _: done(ret="*1")
    await router.add_user(
        HotspotUser(name="00123", password="true", profile="p", comment="c", limit_uptime=3600, limit_bytes_total=5)
    )
    assert peer.heard == [
        [
            "/ip/hotspot/user/add",
            "=name=00123",
            "=server=all",
            "=password=true",
            "=profile=p",
            "=comment=c",
            "=limit-uptime=1h",
            "=limit-bytes-total=5",
        ]
    ]


async def test_a_limit_of_zero_is_never_sent_because_it_would_lift_the_limit(router: HotspotRouter, peer: Peer) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await router.add_user(HotspotUser(name="x", password="y", limit_uptime=0))
    with pytest.raises(ValueError, match="at least 1"):
        await router.set_user("x", limit_bytes_total=0)
    assert peer.heard == []


async def test_a_taken_name_is_recognised_and_the_connection_stays(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda _: trap("failure: already have user with this name for this server")
    for _ in range(2):
        with pytest.raises(AlreadyExists):
            await router.add_user(USER)
    assert peer.connections == 1


async def test_many_users_are_added_in_few_round_trips_with_a_result_each(router: HotspotRouter, peer: Peer) -> None:
    def add(said: Sentence) -> list[Sentence]:
        return trap("failure: already have user with this name") if "=name=u7" in said else done(ret="*1")

    peer.answers["/ip/hotspot/user/add"] = add
    users = [HotspotUser(name=f"u{n}", password="p") for n in range(100)]
    results = await router.add_users(users)
    assert [result.name for result in results] == [user.name for user in users]
    assert [result.name for result in results if result.error] == ["u7"]
    assert isinstance(results[7].error, AlreadyExists)
    assert len(peer.heard) == 100


async def test_pipelined_answers_may_come_in_any_order(router: HotspotRouter, peer: Peer) -> None:
    async def backwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = [await read_sentence(reader) for _ in range(3)]
        for words in reversed(heard):
            tag = next(word for word in words if word.startswith(".tag="))
            if "=name=u1" in words:
                writer.write(framed("!trap", "=message=no", tag))
            writer.write(framed("!done", tag))
        await writer.drain()
        await reader.read()

    peer.takes_over = backwards
    results = await router.add_users([HotspotUser(name=f"u{n}", password="p") for n in range(3)])
    assert [result.error is None for result in results] == [True, False, True]


async def test_a_router_lost_in_the_middle_marks_the_rows_not_yet_answered(router: HotspotRouter, peer: Peer) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(32):
            words = await read_sentence(reader)
            writer.write(framed("!done", words[-1]))
        await read_sentence(reader)

    peer.takes_over = dies
    results = await router.add_users([HotspotUser(name=f"u{n}", password="p") for n in range(40)])
    assert [result.error is None for result in results] == [True] * 32 + [False] * 8
    assert all(isinstance(result.error, Unreachable) for result in results[32:])


async def test_setting_a_user_finds_its_id_first(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*5", "name": "ann"})
    peer.answers["/ip/hotspot/user/set"] = lambda _: done()
    await router.set_user("ann", limit_uptime=None, mac_address="", is_disabled=True)
    assert peer.heard == [
        ["/ip/hotspot/user/print", "=.proplist=.id,name", "?=name=ann"],
        [
            "/ip/hotspot/user/set",
            "=.id=*5",
            "=mac-address=00:00:00:00:00:00",
            "=limit-uptime=0s",
            "=disabled=yes",
        ],
    ]


async def test_setting_a_user_that_is_not_there_is_no_such_item(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows()
    with pytest.raises(NoSuchItem):
        await router.set_user("ann", password="x")


async def test_ensuring_a_user_twice_repairs_our_row(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda _: trap("already have user with this name for this server")
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*5", "name": USER.name, "comment": "vocha:7"})
    peer.answers["/ip/hotspot/user/set"] = lambda _: done()
    await router.ensure_user(USER)
    assert peer.heard[-1][:3] == ["/ip/hotspot/user/set", "=.id=*5", "=password=no"]


async def test_ensuring_a_user_leaves_a_row_with_another_comment_alone(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda _: trap("already have user with this name for this server")
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*5", "name": USER.name, "comment": "the boss"})
    with pytest.raises(AlreadyExists):
        await router.ensure_user(USER)
    assert "/ip/hotspot/user/set" not in peer.paths()


async def test_removing_names_never_removes_rows_that_were_not_asked_for(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows(
        {".id": "*1", "name": "a"}, {".id": "*2", "name": "b"}, {".id": "*3", "name": "manager"}
    )
    peer.answers["/ip/hotspot/user/remove"] = lambda _: done()
    assert await router.remove_users(["a", "b", "c"]) == 2
    assert peer.heard == [
        ["/ip/hotspot/user/print", "=.proplist=.id,name", "?=name=a", "?=name=b", "?=name=c", "?#|", "?#|"],
        ["/ip/hotspot/user/remove", "=.id=*1,*2"],
    ]


async def test_removing_nothing_sends_nothing(router: HotspotRouter, peer: Peer) -> None:
    assert await router.remove_users([]) == 0
    assert peer.connections == 0


async def test_a_row_that_vanished_meanwhile_does_not_keep_the_others(router: HotspotRouter, peer: Peer) -> None:
    there = {"*1": "a", "*2": "b", "*3": "c"}

    def remove(said: Sentence) -> list[Sentence]:
        ids = said[1].removeprefix("=.id=").split(",")
        there.pop("*2", None)  # somebody else was faster
        if any(each not in there for each in ids):
            return trap("no such item (4)")
        for each in ids:
            del there[each]
        return done()

    peer.answers["/ip/hotspot/user/print"] = lambda _: rows(*({".id": i, "name": n} for i, n in there.items()))
    peer.answers["/ip/hotspot/user/remove"] = remove
    await router.remove_users(["a", "b", "c"])
    assert there == {}


async def test_a_refused_removal_is_raised(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*1", "name": "a"})
    peer.answers["/ip/hotspot/user/remove"] = lambda _: trap("not enough permissions (9)")
    with pytest.raises(Refused, match="permissions"):
        await router.remove_users(["a"])


async def test_a_row_id_that_is_none_is_a_bad_reply(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*1,*2", "name": "a"})
    with pytest.raises(BadReply):
        await router.remove_users(["a"])


async def test_ending_access_takes_the_user_first_then_cookies_and_sessions(router: HotspotRouter, peer: Peer) -> None:
    for menu, key in (("user", "name"), ("active", "user"), ("cookie", "user")):
        peer.answers[f"/ip/hotspot/{menu}/print"] = lambda _, key=key: rows({".id": "*A", key: "ann"})
        peer.answers[f"/ip/hotspot/{menu}/remove"] = lambda _: done()
    assert await router.end_access(["ann"]) == Ended(users=1, sessions=1, cookies=1)
    assert [path.split("/")[3] for path in peer.paths() if path.endswith("remove")] == ["user", "cookie", "active"]
    active = [path for path in peer.paths() if "/active/" in path]
    assert peer.paths().index(active[0]) > peer.paths().index("/ip/hotspot/user/remove")


async def test_ending_access_that_has_ended_is_fine(router: HotspotRouter, peer: Peer) -> None:
    for menu in ("user", "active", "cookie"):
        peer.answers[f"/ip/hotspot/{menu}/print"] = lambda _: rows()
    assert await router.end_access(["ann"]) == Ended()


async def test_a_profile_is_made_repaired_or_left(router: HotspotRouter, peer: Peer) -> None:
    there: list[dict[str, str]] = []
    peer.answers["/ip/hotspot/user/profile/print"] = lambda _: rows(*there)
    peer.answers["/ip/hotspot/user/profile/add"] = lambda _: done(ret="*2")
    peer.answers["/ip/hotspot/user/profile/set"] = lambda _: done()
    wanted = UserProfile(name="vocha-512k-1m-x1", rate_limit="512k/1M")
    assert await router.ensure_user_profile(wanted)
    assert {"=name=vocha-512k-1m-x1", "=rate-limit=512k/1M", "=shared-users=1"} <= set(peer.heard[-1])
    there.append({".id": "*2", "name": wanted.name, "rate-limit": "512000/1M", "shared-users": "1"})
    there[0]["add-mac-cookie"] = "true"
    assert not await router.ensure_user_profile(wanted)
    there[0] |= {"rate-limit": "10M/10M", "shared-users": "unlimited"}
    assert await router.ensure_user_profile(wanted)
    assert peer.heard[-1] == ["/ip/hotspot/user/profile/set", "=.id=*2", "=rate-limit=512k/1M", "=shared-users=1"]


async def test_logging_a_phone_in_says_why_not(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/active/login"] = lambda _: trap("unknown host IP")
    with pytest.raises(HostUnknown) as caught:
        await router.log_in(ip="10.5.50.9", mac="AA:BB:CC:00:00:01", user=USER.name, password="no")
    assert not caught.value.permanent
    assert peer.heard == [
        [
            "/ip/hotspot/active/login",
            "=ip=10.5.50.9",
            "=mac-address=AA:BB:CC:00:00:01",
            f"=user={USER.name}",
            "=password=no",
        ]
    ]


async def test_many_tasks_share_one_connection(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/print"] = lambda said: rows({".id": "*1", "name": said[-1].split("=")[-1]})
    found = await asyncio.gather(*(router.users([f"u{n}"]) for n in range(30)))
    assert [each.name for [each] in found] == [f"u{n}" for n in range(30)]
    assert peer.connections == 1


async def test_an_idle_connection_the_router_closed_is_replaced_without_an_error(
    router: HotspotRouter, peer: Peer
) -> None:
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "a"})
    await router.identity()
    await peer.hang_up()
    await asyncio.sleep(0.05)
    assert (await router.identity()).name == "a"
    assert peer.connections == 2
