"""A headless browser, wherever this machine has one."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """Of chromium or chrome; None where there is none."""
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


@asynccontextmanager
async def launched(player: Playwright) -> AsyncIterator[Browser]:
    """The browser while the block runs."""
    browser = await player.chromium.launch(executable_path=executable(), headless=True, args=list(FLAGS))
    try:
        yield browser
    finally:
        await browser.close()
