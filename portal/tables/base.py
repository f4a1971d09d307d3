"""What every table shares: the engine, the key, and columns with the choices we always make."""

from typing import Any

from piccolo.columns import BigInt, BigSerial, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

__all__ = ["Table", "cents", "key", "link", "moment", "number", "text", "word"]


def key() -> BigSerial:
    """The primary key: bigint, so it never runs out."""
    return BigSerial(primary_key=True, help_text="primary key")


def link(table: Any, help_text: str, *, null: bool = False, index: bool = False) -> ForeignKey[Any]:
    """A foreign key that never cascades: nothing sold may vanish because something else was deleted."""
    return ForeignKey(
        table, null=null, index=index, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict, help_text=help_text
    )


def moment(help_text: str, *, null: bool = True) -> Timestamptz:
    """A moment in UTC; when it may not be null, it is when the row was made."""
    if null:
        return Timestamptz(null=True, default=None, help_text=help_text)
    return Timestamptz(default=TimestamptzNow(), help_text=help_text)


def number(help_text: str, *, null: bool = False, default: int | None = 0) -> BigInt:
    """A whole number; its unit is in its name."""
    return BigInt(null=null, default=None if null else default, help_text=help_text)


def cents(help_text: str, *, null: bool = False) -> BigInt:
    """Money in minor units of the row's currency."""
    return number(f"{help_text}, in cents", null=null)


def word(length: int, help_text: str, *, default: str | None = "", null: bool = False, unique: bool = False) -> Varchar:
    """A short text with a limit."""
    return Varchar(length=length, null=null, default=None if null else default, unique=unique, help_text=help_text)


def text(help_text: str, *, null: bool = True) -> Text:
    """A text without a limit of its own."""
    return Text(null=null, default=None if null else "", help_text=help_text)
