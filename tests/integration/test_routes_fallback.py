"""An account that does not answer for long leaves its parcels to their next source, until it answers again."""

from collections.abc import Callable
from datetime import timedelta

from carriers.sdk import Call, Reply
from tests.integration.bench import claim
from tests.integration.network import Network
from tracker.budget import LEASE
from tracker.poll import STRANGE
from tracker.store import parcels

Make = Callable[..., Network]
RULES = [{"carrier": "plain", "through": ["plain", "gatherer"]}]


def down(call: Call) -> Reply:
    return Reply(call.numbers, 503, b"")


def fail(network: Network, account: str, **amount: float) -> None:
    """Let an account fail for so long; every parcel is due at the end."""
    network.lines[account].answer = down
    end = network.clock.now() + timedelta(**amount)
    while network.clock.now() < end:
        network.due()
        network.beat(account)
        network.clock.forward(minutes=1)
    network.due()
    network.asked()


def back(network: Network, account: str) -> None:
    """It answers again, and its pause is over."""
    network.lines[account].answer = lambda call: None
    network.clock.forward(seconds=(network.paused_for(account) or 0) + 1)
    network.due()


def test_an_account_that_fails_leaves_its_parcels_to_the_next_source_until_it_answers_again(network: Make) -> None:
    at = network(["gatherer", "plain"], RULES)
    at.order("NUM001")
    at.lines["plain"].tell("NUM001", (0, "OC"), (1, "PU"))
    at.lines["gatherer"].tell("NUM001", (0, "created"), (2, "moving"))
    at.clock.forward(hours=3)
    at.beat()
    fail(at, "plain", minutes=110)
    at.beat("gatherer")
    assert at.asked() == {}, "it was not silent for long enough"
    fail(at, "plain", minutes=20)
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    parcel = at.parcel("NUM001")
    assert (parcel.status, parcel.source, parcel.carrier, parcel.step) == ("IN_TRANSIT", "plain", "plain", 0)
    standing = at.rows("SELECT code, source FROM events WHERE withdrawn_at IS NULL ORDER BY code")
    assert ("moving", "gatherer") in [tuple(row) for row in standing]

    at.lines["plain"].tell("NUM001", (0, "OC"), (1, "PU"), (5, "DL"))
    back(at, "plain")
    at.beat()
    at.due()
    at.beat()
    assert at.asked() == {"plain": ["NUM001"] * 2}, "an account whose pause is over has the first turn"
    assert at.parcel("NUM001").status == "DELIVERED"
    assert at.account("plain").failing_since is None


def test_a_source_stands_in_only_for_parcels_that_have_it_among_theirs(network: Make) -> None:
    accounts = ["plain", "acme", "gatherer"]
    at = network(accounts, [{"carrier": "plain", "service": "economy", "through": ["plain", "gatherer"]}])
    at.order("NUM001", company="Plain Economy")
    at.order("NUM002")
    fail(at, "plain", minutes=130)
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    before = at.rows("SELECT * FROM quota_use")
    assert at.beat("acme", "gatherer")["gatherer"].calls == 0
    assert at.rows("SELECT * FROM quota_use") == before
    assert at.rows("SELECT 1 FROM reservations WHERE calls > 0") == []


def test_the_others_of_several_accounts_take_the_parcels_before_any_stand_in(network: Make) -> None:
    at = network(["plain/a", "plain/b", "gatherer"], RULES)
    at.order("NUM001")
    fail(at, "plain/a", minutes=130)
    at.beat("gatherer", "plain/b")
    assert at.asked() == {"plain/b": ["NUM001"]}


def test_a_stand_in_that_does_not_know_what_the_other_knew_is_not_out_of_order(network: Make) -> None:
    numbers = [f"NUM{index:03}" for index in range(2 * STRANGE)]
    at = network(["plain", "gatherer"], RULES)
    at.order(*numbers)
    for number in numbers:
        at.lines["plain"].tell(number, (0, "OC"), (1, "PU"))
    at.clock.forward(hours=2)
    at.beat()
    fail(at, "plain", minutes=130)
    tally = at.beat("gatherer")["gatherer"]
    assert (tally.polls, tally.failure, at.paused_for("gatherer")) == (len(numbers), None, None)
    rows = at.rows("SELECT DISTINCT status, source, known, not_found FROM parcels")
    assert [tuple(row) for row in rows] == [("CARRIER_PICKED_UP", "plain", 1, 1)]
    back(at, "plain")
    assert at.beat()["plain"].failure is None
    rows = at.rows("SELECT DISTINCT status, source, known, not_found FROM parcels")
    assert [tuple(row) for row in rows] == [("CARRIER_PICKED_UP", "plain", 1, 0)]


def test_what_only_the_stand_in_knows_is_no_sign_of_trouble_of_the_first_and_goes_to_the_stand_in(
    network: Make,
) -> None:
    numbers = [f"NUM{index:03}" for index in range(2 * STRANGE)]
    at = network(["plain", "gatherer"], RULES)
    at.order(*numbers)
    fail(at, "plain", minutes=130)
    for number in numbers:
        at.lines["gatherer"].tell(number, (0, "created"), (1, "moving"))
    at.beat("gatherer")
    assert {(row.status, row.source) for row in at.rows("SELECT * FROM parcels")} == {("IN_TRANSIT", "plain")}
    back(at, "plain")
    for _ in range(8):
        tallies = at.beat()
        assert tallies["plain"].failure is None
        at.clock.forward(hours=4)
        at.due()
    at.asked()
    at.beat()
    assert {name: sorted(asked) for name, asked in at.asked().items()} == {"gatherer": numbers}
    rows = at.rows("SELECT DISTINCT status, carrier, source, known FROM parcels")
    assert [tuple(row) for row in rows] == [("IN_TRANSIT", "plain", "gatherer", 1)]


def test_a_stand_in_that_was_killed_leaves_the_parcel_to_whoever_comes_first(network: Make) -> None:
    at = network(["plain", "gatherer"], RULES)
    at.order("NUM001")
    at.lines["plain"].tell("NUM001", (0, "OC"))
    at.lines["gatherer"].tell("NUM001", (0, "moving"))
    fail(at, "plain", minutes=130)
    now = at.clock.now()
    with at.database.write() as tx:
        stand_in = [parcels.Source("plain", ("gatherer",))]
        assert claim(tx, stand_in, token="killed", now=now)
    at.beat()
    assert at.asked() == {}, "it is under a lease still"
    at.clock.forward(seconds=LEASE + 1)
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    assert (at.parcel("NUM001").status, at.parcel("NUM001").source) == ("IN_TRANSIT", "plain")


def test_an_answer_of_the_stand_in_that_comes_after_the_others_return_changes_nothing(network: Make) -> None:
    at = network(["plain", "gatherer"], RULES)
    at.order("NUM001")
    at.lines["plain"].tell("NUM001", (0, "OC"))
    at.lines["gatherer"].tell("NUM001", (0, "moving"))
    fail(at, "plain", minutes=130)

    def overtake(call: Call) -> None:
        at.clock.forward(seconds=LEASE + 1)
        back(at, "plain")
        now = at.clock.now()
        with at.database.write() as tx:
            assert claim(tx, [parcels.Source("plain")], token="newer", now=now)

    at.lines["gatherer"].answer = overtake
    tally = at.beat("gatherer")["gatherer"]
    assert (tally.calls, tally.polls, tally.events) == (1, 0, 0)
    at.clock.forward(seconds=LEASE + 1)
    at.asked()
    at.beat("gatherer", "plain")
    assert at.asked() == {"plain": ["NUM001"]}
    assert (at.parcel("NUM001").status, at.parcel("NUM001").lease_token) == ("CONFIRMED", None)
