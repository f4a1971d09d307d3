"""Files that were sent and wait to be read: each sealed for its row, in a folder only the house's user may read, gone once it is read.
All of it blocks: call it in a thread."""

import os
from collections.abc import Collection
from pathlib import Path

from portal.config import Settings
from portal.vault import Vault

FOLDER = "imports"


def keep(settings: Settings, vault: Vault, import_id: int, raw: bytes) -> None:
    """Put a file there; under its name only when all of it is on the disk."""
    folder = settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The vault seals text: latin-1 is a byte a letter.
    sealed = vault.seal("imports", "file", row_id=import_id, plaintext=raw.decode("latin-1"))
    half = folder / f"import-{import_id}.{os.getpid()}.part"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(sealed)
    half.replace(_path(settings, import_id))


def fetch(settings: Settings, vault: Vault, import_id: int) -> bytes | None:
    """The file; None when it is not there. VaultError: it was altered."""
    try:
        sealed = _path(settings, import_id).read_bytes()
    except FileNotFoundError:
        return None
    return vault.open("imports", "file", row_id=import_id, sealed=sealed).encode("latin-1")


def drop(settings: Settings, import_id: int) -> None:
    """Take a file away; one that is not there is as good."""
    _path(settings, import_id).unlink(missing_ok=True)


def strays(settings: Settings, known: Collection[int], *, before: float) -> list[Path]:
    """Files older than `before` (seconds since 1970) of none of the imports in `known`: what killed processes left."""
    names = {_path(settings, import_id).name for import_id in known}
    folder = settings.data_dir / FOLDER
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name not in names and path.stat().st_mtime < before]


def _path(settings: Settings, import_id: int) -> Path:
    return settings.data_dir / FOLDER / f"import-{import_id}.sealed"
