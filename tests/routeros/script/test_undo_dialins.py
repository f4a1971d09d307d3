"""The undo script and PPPoE customers: ours are gone and off, the merchant's own stay and stay online."""

import pytest

from routeros.dialins import dialin_comment, dialin_profile
from routeros.script.onboarding import setup_script, undo_script

from .test_on_a_router import WISHES, paste, router_for


@pytest.mark.parametrize("name", WISHES)
def test_undo_takes_our_pppoe_customers_and_nobody_elses(name: str) -> None:
    wish = WISHES[name]
    router = router_for(wish)
    paste(router, setup_script(wish))
    tables, profile = router.tables, dialin_profile("1M/5M").name
    tables["/ip/pool"].add({"name": "homes", "ranges": "10.9.0.2-10.9.0.9"})
    tables["/ppp/profile"].add({"name": "homes", "local-address": "10.9.0.1", "remote-address": "homes"})
    tables["/ppp/profile"].add({"name": profile, "rate-limit": "1M/5M"})
    tables["/interface/pppoe-server/server"].add({"interface": "ether2", "default-profile": "homes", "disabled": "no"})
    tables["/ppp/secret"].add({"name": "amina", "password": "p", "profile": profile, "comment": dialin_comment(7)})
    tables["/ppp/secret"].add({"name": "office", "password": "p", "comment": "vocha:subscriber-x"})
    for number, user in enumerate(("amina", "office")):
        router.ppp.dial(user, "p", f"02:00:00:00:00:0{number}")
    assert paste(router, undo_script(wish)).error is None
    assert [row.get("name") for row in tables["/ppp/secret"]] == ["office"]
    assert [each.user for each in router.ppp.sessions.values()] == ["office"]
    assert profile not in tables["/ppp/profile"].names()
    assert "homes" in tables["/ppp/profile"].names()
