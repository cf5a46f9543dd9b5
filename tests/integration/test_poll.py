"""The way of the data, from due to saved: through `Poller.run`, on a real database, with a carrier that says
what the test wants it to say."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk import (
    ApiKey,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    Items,
    NotFound,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    ZoneSource,
)
from carriers.sdk.codes import Meaning
from carriers.sdk.status import FulfillmentStatus as S
from tracker import intake
from tracker.budget import FIRST_PAUSE, LEASE, Budget, QuotaSpent
from tracker.cadence import Cadence
from tracker.poll import STRANGE, Poller, Tally
from tracker.progress import Rules
from tracker.store import parcels
from tracker.store.database import Database
from tracker.store.writer import Writer
from tracker.timeline import RollUp

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Back soon</body></html>"
PLAIN = [parcels.Source("plain")]


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


class Plain(Carrier):
    """A carrier whose answer is {number: {"events": [[time, code], ...], "promised": time}}, newest first."""

    info = Info(
        code="plain",
        name="Plain",
        docs="https://plain.example",
        auth=ApiKey("Key"),
        production="https://plain.example",
        sandbox=None,
        tracking_page="https://plain.example/{number}",
        batch=8,
    )
    codes = Codes(
        CONFIRMED="OC",
        CARRIER_PICKED_UP="PU",
        IN_TRANSIT="IT",
        OUT_FOR_DELIVERY="OD",
        DELIVERED="DL",
        RETURNING="RS",
        INFORMATIONAL="NOTE",
    )

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        """Numbers of which an answer was read."""

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        return Call.post_json(numbers, "/track", list(numbers))

    def parse(self, reply: Reply) -> Iterable[Report]:
        if failure := reply.failure():
            raise failure
        return [self._report(number, told) for number, told in self._told(reply.json())]

    def _told(self, answer: Any) -> Iterable[tuple[str, Any]]:
        self.read += answer
        return answer.items()  # type: ignore[no-any-return]

    def _report(self, number: str, told: Any) -> Report:
        if told is None:
            return Report(TrackingNumber(number), error=NotFound("no such number"))
        events = tuple(
            Event(datetime.fromisoformat(at), ZoneSource.GIVEN, code, self.codes.meaning(code))
            for at, code in told["events"]
        )
        promised = told.get("promised")
        return Report(
            TrackingNumber(number),
            (Shipment(events, estimated_delivery=promised and datetime.fromisoformat(promised)),),
        )


class Listing(Plain):
    """The same carrier, whose answer is [{"number": number, "told": what Plain's says}, ...]."""

    items = Items((), "number")

    def _told(self, answer: Any) -> Iterable[tuple[str, Any]]:
        self.read += [item["number"] for item in answer]
        return [(item["number"], item["told"]) for item in answer]


class Bench:
    """A poller with its database, and the carrier's side of the line."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)
        self.budget: Budget | None = None
        self.carrier = Plain()
        self.told: dict[str, Any] = {}
        """What the carrier knows, by number."""
        self.answer: Callable[[Call], Reply | Exception | None] = lambda call: None
        """Something else than what it knows, where the test wants it."""
        self.asked: list[tuple[str, ...]] = []

    async def send(self, call: Call) -> Reply:
        assert self.budget is not None
        await self.budget.turn()
        self.asked.append(tuple(call.numbers))
        self.budget.made()
        answer = self.answer(call)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        told = {number: self.told.get(number) for number in call.numbers}
        listed = [{"number": number, "told": told[number]} for number in told]
        return Reply(call.numbers, 200, json.dumps(listed if isinstance(self.carrier, Listing) else told).encode())

    def poller(self, *, mapping: Mapping[str, Meaning] | None = None, batch: int = 8, **quota: Any) -> Poller:
        """A poller as a process that has just started has it; the clock is the test's."""
        self.budget = Budget("plain", "plain", Quota(**quota), self.clock, self.writer)  # type: ignore[arg-type]
        rules = Rules(Cadence(jitter=0), timedelta(days=30), mapping or {})
        poller = Poller(
            self.carrier,
            self,
            self.budget,
            self.writer,
            self.clock,  # type: ignore[arg-type]
            batch=batch,
            connections=1,
            rules=rules,
            roll_up_rule=RollUp.ATTENTION,
        )
        with self.database.write() as tx:
            poller.open(tx)
        return poller

    def poll(self, poller: Poller | None = None, **options: Any) -> Tally:
        """One heartbeat."""
        return asyncio.run((poller or self.poller(**options)).run(asyncio.Event()))

    def order(self, *numbers: str, created: datetime = START, **fields: Any) -> None:
        """Import an order for each number, whose fulfillment was `created` then."""
        orders = [
            {
                "sourceOrderId": f"#{number}",
                "fulfillments": [
                    {
                        "sourceFulfillmentId": f"F-{number}",
                        "fulfillmentStatus": "FULFILLED",
                        "sourceItemIds": [],
                        "trackingCompany": "Plain",
                        "trackingNumber": [number],
                        "createdAt": created.isoformat(),
                    }
                ],
                **fields,
            }
            for number in numbers
        ]
        with self.database.write() as tx:
            found = intake.read_file("orders.json", json.dumps(orders).encode())
            intake.register(tx, found, self.clock.now(), {"plain": Plain.info})

    def tell(self, number: str, *events: tuple[float, str], promised: float | None = None) -> None:
        """What the carrier says of a number from now on: (hours after the start, code), oldest first."""
        told = [[(START + timedelta(hours=hours)).isoformat(), code] for hours, code in reversed(events)]
        self.told[number] = {"events": told}
        if promised is not None:
            self.told[number]["promised"] = (START + timedelta(hours=promised)).isoformat()

    def parcel(self, number: str) -> Any:
        return self.rows("SELECT * FROM parcels WHERE number = ?", number)[0]

    def rows(self, query: str, *values: object) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.exec_driver_sql(query, values).all())

    def pushes(self) -> list[tuple[str, str]]:
        return [tuple(row) for row in self.rows("SELECT status, state FROM pushes ORDER BY id")]

    def account(self) -> Any:
        return self.rows("SELECT * FROM accounts WHERE name = 'plain'")[0]

    def paused_for(self) -> float | None:
        """Seconds from now until the account is asked again."""
        until = self.account().paused_until
        return None if until is None else (datetime.fromisoformat(until) - self.clock.now()).total_seconds()

    def due(self) -> None:
        """All parcels are due."""
        with self.database.write() as tx:
            parcels.make_all_due(tx, self.clock.now())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.close()
    bench.database.close()


NUMBERS = tuple(f"NUM{index:03}" for index in range(8))


def knows_all(bench: Bench, numbers: Iterable[str] = NUMBERS) -> None:
    bench.order(*numbers)
    for number in numbers:
        bench.tell(number, (0, "OC"), (1, "PU"))


def test_an_answer_becomes_events_a_status_a_push_and_a_next_time(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (2, "PU"))
    bench.clock.forward(hours=3)
    tally = bench.poll()
    assert (tally.polls, tally.calls, tally.events, tally.changes) == (1, 1, 2, 1)
    parcel = bench.parcel("NUM001")
    assert (parcel.status, parcel.lease_token, parcel.failures) == ("CARRIER_PICKED_UP", None, 0)
    assert parcel.next_poll_at == (START + timedelta(hours=7)).isoformat(timespec="microseconds")
    assert bench.pushes() == [("CARRIER_PICKED_UP", "waiting")]
    assert bench.poll().calls == 0, "asked again before its time"

    bench.clock.forward(hours=4)
    tally = bench.poll()
    assert (tally.polls, tally.events, tally.changes) == (1, 0, 0), "the same answer is no news"
    assert bench.pushes() == [("CARRIER_PICKED_UP", "waiting")]


def test_nothing_is_claimed_that_the_quota_does_not_cover(bench: Bench) -> None:
    knows_all(bench)
    claimed_at_a_time: list[int] = []

    def watch(call: Call) -> None:
        claimed_at_a_time.append(len(bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL")))

    bench.answer = watch
    assert bench.poll(batch=1, per_hour=3).polls == 3
    assert max(claimed_at_a_time) <= 3
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    assert bench.poll(batch=1, per_hour=3).polls == 0, "a restart has a quota of its own"
    bench.clock.forward(hours=1, minutes=5)
    assert bench.poll(batch=1, per_hour=3).polls == 3


def test_an_answer_under_a_lease_that_ran_out_changes_nothing(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])

    def overtake(call: Call) -> None:
        bench.clock.forward(seconds=LEASE + 1)
        now = bench.clock.now()
        with bench.database.write() as tx:
            assert parcels.claim(tx, PLAIN, limit=5, token="other", now=now, until=now + timedelta(hours=1))

    bench.answer = overtake
    tally = bench.poll()
    assert (tally.calls, tally.polls, tally.events) == (1, 0, 0)
    parcel = bench.parcel("NUM001")
    assert (parcel.status, parcel.last_polled_at, parcel.lease_token) == (None, None, "other")
    assert bench.rows("SELECT 1 FROM events") == []
    assert bench.pushes() == []


@pytest.mark.parametrize("culprits", [{3}, {0}, {0, 1}, {2, 5, 7}, {6, 7}])
@pytest.mark.parametrize("poison", ["html", "crash"])
def test_a_parcel_that_spoils_its_answers_spoils_only_its_own(bench: Bench, culprits: set[int], poison: str) -> None:
    knows_all(bench)
    bad = {NUMBERS[index] for index in culprits}

    def spoil(call: Call) -> Reply | None:
        if not bad & set(call.numbers):
            return None
        body = HTML if poison == "html" else json.dumps({number: {"events": 7} for number in call.numbers}).encode()
        return Reply(call.numbers, 200, body)

    bench.answer = spoil
    bench.poll()
    for number in NUMBERS:
        parcel = bench.parcel(number)
        assert parcel.lease_token is None
        if number in bad:
            assert (parcel.status, parcel.failures) == (None, 1)
            assert parcel.last_error.startswith("BadPayload")
            assert parcel.next_poll_at > bench.clock.now().isoformat()
        else:
            assert (parcel.status, parcel.last_error) == ("CARRIER_PICKED_UP", None)
    assert bench.paused_for() is None


def test_nothing_but_nonsense_pauses_the_account_and_costs_few_calls(bench: Bench) -> None:
    numbers = [f"NUM{index:03}" for index in range(40)]
    knows_all(bench, numbers)
    bench.poll()
    before = bench.rows("SELECT id, status, status_at FROM parcels")
    bench.clock.forward(hours=5)
    bench.asked.clear()
    bench.answer = lambda call: Reply(call.numbers, 200, HTML)
    tally = bench.poll()
    assert "HTML" in str(tally.failure)
    assert len(bench.asked) <= 2 * STRANGE
    assert bench.rows("SELECT id, status, status_at FROM parcels") == before
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    assert bench.paused_for() == FIRST_PAUSE


@pytest.mark.parametrize(
    ("status", "headers", "seconds", "kind"),
    [
        (401, {}, FIRST_PAUSE, "AuthFailed"),
        (403, {}, FIRST_PAUSE, "AuthFailed"),
        (429, {"retry-after": "7200"}, 7200, "RateLimited"),
        (429, {}, FIRST_PAUSE, "RateLimited"),
        (503, {"retry-after": "90"}, 90, "Unavailable"),
        (500, {}, FIRST_PAUSE, "Unavailable"),
    ],
)
def test_trouble_with_the_account_pauses_it_and_touches_no_parcel(
    bench: Bench, status: int, headers: dict[str, str], seconds: float, kind: str
) -> None:
    knows_all(bench)
    bench.poll()
    bench.clock.forward(hours=5)
    before = bench.rows("SELECT * FROM parcels")
    bench.asked.clear()
    bench.answer = lambda call: Reply(call.numbers, status, b"{}", headers)
    assert kind in str(bench.poll().failure)
    assert bench.rows("SELECT * FROM parcels") == before
    assert bench.paused_for() == seconds
    assert kind in bench.account().paused_reason
    assert len(bench.asked) == 1

    bench.answer = lambda call: None
    assert bench.poll().calls == 0, "a paused account was asked"
    bench.clock.forward(seconds=seconds + 1)
    assert bench.poll().polls == len(NUMBERS)
    assert (bench.account().failures, bench.account().paused_until, bench.account().paused_reason) == (0, None, "")


def test_pauses_double_until_an_answer_comes(bench: Bench) -> None:
    knows_all(bench)
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    lengths = []
    for _ in range(9):
        bench.poll()
        length = bench.paused_for()
        assert length is not None
        lengths.append(length)
        bench.clock.forward(seconds=length)
    assert lengths == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    bench.answer = lambda call: None
    bench.poll()
    bench.clock.forward(hours=5)
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    bench.poll()
    assert bench.paused_for() == 30


def test_not_knowing_what_it_knew_is_the_carriers_trouble(bench: Bench) -> None:
    knows_all(bench)
    bench.poll()
    known = [(row.number, row.status) for row in bench.rows("SELECT number, status FROM parcels")]
    told, bench.told = bench.told, {}
    lengths = []
    for _ in range(3):
        bench.clock.forward(hours=5)
        bench.due()
        bench.poll()
        lengths.append(bench.paused_for())
    assert lengths == [30, 60, 120], "a pause that ended with the same nonsense is followed by a longer one"
    assert [(row.number, row.status) for row in bench.rows("SELECT number, status FROM parcels")] == known
    bench.told = told
    bench.clock.forward(hours=5)
    bench.due()
    bench.poll()
    assert bench.paused_for() is None


def test_labels_the_carrier_never_knew_are_no_sign_of_trouble(bench: Bench) -> None:
    bench.order(*(f"NEW{index:03}" for index in range(3 * STRANGE)))
    tally = bench.poll()
    assert (tally.polls, tally.failure) == (3 * STRANGE, None)
    assert bench.paused_for() is None
    assert {row.status for row in bench.rows("SELECT status FROM parcels")} == {None}
    assert bench.pushes() == []


def test_what_was_learnt_before_the_quota_ended_is_kept(bench: Bench) -> None:
    knows_all(bench)
    calls = iter(range(100))

    def spoil(call: Call) -> Reply | Exception | None:
        if next(calls) >= 2:
            return QuotaSpent("none left")
        return Reply(call.numbers, 200, HTML) if len(call.numbers) == 8 else None

    bench.answer = spoil
    bench.poll()
    statuses = [bench.parcel(number).status for number in NUMBERS]
    assert statuses == ["CARRIER_PICKED_UP"] * 4 + [None] * 4
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    assert bench.paused_for() is None


def test_told_to_stop_it_gives_back_what_it_has_not_asked(bench: Bench) -> None:
    knows_all(bench)
    stop = asyncio.Event()

    def end(call: Call) -> None:
        stop.set()

    bench.answer = end
    tally = asyncio.run(bench.poller(batch=2).run(stop))
    assert (tally.calls, tally.polls) == (1, 2)
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    assert bench.rows("SELECT 1 FROM reservations") == []
    assert bench.poll().polls == 6


def test_events_the_carrier_withdraws_are_kept_and_marked(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "OD"), (3, "DL"))
    bench.clock.forward(hours=4)
    bench.poll()
    assert bench.parcel("NUM001").status == "DELIVERED"
    marked = "SELECT code FROM events WHERE withdrawn_at IS NOT NULL ORDER BY id"

    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "OD"))
    bench.due()
    bench.poll()
    assert [row.code for row in bench.rows(marked)] == ["DL"]
    assert bench.parcel("NUM001").status == "OUT_FOR_DELIVERY"

    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "OD"), (3, "DL"))
    bench.due()
    bench.poll()
    assert bench.rows(marked) == []
    assert bench.parcel("NUM001").status == "DELIVERED"
    assert len(bench.rows("SELECT 1 FROM events")) == 4
    history = [row.status for row in bench.rows("SELECT status FROM status_history ORDER BY id")]
    assert history == ["FULFILLED", "DELIVERED", "OUT_FOR_DELIVERY", "DELIVERED"]


def test_a_history_that_no_longer_reaches_back_forgets_nothing(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "RS"), (3, "IT"))
    bench.clock.forward(hours=4)
    bench.poll()
    assert bench.parcel("NUM001").status == "FAILURE"

    bench.tell("NUM001", (3, "IT"), (5, "DL"))  # the way back, whose beginning the carrier does not tell any more
    bench.clock.forward(hours=2)
    bench.due()
    bench.poll()
    assert bench.parcel("NUM001").status == "FAILURE"
    assert bench.rows("SELECT 1 FROM events WHERE withdrawn_at IS NOT NULL") == []
    assert len(bench.rows("SELECT 1 FROM events")) == 5


def test_an_event_of_the_future_counts_from_when_it_was_seen(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (50, "IT"))
    bench.clock.forward(hours=2)
    bench.poll()
    (future,) = bench.rows("SELECT * FROM events WHERE code = 'IT'")
    assert (future.occurred_at, future.zone) == (bench.clock.now().isoformat(timespec="microseconds"), "assumed")
    seen = bench.parcel("NUM001").status_at
    assert seen == bench.clock.now().isoformat(timespec="microseconds")

    bench.tell("NUM001", (0, "OC"), (3, "OD"), (50, "IT"))
    bench.clock.forward(hours=2)
    bench.due()
    bench.poll()
    assert bench.parcel("NUM001").status == "OUT_FOR_DELIVERY", "an event of the future hides what happened since"
    assert len(bench.rows("SELECT 1 FROM events")) == 3


def test_a_cancelled_orders_unused_label_is_left_alone_but_a_parcel_on_its_way_is_not(bench: Bench) -> None:
    bench.order("LABEL1", "MOVING1", "NEVER1")
    bench.tell("LABEL1", (0, "OC"))
    bench.tell("MOVING1", (0, "OC"), (1, "PU"))
    bench.clock.forward(hours=2)
    bench.poll()
    bench.order("LABEL1", "MOVING1", "NEVER1", sourceCancelledAt=bench.clock.now().isoformat())
    bench.due()
    bench.poll()
    assert bench.parcel("LABEL1").next_poll_at is None
    assert bench.parcel("NEVER1").next_poll_at is None
    assert bench.parcel("MOVING1").next_poll_at is not None
    bench.clock.forward(days=31)
    bench.poll()
    assert bench.parcel("NEVER1").status is None, "a cancelled label was given up as a failure"


def test_a_number_never_known_is_given_up_and_the_failure_pushed(bench: Bench) -> None:
    bench.order("NEVER1")
    bench.poll()
    for _ in range(29):
        bench.clock.forward(days=1)
        bench.poll()
    assert bench.parcel("NEVER1").status is None
    assert bench.pushes() == []
    bench.clock.forward(days=1, hours=1)
    bench.poll()
    assert bench.parcel("NEVER1").status == "FAILURE"
    assert "never known" in bench.parcel("NEVER1").reason
    assert bench.pushes() == [("FAILURE", "waiting")]


def test_an_outage_is_no_reason_to_give_up(bench: Bench) -> None:
    bench.order("NEVER1")
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    for _ in range(40):
        bench.clock.forward(days=1)
        bench.poll()
    assert bench.parcel("NEVER1").status is None
    assert bench.pushes() == []


def test_a_promise_that_passed_makes_it_delayed_until_it_moves(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "IT"), promised=24)
    bench.clock.forward(hours=3)
    bench.poll()
    bench.clock.forward(hours=22)
    bench.due()
    bench.poll()
    assert bench.parcel("NUM001").status == "IN_TRANSIT", "late within the promised day is not overdue"
    bench.clock.forward(hours=12)
    bench.due()
    bench.poll()
    parcel = bench.parcel("NUM001")
    assert parcel.status == "DELAYED"
    assert parcel.reason.startswith("overdue")
    assert bench.pushes()[-1] == ("DELAYED", "waiting")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "IT"), (38, "OD"), promised=24)
    bench.clock.forward(hours=2)
    bench.due()
    bench.poll()
    assert bench.parcel("NUM001").status == "OUT_FOR_DELIVERY"


def test_the_merchants_mapping_stands_over_the_built_in_one(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "NOTE"))
    bench.clock.forward(hours=3)
    bench.poll(mapping={"NOTE": Meaning(S.ON_HOLD)})
    assert bench.parcel("NUM001").status == "ON_HOLD"
    (row,) = bench.rows("SELECT status, mapped FROM events WHERE code = 'NOTE'")
    assert tuple(row) == ("ON_HOLD", 1)


def test_the_valuable_ones_go_first_when_calls_are_scarce(bench: Bench) -> None:
    knows_all(bench)
    bench.tell("NUM005", (0, "OC"), (1, "PU"), (2, "OD"))
    bench.tell("NUM006", (0, "OC"), (1, "PU"), (2, "DL"))
    bench.clock.forward(hours=3)
    bench.poll()
    bench.clock.forward(hours=2)
    bench.due()
    bench.asked.clear()
    bench.poll(batch=1, per_hour=3)
    assert len(bench.asked) == 3
    assert ("NUM005",) in bench.asked, "out for delivery waits behind the others"
    assert ("NUM006",) not in bench.asked, "a delivered one is asked before those on their way"


# answers that were read before


HISTORY = ("SELECT * FROM events ORDER BY id", "SELECT * FROM pushes ORDER BY id", "SELECT * FROM status_history")


def again(bench: Bench, **options: Any) -> Tally:
    """Ask about everything once more."""
    bench.due()
    bench.carrier.read.clear()
    return bench.poll(**options)


def test_the_same_answer_again_writes_when_to_ask_next_and_nothing_else(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.clock.forward(hours=2)
    bench.poll()
    before, history = bench.parcel("NUM001"), [bench.rows(query) for query in HISTORY]
    with bench.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET last_error = 'BadPayload: odd', not_found = 1, failures = 3")
    bench.clock.forward(hours=4)

    tally = again(bench)

    assert bench.carrier.read == []
    assert (tally.polls, tally.calls, tally.events, tally.changes) == (1, 1, 0, 0)
    now = bench.clock.now()
    assert bench.parcel("NUM001")._asdict() == before._asdict() | {
        "last_polled_at": now.isoformat(timespec="microseconds"),
        "next_poll_at": (now + timedelta(hours=4)).isoformat(timespec="microseconds"),
    }
    assert (before.last_error, before.not_found, before.failures, before.lease_token) == (None, 0, 0, None)
    assert [bench.rows(query) for query in HISTORY] == history
    assert bench.rows("SELECT 1 FROM reservations WHERE calls > 0") == []


def test_of_a_batch_only_news_is_read(bench: Bench) -> None:
    bench.carrier = Listing()
    knows_all(bench)
    bench.clock.forward(hours=2)
    bench.poll()
    bench.tell("NUM003", (0, "OC"), (1, "PU"), (3, "IT"))
    del bench.told["NUM005"]
    bench.clock.forward(hours=2)

    tally = again(bench)

    assert bench.carrier.read == ["NUM003", "NUM005"]
    assert (tally.polls, tally.calls, tally.events, tally.changes) == (8, 1, 1, 1)
    assert bench.parcel("NUM003").status == "IN_TRANSIT"
    assert bench.parcel("NUM005").last_error.startswith("NotFound")
    assert {bench.parcel(number).last_error for number in NUMBERS if number != "NUM005"} == {None}
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    again(bench)
    assert bench.carrier.read == ["NUM005"]


def test_a_person_who_asks_hears_the_status_of_what_is_unchanged_too(bench: Bench) -> None:
    bench.carrier = Listing()
    knows_all(bench, ["NUM001", "NUM002"])
    bench.clock.forward(hours=2)
    bench.poll()
    bench.tell("NUM002", (0, "OC"), (1, "PU"), (3, "IT"))
    bench.clock.forward(hours=2)
    ids = [bench.parcel(number).id for number in ("NUM001", "NUM002")]

    tally = asyncio.run(bench.poller().run(asyncio.Event(), only=ids, by_hand=True))

    assert {answer.number: tuple(answer)[1:] for answer in tally.answers} == {
        "NUM001": (S.CARRIER_PICKED_UP, False, None),
        "NUM002": (S.IN_TRANSIT, True, None),
    }


def test_what_was_known_before_an_error_is_known_after_it(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.clock.forward(hours=2)
    bench.poll()
    told = bench.told.pop("NUM001")
    again(bench)
    assert bench.parcel("NUM001").not_found
    assert bench.parcel("NUM001").last_error.startswith("NotFound")
    bench.told["NUM001"] = told
    bench.clock.forward(hours=2)

    again(bench)

    parcel = bench.parcel("NUM001")
    assert bench.carrier.read == []
    assert (parcel.status, parcel.not_found, parcel.last_error) == ("CARRIER_PICKED_UP", 0, None)
    assert parcel.next_poll_at == (bench.clock.now() + timedelta(hours=4)).isoformat(timespec="microseconds")


def test_an_unchanged_answer_is_a_sign_that_the_carrier_is_in_order(bench: Bench) -> None:
    numbers = [f"NUM{index:03}" for index in range(2 * STRANGE)]
    knows_all(bench, numbers)
    bench.clock.forward(hours=2)
    bench.poll(batch=1)
    lost = [number for number in numbers if number not in numbers[:: STRANGE - 1]]
    for number in lost:  # never STRANGE of them between two that say the same
        del bench.told[number]
    bench.clock.forward(hours=2)

    assert again(bench, batch=1).failure is None

    assert bench.paused_for() is None
    assert len(bench.carrier.read) == len(lost)


class Renewed(Plain):
    """The carrier as a newer program reads it."""

    codes = Codes(CONFIRMED="OC", CARRIER_PICKED_UP="PU", ON_HOLD="NOTE")


def test_a_newer_code_table_reads_the_same_answer_anew(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "NOTE"))
    bench.clock.forward(hours=3)
    bench.poll()
    bench.carrier = Renewed()

    tally = again(bench)

    assert (bench.carrier.read, tally.events, tally.changes) == (["NUM001"], 0, 1)
    assert bench.parcel("NUM001").status == "ON_HOLD"
    assert bench.pushes()[-1] == ("ON_HOLD", "waiting")
    again(bench)
    assert bench.carrier.read == []


def test_another_mapping_of_the_merchants_reads_the_same_answer_anew(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "NOTE"))
    bench.clock.forward(hours=3)
    bench.poll()
    for mapping, status in (({"NOTE": Meaning(S.ON_HOLD)}, "ON_HOLD"), ({}, "CARRIER_PICKED_UP")):
        again(bench, mapping=mapping)
        assert bench.carrier.read == ["NUM001"]
        assert bench.parcel("NUM001").status == status
        again(bench, mapping=mapping)
        assert bench.carrier.read == []
        assert bench.parcel("NUM001").status == status


def test_the_same_answer_means_delayed_once_the_promised_day_is_over(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (1, "PU"), (2, "IT"), promised=24)
    bench.clock.forward(hours=3)
    bench.poll()
    bench.clock.forward(hours=20)
    again(bench)
    assert bench.carrier.read == [], "the promise is still good"
    bench.clock.forward(hours=2)
    again(bench)
    assert bench.parcel("NUM001").status == "IN_TRANSIT", "late within the promised day is not overdue"
    bench.clock.forward(hours=12)

    again(bench)

    assert bench.carrier.read == ["NUM001"]
    parcel = bench.parcel("NUM001")
    assert parcel.status == "DELAYED"
    assert parcel.reason.startswith("overdue")
    for _ in range(3):
        bench.clock.forward(hours=12)
        again(bench)
        assert bench.carrier.read == [], "it is late already"
    assert bench.parcel("NUM001").status_at == parcel.status_at
    assert [status for status, _ in bench.pushes()].count("DELAYED") == 1
    assert len(bench.rows("SELECT 1 FROM events")) == 3


def test_an_answer_with_an_event_of_the_future_is_read_until_its_time_has_come(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (50, "IT"))
    bench.clock.forward(hours=2)
    bench.poll()
    assert bench.parcel("NUM001").fingerprint == ""
    again(bench)
    assert bench.carrier.read == ["NUM001"]
    bench.clock.forward(hours=49)

    again(bench)
    assert bench.carrier.read == ["NUM001"]
    again(bench)

    assert bench.carrier.read == []
    assert len(bench.rows("SELECT 1 FROM events")) == 2


def test_an_import_that_changes_what_a_parcel_belongs_to_makes_its_answer_new(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (-10, "OC"), (1, "PU"))
    bench.clock.forward(hours=2)
    bench.poll()
    bench.order("NUM001", created=START - timedelta(hours=20))

    again(bench)

    assert bench.carrier.read == ["NUM001"]
    again(bench)
    assert bench.carrier.read == []
    bench.order("NUM001", created=START - timedelta(hours=20))
    again(bench)
    assert bench.carrier.read == [], "the same import twice changes nothing"


def test_an_import_while_the_carrier_is_asked_makes_its_answer_new(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.clock.forward(hours=2)
    bench.poll()
    before = bench.parcel("NUM001")

    def change(call: Call) -> None:
        bench.order("NUM001", created=START - timedelta(hours=20))

    bench.answer = change
    bench.clock.forward(hours=4)
    again(bench)

    parcel = bench.parcel("NUM001")
    assert (bench.carrier.read, parcel.last_polled_at, parcel.lease_token) == ([], before.last_polled_at, None)
    assert parcel.next_poll_at <= bench.clock.now().isoformat(timespec="microseconds"), "it has to wait"
    bench.answer = lambda call: None
    assert bench.poll().polls == 1
    assert bench.carrier.read == ["NUM001"]


def test_the_same_answer_under_a_lease_that_ran_out_changes_nothing(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.clock.forward(hours=2)
    bench.poll()
    before = bench.parcel("NUM001")

    def overtake(call: Call) -> None:
        bench.clock.forward(seconds=LEASE + 1)
        now = bench.clock.now()
        with bench.database.write() as tx:
            assert parcels.claim(tx, PLAIN, limit=5, token="other", now=now, until=now + timedelta(hours=1))

    bench.answer = overtake
    bench.clock.forward(hours=4)
    tally = again(bench)

    parcel = bench.parcel("NUM001")
    assert (tally.calls, tally.polls, bench.carrier.read) == (1, 0, [])
    assert (parcel.last_polled_at, parcel.lease_token) == (before.last_polled_at, "other")


def test_a_touch_under_an_old_token_writes_nothing(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.poll()
    bench.due()
    now = bench.clock.now()
    with bench.database.write() as tx:
        (claimed,) = parcels.claim(tx, PLAIN, limit=5, token="newer", now=now, until=now + timedelta(hours=1))
    before = bench.parcel("NUM001")
    row: dict[str, Any] = {"id": claimed.id, "last_polled_at": now + timedelta(hours=9), "next_poll_at": None}
    row |= {"priority": 0, "not_found": True, "not_found_since": None, "failures": 7, "last_error": "BadPayload: late"}

    with bench.database.write() as tx:
        parcels.touch(tx, [row], "older")
    assert bench.parcel("NUM001") == before
    with bench.database.write() as tx:
        parcels.touch(tx, [row], "newer")
    assert (bench.parcel("NUM001").failures, bench.parcel("NUM001").lease_token) == (7, None)


TELLINGS: Mapping[str, Any] = {
    "a label": {"events": [(0, "OC")]},
    "under way": {"events": [(0, "OC"), (1, "PU"), (2, "IT")]},
    "promised": {"events": [(0, "OC"), (1, "PU"), (2, "OD")], "promised": 10},
    "delivered": {"events": [(0, "OC"), (1, "PU"), (2, "DL")]},
    "on its way back": {"events": [(0, "OC"), (1, "PU"), (2, "RS")]},
    "known by nothing but notes": {"events": [(0, "NOTE")]},
    "of the future": {"events": [(0, "OC"), (30, "IT")]},
}


@pytest.mark.parametrize("cancelled", [False, True], ids=["live", "cancelled"])
@pytest.mark.parametrize("telling", TELLINGS.values(), ids=TELLINGS)
def test_not_reading_an_answer_comes_to_what_reading_it_comes_to(
    tmp_path: Path, telling: dict[str, Any], cancelled: bool
) -> None:
    benches = []
    for name in ("reads", "knows"):
        (tmp_path / name).mkdir()
        benches.append(Bench(tmp_path / name))
    for hours in (3, 4, 1, 8, 20, 30, 24 * 20):
        for bench in benches:
            if bench.clock.now() == START:
                bench.order("NUM001", sourceCancelledAt=START.isoformat() if cancelled else None)
                bench.tell("NUM001", *telling["events"], promised=telling.get("promised"))
            bench.clock.forward(hours=hours)
        reads, knows = benches
        with reads.database.write() as tx:
            tx.exec_driver_sql("UPDATE parcels SET fingerprint = ''")
        again(reads)
        again(knows)
        assert reads.carrier.read == ["NUM001"]
        assert reads.parcel("NUM001")._asdict() == knows.parcel("NUM001")._asdict()
        assert [reads.rows(query) for query in HISTORY] == [knows.rows(query) for query in HISTORY]
    assert benches[1].carrier.read == [], "it was read for nothing"
    for bench in benches:
        bench.writer.close()
        bench.database.close()
