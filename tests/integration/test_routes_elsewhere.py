"""A number that its carrier does not know: tried at its next source and at carriers its form speaks for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from carriers.sdk import Reply, TrackingNumber
from carriers.sdk.numbers import candidates
from tests.integration.bench import HTML, START
from tests.integration.network import Network
from tracker.cadence import Cadence
from tracker.routing import LIKELY

Make = Callable[..., Network]

NUMBER = "12345678901234"
FIRST, SECOND = [found.carrier for found in candidates(TrackingNumber(NUMBER)) if found.confidence >= LIKELY][:2]
DAY = timedelta(days=1)


def visited(network: Network, times: int) -> list[str]:
    """Who is asked about the number at its next so many polls, one each."""
    names = []
    for _ in range(times):
        while not (asked := network.asked()):  # a turn may be put off
            network.until_due(NUMBER)
            network.beat()
        ((name, numbers),) = asked.items()
        assert numbers == [NUMBER]
        names.append(name)
    return names


def until_tried_elsewhere(network: Network) -> None:
    """Poll until the next question goes to another source than the first."""
    first = network.parcel(NUMBER).source
    while network.parcel(NUMBER).source == first:
        network.until_due(NUMBER)
        network.beat()
    network.asked()


@pytest.mark.parametrize("denial", [None, "invalid"], ids=["not found", "invalid number"])
def test_unknown_for_a_day_it_is_tried_in_turn_one_a_poll_at_the_pace_of_a_number_not_found(
    network: Make, denial: str | None
) -> None:
    at = network(["plain", FIRST, SECOND, "ups"])
    at.order(NUMBER)
    for line in at.lines.values():
        line.told[NUMBER] = denial
    until_tried_elsewhere(at)
    assert DAY <= at.clock.now() - START <= DAY + Cadence().rejudge, "at the first question after a day"
    assert visited(at, 7) == [FIRST, SECOND, "plain", FIRST, SECOND, "plain", FIRST]
    parcel = at.parcel(NUMBER)
    assert (parcel.carrier, parcel.use, parcel.status) == ("plain", 1, None)
    assert parcel.not_found_since == START.isoformat(timespec="microseconds")


def test_the_calls_about_it_are_no_more_than_its_own_carrier_would_have_got(network: Make) -> None:
    at = network(["plain", FIRST, SECOND])
    at.order(NUMBER)
    asked_at: list[datetime] = []
    while len(asked_at) < 12:
        at.until_due(NUMBER)
        if calls := sum(tally.calls for tally in at.beat().values()):
            assert calls == 1
            asked_at.append(at.clock.now())
    assert asked_at[0] == START
    cadence = Cadence()
    for before, after in pairwise(asked_at):
        assert after - before >= (cadence.unknown if before - START < cadence.unknown_fresh else cadence.unknown_later)
    assert len(at.asked()) == 3, "it was asked about at its own carrier alone"


def test_found_elsewhere_it_moves_and_stays_there(network: Make) -> None:
    at = network(["plain", FIRST, SECOND])
    at.order(NUMBER)
    until_tried_elsewhere(at)
    at.lines[FIRST].tell(NUMBER, (0, "OC"), (20, "PU"))
    assert visited(at, 1) == [FIRST]
    parcel = at.parcel(NUMBER)
    assert (parcel.carrier, parcel.source, parcel.route, parcel.step) == (FIRST, FIRST, FIRST, 0)
    assert (parcel.use, parcel.status, parcel.not_found_since) == (1, "CARRIER_PICKED_UP", None)
    assert {row.source for row in at.rows("SELECT source FROM events")} == {FIRST}
    assert ("CARRIER_PICKED_UP", "waiting") in at.pushes()

    at.lines["plain"].tell(NUMBER, (0, "OC"))
    del at.lines[FIRST].told[NUMBER]
    assert set(visited(at, 12)) == {FIRST}, "a parcel that is known was moved again"
    assert at.parcel(NUMBER).carrier == FIRST


def test_where_the_other_carrier_has_that_number_already_it_is_another_use_of_it(network: Make) -> None:
    at = network(["plain", FIRST])
    at.order(NUMBER)
    until_tried_elsewhere(at)
    at.order(NUMBER, company=FIRST, sourceOrderId="#theirs", created=START)
    at.lines[FIRST].tell(NUMBER, (0, "OC"), (20, "PU"))
    at.due()
    at.beat()
    rows = at.rows("SELECT carrier, use, status, route FROM parcels ORDER BY use")
    assert [tuple(row) for row in rows] == [
        (FIRST, 1, "CARRIER_PICKED_UP", FIRST),
        (FIRST, 2, "CARRIER_PICKED_UP", FIRST),
    ]
    assert len(at.rows("SELECT 1 FROM fulfillments WHERE status = 'CARRIER_PICKED_UP'")) == 2


def test_two_parcels_that_move_at_once_to_one_number_are_two_uses(network: Make) -> None:
    at = network(["plain", "acme", FIRST])
    at.order(NUMBER)
    at.order(NUMBER, company="Acme", sourceOrderId="#acme")
    for _ in range(40):
        at.clock.forward(hours=1)
        at.beat("plain", "acme")
    at.lines[FIRST].tell(NUMBER, (0, "OC"))
    at.due()
    at.beat()
    rows = at.rows("SELECT carrier, use, status FROM parcels ORDER BY use")
    assert [tuple(row) for row in rows] == [(FIRST, 1, "CONFIRMED"), (FIRST, 2, "CONFIRMED")]


def test_a_parcel_that_its_carrier_once_knew_never_moves(network: Make) -> None:
    at = network(["plain", FIRST, SECOND])
    at.order(NUMBER)
    at.lines["plain"].tell(NUMBER, (0, "OC"))
    at.lines[FIRST].tell(NUMBER, (0, "OC"), (1, "DL"))
    at.beat()
    del at.lines["plain"].told[NUMBER]
    at.asked()
    assert set(visited(at, 20)) == {"plain"}
    parcel = at.parcel(NUMBER)
    assert (parcel.carrier, parcel.status, parcel.not_found) == ("plain", "CONFIRMED", 1)


def test_a_parcel_that_its_source_once_knew_is_asked_about_at_no_other(network: Make) -> None:
    at = network(["plain", "gatherer"], [{"carrier": "plain", "through": ["plain", "gatherer"]}])
    at.order(NUMBER)
    at.lines["plain"].tell(NUMBER, (0, "OC"))
    at.beat()
    del at.lines["plain"].told[NUMBER]
    at.asked()
    assert set(visited(at, 20)) == {"plain"}


def test_a_rule_that_changes_where_a_known_parcel_is_asked_about_moves_it_to_no_other_carrier(network: Make) -> None:
    at = network(["plain", FIRST, "gatherer"])
    at.order(NUMBER)
    at.lines["plain"].tell(NUMBER, (0, "OC"))
    at.lines[FIRST].tell(NUMBER, (0, "OC"), (1, "DL"))
    at.beat()
    at.start([{"carrier": "plain", "through": ["gatherer"]}])
    assert at.reroute() == 1
    at.asked()
    assert set(visited(at, 20)) == {"gatherer"}
    assert (at.parcel(NUMBER).carrier, at.parcel(NUMBER).status) == ("plain", "CONFIRMED")


def test_the_next_source_of_its_rule_comes_before_what_its_form_says_and_does_not_move_it(network: Make) -> None:
    at = network(["plain", "gatherer", FIRST], [{"carrier": "plain", "through": ["plain", "gatherer"]}])
    at.order(NUMBER)
    until_tried_elsewhere(at)
    assert visited(at, 4) == ["gatherer", FIRST, "plain", "gatherer"]
    at.lines["gatherer"].tell(NUMBER, (0, "moving"))
    assert visited(at, 5) == [FIRST, "plain", "gatherer", "gatherer", "gatherer"]
    parcel = at.parcel(NUMBER)
    assert (parcel.carrier, parcel.source, parcel.route) == ("plain", "gatherer", "plain gatherer")
    assert (parcel.status, parcel.not_found, parcel.not_found_since) == ("IN_TRANSIT", 0, None)


def test_where_its_form_speaks_for_nobody_it_stays_where_it_is(network: Make) -> None:
    at = network(["plain", FIRST, "ups"])
    at.order("NUM001")
    for _ in range(6):
        at.clock.forward(days=1)
        at.beat()
    assert at.asked() == {"plain": ["NUM001"] * 6}


def test_since_when_it_is_unknown_is_forgotten_when_it_is_found(network: Make) -> None:
    at = network(["plain"])
    at.order("NUM001", "NUM002")
    at.lines["plain"].tell("NUM001", (0, "OC"))
    at.beat()
    told = at.lines["plain"].told.pop("NUM001")
    at.clock.forward(hours=5)
    at.due()
    at.beat()
    assert at.parcel("NUM001").not_found_since == at.clock.now().isoformat(timespec="microseconds")
    assert at.parcel("NUM002").not_found_since == START.isoformat(timespec="microseconds")
    at.lines["plain"].told["NUM001"] = told
    at.lines["plain"].tell("NUM002", (0, "OC"))
    at.due()
    at.beat()
    assert {row.not_found_since for row in at.rows("SELECT not_found_since FROM parcels")} == {None}


def test_tried_at_an_account_that_does_not_answer_it_comes_back(network: Make) -> None:
    at = network([FIRST, "plain"])
    at.order(NUMBER)
    until_tried_elsewhere(at)
    assert at.parcel(NUMBER).source == FIRST
    at.lines[FIRST].answer = lambda call: Reply(call.numbers, 401, b"{}")
    at.lines["plain"].tell(NUMBER, (0, "OC"))
    at.until_due(NUMBER)
    for _ in range(40):
        at.beat()
        at.clock.forward(minutes=5)
    parcel = at.parcel(NUMBER)
    assert (parcel.status, parcel.source, parcel.carrier, parcel.step) == ("CONFIRMED", "plain", "plain", 0)


# given up


def test_asked_once_and_then_not_for_a_month_it_is_not_given_up_at_the_first_denial(network: Make) -> None:
    at = network(["plain"])
    at.order("NEVER1")
    line = at.lines["plain"]
    line.answer = lambda call: Reply(call.numbers, 200, HTML)
    at.beat()
    assert at.parcel("NEVER1").first_asked_at == START.isoformat(timespec="microseconds")
    line.answer = lambda call: Reply(call.numbers, 503, b"")
    for _ in range(31):
        at.clock.forward(days=1)
        at.beat()
    line.answer = lambda call: None
    at.clock.forward(days=1)
    at.beat()
    parcel = at.parcel("NEVER1")
    assert (parcel.status, parcel.not_found) == (None, 1)
    assert at.pushes() == []
    for _ in range(30):
        at.clock.forward(days=1)
        at.due()
        at.beat()
    assert at.parcel("NEVER1").status == "FAILURE", "thirty days of denials end it as ever"


def test_trying_elsewhere_does_not_put_off_giving_up(network: Make) -> None:
    at = network(["plain", FIRST, SECOND])
    at.order(NUMBER)
    for _ in range(31):
        at.beat()
        at.clock.forward(days=1)
    parcel = at.parcel(NUMBER)
    assert (parcel.status, parcel.carrier) == ("FAILURE", "plain")
    assert parcel.reason == f"never known to the carrier since {START:%Y-%m-%d}"
