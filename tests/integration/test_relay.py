"""The outbox on its way: through `Relay.run`, on a real database, against an Order Protection that answers as
the test wants it to."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk.carrier import Info
from carriers.sdk.errors import Unavailable
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus as S
from tracker import intake
from tracker.orders import OrderProtection
from tracker.relay import ATTEMPTS, FAILURES, FIRST_WAIT, LONGEST_TOLD, Relay, Tally
from tracker.store import outbox
from tracker.store.database import Database
from tracker.store.outbox import Change
from tracker.store.writer import Writer

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
KNOWN: dict[str, Info] = dict(known_infos())


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
    """A relay with its database, and the receiver's side of the line."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)
        self.relay = Relay(OrderProtection(self), self.writer, self.clock, connections=1)  # type: ignore[arg-type]
        self.answer: Callable[[Call], Reply | Exception] = lambda call: ok()
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        answer = self.answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def order(self, order: str = "#517AB", fulfillment: str = "F/1 é?", *, whole: bool = True) -> None:
        """Import a fulfillment, in its order or only naming it."""
        known = len(self.rows("SELECT 1 FROM parcels"))
        entry = {
            "sourceFulfillmentId": fulfillment,
            "fulfillmentStatus": "fulfilled",
            "sourceItemIds": [{"sourceItemId": "1478", "quantity": 1}],
            "trackingCompany": "FedEx",
            "trackingNumber": [f"7946000{known:05}"],
            "createdAt": START.isoformat(),
        }
        payload: dict[str, Any] = {"sourceOrderId": order, "fulfillments": [entry], "total": "12.50"}
        if not whole:
            payload = {"sourceOrderId": order, **entry}
        with self.database.write() as tx:
            found = intake.read_file("orders.json", json.dumps(payload).encode())
            intake.register(tx, found, self.clock.now(), KNOWN)

    def become(self, *statuses: S, fulfillment: int = 1) -> None:
        """The fulfillment takes on these statuses, one after the other."""
        for status in statuses:
            with self.database.write() as tx:
                outbox.record(tx, [Change(fulfillment, status, self.clock.now(), "a scan")], self.clock.now())

    def run(self) -> Tally:
        return asyncio.run(self.relay.run(asyncio.Event()))

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def pushes(self) -> list[tuple[str, str]]:
        return [tuple(row) for row in self.rows("SELECT status, state FROM pushes ORDER BY id")]

    def paused_for(self) -> float | None:
        (row,) = self.rows("SELECT paused_until FROM accounts WHERE name = 'order_protection'")
        return None if row[0] is None else (datetime.fromisoformat(row[0]) - self.clock.now()).total_seconds()

    def told(self) -> list[tuple[str, str]]:
        """Method and path of each call."""
        return [(call.method, call.path) for call in self.calls]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.close()
    bench.database.close()


def ok(status: int = 200) -> Reply:
    return Reply((), status, b'{"status": "ok"}')


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    return Reply((), status, json.dumps({"message": message}).encode(), headers)


def body(call: Call) -> Any:
    return json.loads(call.body or b"null")


UPDATE = ("PUT", "/v1/orders/%23517AB/fulfillments/F%2F1%20%C3%A9%3F")
CREATE = ("POST", "/v1/orders/%23517AB/fulfillments")
ORDER = ("POST", "/v1/orders")


def test_a_status_is_put_under_its_encoded_ids(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    assert bench.run().pushed == 1
    assert bench.told() == [UPDATE]
    assert body(bench.calls[0]) == {"status": "IN_TRANSIT"}
    assert bench.pushes() == [("IN_TRANSIT", "sent")]
    assert bench.run().pushed == 0


def test_an_unknown_fulfillment_is_created_with_its_status(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: refusal(404) if call.method == "PUT" else ok(201)
    assert bench.run().pushed == 1
    assert bench.told() == [UPDATE, CREATE]
    created = body(bench.calls[1])
    assert (created["fulfillmentStatus"], created["sourceFulfillmentId"]) == ("IN_TRANSIT", "F/1 é?")
    assert created["sourceItemIds"] == [{"sourceItemId": "1478", "quantity": 1}]


def test_an_unknown_order_is_created_with_its_fulfillment(bench: Bench) -> None:
    bench.order()
    bench.become(S.DELIVERED)
    bench.answer = lambda call: ok(201) if (call.method, call.path) == ORDER else refusal(404)
    assert bench.run().pushed == 1
    assert bench.told() == [UPDATE, CREATE, ORDER]
    order = body(bench.calls[2])
    assert (order["sourceOrderId"], order["total"]) == ("#517AB", 12.5)
    (entry,) = order["fulfillments"]
    assert (entry["sourceFulfillmentId"], entry["fulfillmentStatus"]) == ("F/1 é?", "DELIVERED")


def test_an_order_that_was_only_named_waits_for_somebody_to_create_it(bench: Bench) -> None:
    bench.order(whole=False)
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: refusal(404)
    tally = bench.run()
    assert (tally.pushed, tally.postponed) == (0, 1)
    assert ORDER not in bench.told()
    (push,) = bench.rows("SELECT * FROM pushes")
    assert (push.state, push.attempts) == ("waiting", 1)
    assert "order is unknown" in push.last_error
    bench.answer = lambda call: ok()
    bench.clock.forward(seconds=FIRST_WAIT + 1)
    assert bench.run().pushed == 1


def test_created_by_somebody_else_meanwhile_it_is_updated(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    answers = iter([refusal(404), refusal(409), ok()])
    bench.answer = lambda call: next(answers)
    assert bench.run().pushed == 1
    assert bench.told() == [UPDATE, CREATE, UPDATE]
    assert bench.pushes() == [("IN_TRANSIT", "sent")]


@pytest.mark.parametrize("status", [400, 405, 422])
def test_what_can_never_succeed_is_dead_and_says_why(bench: Bench, status: int) -> None:
    bench.order()
    bench.order("#2", "F-2")
    bench.become(S.IN_TRANSIT)
    bench.become(S.IN_TRANSIT, fulfillment=2)
    bench.answer = lambda call: refusal(status, "status is not valid") if call.path == UPDATE[1] else ok()
    tally = bench.run()
    assert (tally.dead, tally.pushed) == (1, 1), "one dead push stops the others"
    (push,) = bench.rows("SELECT * FROM pushes WHERE state = 'dead'")
    assert push.last_error == f"HTTP {status}: status is not valid"
    bench.clock.forward(days=3)
    bench.calls.clear()
    assert bench.run() == Tally()
    assert bench.calls == []
    bench.become(S.DELIVERED)
    bench.answer = lambda call: ok()
    bench.run()
    assert bench.pushes() == [("IN_TRANSIT", "superseded"), ("IN_TRANSIT", "sent"), ("DELIVERED", "sent")]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_trouble_with_the_receiver_holds_everything_and_counts_against_nothing(bench: Bench, status: int) -> None:
    for index in range(6):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(S.IN_TRANSIT, fulfillment=index + 1)
    bench.answer = lambda call: refusal(status)
    lengths = []
    for _ in range(4):
        bench.calls.clear()
        bench.run()
        assert len(bench.calls) == 1, "the others were tried although the first said it all"
        length = bench.paused_for()
        assert length is not None
        lengths.append(length)
        assert bench.run() == Tally()
        bench.clock.forward(seconds=length)
    assert lengths == [5, 10, 20, 40]
    assert {(row.state, row.attempts) for row in bench.rows("SELECT * FROM pushes")} == {("waiting", 0)}
    bench.answer = lambda call: ok()
    assert bench.run().pushed == 6
    assert bench.paused_for() is None


def test_its_retry_after_is_honoured(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Reply((), 429, b"", {"retry-after": "1800"})
    bench.run()
    assert bench.paused_for() == 1800


@pytest.mark.parametrize(("told", "seconds"), [("0", FIRST_WAIT), ("inf", FIRST_WAIT), ("1e15", LONGEST_TOLD)])
def test_a_retry_after_nobody_can_mean_is_not_taken_at_its_word(bench: Bench, told: str, seconds: float) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Reply((), 429, b"", {"retry-after": told})
    bench.run()
    assert bench.paused_for() == seconds


def test_a_redirect_kills_no_push(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Reply((), 302, b"", {"location": "https://login.example/"})
    bench.run()
    assert bench.paused_for() == FIRST_WAIT
    assert bench.pushes() == [("IN_TRANSIT", "waiting")]


def test_no_answer_at_all_pauses_too(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: Unavailable("no answer: ConnectError")
    bench.run()
    assert bench.paused_for() == FIRST_WAIT
    (push,) = bench.rows("SELECT * FROM pushes")
    assert (push.state, push.attempts, push.lease_token) == ("waiting", 0, None)
    assert "ConnectError" in push.last_error


def test_one_push_that_the_receiver_fails_over_waits_alone_and_ends_dead(bench: Bench) -> None:
    bench.order("#bad", "F-bad")
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: refusal(500) if "F-bad" in call.path else ok()
    waits = []
    for _ in range(ATTEMPTS):
        bench.run()
        (push,) = bench.rows("SELECT * FROM pushes WHERE id = 1")
        if push.state == "waiting":
            at = datetime.fromisoformat(push.next_attempt_at)
            waits.append((at - bench.clock.now()).total_seconds())
            bench.clock.time = at
        number = len(bench.rows("SELECT 1 FROM orders"))
        bench.order(f"#{number}", f"F-{number}")  # others go through in between
        bench.become(S.DELIVERED, fulfillment=number + 1)
        assert bench.run().pushed >= 1
    assert waits[:5] == [5, 10, 20, 40, 80]
    assert max(waits) == 3600
    (push,) = bench.rows("SELECT * FROM pushes WHERE id = 1")
    assert (push.state, push.attempts) == ("dead", ATTEMPTS)


def test_an_outage_of_the_receiver_kills_no_push_however_long(bench: Bench) -> None:
    bench.order("#1", "F-1")
    bench.become(S.IN_TRANSIT)
    bench.answer = lambda call: refusal(500)
    for _ in range(3 * ATTEMPTS):
        bench.clock.time += timedelta(hours=2)
        bench.run()
    (push,) = bench.rows("SELECT * FROM pushes")
    assert push.state == "waiting"
    assert push.attempts > ATTEMPTS
    bench.answer = lambda call: ok()
    bench.clock.time += timedelta(hours=2)
    assert bench.run().pushed == 1


def test_a_few_failures_in_a_row_are_the_receivers(bench: Bench) -> None:
    for index in range(3 * FAILURES):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(S.IN_TRANSIT, fulfillment=index + 1)
    bench.answer = lambda call: refusal(500)
    bench.run()
    assert len(bench.calls) == FAILURES
    assert bench.paused_for() == FIRST_WAIT


def test_pushes_that_fail_together_make_one_pause(bench: Bench) -> None:
    for index in range(3 * FAILURES):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(S.IN_TRANSIT, fulfillment=index + 1)
    together = asyncio.Barrier(4)

    async def fail(call: Call) -> Reply:
        await together.wait()
        return refusal(500)

    bench.send = fail  # type: ignore[method-assign]
    relay = Relay(OrderProtection(bench), bench.writer, bench.clock, connections=4)  # type: ignore[arg-type]
    asyncio.run(relay.run(asyncio.Event()))
    assert bench.paused_for() == FIRST_WAIT


def test_a_newer_status_takes_the_place_of_one_that_waits(bench: Bench) -> None:
    bench.order()
    bench.become(S.CONFIRMED, S.IN_TRANSIT, S.DELIVERED)
    bench.run()
    assert [body(call) for call in bench.calls] == [{"status": "DELIVERED"}]
    assert bench.pushes() == [("CONFIRMED", "superseded"), ("IN_TRANSIT", "superseded"), ("DELIVERED", "sent")]
    history = [row.status for row in bench.rows("SELECT status FROM status_history ORDER BY id")]
    assert history == ["FULFILLED", "CONFIRMED", "IN_TRANSIT", "DELIVERED"]


@pytest.mark.parametrize("outcome", [200, 500, 401, 400])
def test_a_push_under_way_ends_before_a_newer_one_begins(bench: Bench, outcome: int) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    other = Relay(OrderProtection(bench), bench.writer, bench.clock, connections=1)  # type: ignore[arg-type]
    overtaken: list[Tally] = []

    async def interrupted(call: Call) -> Reply:
        bench.calls.append(call)
        if len(bench.calls) > 1:
            return ok()
        bench.become(S.DELIVERED)
        overtaken.append(await other.run(asyncio.Event()))
        return refusal(outcome) if outcome != 200 else ok()

    bench.send = interrupted  # type: ignore[method-assign]
    bench.run()
    assert overtaken == [Tally()], "a newer push began while the older was under way"
    bench.clock.forward(seconds=60)
    bench.run()
    assert [body(call)["status"] for call in bench.calls] == ["IN_TRANSIT", "DELIVERED"]
    first = "sent" if outcome == 200 else "superseded"
    assert bench.pushes() == [("IN_TRANSIT", first), ("DELIVERED", "sent")]
    with bench.database.write() as tx:
        assert outbox.retry(tx, None, bench.clock.now()) == 0, "a retry would take the newer status back"


def test_told_to_stop_it_gives_back_what_it_has_not_pushed(bench: Bench) -> None:
    for index in range(4):
        bench.order(f"#{index}", f"F-{index}")
        bench.become(S.IN_TRANSIT, fulfillment=index + 1)
    stop = asyncio.Event()

    def end(call: Call) -> Reply:
        stop.set()
        return ok()

    bench.answer = end
    assert asyncio.run(bench.relay.run(stop)).pushed == 1
    left = bench.rows("SELECT * FROM pushes WHERE state = 'waiting'")
    assert [(row.lease_token, row.attempts) for row in left] == [(None, 0)] * 3
    assert bench.run().pushed == 3


def test_dead_ones_can_be_retried_and_dropped(bench: Bench) -> None:
    bench.order()
    bench.order("#2", "F-2")
    bench.become(S.IN_TRANSIT)
    bench.become(S.DELIVERED, fulfillment=2)
    bench.answer = lambda call: refusal(400)
    assert bench.run().dead == 2
    with bench.database.write() as tx:
        assert outbox.retry(tx, [1], bench.clock.now()) == 1
        assert outbox.drop(tx, [2], bench.clock.now()) == 1
    bench.answer = lambda call: ok()
    assert bench.run().pushed == 1
    assert bench.pushes() == [("IN_TRANSIT", "sent"), ("DELIVERED", "dropped")]


def test_a_lease_that_ran_out_is_pushed_again_and_the_late_answer_ignored(bench: Bench) -> None:
    bench.order()
    bench.become(S.IN_TRANSIT)
    other = Relay(OrderProtection(bench), bench.writer, bench.clock, connections=1)  # type: ignore[arg-type]

    async def slow(call: Call) -> Reply:
        bench.calls.append(call)
        if len(bench.calls) > 1:
            return ok()
        bench.clock.forward(hours=1)
        assert (await other.run(asyncio.Event())).pushed == 1
        return refusal(400)

    bench.send = slow  # type: ignore[method-assign]
    bench.run()
    assert bench.pushes() == [("IN_TRANSIT", "sent")], "an answer under an old lease was written down"
