"""The page: what it shows, and what it never lets in."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from carriers.sdk.registry import known_infos
from tracker import intake, web
from tracker.clock import Clock
from tracker.config import Settings, Web
from tracker.routing import Routes
from tracker.store import outbox
from tracker.store.database import Database
from tracker.store.writer import Writer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = b"""{"sourceOrderId": "#1<script>", "fulfillments": [{"sourceFulfillmentId": "F-1", "trackingCompany": "FedEx",
"trackingNumber": ["794600000017"], "fulfillmentStatus": "FULFILLED",
"sourceItemIds": [{"sourceItemId": "1", "quantity": 1}]}]}"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    return database


def services(database: Database) -> web.Services:
    return web.Services(database, Writer(database), Clock(), Settings(), Routes(), (), (), None)


def page_of(database: Database, reference: str = "") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(web.build(services(database)))
        async with httpx.AsyncClient(transport=transport, base_url="http://tracker") as client:
            return await client.get("/", params={"q": reference})

    return asyncio.run(ask())


def test_an_empty_tracker_says_what_to_do(database: Database) -> None:
    page = page_of(database)
    assert page.status_code == 200
    assert "tracker import" in page.text


def test_a_fulfillment_is_found_with_its_history(database: Database) -> None:
    with database.write() as tx:
        intake.register(tx, intake.read_file("orders.json", ORDER), NOW, known_infos())
        [(id,)] = tx.exec_driver_sql("SELECT id FROM fulfillments").all()
        outbox.record(tx, [outbox.Change(id, outbox.FulfillmentStatus.IN_TRANSIT, NOW, "<b>AR</b>: Arrived")], NOW)
    for reference in ("F-1", "#1<script>", "7946 0000 0017"):
        text = page_of(database, reference).text
        assert "IN_TRANSIT" in text
        assert "&lt;b&gt;AR&lt;/b&gt;: Arrived" in text
        assert "<script>" not in text


def test_nothing_from_elsewhere_can_run_in_it(database: Database) -> None:
    policy = page_of(database).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_healthz_answers_over_http(database: Database) -> None:
    async def ask() -> httpx.Response:
        async with web.serve(web.build(services(database)), Web(port=0)) as url, httpx.AsyncClient() as client:
            return await client.get(f"{url}healthz")

    assert asyncio.run(ask()).json() == {"status": "ok"}
