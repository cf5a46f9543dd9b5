"""Polls that come to nothing: answers of no use, outages, refusals, an end in between. The account pays for it, no
parcel does."""

import json

import pytest

from carriers.sdk import Call, Reply
from tests.integration.bench import HTML, NUMBERS, Bench, knows_all
from tracker.budget import FIRST_PAUSE, QuotaSpent
from tracker.poll import STRANGE


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
    bench.due()
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
    bench.due()
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
    bench.due()
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


def test_an_outage_is_no_reason_to_give_up(bench: Bench) -> None:
    bench.order("NEVER1")
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    for _ in range(40):
        bench.clock.forward(days=1)
        bench.poll()
    assert bench.parcel("NEVER1").status is None
    assert bench.pushes() == []
