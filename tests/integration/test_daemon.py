"""Heartbeats, drain and hand-over of the daemon, inside this process, against a sandbox on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from freezegun import freeze_time
from structlog.testing import capture_logs

from carriers.sdk.registry import known_infos
from tracker import daemon as daemon_module
from tracker import intake
from tracker.app import App, build
from tracker.clock import Clock
from tracker.daemon import Daemon
from tracker.sandbox.server import serve
from tracker.sandbox.world import World

NO_LIMITS: dict[str, Any] = dict.fromkeys(("fedex", "ups", "usps", "dhl"), ())


class Scene:
    """A world, and apps on one database that work with it."""

    def __init__(self, folder: Path, world: World, url: str) -> None:
        self.world = world
        self.config = folder / "config.yaml"
        self.config.write_text(
            yaml.safe_dump(
                {
                    "orders": {"url": f"{url}/order-protection", "token": "op-token"},
                    "carriers": {
                        "ups": {
                            "credentials": {"client_id": "me", "client_secret": "secret"},
                            "base_url": f"{url}/ups",
                            "quota": {"per_second": 1000},
                        },
                        "dhl": {
                            "credentials": {"api_key": "me"},
                            "base_url": f"{url}/dhl",
                            "quota": {"per_second": 1000, "per_day": 100_000},
                        },
                    },
                    "polling": {"tick": 0.05},
                    "web": {"enabled": False},
                }
            )
        )

    def app(self) -> App:
        """An app as a process that has just started has it."""
        return build(self.config, {})

    def import_orders(self, app: App) -> None:
        found = intake.read_file("orders.json", json.dumps(self.world.orders_payload()).encode())
        with app.database.write() as tx:
            intake.register(tx, found, app.clock.now(), known_infos())


def count(app: App, query: str) -> int:
    with app.database.read() as tx:
        number: int = tx.exec_driver_sql(query).scalar_one()
    return number


POLLED = "SELECT COUNT(*) FROM parcels WHERE last_polled_at IS NOT NULL"
LEASED = "SELECT COUNT(*) FROM parcels WHERE lease_token IS NOT NULL"


@asynccontextmanager
async def scene(folder: Path, parcels: int = 20) -> AsyncIterator[Scene]:
    world = World(
        Clock(),
        parcels=parcels,
        seed=3,
        carriers=("ups", "dhl"),
        labels=(timedelta(days=-9), timedelta(days=-8)),
        quotas=NO_LIMITS,
    )
    async with serve(world) as url:
        yield Scene(folder, world, url)


async def until(condition: Callable[[], bool], what: str, within: float = 15.0) -> None:
    """Wait for an event, with a deadline."""
    try:
        async with asyncio.timeout(within):
            while not condition():  # noqa: ASYNC110 - the database tells no event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within:g} s: {what}") from None


def test_everything_due_is_polled_and_pushed_and_then_it_is_quiet(tmp_path: Path) -> None:
    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            at.import_orders(app)
            parcels = count(app, "SELECT COUNT(*) FROM parcels")
            daemon = Daemon(app)
            await daemon.start()
            await until(lambda: count(app, POLLED) == parcels, "all polled")
            await until(lambda: count(app, "SELECT COUNT(*) FROM pending_pushes") == 0, "all pushed")
            asked = at.world.desks["ups"].numbers + at.world.desks["dhl"].numbers
            assert asked == parcels, "a parcel was asked about twice"
            await daemon.stop()
            told = at.world.order_protection.stats()
            assert told["violations"] == []
            assert {entry["status"] for entry in told["fulfillments"]} & {"DELIVERED", "IN_TRANSIT"}

    asyncio.run(run())


def test_a_carrier_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            at.import_orders(app)
            at.world.break_down({"ups": {"slow": 2.0}})
            daemon = Daemon(app)
            await daemon.start()
            of_dhl = "SELECT COUNT(*) FROM parcels WHERE carrier = 'dhl' AND last_polled_at IS NULL"
            await until(lambda: count(app, of_dhl) == 0, "DHL polled", within=1.8)
            assert count(app, f"{POLLED} AND carrier = 'ups'") == 0
            await daemon.stop()

    asyncio.run(run())


def test_a_heartbeat_that_hangs_is_cut_off_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "HUNG", 0.5)
    cut_off = {"poll ups", "poll dhl"}

    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            at.import_orders(app)
            at.world.break_down({"ups": {"slow": 30.0}, "dhl": {"slow": 30.0}})
            daemon = Daemon(app)
            await daemon.start()
            with capture_logs() as logs:
                await until(lambda: cut_off <= {line.get("job") for line in logs}, "both heartbeats cut off")
            assert count(app, POLLED) == 0
            at.world.break_down({"ups": {}, "dhl": {}})
            more = at.world.add(5, ("ups",), (timedelta(days=-9), timedelta(days=-8)))
            found = intake.read_file("orders.json", json.dumps([order.payload() for order in more]).encode())
            with app.database.write() as tx:
                intake.register(tx, found, app.clock.now(), known_infos())
            await until(lambda: count(app, POLLED) >= 5, "new parcels polled")
            await daemon.stop()

    asyncio.run(run())


def test_the_drain_has_a_deadline_and_whoever_comes_next_takes_up_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_module, "DRAIN", 0.3)

    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            at.import_orders(app)
            at.world.break_down({"ups": {"slow": 20.0}, "dhl": {"slow": 20.0}})
            daemon = Daemon(app)
            await daemon.start()
            await until(lambda: count(app, LEASED) > 0, "calls under way")
            began = asyncio.get_running_loop().time()
            await daemon.stop()
            assert asyncio.get_running_loop().time() - began < 3

            at.world.break_down({"ups": {}, "dhl": {}})
            app = at.app()
            daemon = Daemon(app)
            await daemon.start()
            parcels = count(app, "SELECT COUNT(*) FROM parcels")
            await until(lambda: count(app, POLLED) == parcels, "all polled, the leased ones too")
            await daemon.stop()

    asyncio.run(run())


def test_leases_of_a_daemon_that_lives_are_left_to_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with scene(tmp_path) as at:
            first, second = at.app(), at.app()
            at.import_orders(first)
            at.world.break_down({"ups": {"slow": 1.0}, "dhl": {"slow": 1.0}})
            one, other = Daemon(first), Daemon(second)
            await one.start()
            await until(lambda: count(first, LEASED) > 0, "calls under way")
            await other.start()
            assert count(first, LEASED) > 0
            at.world.break_down({"ups": {}, "dhl": {}})
            parcels = count(first, "SELECT COUNT(*) FROM parcels")
            await until(lambda: count(first, POLLED) == parcels, "all polled")
            asked = at.world.desks["ups"].numbers + at.world.desks["dhl"].numbers
            assert asked == parcels, "both asked about the same parcel"
            await one.stop()
            await other.stop()

    asyncio.run(run())


def test_times_are_those_of_the_wall_clock(tmp_path: Path) -> None:
    at_noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with freeze_time(at_noon, real_asyncio=True):

        async def run() -> None:
            async with scene(tmp_path) as at:
                app = at.app()
                at.import_orders(app)
                answers = await app.poll([])
                assert answers
                assert {answer["error"] for answer in answers} == {None}
                with app.database.read() as tx:
                    polled = tx.exec_driver_sql("SELECT DISTINCT last_polled_at FROM parcels").scalars().all()
                assert polled == [at_noon.isoformat(timespec="microseconds")]
                await app.close()

        asyncio.run(run())


def test_how_heartbeats_do_is_kept_for_other_processes_while_the_daemon_runs(tmp_path: Path) -> None:
    kept = "SELECT job FROM heartbeats ORDER BY job"

    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            daemon = Daemon(app)
            await daemon.start()
            with app.database.read() as tx:
                jobs = tx.exec_driver_sql(kept).scalars().all()
            assert {"poll ups", "poll dhl", "relay", "housekeeping"} <= set(jobs)
            await daemon.stop()
            other = at.app()
            with other.database.read() as tx:
                assert tx.exec_driver_sql(kept).all() == []
            await other.close()

    asyncio.run(run())


def test_a_heartbeat_that_goes_on_failing_is_one_line_and_one_when_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with scene(tmp_path) as at:
            app = at.app()
            daemon = Daemon(app)
            poller = app.pollers[0]
            working, failures = poller.run, 0

            async def broken(*_: Any) -> Any:
                nonlocal failures
                failures += 1
                raise OSError("no route")

            monkeypatch.setattr(poller, "run", broken)
            with capture_logs() as logs:
                await daemon.start()
                await until(lambda: failures >= 5, "five failures")
                monkeypatch.setattr(poller, "run", working)
                await until(lambda: any("works again" in line["event"] for line in logs), "mended")
                await daemon.stop()
            told = [line["event"] for line in logs if line.get("job") == f"poll {poller.name}"]
            assert told == ["heartbeat failed", "heartbeat works again"]

    asyncio.run(run())
