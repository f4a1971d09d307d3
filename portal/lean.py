"""Keeps out of memory what a library would load for itself though a server never uses it. No behaviour of ours."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import cast


@contextmanager
def without(*names: str) -> Generator[None]:
    """Inside, optional imports of these modules fail as if they were not installed. What is loaded already stays as it is."""
    # Python reference, "The module cache": None in sys.modules makes an import raise ModuleNotFoundError.
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
