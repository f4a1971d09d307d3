"""What one commit holds: after a death right behind it nothing is missing that only a living process would have added."""

from portal.db import DB
from tests.portal.payments.stall import Stall, count, receipt


async def test_a_death_after_the_credit_leaves_the_grant_and_its_wake_up(stall: Stall) -> None:
    """Case 30: killed after the credit, before provisioning. What the transaction left is all there is."""
    attempt = await stall.attempt()
    await DB.fetch("DELETE FROM pgqueuer")
    assert await stall.stk(attempt, receipt()) == "sold"
    assert await count("access_grants", "status = 'wanted' AND login_wanted_at IS NOT NULL") == 1
    assert await count("pgqueuer", f"entrypoint = 'reconcile-router' AND payload = '{stall.router.id}'::bytea") == 1
    assert await count("vouchers", "status = 'paid' AND started_at IS NULL") == 1
