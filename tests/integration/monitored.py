"""A tracker as its monitoring sees it: two accounts, some parcels, and a clock that moves when told."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.api_bench import NOW, FakeClock
from tracker import web
from tracker.app import App
from tracker.config import Settings
from tracker.heartbeats import Heartbeats
from tracker.models import Role
from tracker.store import tokens
from tracker.store.database import Database
from tracker.store.times import stored

if TYPE_CHECKING:
    from tracker.clock import Clock

__all__ = ["NOW", "Monitored"]

SETTINGS: dict[str, Any] = {
    "orders": {"token": "op-token-55d1"},
    "carriers": {
        "ups": {"credentials": {"client_id": "up-31cc", "client_secret": "up-90ab"}, "quota": {"per_hour": 100}},
        "dhl": {"credentials": {"api_key": "dh-77f3"}},
        "usps": {},
    },
}


class Monitored:
    """An app, not running, and its web side."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.clock = FakeClock()
        self.steady = 1000.0
        """Seconds on the clock that is never put back."""
        settings = SETTINGS | {"database": str(folder / "tracker.db")} | (settings or {})
        self.app = App(Settings.model_validate(settings), self.database, cast("Clock", self.clock))
        self.app.heartbeats = Heartbeats(cast("Clock", self.clock), lambda: self.steady)
        with self.database.write() as tx:
            for poller in self.app.pollers:
                poller.open(tx)
        self.web = web.build(self.app.services())

    def pass_time(self, seconds: float) -> None:
        """On both clocks."""
        self.steady += seconds
        self.clock.forward(seconds=seconds)

    def ask(self, path: str, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}

        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(self.web)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(work())

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """`/metrics` as a scrape reads it: (name, labels) -> value."""
        answer = self.ask("/metrics")
        assert answer.status_code == 200, answer.text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples().get((name, frozenset(labels.items())))

    def write(self, statement: str, *values: object) -> None:
        """Change the database behind everybody's back."""
        with self.database.write() as tx:
            given = tuple(stored(value) if isinstance(value, datetime) else value for value in values)
            tx.exec_driver_sql(statement, given)

    def parcels(self, count: int, status: str | None = "IN_TRANSIT", source: str = "ups", **since: float) -> None:
        """Parcels of which the turn came so long ago."""
        due = NOW - timedelta(**since)
        with self.database.write() as tx:
            first = tx.exec_driver_sql("SELECT COALESCE(MAX(id), 0) + 1 FROM parcels").scalar_one()
            rows = [
                (id, source, f"N{id}", source, source, stored(NOW), status, stored(due), stored(NOW))
                for id in range(first, first + count)
            ]
            tx.exec_driver_sql(
                "INSERT INTO parcels (id, carrier, number, source, route, fulfilled_at, status, next_poll_at,"
                " first_asked_at, use, company, step, reason, shipment_id, known, fingerprint, priority, not_found,"
                " failures, utc_offset) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'UPS', 0, '', '', 1, '', 1, 0, 0, 0)",
                rows,
            )

    def push(self, state: str = "waiting", *, due: datetime = NOW, made: datetime = NOW) -> None:
        """A push of a fulfillment of its own."""
        with self.database.write() as tx:
            id = tx.exec_driver_sql("SELECT COALESCE(MAX(id), 0) + 1 FROM orders").scalar_one()
            tx.exec_driver_sql(
                "INSERT INTO orders (id, source_order_id, source_order_number, country, state, postal_code, tags)"
                " VALUES (?, ?, '', '', '', '', '')",
                (id, f"#{id}"),
            )
            tx.exec_driver_sql(
                "INSERT INTO fulfillments (id, order_id, source_fulfillment_id, payload, fulfilled_at, status,"
                " status_at, tracking_company, reason) VALUES (?, ?, ?, '{}', ?, 'IN_TRANSIT', ?, '', '')",
                (id, id, f"F-{id}", stored(NOW), stored(NOW)),
            )
            tx.exec_driver_sql(
                "INSERT INTO pushes (fulfillment_id, status, state, created_at, next_attempt_at, attempts)"
                " VALUES (?, 'IN_TRANSIT', ?, ?, ?, 1)",
                (id, state, stored(made), stored(due)),
            )

    def token(self, role: Role = Role.READ) -> str:
        with self.database.write() as tx:
            return tokens.add(tx, role.value, role, None, NOW)

    def close(self) -> None:
        asyncio.run(self.app.close())
