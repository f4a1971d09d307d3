"""The folder of finished PDFs. Each is sealed for its row (AES-GCM, portal.vault), so that neither a copied disk nor a file put in
another's place shows codes; only the house's user may read the folder. All of it blocks: call it in a thread."""

import os
from collections.abc import Collection
from pathlib import Path

from portal.config import Settings
from portal.vault import Vault

FOLDER = "exports"
_SUFFIX = ".sealed"


def folder_of(settings: Settings) -> Path:
    """Where this house keeps them."""
    return settings.data_dir / FOLDER


def keep(settings: Settings, vault: Vault, print_id: int, pdf: bytes) -> None:
    """Put a PDF there; under its name only when all of it is on the disk."""
    folder = folder_of(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The vault seals text: latin-1 is a byte a letter.
    sealed = vault.seal("prints", "file", row_id=print_id, plaintext=pdf.decode("latin-1"))
    half = folder / f"print-{print_id}.{os.getpid()}.part"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(sealed)
    half.replace(_path(settings, print_id))


def fetch(settings: Settings, vault: Vault, print_id: int) -> bytes | None:
    """The PDF; None when it is no longer there. VaultError: it was altered, or its key is gone."""
    try:
        sealed = _path(settings, print_id).read_bytes()
    except FileNotFoundError:
        return None
    return vault.open("prints", "file", row_id=print_id, sealed=sealed).encode("latin-1")


def drop(settings: Settings, print_ids: Collection[int]) -> None:
    """Take files away; one that is not there is as good."""
    for print_id in print_ids:
        _path(settings, print_id).unlink(missing_ok=True)


def strays(settings: Settings, known: Collection[int], *, before: float) -> list[Path]:
    """Files older than `before` (seconds since 1970) of none of the prints in `known`: what killed processes left."""
    names = {_path(settings, print_id).name for print_id in known}
    folder = folder_of(settings)
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name not in names and path.stat().st_mtime < before]


def _path(settings: Settings, print_id: int) -> Path:
    return folder_of(settings) / f"print-{print_id}{_SUFFIX}"
