"""Who is asked about when calls have a price and a reserve: what waits, what rides along, what the carrier counts."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from carriers.sdk import Call, Reply
from tests.integration.bench import Bench, knows_all
from tracker.cadence import Cadence
from tracker.cadence import price as control
from tracker.poll import Tally
from tracker.store import learning

CADENCE = Cadence()


def numbers(count: int) -> list[str]:
    return [f"NUM{index:03}" for index in range(count)]


def asked_before(bench: Bench, count: int) -> list[str]:
    """So many parcels under way, asked about two hours ago, none of them due."""
    named = numbers(count)
    knows_all(bench, named)
    bench.poll()
    bench.clock.forward(hours=2)
    bench.asked.clear()
    return named


def by_hand(bench: Bench, number: str, **options: Any) -> Tally:
    only = [bench.parcel(number).id]
    return asyncio.run(bench.poller(**options).run(asyncio.Event(), only=only, by_hand=True))


def costs(bench: Bench, price: float) -> None:
    """A call's price for the next minute."""
    with bench.database.write() as tx:
        learning.keep_price(tx, "plain", control.start(price, bench.clock.now()), 0, 0)


def wanted(bench: Bench, number: str) -> None:
    """Somebody wants it asked about now."""
    at = bench.clock.now().isoformat(timespec="microseconds")
    bench.set("UPDATE parcels SET next_poll_at = :at, look_at = NULL WHERE number = :number", at=at, number=number)


# the price


def test_a_turn_under_a_price_that_rose_since_is_put_off_without_a_call(bench: Bench) -> None:
    knows_all(bench, ["NUM001"])
    bench.poll()
    bench.until_due("NUM001")
    bench.asked.clear()
    before = bench.parcel("NUM001")

    costs(bench, 500.0)
    tally = bench.poll()

    parcel = bench.parcel("NUM001")
    assert (tally.calls, tally.polls, tally.failure, bench.asked) == (0, 0, None, [])
    assert timedelta() < datetime.fromisoformat(parcel.next_poll_at) - bench.clock.now() <= CADENCE.rejudge
    assert parcel._asdict() == before._asdict() | {
        "next_poll_at": parcel.next_poll_at,
        "look_at": parcel.next_poll_at,
    }
    assert bench.rows("SELECT 1 FROM reservations WHERE calls > 0") == []

    bench.next_poll("NUM001")
    cheap = datetime.fromisoformat(bench.parcel("NUM001").last_polled_at)
    while bench.clock.now() - cheap < timedelta(days=1):  # at such a price for good
        bench.until_due("NUM001")
        costs(bench, 500.0)
        assert bench.poll().calls == 0
    while bench.clock.now() - cheap <= CADENCE.longest + CADENCE.rejudge and not bench.poll().calls:
        bench.until_due("NUM001")
        costs(bench, 500.0)
    assert datetime.fromisoformat(bench.parcel("NUM001").last_polled_at) > cheap, "nobody waits longer than that"


def test_a_new_parcel_and_one_somebody_asks_about_have_no_price(bench: Bench) -> None:
    asked_before(bench, 3)
    bench.order("NEW001")
    costs(bench, 10_000.0)
    wanted(bench, "NUM002")
    bench.poll(batch=1)
    assert sorted(bench.asked) == [("NEW001",), ("NUM002",)]


# the reserve


def test_the_last_calls_of_a_window_are_for_new_parcels_and_for_people(bench: Bench) -> None:
    named = asked_before(bench, 60)
    scarce: dict[str, Any] = {"batch": 1, "per_hour": 40}
    bench.due()
    assert bench.poll(**scarce).calls == 38
    assert bench.poll(**scarce).calls == 0, "what is due went at the reserve"

    bench.order("NEW001")
    bench.asked.clear()
    assert bench.poll(**scarce).calls == 1
    assert bench.asked == [("NEW001",)]
    last = named[-1]
    assert [answer.number for answer in by_hand(bench, last, **scarce).answers] == [last]
    assert by_hand(bench, last, **scarce).calls == 0, "the reserve is part of the quota"
    bench.order("NEW002")
    assert bench.poll(**scarce).calls == 0

    bench.clock.forward(hours=1, minutes=5)
    bench.asked.clear()
    assert bench.poll(**scarce).calls == 22, "all that had to wait, and the new one"
    assert ("NEW002",) in bench.asked


def test_a_day_has_its_reserve_too(bench: Bench) -> None:
    asked_before(bench, 120)
    used = bench.account().calls  # the first questions count in the day
    bench.due()
    assert bench.poll(batch=1, per_day=100).calls == 95 - used
    bench.order("NEW001")
    assert bench.poll(batch=1, per_day=100).calls == 1


def test_of_new_parcels_no_more_are_asked_about_than_the_reserve_has_calls(bench: Bench) -> None:
    asked_before(bench, 40)
    bench.due()
    assert bench.poll(batch=1, per_hour=40).calls == 38
    bench.order(*(f"NEW{index:03}" for index in range(30)))
    tally = bench.poll(batch=8, per_hour=40)
    assert (tally.calls, tally.polls) == (2, 16)
    assert bench.poll(batch=8, per_hour=40).calls == 0
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []


# those that ride along


def test_a_call_that_has_room_takes_those_whose_turn_is_near(bench: Bench) -> None:
    named = asked_before(bench, 20)
    looked: dict[str, datetime] = {}
    for _ in range(5):
        bench.asked.clear()
        wanted(bench, named[7])
        tally = bench.poll(batch=8)
        ((first, *riders),) = bench.asked
        assert (tally.calls, tally.polls) == (1, 1 + len(riders))
        assert first == named[7]
        for rider in riders:
            assert rider not in looked or bench.clock.now() - looked[rider] >= CADENCE.minimum
            looked[rider] = bench.clock.now()
            assert bench.parcel(rider).next_poll_at > bench.clock.now().isoformat()
        bench.clock.forward(minutes=3)
    # 7, 7 and 5 rode in the first nine minutes, nobody in the next call, the first ones again in the last
    assert len(looked) == 19
    assert min(looked.values()) == bench.clock.now() - timedelta(minutes=12)


@pytest.mark.parametrize(("due", "calls"), [(1, 1), (7, 1), (8, 1), (9, 2), (16, 2)])
def test_calls_are_filled_and_none_is_made_for_the_riders(bench: Bench, due: int, calls: int) -> None:
    named = asked_before(bench, 30)
    for number in named[:due]:
        wanted(bench, number)
    tally = bench.poll(batch=8)
    assert (tally.calls, tally.polls) == (calls, 8 * calls)
    assert {len(asked) for asked in bench.asked} == {8}
    assert set(named[:due]) <= {number for asked in bench.asked for number in asked}


def test_one_at_a_time_nobody_rides(bench: Bench) -> None:
    named = asked_before(bench, 5)
    wanted(bench, named[2])
    assert bench.poll(batch=1).calls == 1
    assert bench.asked == [(named[2],)]


def test_those_that_ended_and_those_that_spoil_answers_do_not_ride(bench: Bench) -> None:
    named = asked_before(bench, 4)
    bench.set("UPDATE parcels SET priority = 0 WHERE number = :number", number=named[1])
    bench.set("UPDATE parcels SET failures = 2 WHERE number = :number", number=named[2])
    wanted(bench, named[0])
    bench.poll(batch=8)
    assert bench.asked == [(named[0], named[3])]


# the carrier's own count


def says_none_left(bench: Bench, seconds: int) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(seconds)}

    def answer(call: Call) -> Reply:
        told = {number: bench.told.get(number) for number in call.numbers}
        return Reply(call.numbers, 200, json.dumps(told).encode(), headers)

    bench.answer = answer


def test_a_carrier_that_counts_no_call_left_is_asked_no_more_until_there_is(bench: Bench) -> None:
    knows_all(bench)
    says_none_left(bench, 600)
    tally = bench.poll(batch=2)
    assert (tally.calls, tally.polls) == (1, 2), "the answer itself counts"
    assert bench.rows("SELECT 1 FROM parcels WHERE lease_token IS NOT NULL") == []
    assert bench.rows("SELECT 1 FROM reservations WHERE calls > 0") == []
    assert (bench.paused_for(), bench.account().failures) == (600, 0)

    restarted = bench.poll(batch=2)
    assert (restarted.calls, "no call is left" in str(restarted.failure)) == (0, True)
    assert by_hand(bench, "NUM007").calls == 0
    bench.clock.forward(seconds=599)
    assert bench.poll(batch=2).calls == 0
    bench.answer = lambda call: None
    bench.clock.forward(seconds=2)
    assert bench.poll(batch=2).polls == 6
    assert bench.account().failures == 0


def test_a_count_that_runs_out_as_the_account_recovers_is_obeyed_too(bench: Bench) -> None:
    knows_all(bench)
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    bench.poll()
    bench.clock.forward(seconds=40)
    says_none_left(bench, 600)
    assert bench.poll(batch=2).calls == 1
    assert (bench.paused_for(), bench.account().failures) == (600, 0)
    assert bench.poll(batch=2).calls == 0


def test_the_process_that_was_told_waits_even_where_nothing_was_written_yet(bench: Bench) -> None:
    knows_all(bench)
    says_none_left(bench, 600)
    poller = bench.poller(batch=2)
    bench.poll(poller)
    bench.set("UPDATE accounts SET paused_until = NULL")
    bench.asked.clear()
    assert bench.poll(poller).calls == 0
    assert bench.asked == []
    assert bench.paused_for() == 600
