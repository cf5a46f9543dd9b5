"""The way of the data, from due to saved: through `Poller.run`, on a real database, with a carrier that says
what the test wants it to say."""

import asyncio
from datetime import datetime

from carriers.sdk import Call
from carriers.sdk.codes import Meaning
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import PLAIN, Bench, claim, knows_all
from tracker.budget import LEASE
from tracker.cadence import Cadence


def test_an_answer_becomes_events_a_status_a_push_and_a_next_time(bench: Bench) -> None:
    bench.order("NUM001")
    bench.tell("NUM001", (0, "OC"), (2, "PU"))
    bench.clock.forward(hours=3)
    tally = bench.poll()
    assert (tally.polls, tally.calls, tally.events, tally.changes) == (1, 1, 2, 1)
    parcel = bench.parcel("NUM001")
    assert (parcel.status, parcel.lease_token, parcel.failures) == ("CARRIER_PICKED_UP", None, 0)
    next_poll_at = datetime.fromisoformat(parcel.next_poll_at)
    cadence = Cadence()
    assert cadence.minimum <= next_poll_at - bench.clock.now() <= cadence.rejudge
    assert parcel.look_at == parcel.next_poll_at, "it is the cadence's turn, and nobody's wish"
    assert bench.pushes() == [("CARRIER_PICKED_UP", "waiting")]
    assert bench.poll().calls == 0, "asked again before its time"

    tally = bench.next_poll("NUM001")
    assert bench.clock.now() >= next_poll_at
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
            assert claim(tx, PLAIN, token="other", now=now)

    bench.answer = overtake
    tally = bench.poll()
    assert (tally.calls, tally.polls, tally.events) == (1, 0, 0)
    parcel = bench.parcel("NUM001")
    assert (parcel.status, parcel.last_polled_at, parcel.lease_token) == (None, None, "other")
    assert bench.rows("SELECT 1 FROM events") == []
    assert bench.pushes() == []


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
