"""A stall and a village for tests of papers; whatever a test does with them, the invariants hold afterwards."""

from tests.portal.payments.conftest import stall
from tests.portal.payouts.conftest import till
from tests.portal.subscribers.conftest import village
from tests.portal.web.conftest import app, cast, client

__all__ = ["app", "cast", "client", "stall", "till", "village"]
