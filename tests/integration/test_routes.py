"""Parcels polled where the rules say: shared by accounts, kept apart by rules, asked about through aggregators."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from carriers.sdk import AuthFailed, BadPayload, Call, RateLimited, Reply, Unavailable
from carriers.sdk.codes import Meaning
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import NUMBERS
from tests.integration.network import Network
from tracker.budget import QuotaSpent

Make = Callable[..., Network]
EVERYTHING = [{"through": ["gatherer"]}]
LEASED = "SELECT 1 FROM parcels WHERE lease_token IS NOT NULL"


def sources(network: Network) -> dict[str, str]:
    return {row.number: row.source for row in network.rows("SELECT number, source FROM parcels")}


# several accounts of one carrier


def test_accounts_of_one_carrier_share_its_parcels_by_the_calls_they_have_left(network: Make) -> None:
    at = network(["plain/a", "plain/b"], plain_a={"per_hour": 3, "batch": 1}, plain_b={"per_hour": 10, "batch": 1})
    at.order(*NUMBERS)
    at.beat()
    asked = at.asked()
    assert {name: len(numbers) for name, numbers in asked.items()} == {"plain/a": 3, "plain/b": 5}
    assert sorted(asked["plain/a"] + asked["plain/b"]) == list(NUMBERS), "one was asked about twice, or not at all"
    at.due()
    at.beat()
    assert {name: len(numbers) for name, numbers in at.asked().items()} == {"plain/b": 5}, "its quota is 10"
    assert at.rows(LEASED) == []


def test_an_account_that_a_rule_names_serves_only_that_rules_parcels(network: Make) -> None:
    rules = [{"carrier": "plain", "country": "CA", "through": ["plain/a"]}]
    at = network(["plain/a", "plain/b"], rules, plain_a={"per_hour": 1, "batch": 1})
    at.order("CA001", "CA002", address={"country": "CA"})
    at.order("US001", "US002", address={"country": "US"})
    at.order("ANY001")
    assert sources(at) == {
        "CA001": "plain/a",
        "CA002": "plain/a",
        "US001": "plain",
        "US002": "plain",
        "ANY001": "plain",
    }
    at.beat()
    at.beat()
    asked = at.asked()
    assert len(asked["plain/a"]) == 1, "its quota is used up"
    assert set(asked["plain/a"]) < {"CA001", "CA002"}
    assert sorted(asked["plain/b"]) == ["ANY001", "US001", "US002"], "the other account does not take them over"


def test_rules_by_service_and_tag_choose_the_account(network: Make) -> None:
    rules = [
        {"service": "economy", "carrier": "plain", "through": ["plain/slow"]},
        {"tag": "vip", "carrier": "plain", "through": ["plain/fast"]},
    ]
    at = network(["plain/slow", "plain/fast", "plain/rest"], rules)
    at.order("NUM001", company="Plain Economy", tags="VIP")
    at.order("NUM002", company="Plain", tags=["new", "Vip"])
    at.order("NUM003", company="Plain", tags="new")
    at.beat()
    assert at.asked() == {"plain/slow": ["NUM001"], "plain/fast": ["NUM002"], "plain/rest": ["NUM003"]}


# through an aggregator


def test_an_aggregator_is_asked_by_the_parcels_carrier_and_the_parcel_stays_its_carriers(network: Make) -> None:
    at = network(["plain", "acme", "gatherer"], EVERYTHING)
    at.order("NUM001")
    at.order("NUM002", company="Acme")
    line = at.lines["gatherer"]
    line.tell("NUM001", (0, "created"), (1, "moving"))
    line.tell("NUM002", (0, "created"))
    at.clock.forward(hours=2)
    at.beat()
    assert [(call.path, orjson.loads(call.body or b"")) for call in line.calls] == [
        ("/ask", {"NUM001": "plain", "NUM002": "acme"})
    ]
    assert at.asked() == {"gatherer": ["NUM001", "NUM002"]}
    first, second = at.parcel("NUM001"), at.parcel("NUM002")
    assert (first.carrier, first.source, first.status, first.known) == ("plain", "gatherer", "IN_TRANSIT", 1)
    assert (second.carrier, second.source, second.status) == ("acme", "gatherer", "CONFIRMED")
    events = at.rows("SELECT code, source, mapped FROM events ORDER BY id")
    assert [tuple(event) for event in events] == [
        ("moving", "gatherer", 1),
        ("created", "gatherer", 1),
        ("created", "gatherer", 1),
    ]
    assert ("IN_TRANSIT", "waiting") in at.pushes()


def test_the_merchants_mapping_of_the_one_who_answers_counts(network: Make) -> None:
    mappings = {"gatherer": {"NOTE": Meaning(S.ON_HOLD)}, "plain": {"NOTE": Meaning(S.DELIVERED)}}
    at = network(["plain", "gatherer"], [{"service": "economy", "through": ["gatherer"]}], mappings=mappings)
    at.order("NUM001", company="Plain Economy")
    at.order("NUM002")
    at.lines["gatherer"].tell("NUM001", (0, "moving"), (1, "NOTE"))
    at.lines["plain"].tell("NUM002", (0, "IT"), (1, "NOTE"))
    at.clock.forward(hours=2)
    at.beat()
    assert (at.parcel("NUM001").status, at.parcel("NUM002").status) == ("ON_HOLD", "DELIVERED")


def test_one_number_of_two_carriers_is_asked_about_one_after_the_other(network: Make) -> None:
    at = network(["plain", "acme", "gatherer"], EVERYTHING)
    at.order("NUM001", "NUM002", "NUM003")
    at.order("NUM001", company="Acme", sourceOrderId="#again")
    line = at.lines["gatherer"]

    def by_carrier(call: Call) -> Reply:
        codes = {"plain": "moving", "acme": "done"}
        asked = orjson.loads(call.body or b"")
        told = {number: {"events": [["2026-03-02T13:00:00+00:00", codes[asked[number]]]]} for number in asked}
        return Reply(call.numbers, 200, orjson.dumps(told))

    line.answer = by_carrier
    at.clock.forward(hours=2)
    tally = at.beat("gatherer")["gatherer"]
    assert tally.polls == 4
    assert all(len(set(lot)) == len(lot) for lot in line.asked)
    found = {(row.number, row.carrier): row.status for row in at.rows("SELECT number, carrier, status FROM parcels")}
    assert found == {
        ("NUM001", "plain"): "IN_TRANSIT",
        ("NUM001", "acme"): "DELIVERED",
        ("NUM002", "plain"): "IN_TRANSIT",
        ("NUM003", "plain"): "IN_TRANSIT",
    }
    ids = [row.id for row in at.rows("SELECT id FROM parcels WHERE number = 'NUM001'")]
    by_hand = asyncio.run(at.pollers["gatherer"].run(asyncio.Event(), only=ids, by_hand=True))
    assert {(answer.id, answer.carrier) for answer in by_hand.answers} == {
        (row.id, row.carrier) for row in at.rows("SELECT id, carrier FROM parcels WHERE number = 'NUM001'")
    }


# enrolment


def calls_counted(network: Network, account: str) -> int:
    query = 'SELECT COALESCE(SUM(calls), 0) AS calls FROM quota_use WHERE account = ? AND "window" = 3600'
    return int(network.rows(query, account)[0].calls)


def test_what_the_aggregator_does_not_follow_is_enrolled_after_its_answer_within_the_quota(network: Make) -> None:
    at = network(["plain", "gatherer"], EVERYTHING, gatherer={"per_hour": 10})
    at.order("NUM001", "NUM002", "NUM003")
    line = at.lines["gatherer"]
    line.tell("NUM002", (0, "created"))
    at.clock.forward(hours=1)
    tally = at.beat("gatherer")["gatherer"]
    assert [(call.path, call.numbers) for call in line.calls] == [
        ("/ask", ("NUM001", "NUM002", "NUM003")),
        ("/follow", ("NUM001",)),
        ("/follow", ("NUM003",)),
    ]
    assert (tally.calls, tally.polls, calls_counted(at, "gatherer")) == (3, 3, 3)
    assert at.rows("SELECT 1 FROM reservations WHERE calls > 0") == []
    assert (at.parcel("NUM002").status, at.parcel("NUM001").not_found) == ("CONFIRMED", 1)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply((), 500, b""),
        Reply((), 401, b"{}"),
        Reply((), 404, b"{}"),
        Reply((), 429, b"", {"retry-after": "600"}),
        AuthFailed("no"),
        RateLimited("slow down", retry_after=600),
        Unavailable("down"),
        BadPayload("what?"),
        QuotaSpent("none left"),
    ],
    ids=lambda trouble: str(getattr(trouble, "status", None) or type(trouble).__name__),
)
def test_an_enrolment_that_fails_harms_nothing(network: Make, trouble: Reply | Exception) -> None:
    at = network(["plain", "gatherer"], EVERYTHING)
    at.order("NUM001", "NUM002")
    line = at.lines["gatherer"]
    line.tell("NUM002", (0, "created"))
    line.answer = lambda call: trouble if call.path == "/follow" else None
    at.clock.forward(hours=1)
    tally = at.beat("gatherer")["gatherer"]
    assert (tally.polls, tally.failure) == (2, None)
    assert (at.parcel("NUM002").status, at.parcel("NUM001").not_found) == ("CONFIRMED", 1)
    assert (at.paused_for("gatherer"), at.account("gatherer").failures) == (None, 0)
    assert at.rows(LEASED) == []
    line.answer = lambda call: None
    at.until_due("NUM001")
    at.beat("gatherer")
    assert line.calls[-1].path == "/follow", "it is not tried again"


def test_an_enrolment_for_which_no_call_is_left_waits_for_the_next_question(network: Make) -> None:
    at = network(["plain", "gatherer"], EVERYTHING, gatherer={"per_hour": 1})
    at.order("NUM001")
    tally = at.beat("gatherer")["gatherer"]
    assert (tally.calls, tally.polls) == (1, 1)
    assert at.parcel("NUM001").not_found
    assert calls_counted(at, "gatherer") == 1


def test_by_hand_it_is_said_whose_the_parcel_is(network: Make) -> None:
    at = network(["plain", "gatherer"], EVERYTHING)
    at.order("NUM001")
    at.lines["gatherer"].tell("NUM001", (0, "created"))
    id: Any = at.parcel("NUM001").id
    for changed in (True, False):
        tally = asyncio.run(at.pollers["gatherer"].run(asyncio.Event(), only=[id], by_hand=True))
        assert [tuple(answer) for answer in tally.answers] == [(id, "plain", "NUM001", S.CONFIRMED, changed, None)]
