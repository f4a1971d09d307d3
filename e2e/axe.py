"""axe-core in a page: what it finds wrong for people who hear, magnify or key their way through. The file: vendor/VENDOR.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Page

FILE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
_SOURCE = FILE.read_text(encoding="utf-8")
_RUN = "async (options) => (await axe.run({resultTypes: ['violations'], ...options})).violations"
#: The rules that depend on the scheme; everything else is the same in the dark.
COLOURS = ("color-contrast", "link-in-text-block")


async def findings(page: Page, name: str, *, rules: Sequence[str] = ()) -> list[str]:
    """One line per thing found in the page as it stands, beginning with `name`. `rules`: only these."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_SOURCE)
    found: list[dict[str, Any]] = await page.evaluate(_RUN, {"runOnly": list(rules)} if rules else {})
    return [
        f"{name}: {rule['id']}: {' '.join(map(str, node['target']))}: {' '.join(node['failureSummary'].split())}"
        for rule in found
        for node in rule["nodes"]
    ]
