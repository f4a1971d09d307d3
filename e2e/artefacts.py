"""Pictures of what the tests saw, for people to look at. Not in the repository."""

from pathlib import Path

from playwright.async_api import Page

FOLDER = Path(__file__).parents[1] / "artefacts"


async def keep(page: Page, name: str, *, variant: str = "") -> None:
    """Save the whole page as `name`-WIDTH.png or `name`-WIDTH-`variant`.png."""
    size = page.viewport_size
    assert size is not None, "tests fix the size of their windows"
    path = FOLDER / f"{'-'.join(filter(None, (name, str(size['width']), variant)))}.png"
    FOLDER.mkdir(exist_ok=True)
    height = await page.evaluate("document.documentElement.scrollHeight")
    # A window as tall as the page: a picture of more than the window has bars that stick to its edge in the middle.
    if height > size["height"]:
        await page.set_viewport_size({"width": size["width"], "height": height})
    await page.screenshot(path=path, animations="disabled", caret="hide")
    await page.set_viewport_size(size)


def count() -> int:
    """How many pictures there are, of this run and of earlier ones."""
    return len(list(FOLDER.glob("*.png")))
