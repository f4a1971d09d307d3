"""Piccolo's view of the portal: its tables and its migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from portal import tables

APP_CONFIG = AppConfig(
    app_name="portal",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[getattr(tables, name) for name in tables.__all__],
    migration_dependencies=[],
)
