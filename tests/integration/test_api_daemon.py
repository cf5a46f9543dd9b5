"""The front door inside the daemon: merchants' calls that wait reach Order Protection over HTTP, and a daemon that
others could reach without a token says so."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from structlog.testing import capture_logs

from tests.integration.api_bench import fulfillment, order
from tracker.app import build
from tracker.clock import Clock
from tracker.daemon import Daemon
from tracker.sandbox.server import serve
from tracker.sandbox.world import World
from tracker.store import forwards


def config(folder: Path, url: str, **web: Any) -> Path:
    path = folder / "config.yaml"
    orders = {"url": f"{url}/order-protection", "token": "op-token"}
    path.write_text(yaml.safe_dump({"orders": orders, "polling": {"tick": 0.05}, "web": {"port": 0, **web}}))
    return path


def test_a_call_that_waits_is_delivered_by_the_daemon(tmp_path: Path) -> None:
    async def run() -> None:
        world = World(Clock(), parcels=1, seed=3, carriers=("ups",), labels=(timedelta(days=-9), timedelta(days=-8)))
        async with serve(world) as url:
            app = build(config(tmp_path, url), {})
            with app.database.write() as tx:
                for path, body in (
                    ("/v1/orders", order("#/ new")),
                    ("/v1/orders/%23%2F%20new/fulfillments", fulfillment("F-1")),
                ):
                    now = app.clock.now()
                    forwards.add(tx, "#/ new", "POST", path, "application/json", json.dumps(body).encode(), now)
            daemon = Daemon(app)
            await daemon.start()
            try:
                async with asyncio.timeout(15):
                    while "F-1" not in world.order_protection.orders.get("#/ new", {}):  # noqa: ASYNC110 - tells no event
                        await asyncio.sleep(0.02)
            finally:
                await daemon.stop()

    asyncio.run(run())


def test_a_daemon_that_others_could_reach_tells_what_to_do(tmp_path: Path) -> None:
    async def run() -> None:
        daemon = Daemon(build(config(tmp_path, "http://localhost", host="0.0.0.0"), {}))  # noqa: S104 - refused by us
        with capture_logs() as lines:
            await daemon.start()
            await daemon.stop()
        [closed] = [line for line in lines if line["event"] == "the page and the API are closed"]
        assert closed["log_level"] == "error"
        assert "tracker token add" in closed["reason"]

    asyncio.run(run())
