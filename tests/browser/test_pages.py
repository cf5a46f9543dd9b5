"""The pages in a real browser: found by a newcomer, without scripts too; live; by keyboard; small; in both themes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.chromium import launched
from tests.scene import NOW, STALLED, Scene
from tracker.store import desk
from tracker.store.desk import Muted

PATHS = ("", "parcels", "parcels?need=stalled", "carriers", "reports", "outbox", "codes", "drift", "nowhere")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("scene"), count=70)
    yield scene
    scene.close()


def in_browser(scene: Scene, work: Callable[[BrowserContext, str], Awaitable[None]], **options: Any) -> None:
    """Do this in a new browser, with the scene served. Whatever a page logs as an error fails the test."""

    async def run() -> None:
        async with scene.served() as url, async_playwright() as player, launched(player) as browser:
            context = await _context(browser, url, **options)
            complaints: list[str] = []
            context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            await work(context, url)
            assert [text for text in complaints if "404" not in text] == []

    asyncio.run(run())


async def _context(browser: Browser, url: str, **options: Any) -> BrowserContext:
    context = await browser.new_context(**{"reduced_motion": "reduce", **options})
    context.set_default_timeout(15_000)

    async def only_ours(route: Any) -> None:
        assert route.request.url.startswith(url), f"{route.request.url} is elsewhere"
        await route.continue_()

    await context.route("**/*", only_ours)
    return context


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_newcomer_finds_a_stalled_parcel_and_why_and_what_was_pushed(scene: Scene, scripts: bool) -> None:
    async def look(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_role("link", name="Stalled").first.click()
        await page.get_by_role("row").filter(has_text=STALLED).get_by_role("link").first.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(STALLED)
        short = page.get_by_role("region", name="In short")
        await expect(short).to_contain_text("no movement for 10 d: the last was “Arrived at FedEx hub” in MEMPHIS")
        await expect(short).to_contain_text("was told Delayed")
        timeline = page.get_by_role("region", name="FedEx")
        await expect(timeline.get_by_role("listitem").first).to_contain_text("AR")
        await expect(timeline.get_by_role("listitem").first).to_contain_text("table of FedEx")
        pushes = page.get_by_role("region", name="Statuses, pushes and answers")
        await expect(pushes.get_by_role("row").nth(1)).to_contain_text("accepted by Order Protection")

    in_browser(scene, look, java_script_enabled=scripts)


def test_a_page_keeps_itself_up_to_date_and_rests_when_told(scene: Scene) -> None:
    id = scene.fulfillment(STALLED)

    async def look(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        await page.goto(url)
        card = page.locator('a.card[href="/parcels?need=stalled"] b')
        before = int(await card.inner_text())
        await page.locator("#stack-table summary").click()
        live = page.get_by_role("button", name="Live")
        await live.click()
        await expect(page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "false")
        with scene.database.write() as tx:
            desk.mute(tx, id, Muted(NOW, "test", ""))
        await expect(card).to_have_text(str(before))
        await page.get_by_role("button", name="Paused").click()  # looks at once, then every few seconds
        await expect(card).to_have_text(str(before - 1))
        await expect(page.locator("#say")).to_contain_text(f"Stalled: {before - 1}.")
        assert await page.locator("#stack-table").get_attribute("open") == ""  # stays as it was left
        with scene.database.write() as tx:
            desk.unmute(tx, id)
        await expect(card).to_have_text(str(before), timeout=15_000)  # by itself

    in_browser(scene, look)


def test_the_buttons_work_and_say_what_they_did(tmp_path: Path) -> None:
    scene = Scene(tmp_path, count=0)

    async def act(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        await page.goto(f"{url}parcels?q={STALLED}")
        await page.get_by_role("button", name="Poll now").click()
        await expect(page.get_by_role("status").first).to_contain_text("asked next")
        await page.get_by_text("Give it another status").click()
        await page.get_by_label("Status", exact=True).select_option("FAILURE")
        await page.get_by_label("Why", exact=True).fill("The depot says it is lost.")
        await page.get_by_role("button", name="Give it and push").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Failure")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("by hand")
        await expect(page.get_by_role("region", name="Notes")).to_contain_text("The depot says it is lost.")
        await page.get_by_role("button", name="Take Failure back").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Delayed")

    try:
        in_browser(scene, act)
    finally:
        scene.close()


def test_the_keyboard_gets_everywhere(scene: Scene) -> None:
    async def press(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        await page.goto(url)
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("/")
        search = page.get_by_role("searchbox", name="Find a tracking number, fulfillment or order")
        await expect(search).to_be_focused()
        await page.keyboard.type(STALLED)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(STALLED)

    in_browser(scene, press)


def test_nothing_is_wider_than_a_small_phone(scene: Scene) -> None:
    async def measure(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        for path in (*PATHS, f"fulfillments/{scene.fulfillment(STALLED)}"):
            await page.goto(f"{url}{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path

    in_browser(scene, measure, viewport={"width": 320, "height": 640})


#: Every text that is seen against what is behind it: WCAG's contrast, and 4.5 is enough.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("svg, .unseen, .skip") || !element.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const named = `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 30)}`;
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${named}`);
  }
  return [...new Set(found)];
}"""

#: Controls without a name, ids that stand twice, heads of tables that head nothing, pictures without words.
NAMELESS = """() => [
  ...[...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter((one) => !one.labels.length && !one.ariaLabel).map((one) => one.outerHTML),
  ...[...document.querySelectorAll("[id]")].map((one) => one.id)
    .filter((id, index, all) => all.indexOf(id) !== index).map((id) => `twice: ${id}`),
  ...[...document.querySelectorAll("th:not([scope])")].map((one) => one.outerHTML),
  ...[...document.querySelectorAll("svg:not([aria-hidden]):not([aria-labelledby])")]
    .filter((one) => !one.parentElement.closest("svg")).map((one) => one.outerHTML.slice(0, 80)),
  ...[...document.querySelectorAll("[aria-labelledby]")]
    .flatMap((one) => one.getAttribute("aria-labelledby").split(" ")).filter((id) => !document.getElementById(id)),
]"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_and_has_a_name(scene: Scene, scheme: str) -> None:
    async def look(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        for path in (*PATHS, f"fulfillments/{scene.fulfillment(STALLED)}"):
            await page.goto(f"{url}{path}")
            assert await page.evaluate(CONTRAST) == [], path
            assert await page.evaluate(NAMELESS) == [], path

    in_browser(scene, look, color_scheme=scheme)


def test_a_theme_that_was_chosen_stays(scene: Scene) -> None:
    async def choose(context: BrowserContext, url: str) -> None:
        page = await context.new_page()
        await page.goto(url)
        light = await _paper(page)
        await page.get_by_role("button", name="Theme: auto. Change to dark").click()
        dark = await _paper(page)
        assert dark != light
        await page.reload()
        assert await _paper(page) == dark
        await page.get_by_role("button", name="Theme: dark. Change to light").click()
        assert await _paper(page) == light

    in_browser(scene, choose, color_scheme="light")


async def _paper(page: Page) -> str:
    color: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color
