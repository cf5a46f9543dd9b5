"""What tests of the HTTP API stand on: a tracker with a few parcels, and an Order Protection that answers as told."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from carriers.sdk.errors import AuthFailed, Unavailable
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus
from tracker import intake, relay, web
from tracker.config import Settings
from tracker.forwarding import Forwarding, Tally
from tracker.models import Role
from tracker.orders import OrderProtection
from tracker.routing import Routes
from tracker.store import outbox, tokens
from tracker.store.database import Database
from tracker.store.writer import Writer

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tracker.clock import Clock

T = TypeVar("T")

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DOWN = Unavailable("no answer: ConnectError")
REFUSED = AuthFailed("HTTP 401")


class FakeClock:
    """A clock that moves when told."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class ApiBench:
    """A tracker's web side with its database, and Order Protection's side of the line."""

    def __init__(self, folder: Path, *, connected: bool = True, **web_settings: Any) -> None:
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)
        self.clock = FakeClock()
        clock = cast("Clock", self.clock)
        self.settings = Settings.model_validate({"web": web_settings})
        self.answer: Callable[[Call], Reply | Exception] = lambda call: reply(200)
        self.calls: list[Call] = []
        orders = OrderProtection(self) if connected else None
        self.services = web.Services(self.database, self.writer, clock, self.settings, Routes(), (), (), orders)
        self.forwarding = Forwarding(orders, self.writer, clock, self.settings, Routes())
        self.app: FastAPI = web.build(self.services)

    async def send(self, call: Call) -> Reply:
        return await self.send_once(call)

    async def send_once(self, call: Call) -> Reply:
        self.calls.append(call)
        answer = self.answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: object = None,
        content: bytes | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request; `body` as JSON, `content` as it is."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")

        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, url, content=content, headers=sent)

        return run(work())

    def get(self, url: str, **more: Any) -> Any:
        """The JSON of a GET that succeeds."""
        answer = self.ask("GET", url, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deliver(self) -> Tally:
        """One beat of the forwarder."""
        return run(self.forwarding.run(asyncio.Event()))

    def token(self, name: str = "t", role: Role = Role.WRITE, expires_at: datetime | None = None) -> str:
        with self.database.write() as tx:
            return tokens.add(tx, name, role, expires_at, self.clock.now())

    def take(self, *orders: dict[str, Any]) -> None:
        """Import orders."""
        with self.database.write() as tx:
            given = intake.read_file("orders.json", json.dumps(list(orders)).encode())
            intake.register(tx, given, self.clock.now(), known_infos())

    def become(self, fulfillment: str, status: FulfillmentStatus) -> None:
        """A carrier gives a fulfillment and its parcels a status."""
        now = self.clock.now()
        with self.database.write() as tx:
            [(id,)] = tx.exec_driver_sql(
                "SELECT id FROM fulfillments WHERE source_fulfillment_id = ?", (fulfillment,)
            ).all()
            tx.exec_driver_sql(
                "UPDATE parcels SET status = ?, status_at = ?, reason = 'AR: a scan', known = 1 WHERE id IN"
                " (SELECT parcel_id FROM fulfillment_parcels WHERE fulfillment_id = ?)",
                (status.value, now.isoformat(timespec="microseconds"), id),
            )
            outbox.record(tx, [outbox.Change(id, status, now, "AR: a scan")], now)

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(query, values).all()]

    def close(self) -> None:
        self.writer.close()
        self.database.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def push(bench: ApiBench) -> relay.Tally:
    """One beat of the relay."""
    assert bench.services.order_protection is not None
    work = relay.Relay(bench.services.order_protection, bench.writer, bench.services.clock, connections=1)
    return run(work.run(asyncio.Event()))


def reply(status: int, body: bytes = b'{"status":"ok"}', **headers: str) -> Reply:
    """An answer of Order Protection."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply((), status, body, {"content-type": "application/json", **named})


def order(id: str = "#517AB", *fulfillments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An order as a merchant sends it, with its customer."""
    customer = {"customerEmail": "ada@example.com", "customerName": "Ada Example", "customerPhone": "+15550100"}
    return {"sourceOrderId": id, **customer, "fulfillments": list(fulfillments), **more}


def fulfillment(id: str = "F-1", number: str = "794600000017", **more: Any) -> dict[str, Any]:
    """A fulfillment of one parcel."""
    return {
        "sourceFulfillmentId": id,
        "fulfillmentStatus": "FULFILLED",
        "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
        "trackingCompany": "FedEx",
        "trackingNumber": [number],
        "createdAt": "2026-03-01T09:00:00Z",
        **more,
    }
