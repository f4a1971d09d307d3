"""Where Piccolo's command line finds the engine and the one application."""

from piccolo.conf.apps import AppRegistry

from portal.db import DB

__all__ = ["APP_REGISTRY", "DB"]

APP_REGISTRY = AppRegistry(apps=["portal.piccolo_app"])
