"""Pictures of every page, wide and on a phone, light and dark: `make screenshots` writes them to docs/images/."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Browser, FloatRect, async_playwright

from tests.browser.chromium import launched
from tests.scene import STALLED, Scene

IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: Pixels of a page that are shown.
LONGEST = 1700
SIZES = {"wide": (1280, 900), "phone": (390, 844)}


async def main(folder: Path, everything: bool) -> None:
    """Make the scene, serve it, take the pictures. `everything`: each page in each size and theme."""
    with tempfile.TemporaryDirectory(prefix="scene-") as place:
        scene = Scene(Path(place), hostile=False)
        pages = {
            "overview": "",
            "parcels": "parcels",
            "stalled": "parcels?need=stalled",
            "fulfillment": f"fulfillments/{scene.fulfillment(STALLED)}",
            "carriers": "carriers",
            "outbox": "outbox",
            "codes": "codes",
            "drift": "drift",
            "reports": "reports",
            "error": "fulfillments/999999",
        }
        try:
            async with scene.served() as url, async_playwright() as player, launched(player) as browser:
                for name, path in pages.items():
                    for size in SIZES:
                        for theme in ("light", "dark"):
                            if everything or (theme == "light") == (size == "wide") or name == "overview":
                                await picture(
                                    browser, f"{url}{path}", size, theme, folder / f"{name}-{size}-{theme}.png"
                                )
        finally:
            scene.close()


async def picture(browser: Browser, url: str, size: str, theme: str, file: Path) -> None:
    """One page in one size and theme."""
    width, height = SIZES[size]
    scheme = "dark" if theme == "dark" else "light"
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(url, wait_until="load")
    whole = await page.evaluate("document.documentElement.scrollHeight")
    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": min(whole, LONGEST)}
    await page.screenshot(path=file, full_page=True, clip=clip)
    await context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=IMAGES)
    parser.add_argument("--all", action="store_true", help="every page in every size and theme")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(options.into, options.all))
