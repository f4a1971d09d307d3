"""Pictures of what the tests saw, for people to look at. Not in the repository."""

from pathlib import Path

from playwright.async_api import Page

FOLDER = Path(__file__).parents[1] / "artefacts"
_kept: set[str] = set()


async def keep(page: Page, name: str, *, variant: str = "") -> None:
    """Save the whole page as `name`-WIDTH.png or `name`-WIDTH-`variant`.png."""
    size = page.viewport_size
    words = (name, str(size["width"] if size else "full"), variant)
    path = FOLDER / f"{'-'.join(filter(None, words))}.png"
    FOLDER.mkdir(exist_ok=True)
    await page.screenshot(path=path, full_page=True, animations="disabled", caret="hide")
    _kept.add(path.name)


def count() -> int:
    """How many pictures this run has kept."""
    return len(_kept)
