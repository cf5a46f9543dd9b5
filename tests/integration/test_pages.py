"""The pages: what they show, what they never let in, how they are served."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scene import HOSTILE, NOW, STALLED, Scene
from tracker import web
from tracker.models import Role
from tracker.store import tokens

PAGES = ("/", "/parcels", "/carriers", "/reports", "/outbox", "/codes", "/drift")
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Looked at only."""
    scene = Scene(tmp_path_factory.mktemp("scene"), count=60)
    yield scene
    scene.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """To be changed."""
    scene = Scene(tmp_path, count=0)
    yield scene
    scene.close()


def asked(scene: Scene, *requests: tuple[str, str], base: str = "http://localhost", **options: Any) -> httpx.Response:
    """The last of the answers to these requests of one browser."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(web.build(scene.services), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=HTML) as client:
            for method, path in requests:
                answer = await client.request(method, path, **options)
        return answer

    return asyncio.run(ask())


def get(scene: Scene, path: str, **options: Any) -> httpx.Response:
    return asked(scene, ("GET", path), **options)


def row_of(page: str, word: str) -> str:
    """The row of a table that a word stands in, without its tags."""
    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    found = next(row for row in rows if word in row)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_whole_html_behind_a_strict_policy(shared: Scene, path: str) -> None:
    page = get(shared, path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert page.text.count("<main") == page.text.count("<h1") == 1
    assert "<script>" not in page.text
    assert not re.search(r"\s(style|on\w+)=", page.text)  # nothing inline: the policy would refuse it
    assert not re.findall(r'(?:src|<link[^>]*href)="(?!/static/)', page.text)  # nothing from elsewhere


def test_the_overview_counts_what_needs_somebody_and_leads_there(shared: Scene) -> None:
    page = get(shared, "/").text
    cards = dict(re.findall(r'href="/parcels\?need=(\w+)"><b>(\d+)</b>', page))
    assert cards.keys() == {"stalled", "failure", "closing", "attempted", "held", "late", "pickup"}
    for need, count in cards.items():
        listed = get(shared, f"/parcels?need={need}").text
        assert len(re.findall(r'class="number-link"', listed)) == int(count), need
    assert 'href="/outbox"><b>1</b>' in page
    assert 'href="/codes"><b>2</b>' in page
    assert 'href="/carriers"><b>1</b>' in page
    assert 'href="/drift"><b>' not in page  # nothing there: said in a line


def test_charts_have_words_and_a_table(shared: Scene) -> None:
    page = get(shared, "/").text
    for chart in re.findall(r'<svg class="plot.*?</figure>', page, re.S):
        named = re.search(r'aria-labelledby="(\S+) (\S+)"', chart)
        assert named
        assert f'<title id="{named[1]}">' in chart
        assert f'<desc id="{named[2]}">' in chart
        assert "<caption" in chart
    assert page.count('<svg class="plot') == 2


def test_an_empty_tracker_says_what_to_do(tmp_path: Path) -> None:
    from tests.integration.api_bench import ApiBench

    bench = ApiBench(tmp_path)
    page = asyncio.run(_get(bench.app, "/")).text
    assert "tracker import" in page
    assert "Nothing needs anybody" in page
    for path in PAGES:
        assert asyncio.run(_get(bench.app, path)).status_code == 200
    bench.writer.close()
    bench.database.close()


async def _get(app: Any, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        return await client.get(path, headers=HTML)


def test_one_fulfillment_shows_why_it_is_stalled_and_what_was_pushed(shared: Scene) -> None:
    page = " ".join(get(shared, f"/fulfillments/{shared.fulfillment(STALLED)}").text.split())
    assert "no movement for 10 d: the last was “Arrived at FedEx hub” in MEMPHIS, TN, US, 2026-03-01 21:20 UTC." in page
    assert "was told <b>Delayed</b>" in page
    assert "2026-03-01 16:20 -05:00" in page  # the clock on the wall in Memphis
    assert "table of FedEx" in page
    assert "accepted by Order Protection" in page
    assert "the tracker&#39;s own word, not the carrier&#39;s" in page  # overdue


def test_hostile_words_stay_words(shared: Scene) -> None:
    for path in ("/", "/parcels", "/parcels?need=late", f"/fulfillments/{shared.fulfillment(HOSTILE)}"):
        page = get(shared, path).text
        assert "<b>F-" not in page
        assert "<script>alert" not in page
    page = get(shared, f"/fulfillments/{shared.fulfillment(HOSTILE)}").text
    assert "&lt;script&gt;alert(&#39;scan&#39;)&lt;/script&gt;" in page
    hostile = '"><script>alert(1)</script>'
    for path in (
        f"/parcels?q={hostile}&status={hostile}&carrier={hostile}",
        f"/reports?since={hostile}",
        f"/{hostile}",
    ):
        assert "<script>alert" not in get(shared, path).text


def test_a_search_for_one_leads_to_it_and_for_several_lists_them(shared: Scene) -> None:
    for reference in (STALLED, f"#{STALLED}".replace("#", "%23")):
        found = get(shared, f"/parcels?q={reference}")
        assert (found.status_code, found.headers["location"]) == (303, f"/fulfillments/{shared.fulfillment(STALLED)}")
    begins = get(shared, "/parcels?q=F-24").text
    assert len(re.findall(r'class="number-link"', begins)) == 50
    assert "No parcel is like that" in get(shared, "/parcels?q=nothing-of-ours").text


def test_pages_of_the_list_hold_each_parcel_once(shared: Scene) -> None:
    seen: list[str] = []
    path = "/parcels"
    while path:
        page = get(shared, path).text
        seen += re.findall(r'class="number-link" href="[^"]*">([^<]+)<', page)
        further = re.search(r'rel="next" href="([^"]+)"', page)
        path = further[1].replace("&amp;", "&") if further else ""
    assert len(seen) == len(set(seen)) == 60 + 16


def test_filters_go_together(shared: Scene) -> None:
    page = get(shared, "/parcels?status=DELIVERED&carrier=ups").text
    rows = re.findall(r'<tr>\n<td data-label="Parcel".*?</tr>', page, re.S)
    assert rows
    assert all("UPS" in row and "Delivered" in row for row in rows)
    assert '<option value="DELIVERED" selected>' in page


@pytest.mark.parametrize(
    "path", ["/parcels?below=x", "/parcels?below=99999999999999999999", "/parcels?need=%00", "/parcels?status=NOPE"]
)
def test_a_mangled_url_still_shows_the_list(shared: Scene, path: str) -> None:
    assert "number-link" in get(shared, path).text


def test_accounts_show_their_pause_their_quota_and_their_errors(shared: Scene) -> None:
    page = get(shared, "/carriers").text
    dhl = page[page.index("DHL</h2>") if "DHL</h2>" in page else page.index("DHL") :]
    assert "RateLimited: HTTP 429, quota of the day used up" in dhl
    assert re.search(r"59 of 60 calls in the last hour", page)
    assert "gls" in page
    assert "needs api_key and api_secret" in page
    assert re.search(r"A call takes</dt><dd>\d+ ms", page)


def test_unmapped_codes_come_with_the_lines_that_map_them(shared: Scene) -> None:
    page = get(shared, "/codes").text
    assert row_of(page, "ZX").startswith("FedEx ZX Transferred to a partner carrier 2 2")
    assert "mapping:\n  fedex:\n    &#34;ZX&#34;: INFORMATIONAL" in page or '"ZX": INFORMATIONAL' in page


def test_reports_as_a_page_as_csv_and_as_a_picture(shared: Scene) -> None:
    assert "Median days" in get(shared, "/reports?since=90d&by=carrier&then=month").text
    table = get(shared, "/reports.csv?by=carrier")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0].startswith("carrier,parcels")
    assert get(shared, "/reports.svg").text.startswith("<svg")
    assert get(shared, "/reports?since=yesterday").status_code == 422
    assert get(shared, "/reports?by=weather").status_code == 422


def test_static_files_are_kept_for_ever_under_their_content(shared: Scene) -> None:
    page = get(shared, "/").text
    for url in re.findall(r'"(/static/page\.\w+\?v=\w+)"', page):
        file = get(shared, url)
        assert "immutable" in file.headers["cache-control"]
        again = asked(shared, ("GET", url), headers={"If-None-Match": file.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "immutable" not in get(shared, url.partition("?")[0]).headers["cache-control"]
    assert get(shared, "/static/..%2f__init__.py").status_code == 404
    assert get(shared, "/static/nothing.css").status_code == 404


def test_errors_are_pages_for_people_and_json_for_programs(shared: Scene) -> None:
    missing = get(shared, "/fulfillments/424242")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No fulfillment is known" in missing.text
    assert get(shared, "/nowhere").status_code == 404
    assert get(shared, "/fulfillments/first").status_code == 422
    assert "<h1" in asked(shared, ("DELETE", "/outbox")).text
    refused = get(shared, "/", base="http://evil.example")
    assert (refused.status_code, refused.headers["content-type"]) == (421, "text/html; charset=utf-8")
    for path in ("/api/nothing", "/v1/nothing"):
        assert get(shared, path).headers["content-type"] == "application/problem+json"
    program = asked(shared, ("GET", "/nowhere"), headers={"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


def test_what_breaks_inside_is_a_page_that_tells_nothing(shared: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret word")

    monkeypatch.setattr("tracker.store.overview.news", broken)
    page = get(shared, "/")
    assert page.status_code == 500
    assert "its log says why" in page.text
    assert "secret word" not in page.text


def test_the_theme_is_a_cookie_that_the_server_knows(shared: Scene) -> None:
    async def ask() -> tuple[httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(web.build(shared.services))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=HTML) as client:
            sent = await client.post("/theme", data={"to": "dark", "back": "https://evil.example/"})
            return sent, await client.get("/")

    sent, page = asyncio.run(ask())
    assert sent.headers["location"] == "/"
    assert 'data-theme="dark"' in page.text


def test_without_scripts_the_overview_loads_itself_again(shared: Scene) -> None:
    page = get(shared, "/").text
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page
    assert page.count("http-equiv") == 1


def test_pages_ask_for_a_token_as_soon_as_there_is_one(scene: Scene) -> None:
    with scene.database.write() as tx:
        tokens.add(tx, "desk", Role.READ, None, NOW)
    for path in PAGES:
        answer = get(scene, path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=%2F")
        assert "F-3" not in answer.text
    assert get(scene, "/login").status_code == 200
    assert "Overview" not in get(scene, "/login").text  # nothing of the inside shows
