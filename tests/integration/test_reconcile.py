"""Drift: made in the sandbox's Order Protection, seen, set right, gone; on a real database."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from structlog.testing import capture_logs

from carriers.sdk.errors import Unavailable
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus as S
from tracker import daemon as daemon_module
from tracker import intake
from tracker import reconcile as reconcile_module
from tracker.app import build
from tracker.cli import main
from tracker.clock import Clock
from tracker.daemon import Daemon
from tracker.models import Outcome
from tracker.orders import OrderProtection
from tracker.reconcile import FAILURES, Reconciler, Run
from tracker.relay import FIRST_WAIT, Relay
from tracker.sandbox.order_protection import Known
from tracker.sandbox.server import build_app, serve
from tracker.sandbox.world import World
from tracker.store import outbox, reconciling, retention
from tracker.store.database import Database
from tracker.store.outbox import Change
from tracker.store.writer import Writer

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
HEADERS = {"Authorization": "Bearer op-token"}


class FakeClock:
    """A clock that moves when told."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Bench:
    """Both sides: the sandbox's Order Protection, and a reconciler beside a relay on a database."""

    def __init__(self, folder: Path, interval: timedelta = WEEK) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock, parcels=0)
        self.there = self.world.order_protection
        self._app = build_app(self.world)
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)
        protection = OrderProtection(self)
        self.relay = Relay(protection, self.writer, self.clock, connections=1)  # type: ignore[arg-type]
        self.reconciler = Reconciler(protection, self.relay, self.writer, self.clock, interval)  # type: ignore[arg-type]
        self.calls: list[str] = []
        self.before_answer: Callable[[Call], Reply | Exception | None] = lambda call: None

    async def send(self, call: Call) -> Reply:
        self.calls.append(call.method)
        trouble = self.before_answer(call)
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            return trouble
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/order-protection") as http:
            answer = await http.request(call.method, call.path, content=call.body, headers={**HEADERS, **call.headers})
        return Reply((), answer.status_code, answer.content, dict(answer.headers))

    def order(self, order: str, *fulfillments: str, whole: bool = True) -> None:
        """Import an order with fulfillments of one parcel each."""
        known = len(self.rows("SELECT 1 FROM parcels"))
        entries = [
            {
                "sourceFulfillmentId": id,
                "fulfillmentStatus": "fulfilled",
                "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
                "trackingCompany": "FedEx",
                "trackingNumber": [f"7946000{known + index:05}"],
                "createdAt": START.isoformat(),
            }
            for index, id in enumerate(fulfillments)
        ]
        payloads: list[dict[str, Any]] = [{"sourceOrderId": order, "fulfillments": entries}]
        if not whole:
            payloads = [{"sourceOrderId": order, **entry} for entry in entries]
        with self.database.write() as tx:
            found = intake.read_file("orders.json", json.dumps(payloads).encode())
            intake.register(tx, found, self.clock.now(), known_infos())

    def become(self, fulfillment: str, *statuses: S) -> None:
        """The fulfillment takes on these statuses, each pushed before the next."""
        ((id,),) = self.rows("SELECT id FROM fulfillments WHERE source_fulfillment_id = ?", fulfillment)
        for status in statuses:
            with self.database.write() as tx:
                outbox.record(tx, [Change(id, status, self.clock.now(), "a scan")], self.clock.now())
            self.push()

    def push(self) -> None:
        asyncio.run(self.relay.run(asyncio.Event()))

    def step(self) -> bool:
        return asyncio.run(self.reconciler.step())

    def run(self, *references: str, repair: bool = False) -> Run:
        with self.database.read() as db:
            orders = reconciling.orders_of(db, references)
        return asyncio.run(self.reconciler.run(orders, repair=repair))

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def drift(self) -> list[tuple[str, str, str | None, str | None]]:
        with self.database.read() as tx:
            return [(d.source_fulfillment_id, d.outcome, d.ours, d.theirs) for d in reconciling.drift(tx)]

    def held(self, order: str = "#1") -> dict[str, str]:
        return {id: known.status for id, known in self.there.orders[order].items()}

    def told(self, order: str, fulfillment: str) -> list[str]:
        """Each status it was told there."""
        return [status for _, status in self.there.orders[order][fulfillment].history]

    def paused_for(self) -> float | None:
        (row,) = self.rows("SELECT paused_until FROM accounts WHERE name = 'order_protection'")
        return None if row[0] is None else (datetime.fromisoformat(row[0]) - self.clock.now()).total_seconds()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.close()
    bench.database.close()


@pytest.fixture
def shipped(bench: Bench) -> Bench:
    """An order with a delivered fulfillment and one under way, both told, a while ago."""
    bench.order("#1", "F-1", "F-2")
    bench.become("F-1", S.IN_TRANSIT, S.DELIVERED)
    bench.become("F-2", S.IN_TRANSIT)
    bench.clock.forward(minutes=10)
    bench.calls.clear()
    return bench


def outcomes(run: Run) -> dict[str, Outcome]:
    return {one.judgement.source_fulfillment_id: one.judgement.outcome for one in run.found}


# by hand


def test_where_both_agree_nothing_is_told_and_nothing_pushed(shipped: Bench) -> None:
    run = shipped.run("#1", repair=True)
    assert (run.orders, run.counts[Outcome.SAME], run.found, run.failures) == (1, 2, [], [])
    assert shipped.calls == ["GET"]
    assert shipped.drift() == []


def test_another_status_is_shown_repaired_and_gone(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-1", "IN_TRANSIT", None)
    found_at = shipped.clock.now()
    (shown,) = shipped.run("F-1").found
    assert (shown.judgement.outcome, shown.repaired, shown.since) == (Outcome.DIFFERS, False, found_at)
    assert shipped.drift() == [("F-1", "differs", "DELIVERED", "IN_TRANSIT")]
    assert shipped.held() == {"F-1": "IN_TRANSIT", "F-2": "IN_TRANSIT"}, "only looking repairs nothing"

    shipped.clock.forward(hours=1)
    (repaired,) = shipped.run("F-1", repair=True).found
    assert (repaired.repaired, repaired.error, repaired.since) == (True, None, found_at)
    assert shipped.held() == {"F-1": "DELIVERED", "F-2": "IN_TRANSIT"}
    assert shipped.rows("SELECT status FROM fulfillments ORDER BY id") == [("DELIVERED",), ("IN_TRANSIT",)]

    shipped.clock.forward(minutes=10)
    assert shipped.run("F-1").counts[Outcome.SAME] == 2
    assert shipped.drift() == []


def test_what_they_forgot_is_created_again_with_its_order_too(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-2", None, None)
    assert outcomes(shipped.run("#1", repair=True)) == {"F-2": Outcome.MISSING_THERE}
    assert shipped.held() == {"F-1": "DELIVERED", "F-2": "IN_TRANSIT"}

    shipped.clock.forward(minutes=10)
    shipped.there.falsify("#1", None, None, None)
    run = shipped.run("#1", repair=True)
    assert outcomes(run) == {"F-1": Outcome.MISSING_THERE, "F-2": Outcome.MISSING_THERE}
    assert all(one.repaired for one in run.found)
    assert shipped.held() == {"F-1": "DELIVERED", "F-2": "IN_TRANSIT"}
    assert shipped.there.violations == []


def test_a_repair_that_cannot_be_made_says_why(bench: Bench) -> None:
    bench.there.register("#1", [("F-1", "fulfilled")], START)
    bench.order("#1", "F-1", whole=False)
    bench.become("F-1", S.IN_TRANSIT)
    bench.clock.forward(minutes=10)
    bench.there.falsify("#1", None, None, None)
    (one,) = bench.run("#1", repair=True).found
    assert not one.repaired
    assert "the order is unknown there" in (one.error or "")


def test_what_only_they_hold_is_told_and_left(shipped: Bench) -> None:
    shipped.there.orders["#1"]["F-9"] = Known("DELIVERED", {"sourceFulfillmentId": "F-9", "sourceItemIds": []})
    assert outcomes(shipped.run("#1", repair=True)) == {"F-9": Outcome.MISSING_HERE}
    assert shipped.drift() == [("F-9", "missing_here", None, "DELIVERED")]
    assert shipped.rows("SELECT source_fulfillment_id FROM fulfillments") == [("F-1",), ("F-2",)]
    assert shipped.calls == ["GET"]


def test_a_push_that_waits_or_was_just_made_is_no_drift(shipped: Bench) -> None:
    shipped.become("F-2", S.OUT_FOR_DELIVERY)
    shipped.there.falsify("#1", "F-2", "IN_TRANSIT", None)  # as if it had not got there yet
    assert outcomes(shipped.run("#1", repair=True)) == {"F-2": Outcome.PENDING}
    assert shipped.told("#1", "F-2") == ["IN_TRANSIT", "OUT_FOR_DELIVERY"]
    shipped.clock.forward(seconds=61)
    assert outcomes(shipped.run("#1")) == {"F-2": Outcome.DIFFERS}


def test_a_push_made_while_they_are_asked_is_no_drift(shipped: Bench) -> None:
    def meanwhile(call: Call) -> Reply | None:
        if call.method != "GET":
            return None
        now = shipped.clock.now()
        with shipped.database.write() as tx:
            outbox.record(tx, [Change(2, S.DELIVERED, now, "a scan")], now)
            tx.exec_driver_sql("UPDATE pushes SET state = 'sent', done_at = created_at WHERE status = 'DELIVERED'")
        return None

    shipped.before_answer = meanwhile
    assert outcomes(shipped.run("#1", repair=True)) == {"F-2": Outcome.PENDING}
    assert shipped.drift() == []


def test_a_difference_stays_on_record_while_its_push_is_under_way(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-2", "FULFILLED", None)
    shipped.run("#1")
    shipped.become("F-2", S.OUT_FOR_DELIVERY)
    shipped.run("#1")
    assert shipped.drift() == [("F-2", "differs", "IN_TRANSIT", "FULFILLED")]
    shipped.clock.forward(minutes=10)
    shipped.run("#1")
    assert shipped.drift() == []


def test_a_merchants_own_call_that_waits_comes_first(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-2", None, None)
    with shipped.database.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO forwarded_calls (source_order_id, method, path, content_type, state, created_at,"
            " next_attempt_at, attempts) VALUES ('#1', 'POST', '/v1/orders', '', 'waiting', '', '', 0)"
        )
    assert set(outcomes(shipped.run("#1", repair=True)).values()) == {Outcome.PENDING}
    assert shipped.calls == ["GET"]


def test_a_muted_fulfillment_is_not_repaired(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-2", "FULFILLED", None)
    with shipped.database.write() as tx:
        tx.exec_driver_sql("INSERT INTO mutes (fulfillment_id, at, by, note) VALUES (2, '', 'me', '')")
    (one,) = shipped.run("#1", repair=True).found
    assert (one.repaired, one.error) == (False, "muted: its pushes are held back")
    assert shipped.calls == ["GET"]


def test_a_dead_push_gives_way_to_the_repair(shipped: Bench) -> None:
    shipped.before_answer = lambda call: Reply((), 400, b"{}") if call.method == "PUT" else None
    shipped.become("F-2", S.OUT_FOR_DELIVERY)
    shipped.before_answer = lambda call: None
    shipped.clock.forward(minutes=10)
    assert shipped.run("F-2", repair=True).found[0].repaired
    assert shipped.held()["F-2"] == "OUT_FOR_DELIVERY"
    assert shipped.rows("SELECT COUNT(*) FROM pushes WHERE state = 'dead'") == [(0,)]


# a receiver in trouble


def test_429_pauses_everybody_as_long_as_it_says(shipped: Bench) -> None:
    shipped.order("#2", "G-1")
    shipped.before_answer = lambda call: Reply((), 429, b"", {"retry-after": "1800"})
    run = shipped.run("#1", "#2")
    assert (run.orders, run.left) == (0, 1)
    assert run.failures[0] == "order #1: HTTP 429"
    assert "paused" in run.failures[1]
    assert shipped.calls == ["GET"]
    assert shipped.paused_for() == 1800
    shipped.before_answer = lambda call: None
    shipped.become("G-1", S.IN_TRANSIT)
    assert shipped.calls == ["GET"], "the relay pushed into the pause"
    assert shipped.run("#1").orders == 0, "a pause of others was not kept"
    shipped.clock.forward(seconds=1800)
    assert shipped.run("#1").orders == 1
    assert shipped.paused_for() is None


@pytest.mark.parametrize(
    "trouble", [Unavailable("no answer: ConnectError"), Reply((), 401, b""), Reply((), 302, b"")], ids=repr
)
def test_a_receiver_that_is_away_pauses_too(shipped: Bench, trouble: Reply | Exception) -> None:
    shipped.before_answer = lambda call: trouble
    assert shipped.run("#1").failures
    assert shipped.paused_for() == FIRST_WAIT


@pytest.mark.parametrize(
    "answer",
    [
        Reply((), 500, b""),
        Reply((), 200, b"<html>soon</html>"),
        Reply((), 200, b'[{"sourceFulfillmentId": "F-1"'),
        Reply((), 200, b'{"fulfillments": []}'),
        Reply((), 200, b'[{"fulfillmentStatus": "DELIVERED"}]'),
        Reply((), 200, b'[{"sourceFulfillmentId": "F-1", "fulfillmentStatus": null}]'),
        Reply((), 200, b"[null]"),
    ],
    ids=lambda reply: reply.body.decode() or str(reply.status),
)
def test_an_answer_that_cannot_be_read_is_no_drift(shipped: Bench, answer: Reply) -> None:
    shipped.before_answer = lambda call: answer
    run = shipped.run("#1", repair=True)
    assert (run.orders, len(run.failures)) == (0, 1)
    assert shipped.drift() == []
    assert shipped.calls == ["GET"]
    shipped.before_answer = lambda call: None
    assert shipped.run("#1").orders == 1, "one failure over one order pauses nothing"


def test_a_few_failures_in_a_row_are_the_receivers(shipped: Bench) -> None:
    for index in range(2 * FAILURES):
        shipped.order(f"#1{index}", f"G-{index}")
    shipped.before_answer = lambda call: Reply((), 500, b"")
    run = shipped.run(*(f"#1{index}" for index in range(2 * FAILURES)))
    assert (len(shipped.calls), run.left) == (FAILURES, FAILURES)
    assert shipped.paused_for() == FIRST_WAIT


# in the background


def until_due(bench: Bench) -> None:
    """Let the schedule be made, then go on to when all of it is due."""
    assert not bench.step()
    bench.clock.forward(days=7)


def test_everything_told_is_compared_once_in_an_interval_and_spread_over_it(bench: Bench) -> None:
    for index in range(50):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(f"F-{index}", S.IN_TRANSIT)
    bench.order("#never told", "F-0")
    bench.calls.clear()
    for _ in range(7 * 24):
        bench.clock.forward(hours=1)
        bench.step()
    assert len(bench.calls) in range(45, 51), "about once each"
    times = [row[0] for row in bench.rows("SELECT compared_at FROM orders WHERE compared_at IS NOT NULL ORDER BY 1")]
    halves = sum(time < (START + WEEK / 2).isoformat() for time in times)
    assert 15 < halves < 35
    assert bench.rows("SELECT COUNT(*) FROM orders WHERE compared_at IS NULL AND source_order_id = '#never told'") == [
        (1,)
    ]


def test_what_is_plainly_ours_is_repaired_once_and_logged_where_it_begins_and_ends(shipped: Bench) -> None:
    until_due(shipped)
    shipped.there.falsify("#1", "F-1", "IN_TRANSIT", None)
    with capture_logs() as logs:
        assert shipped.step()
        shipped.push()
        assert shipped.held()["F-1"] == "DELIVERED"
        shipped.clock.forward(minutes=11)
        assert shipped.step(), "what was set right is looked at again soon"
        assert not shipped.step()
    told = [(line["event"], line["fulfillment"], line.get("repaired")) for line in logs if "fulfillment" in line]
    assert told == [
        ("Order Protection holds it otherwise", "F-1", True),
        ("Order Protection agrees again", "F-1", None),
    ]
    assert shipped.told("#1", "F-1") == ["DELIVERED", "DELIVERED"], "its push, and one repair"
    assert shipped.drift() == []


def test_what_somebody_else_set_is_shown_and_left_to_people(shipped: Bench) -> None:
    until_due(shipped)
    shipped.there.falsify("#1", "F-1", "IN_TRANSIT", shipped.clock.now())
    shipped.there.falsify("#1", "F-2", "FAILURE", None)
    with capture_logs() as logs:
        shipped.step()
        shipped.clock.forward(days=7)
        shipped.step()
    shipped.push()
    assert shipped.held() == {"F-1": "IN_TRANSIT", "F-2": "FAILURE"}
    assert shipped.drift() == [
        ("F-1", "differs", "DELIVERED", "IN_TRANSIT"),
        ("F-2", "differs", "IN_TRANSIT", "FAILURE"),
    ]
    assert [line["repaired"] for line in logs if "repaired" in line] == [False, False], "logged once each"
    assert all(one.repaired for one in shipped.run("#1", repair=True).found)


def test_what_has_ended_is_compared_once_more_and_then_left(bench: Bench) -> None:
    bench.order("#1", "F-1")
    bench.become("F-1", S.IN_TRANSIT, S.DELIVERED)
    until_due(bench)
    assert bench.step()
    bench.clock.forward(days=30)
    assert not bench.step()
    bench.become("F-1", S.FAILURE)
    until_due(bench)
    assert bench.step(), "it was forgotten although there was news"


def test_an_order_it_fails_over_holds_up_no_other(bench: Bench) -> None:
    for index in range(3):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(f"F-{index}", S.IN_TRANSIT)
    until_due(bench)
    bench.before_answer = lambda call: Reply((), 500, b"") if "%231/" in call.path else None
    steps = [bench.step() for _ in range(4)]
    assert steps == [True, True, True, False]
    assert bench.rows("SELECT source_order_id FROM orders WHERE compared_at IS NULL") == [("#1",)]
    bench.before_answer = lambda call: None
    bench.clock.forward(hours=1)
    assert bench.step()
    assert bench.rows("SELECT source_order_id FROM orders WHERE compared_at IS NULL") == []


def test_a_pause_is_kept(shipped: Bench) -> None:
    until_due(shipped)
    shipped.before_answer = lambda call: Reply((), 429, b"", {"retry-after": "600"})
    assert shipped.step()
    assert (shipped.step(), shipped.calls) == (False, ["GET"])
    shipped.before_answer = lambda call: None
    shipped.clock.forward(minutes=10)
    assert shipped.step()


def test_the_drift_can_be_summed_up_and_goes_with_its_order(shipped: Bench) -> None:
    shipped.there.falsify("#1", "F-1", "FAILURE", None)
    shipped.there.falsify("#1", "F-2", None, None)
    shipped.run("#1")
    with shipped.database.read() as db:
        summary = reconciling.summary(db)
    assert summary.differences == {Outcome.DIFFERS: 1, Outcome.MISSING_THERE: 1}
    assert (summary.repaired, summary.orders_scheduled) == (0, 1)
    with shipped.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET ended_at = ?", (START.isoformat(timespec="microseconds"),))
        assert retention.forget(tx, shipped.clock.now(), START - timedelta(days=730)) == 2
    assert shipped.rows("SELECT 1 FROM drift") == []


# the daemon


def test_the_daemon_finds_and_repairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_module, "RECONCILE", 0.05)
    monkeypatch.setattr(reconcile_module, "QUIET", 0.05)

    async def run() -> None:
        labels = (timedelta(days=-9), timedelta(days=-8))
        world = World(Clock(), parcels=3, seed=3, carriers=("ups",), labels=labels, quotas={"ups": ()})
        async with serve(world) as url:
            config = {
                "orders": {"url": f"{url}/order-protection", "token": "op-token", "reconcile": "1s"},
                "carriers": {
                    "ups": {
                        "credentials": {"client_id": "me", "client_secret": "secret"},
                        "base_url": f"{url}/ups",
                        "quota": {"per_second": 1000},
                    }
                },
                "polling": {"tick": 0.05},
                "web": {"enabled": False},
            }
            (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
            app = build(tmp_path / "config.yaml", {})
            with app.database.write() as tx:
                orders = intake.read_file("orders.json", json.dumps(world.orders_payload()).encode())
                intake.register(tx, orders, app.clock.now(), known_infos())
            daemon = Daemon(app)
            await daemon.start()
            order, fulfillment, told = await _first_told(world)
            imported = S.read(world.fulfillment(order, fulfillment).imported)
            world.order_protection.falsify(order, fulfillment, imported, None)
            async with asyncio.timeout(15):
                while world.order_protection.orders[order][fulfillment].status != told:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.02)
            await daemon.stop()

    asyncio.run(run())


async def _first_told(world: World) -> tuple[str, str, str]:
    """Wait until Order Protection was told a fulfillment's status; which, and what."""
    async with asyncio.timeout(15):
        while True:
            for order, fulfillments in world.order_protection.orders.items():
                for id, known in fulfillments.items():
                    if known.history:
                        return order, id, known.status
            await asyncio.sleep(0.02)


# the command, against a sandbox process


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "tracker.sandbox", "--port", "0", "--parcels", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


class Ran(NamedTuple):
    code: object
    out: str
    err: str


class Shop:
    """A folder with a config.yaml, and `tracker` run in it."""

    def __init__(self, folder: Path, url: str, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder, self.url = folder, url
        self._capture, self._patch = capture, patch
        patch.chdir(folder)
        patch.setenv("COLUMNS", "200")
        config = {
            "orders": {"url": f"{url}/order-protection", "token": "op-token-8e1b40cc"},
            "carriers": {"dhl": {"credentials": {"api_key": "dh-key"}, "base_url": f"{url}/dhl"}},
            "polling": {"tick": 0.1},
            "web": {"enabled": False},
            "logging": {"format": "json"},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))

    def go_ahead(self, **amount: float) -> None:
        """From now on commands run so far ahead of the wall clock."""
        ((variable, value),) = Clock.simulated(datetime.now(UTC) + timedelta(**amount), 1.0).environment().items()
        self._patch.setenv(variable, value)

    def tracker(self, *arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        ran = Ran(ended.value.code, *self._capture.readouterr())
        assert "op-token-8e1b40cc" not in ran.out + ran.err
        return ran

    def reconcile(self, *arguments: str) -> tuple[object, Any]:
        ran = self.tracker("reconcile", *arguments, "--json")
        return ran.code, json.loads(ran.out)

    def ask(self, path: str, payload: object, method: str = "PUT") -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_sandbox/{path}",
            json.dumps(payload).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def ship(self) -> tuple[str, str]:
        """A parcel that was delivered, imported and polled, its push waiting; its order and fulfillment."""
        first = datetime.now(UTC) - timedelta(hours=5)
        kinds = ("LABEL", "PICKUP", "ARRIVED", "OUT_FOR_DELIVERY", "DELIVERED")
        scans = [{"kind": kind, "at": (first + timedelta(hours=hour)).isoformat()} for hour, kind in enumerate(kinds)]
        (order,) = self.ask("parcels", {"carrier": "dhl", "scans": scans}, "POST")
        (self.folder / "orders.json").write_text(json.dumps(order))
        assert self.tracker("import", "orders.json").code == 0
        assert self.tracker("poll").code == 0
        return order["sourceOrderId"], order["fulfillments"][0]["sourceFulfillmentId"]

    def push(self) -> None:
        """Run the daemon until the outbox is empty."""
        with subprocess.Popen([sys.executable, "-m", "tracker", "run"], stderr=subprocess.DEVNULL) as daemon:
            deadline = time.monotonic() + 30
            while json.loads(self.tracker("outbox", "--json").out):
                assert time.monotonic() < deadline, "nothing was pushed"
            daemon.send_signal(signal.SIGTERM)


@pytest.fixture
def shop(tmp_path: Path, sandbox: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, sandbox, capsys, monkeypatch)


def test_from_drift_to_none_through_the_front_door(shop: Shop) -> None:
    order, fulfillment = shop.ship()
    code, told = shop.reconcile(fulfillment)
    assert (code, told["fulfillments"][0]["outcome"]) == (0, "pending"), "a push that waits was called drift"
    shop.push()
    shop.go_ahead(minutes=5)
    code, told = shop.reconcile(order)
    assert (code, told["counts"]["same"], told["fulfillments"]) == (0, 1, [])

    shop.ask("falsify", {"sourceOrderId": order, "sourceFulfillmentId": fulfillment, "status": "IN_TRANSIT"})
    code, told = shop.reconcile("--since", "1d")
    (row,) = told["fulfillments"]
    assert (code, row["outcome"], row["ours"], row["theirs"]) == (1, "differs", "DELIVERED", "IN_TRANSIT")
    assert list(row) == [
        *("sourceFulfillmentId", "sourceOrderId", "outcome", "ours", "oursAt", "theirs", "theirsAt"),
        *("push", "underWay", "since", "repaired", "error"),
    ]
    for_people = shop.tracker("reconcile")
    assert (for_people.code, "1 differs" in for_people.err) == (1, True)
    assert "IN_TRANSIT" in for_people.out

    code, told = shop.reconcile("--repair")
    assert (code, told["repaired"], told["fulfillments"][0]["repaired"]) == (0, 1, True)
    shop.go_ahead(minutes=10)
    code, told = shop.reconcile()
    assert (code, told["counts"]["same"], told["fulfillments"]) == (0, 1, [])

    shop.ask("falsify", {"sourceOrderId": order, "sourceFulfillmentId": fulfillment})
    assert shop.reconcile(fulfillment)[1]["fulfillments"][0]["outcome"] == "missing_there"
    assert shop.reconcile(fulfillment, "--repair")[0] == 0

    shop.go_ahead(minutes=20)
    shop.ask("faults", {"order_protection": {"rate_limited": True}})
    try:
        code, told = shop.reconcile()
    finally:
        shop.ask("faults", {"order_protection": {}})
    assert (code, told["orders"], told["failures"]) == (1, 0, [f"order {order}: HTTP 429"])
    code, told = shop.reconcile()
    assert (code, told["left"]) == (1, 1), "the pause was not kept"
    assert "order_protection: paused until" in " ".join(shop.tracker("check").out.split())


def test_bad_usage_and_nothing_found(shop: Shop) -> None:
    code, told = shop.reconcile()
    assert (code, told["orders"], told["fulfillments"]) == (3, 0, [])
    assert shop.tracker("reconcile", "nobody").code == 3
    assert shop.tracker("reconcile", "--since", "soon").code == 2
    assert shop.tracker("reconcile", "#1", "--since", "3d").code == 2
    (shop.folder / "config.yaml").write_text("web: {enabled: false}\n")
    ran = shop.tracker("reconcile", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "orders.token" in ran.err
