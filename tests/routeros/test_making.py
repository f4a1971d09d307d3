"""Making users and their profiles together: what is in the way of one is in nobody else's, and it is repaired on the way."""

from routeros.client import HotspotRouter
from routeros.errors import NotPermitted
from routeros.values import HotspotUser, UserProfile
from tests.routeros.peer import Peer, done, rows, trap

SPEEDY = UserProfile(name="vocha-512k-1m-x1", rate_limit="512k/1M")
NO_SUCH_PROFILE = "input does not match any value of profile"


async def test_a_user_whose_profile_may_not_be_made_gets_that_refusal(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda said: (
        trap(NO_SUCH_PROFILE) if f"=profile={SPEEDY.name}" in said else done(ret="*1")
    )
    peer.answers["/ip/hotspot/user/profile/print"] = lambda _: rows({".id": "*1", "name": "default"})
    peer.answers["/ip/hotspot/user/profile/add"] = lambda _: trap("not enough permissions (9)")
    speedy, plain = [
        HotspotUser(name=name, password="x", profile=of) for name, of in (("a", SPEEDY.name), ("b", "default"))
    ]
    refused, made = await router.ensure_users([speedy, plain], [SPEEDY])
    assert isinstance(refused.error, NotPermitted)
    assert made.error is None


async def test_a_profile_that_is_off_is_repaired_before_anybody_logs_in(router: HotspotRouter, peer: Peer) -> None:
    peer.answers["/ip/hotspot/user/add"] = lambda _: done(ret="*1")
    seen = {".id": "*2", "name": SPEEDY.name, "rate-limit": "10M/10M", "shared-users": "1", "add-mac-cookie": "true"}
    peer.answers["/ip/hotspot/user/profile/print"] = lambda _: rows(seen)
    peer.answers["/ip/hotspot/user/profile/set"] = lambda _: done()
    [made] = await router.ensure_users([HotspotUser(name="a", password="x", profile=SPEEDY.name)], [SPEEDY])
    assert made.error is None
    assert peer.heard[-1] == ["/ip/hotspot/user/profile/set", "=.id=*2", "=rate-limit=512k/1M"]


async def test_a_user_from_before_is_repaired_although_its_profile_had_gone(router: HotspotRouter, peer: Peer) -> None:
    there: list[str] = []
    peer.answers["/ip/hotspot/user/add"] = lambda _: (
        trap("failure: already have user with this name for this server") if there else trap(NO_SUCH_PROFILE)
    )
    peer.answers["/ip/hotspot/user/profile/print"] = lambda _: rows()
    peer.answers["/ip/hotspot/user/profile/add"] = lambda _: (there.append("profile"), done(ret="*1"))[1]
    peer.answers["/ip/hotspot/user/print"] = lambda _: rows({".id": "*7", "name": "a", "comment": "vocha:1"})
    peer.answers["/ip/hotspot/user/set"] = lambda _: done()
    user = HotspotUser(name="a", password="x", profile=SPEEDY.name, comment="vocha:1")
    [made] = await router.ensure_users([user], [SPEEDY])
    assert made.error is None
    assert peer.heard[-1][:2] == ["/ip/hotspot/user/set", "=.id=*7"]
