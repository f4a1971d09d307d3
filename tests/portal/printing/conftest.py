"""The standing cast of the signed-in pages, and a browser of the owner's."""

from tests.portal.web.conftest import app, cast, client
from tests.portal.web.test_routers import owner

__all__ = ["app", "cast", "client", "owner"]
