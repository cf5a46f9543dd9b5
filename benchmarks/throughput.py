"""Parcels refreshed a second, end to end, beside a bare httpx loop that makes the same calls.

Owns the measurement alone: a sandbox process on loopback, the tracker wired as `tracker run` wires it, and the
loop it is compared with. Bare and ours take turns within one run and are compared pair by pair, because
machines have moods. Knows nothing of how the tracker does its work.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx
import yaml

from carriers.sdk.exchange import Call
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.registry import known_infos
from tracker import intake
from tracker.app import App
from tracker.clock import Clock
from tracker.config import load
from tracker.sandbox.server import serve
from tracker.sandbox.world import World
from tracker.store import parcels
from tracker.store.database import Database

News = Literal["all", "some", "none"]

CREDENTIALS = {
    "fedex": {"api_key": "benchmark", "secret_key": "benchmark"},
    "ups": {"client_id": "benchmark", "client_secret": "benchmark"},
}
PARCELS = {"fedex": 15_000, "ups": 1_500}
"""In the database while speed is measured: enough calls for a steady second or so."""
LABELS = (timedelta(days=-6), timedelta(days=-1))
"""Labels are this old, so that parcels are met at every stage of their way."""
STEP = timedelta(hours=4)
"""The clock goes on by so much before each round: the cadence's interval for a parcel in transit."""
QUOTA = {"per_second": 100_000}
"""High enough never to wait, so that pacing is paid for and not slept through."""
DAEMON_SECONDS = 60.0
"""A daemon whose memory is measured runs until it has asked about every parcel, but no longer than this."""


@dataclass(frozen=True, slots=True)
class MovableClock(Clock):
    """The wall clock and `ahead` seconds, in memory that another process shares."""

    ahead: Any = field(default_factory=lambda: RawValue(ctypes.c_double, 0.0), kw_only=True)

    def now(self) -> datetime:
        """The time on this clock, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead.value)


class Pair(NamedTuple):
    """Parcels a second, ours and bare, one right after the other. `news`: share of parcels with new events."""

    ours: float
    bare: float
    news: float


class Bare:
    """What no poller can be faster than: the calls, as many at once as ours, and the JSON decoded."""

    def __init__(self, base_url: str, connections: int, timeout: float) -> None:
        self._base_url = base_url
        self._connections = connections
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=connections, keepalive_expiry=30)),
            timeout=httpx.Timeout(timeout, pool=None),
            headers={"User-Agent": "fulfillment-tracker", "Accept": "application/json"},
        )

    def authorize(self, token: str) -> None:
        """Use this token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    async def run(self, calls: Sequence[Call]) -> None:
        """Make every call once."""
        waiting = iter(calls)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._connections):
                tasks.create_task(self._work(waiting))

    async def _work(self, waiting: Iterator[Call]) -> None:
        for call in waiting:
            response = await self._client.request(
                call.method,
                self._base_url + call.path,
                params=call.query or None,
                headers=dict(call.headers),
                content=call.body,
            )
            assert response.status_code == httpx.codes.OK, response.text
            response.json()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def speed(carrier: str, count: int, rounds: int, news: News) -> list[Pair]:
    """Measure one carrier with that many parcels. `news`: of how many parcels the answers tell something new."""
    clock = MovableClock()
    with _sandbox(clock, carrier, count) as url, tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        config = _configured(Path(folder), carrier, url)
        database = _registered(config, url, clock)
        app = App(load(config, {}), database, clock)
        return asyncio.run(_pairs(app, url, clock, rounds, news))


async def _pairs(app: App, url: str, clock: MovableClock, rounds: int, news: News) -> list[Pair]:
    (account,) = app.accounts
    numbers = _numbers(app.database)
    calls = [account.carrier.call(numbers[at : at + account.batch]) for at in range(0, len(numbers), account.batch)]
    bare = Bare(account.base_url, account.connections, account.timeout.total_seconds())
    unasked = app.database.path.with_suffix(".unasked")
    app.database.backup(unasked)
    await app.open()
    await _poll(app, len(numbers))
    gc.collect()
    gc.freeze()  # as the daemon does; both sides gain
    pairs: list[Pair] = []
    for number in range(-1, rounds):  # the first pair warms up
        if news == "all":
            _restore(unasked, app.database.path)
            await app.open()
        elif news == "some":
            clock.ahead.value += STEP.total_seconds()
        bare.authorize(_token(account.carrier.info.code, url))
        await bare.run(calls)  # the sandbox words what is new, and keeps it
        since = clock.now()
        with app.database.write() as tx:
            parcels.make_all_due(tx, since)
        rates = {}
        for side in ("ours", "bare") if number % 2 else ("bare", "ours"):
            began = time.perf_counter()
            await (bare.run(calls) if side == "bare" else _poll(app, len(numbers)))
            rates[side] = len(numbers) / (time.perf_counter() - began)
        if number >= 0:
            pairs.append(Pair(rates["ours"], rates["bare"], _fresh(app.database, since) / len(numbers)))
    await bare.close()
    await app.close()
    return pairs


async def _poll(app: App, count: int) -> None:
    """Refresh every parcel once, as the daemon's heartbeat does it."""
    (poller,) = app.pollers
    while count > 0:
        tally = await poller.run(asyncio.Event())
        assert tally.polls, tally.failure
        count -= tally.polls


def daemon_memory(carrier: str, count: int) -> float:
    """The most memory, in MB, that a daemon takes while it polls that many parcels. Reads /proc: Linux only."""
    clock = MovableClock()
    with _sandbox(clock, carrier, count) as url, tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        config = _configured(Path(folder), carrier, url)
        database = _registered(config, url, clock)
        with (Path(folder) / "daemon.log").open("w") as log:
            daemon = subprocess.Popen([sys.executable, "-m", "tracker", "run", "-c", str(config)], stderr=log)
        try:
            _await_all_asked(database, clock.now())
            status = Path(f"/proc/{daemon.pid}/status").read_text()
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
            database.close()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found, status
    return int(found[1]) / 1024


def _await_all_asked(database: Database, since: datetime) -> None:
    until = time.monotonic() + DAEMON_SECONDS
    while time.monotonic() < until:
        time.sleep(0.2)
        with database.read() as tx:
            if parcels.all_polled_since(tx, since):
                return


@contextmanager
def _sandbox(clock: MovableClock, carrier: str, count: int) -> Iterator[str]:
    """A sandbox with that many parcels of the carrier, in a process of its own; its URL."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(clock, carrier, count, there), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        here.close()
        process.join()


def _serve(clock: MovableClock, carrier: str, count: int, parent: Connection) -> None:
    """The sandbox process: serves until the parent closes its end."""
    world = World(clock, parcels=count, carriers=(carrier,), labels=LABELS, quotas={carrier: ()})

    async def run() -> None:
        async with serve(world) as url:
            parent.send(url)
            await asyncio.to_thread(parent.poll, None)

    asyncio.run(run())


def _configured(folder: Path, carrier: str, url: str) -> Path:
    config = {
        "database": "benchmark.db",
        "carriers": {carrier: {"credentials": CREDENTIALS[carrier], "base_url": f"{url}/{carrier}", "quota": QUOTA}},
        "web": {"port": 0},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _registered(config: Path, url: str, clock: Clock) -> Database:
    """A database with the sandbox's orders in it, imported the way a merchant's export is."""
    database = Database(load(config, {}).database)
    database.migrate()
    with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=600) as answer:  # noqa: S310 - loopback
        registrations = intake.read_file("orders.json", answer.read())
    for chunk in intake.chunks(registrations):
        with database.write() as tx:
            intake.register(tx, chunk, clock.now(), known_infos())
    return database


def _restore(source: Path, target: Path) -> None:
    """Make the database what it was, under the connections that are open to it."""
    with sqlite3.connect(source) as before, sqlite3.connect(target) as now:
        before.backup(now)
    before.close()
    now.close()


def _numbers(database: Database) -> list[TrackingNumber]:
    with database.read() as tx:
        return [TrackingNumber(number) for number in tx.exec_driver_sql("SELECT number FROM parcels").scalars()]


def _fresh(database: Database, since: datetime) -> int:
    """How many parcels got events since then."""
    with database.read() as tx:
        query = "SELECT COUNT(DISTINCT parcel_id) FROM events WHERE seen_at >= ?"
        count: int = tx.exec_driver_sql(query, (since.isoformat(timespec="microseconds"),)).scalar_one()
    return count


def _token(carrier: str, url: str) -> str:
    grant = {"grant_type": "client_credentials", "client_id": "benchmark", "client_secret": "benchmark"}
    path = {"fedex": "/fedex/oauth/token", "ups": "/ups/security/v1/oauth/token"}[carrier]
    answer = httpx.post(url + path, data=grant, auth=("benchmark", "benchmark"))
    token: str = answer.json()["access_token"]
    return token


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Parcels a second, end to end, beside a bare httpx loop.")
    parser.add_argument("--carriers", nargs="+", choices=tuple(CREDENTIALS), default=tuple(CREDENTIALS))
    parser.add_argument("--parcels", type=int, help="parcels of each carrier while speed is measured")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of measurements")
    parser.add_argument(
        "--news",
        choices=("all", "some", "none"),
        default="some",
        help="what the answers tell: all events are new (first sight), what happened in 4 hours, or nothing",
    )
    parser.add_argument("--memory", type=int, default=10_000, metavar="PARCELS", help="parcels of the daemon for rssMb")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for carrier in arguments.carriers:
        pairs = speed(carrier, arguments.parcels or PARCELS[carrier], arguments.rounds, arguments.news)
        row = {
            "carrier": carrier,
            "parcelsPerSecond": round(statistics.median(pair.ours for pair in pairs)),
            "bareParcelsPerSecond": round(statistics.median(pair.bare for pair in pairs)),
            "ratio": round(statistics.median(pair.ours / pair.bare for pair in pairs), 2),
            "rssMb": round(daemon_memory(carrier, arguments.memory)),
        }
        rows.append(row)
        if not arguments.json:
            ratios = " ".join(f"{pair.ours / pair.bare:.2f}" for pair in pairs)
            news = statistics.median(pair.news for pair in pairs)
            print(
                "{carrier}: {parcelsPerSecond} parcels/s, bare {bareParcelsPerSecond}, ratio {ratio}".format(**row),
                f"({ratios}); {news:.0%} of the parcels with new events; {row['rssMb']} MB",
            )
    if arguments.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
