"""Parcels of which nobody knows whose they are, and the aggregator that is asked about all of them."""

from collections.abc import Callable

from tests.integration.network import Network

Make = Callable[..., Network]

ANYTHING = [{"through": ["gatherer"]}]
STRANGER = {"company": "Nobody Knows"}


def test_a_rule_for_every_parcel_has_those_of_unknown_carriers_asked_about_too(network: Make) -> None:
    at = network(["gatherer"], ANYTHING)
    at.order("NUM001", **STRANGER)
    assert (at.parcel("NUM001").carrier, at.parcel("NUM001").source) == ("", "gatherer")
    at.lines["gatherer"].tell("NUM001", (0, "created"), (1, "moving"))
    at.clock.forward(hours=2)
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    parcel = at.parcel("NUM001")
    assert (parcel.carrier, parcel.status, parcel.known) == ("", "IN_TRANSIT", 1)
    assert at.pushes() == [("IN_TRANSIT", "waiting")]

    at.lines["gatherer"].tell("NUM001", (0, "created"), (1, "moving"), (40, "done"))
    at.clock.forward(hours=50)
    at.beat()
    assert (at.parcel("NUM001").carrier, at.parcel("NUM001").status) == ("", "DELIVERED")


def test_without_a_rule_nobody_is_asked_about_them(network: Make) -> None:
    at = network(["plain", "gatherer"], [{"carrier": "plain", "through": ["gatherer"]}])
    at.order("NUM001", **STRANGER)
    for _ in range(5):
        at.beat()
        at.clock.forward(days=1)
    assert at.asked() == {}
    assert (at.parcel("NUM001").source, at.parcel("NUM001").next_poll_at) == ("", None)


def test_a_rule_that_comes_and_goes_begins_and_ends_the_questions(network: Make) -> None:
    at = network(["plain", "gatherer"])
    at.order("NUM001", **STRANGER)
    assert at.parcel("NUM001").next_poll_at is None
    at.start(ANYTHING)
    assert at.reroute() == 1
    at.lines["gatherer"].tell("NUM001", (0, "created"))
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    assert at.parcel("NUM001").status == "CONFIRMED"
    at.start([])
    assert at.reroute() == 1
    parcel = at.parcel("NUM001")
    assert (parcel.source, parcel.next_poll_at, parcel.status) == ("", None, "CONFIRMED")
    at.clock.forward(days=1)
    at.beat()
    assert at.asked() == {}


def test_a_company_that_turns_out_to_be_a_carriers_name_takes_it_along(network: Make) -> None:
    at = network(["plain", "gatherer"], [{"carrier": "plain", "through": ["plain"]}, *ANYTHING])
    at.order("NUM001", **STRANGER)
    at.beat()
    assert at.asked() == {"gatherer": ["NUM001"]}
    assert at.reassign({"Nobody Knows": "plain"}) == 1
    at.lines["plain"].tell("NUM001", (0, "OC"))
    at.due()
    at.beat()
    assert at.asked() == {"plain": ["NUM001"]}
    assert (at.parcel("NUM001").carrier, at.parcel("NUM001").status) == ("plain", "CONFIRMED")


def test_two_parcels_of_one_number_never_ride_in_one_call(network: Make) -> None:
    """A question could not tell them apart, and a second call is no free ride."""
    at = network(["plain", "acme", "gatherer"], ANYTHING)
    for company in ("Plain", "Acme"):
        for number in ("NUM001", "NUM002"):
            at.order(number, company=company, sourceOrderId=f"#{company} {number}")
            at.lines["gatherer"].tell(number, (0, "created"))
    at.beat()
    assert sorted(at.asked()["gatherer"]) == ["NUM001", "NUM001", "NUM002", "NUM002"]
    at.clock.forward(hours=1)
    now = at.clock.now().isoformat(timespec="microseconds")
    one = "number = 'NUM001' AND carrier = 'plain'"
    at.set(f"UPDATE parcels SET next_poll_at = :at, look_at = NULL WHERE {one}", at=now)  # noqa: S608
    assert at.beat()["gatherer"].calls == 1
    assert at.asked() == {"gatherer": ["NUM001", "NUM002"]}
    asked = at.rows("SELECT carrier FROM parcels WHERE number = 'NUM001' AND last_polled_at = ?", now)
    assert [row.carrier for row in asked] == ["plain"]
    at.clock.forward(minutes=1)
    assert at.beat()["gatherer"].calls == 0
