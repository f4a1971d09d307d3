"""The list of secret keys: reading it, and making the first one for a machine that keeps everything to itself.

Not what keys are used for: see vault, signing and codes, which each derive their own from these.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

#: (key id, 32 bytes), newest first.
SecretKeys = tuple[tuple[str, bytes], ...]

_LINE = re.compile(r"([a-z0-9][a-z0-9_-]{0,31}):([0-9a-fA-F]{64})")


def parse_keys(text: str) -> SecretKeys:
    """Keys from `name:64 hex digits`, by line or comma, newest first; ValueError says what to write."""
    keys: list[tuple[str, bytes]] = []
    for line in re.split(r"[\s,]+", text.strip()):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("name:64 hex digits, newest first, several separated by commas (openssl rand -hex 32)")
        keys.append((found[1], bytes.fromhex(found[2])))
    if len({name for name, _ in keys}) != len(keys):
        raise ValueError("every key under its own name; a name seals data and cannot mean two keys")
    return tuple(keys)


def load_or_make(path: Path) -> SecretKeys:
    """Keys in the file; when there is none, make it with one new key, readable by its owner only (mode 0600).

    Two processes starting at once end with the same key. ValueError when others may read the file or it is damaged.
    """
    with suppress(FileNotFoundError):
        return _load(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"first:{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails when somebody was first, where a rename would put our key over theirs.
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return _load(path)


def _load(path: Path) -> SecretKeys:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ValueError(f"others may read {path}; run: chmod 600 {path}")
    return parse_keys(path.read_text())
