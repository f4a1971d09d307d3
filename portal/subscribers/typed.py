"""What people type into forms about subscribers, as values. Pure."""

_LARGEST_ID = 2**63 - 1


def number(text: str, empty: int) -> int:
    """A whole number; `empty` when nothing was typed, -1 for what is none."""
    plain = text.strip()
    if not plain:
        return empty
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 10 else -1


def row_id(text: str) -> int:
    """A row's id, or 0: no row has it."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 20 and int(plain) <= _LARGEST_ID else 0
