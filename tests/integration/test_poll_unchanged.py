"""Answers that were read before: what they cost, and what makes them new."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk import Call, Codes
from carriers.sdk.codes import Meaning
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import NUMBERS, PLAIN, START, Bench, Listing, Plain, claim, knows_all
from tracker.budget import LEASE
from tracker.cadence import Cadence
from tracker.poll import STRANGE, Tally
from tracker.store import parcels

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
    now, after = bench.clock.now(), bench.parcel("NUM001")
    assert after._asdict() == before._asdict() | {
        "last_polled_at": now.isoformat(timespec="microseconds"),
        "next_poll_at": after.next_poll_at,
        "look_at": after.next_poll_at,
    }
    assert Cadence().minimum <= datetime.fromisoformat(after.next_poll_at) - now <= Cadence().rejudge
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

    assert {answer[1:] for answer in tally.answers} == {
        ("plain", "NUM001", S.CARRIER_PICKED_UP, False, None),
        ("plain", "NUM002", S.IN_TRANSIT, True, None),
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
    assert parcel.next_poll_at > bench.clock.now().isoformat(timespec="microseconds")


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
            assert claim(tx, PLAIN, token="other", now=now)

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
        (claimed,) = claim(tx, PLAIN, token="newer", now=now)
    before = bench.parcel("NUM001")
    row: dict[str, Any] = {"id": claimed.id, "last_polled_at": now + timedelta(hours=9), "next_poll_at": None}
    row |= {
        "look_at": None,
        "priority": 0,
        "not_found": True,
        "not_found_since": None,
        "failures": 7,
        "last_error": "BadPayload: late",
    }

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
        bench.close()
