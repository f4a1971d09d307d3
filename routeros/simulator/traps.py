"""The `!trap` answers of the API as an exception, with the texts and categories real routers use.

Category numbers: MikroTik manual, API. Texts: field reports; a router adds a category only now and then.
"""

from __future__ import annotations

MISSING_ITEM = 0
BAD_ARGUMENT = 1
INTERRUPTED = 2
GENERAL = 4
API_FAILURE = 5


class Trap(Exception):  # noqa: N818  (the protocol's word for it)
    """A command was refused: `message` as the router words it, `category` when the router sends one."""

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category


def no_such_item() -> Trap:
    """Build the answer to an `.id` that is not (or no longer) in the table."""
    return Trap("no such item")


def no_such_command() -> Trap:
    """Build the answer to a verb the menu does not have."""
    return Trap("no such command", MISSING_ITEM)


def no_such_prefix() -> Trap:
    """Build the answer to a path the router does not have."""
    return Trap("no such command prefix", MISSING_ITEM)


def unknown_parameter() -> Trap:
    """Build the answer to an argument this version of the command does not take."""
    return Trap("unknown parameter")


def missing_value(name: str) -> Trap:
    """Build the answer to a mandatory argument that was left out."""
    return Trap(f"missing value(s) of argument(s) {name}", MISSING_ITEM)


def invalid_value(name: str) -> Trap:
    """Build the answer to a value of the wrong type."""
    return Trap(f"invalid value for argument {name}", BAD_ARGUMENT)


def no_match(name: str) -> Trap:
    """Build the answer to a choice that is not in the list."""
    return Trap(f"input does not match any value of {name}", BAD_ARGUMENT)


def ambiguous(name: str) -> Trap:
    """Build the answer to a prefix that fits several choices."""
    return Trap(f"ambiguous value of {name}, more than one possible value matches input", BAD_ARGUMENT)


def not_permitted() -> Trap:
    """Build the answer to a command the user's group has no policy for."""
    return Trap("not enough permissions (9)")


def device_mode() -> Trap:
    """Build the answer to a feature switched off in `/system/device-mode` (7.17 and later)."""
    return Trap("failure: not allowed by device-mode")


def interrupted() -> Trap:
    """Build the answer a cancelled command ends with."""
    return Trap("interrupted", INTERRUPTED)
