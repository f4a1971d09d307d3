from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import ForeignKey

ID = "2026-11-20T10:01:15:917069"
VERSION = "1.38.0"
DESCRIPTION = "indexes of vouchers that nothing asks are gone"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    manager.alter_column(
        table_class_name="Voucher",
        tablename="vouchers",
        column_name="package_id",
        db_column_name="package_id",
        params={"index": False},
        old_params={"index": True},
        column_class=ForeignKey,
        old_column_class=ForeignKey,
        schema=None,
    )

    manager.alter_column(
        table_class_name="Voucher",
        tablename="vouchers",
        column_name="batch_id",
        db_column_name="batch_id",
        params={"index": False},
        old_params={"index": True},
        column_class=ForeignKey,
        old_column_class=ForeignKey,
        schema=None,
    )

    manager.alter_column(
        table_class_name="Voucher",
        tablename="vouchers",
        column_name="router_id",
        db_column_name="router_id",
        params={"index": False},
        old_params={"index": True},
        column_class=ForeignKey,
        old_column_class=ForeignKey,
        schema=None,
    )

    return manager
