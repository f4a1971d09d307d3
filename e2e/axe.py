"""axe-core in a page: what it finds wrong for people who hear, magnify or key their way through. The file: vendor/VENDOR.md."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page

FILE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
_SOURCE = FILE.read_text(encoding="utf-8")
_RUN = "async () => (await axe.run({resultTypes: ['violations']})).violations"


async def findings(page: Page, name: str) -> list[str]:
    """One line per thing found in the page as it stands, beginning with `name`."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_SOURCE)
    found: list[dict[str, Any]] = await page.evaluate(_RUN)
    return [
        f"{name}: {rule['id']}: {' '.join(map(str, node['target']))}: {' '.join(node['failureSummary'].split())}"
        for rule in found
        for node in rule["nodes"]
    ]
