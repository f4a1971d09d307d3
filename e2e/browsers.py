"""Chromium for the tests: where it is found, how it is started, and contexts that are a phone or a desk.

What a page does in it: pages; what it must not do: watch.
"""

import os
import shutil

import pytest
from playwright.async_api import Browser, BrowserContext, Playwright, ViewportSize

PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=800)
#: Pages wait for real servers on a machine that may be busy with everything else.
PATIENCE_MS = 15_000

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGS = (
    "--no-sandbox",
    # The portal of the tests is on loopback, which Chromium would reach past the hotspot's proxy.
    "--proxy-bypass-list=<-loopback>",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)


async def launch(playwright: Playwright) -> Browser:
    """Start Chromium: the one PORTAL_CHROMIUM names, else the machine's, else Playwright's own.

    Without any the tests are skipped; on a build machine (CI is set) that is a failure.
    """
    program = os.environ.get("PORTAL_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None and shutil.which(playwright.chromium.executable_path) is None:
        words = "no Chromium here: install the package chromium, or name the program in PORTAL_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return await playwright.chromium.launch(executable_path=program, args=list(_ARGS), env=plain)


async def phone_context(
    browser: Browser, *, proxy_url: str, locale: str = "en-KE", scripts: bool = True
) -> BrowserContext:
    """A cheap phone on the hotspot: small, touched, and nothing reaches the network but through its Wi-Fi."""
    context = await browser.new_context(
        proxy={"server": proxy_url},
        viewport=PHONE,
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        locale=locale,
        service_workers="block",
        java_script_enabled=scripts,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


async def merchant_context(
    browser: Browser, *, base_url: str, viewport: ViewportSize = DESK, locale: str = "en-KE", scripts: bool = True
) -> BrowserContext:
    """A merchant's browser, anywhere on the internet."""
    is_phone = viewport["width"] < 600
    context = await browser.new_context(
        base_url=base_url,
        viewport=viewport,
        device_scale_factor=2 if is_phone else 1,
        has_touch=is_phone,
        is_mobile=is_phone,
        locale=locale,
        service_workers="block",
        java_script_enabled=scripts,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context
