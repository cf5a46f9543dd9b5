"""What holds of every timeline, whatever the carrier says and in whatever order."""

import random
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from carriers.sdk import Event, FulfillmentStatus, Meaning, Place, Shipment, Summary, ZoneSource
from carriers.sdk.codes import MEANINGS
from carriers.sdk.status import CARRIER_STATUSES, RECEIVED
from tracker.timeline import ParcelStatus, RollUp, event_key, fold, relevant, remap, roll_up

ORIGIN = datetime(2026, 3, 2, tzinfo=UTC)
BY_NAME = sorted(MEANINGS)

words = st.sampled_from(BY_NAME).map(MEANINGS.__getitem__)
readings = st.one_of(st.none(), words)
offsets = st.integers(-12, 14).map(lambda hours: timedelta(hours=hours))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Events of distinct instants, newest first; minutes apart as often as days."""
    gaps = draw(st.lists(st.one_of(st.integers(1, 15), st.integers(16, 5000)), max_size=12))
    listed, minutes = [], 0
    for gap in gaps:
        minutes += gap
        listed.append(
            Event(
                ORIGIN + timedelta(minutes=minutes),
                ZoneSource.GIVEN,
                draw(st.sampled_from("ABC")),
                draw(readings),
                place=draw(st.sampled_from([None, Place("Reno", "NV", "", "US")])),
                coarse=draw(readings),
            )
        )
    return listed[::-1]


summaries = st.one_of(st.none(), readings.map(lambda meaning: Summary("SUM", meaning)))
instants = st.integers(0, 60_000).map(lambda minutes: ORIGIN + timedelta(minutes=minutes))
shipments = st.builds(
    lambda listed, summary, promised: Shipment(tuple(listed), summary, promised),
    events(),
    summaries,
    st.one_of(st.none(), instants),
)


def effective(event: Event) -> Meaning | None:
    return event.meaning or event.coarse


@given(shipments, st.one_of(st.none(), instants), st.randoms(use_true_random=False), st.data())
def test_order_and_duplicates_do_not_matter(
    shipment: Shipment, now: datetime | None, chance: random.Random, data: st.DataObject
) -> None:
    mixed = list(shipment.events)
    if mixed:
        mixed += data.draw(st.lists(st.sampled_from(mixed), max_size=6))
    chance.shuffle(mixed)
    again = Shipment(tuple(mixed), shipment.summary, shipment.estimated_delivery)
    assert fold(again, now=now) == fold(shipment, now=now)


@given(shipments, st.integers(0, 12))
def test_it_does_not_matter_what_was_stored_before_and_what_is_in_the_answer(shipment: Shipment, cut: int) -> None:
    answer = Shipment(shipment.events[:cut], shipment.summary, shipment.estimated_delivery)
    assert fold(answer, earlier=shipment.events[cut:]) == fold(shipment)
    assert fold(answer, earlier=shipment.events) == fold(shipment)


@given(shipments, st.one_of(st.none(), instants))
def test_a_timeline_agrees_with_itself(shipment: Shipment, now: datetime | None) -> None:
    line = fold(shipment, now=now)
    if line.returning:
        assert (line.status, line.delivered_at) == (FulfillmentStatus.FAILURE, None)
        assert line.reason.startswith("returning: ")
    if line.delivered_at is not None:
        assert line.status in RECEIVED | {FulfillmentStatus.FAILURE}
    if line.status is None:
        assert (line.status_at, line.reason, line.delivered_at) == (None, "", None)
    else:
        assert line.reason
    stated = {event.occurred_at for event in shipment.events}
    assert {line.last_movement_at, line.delivered_at} <= stated | {None}
    assert line.status_at in stated | {None} or line.reason.startswith("overdue: ")


@given(shipments)
def test_a_notice_later_than_all_changes_nothing(shipment: Shipment) -> None:
    notice = Event(ORIGIN + timedelta(days=900), ZoneSource.GIVEN, "N", MEANINGS["INFORMATIONAL"])
    told = Shipment((notice, *shipment.events), shipment.summary, shipment.estimated_delivery)
    assert fold(told) == fold(shipment)


@given(
    shipments, st.sampled_from(sorted(set(BY_NAME) - {"RETURNING", "CORRECTED", "UNCOLLECTED", "FAILURE", "PICKED_UP"}))
)
def test_no_scan_of_the_same_journey_changes_a_delivery(shipment: Shipment, later: str) -> None:
    done = Event(ORIGIN + timedelta(days=900), ZoneSource.GIVEN, "DL", MEANINGS["DELIVERED"])
    scan = Event(ORIGIN + timedelta(days=901), ZoneSource.GIVEN, "Z", MEANINGS[later])
    ended = fold(Shipment((done, *shipment.events), shipment.summary))
    after = fold(Shipment((scan, done, *shipment.events), shipment.summary))
    assert (after.status, after.status_at, after.delivered_at) == (ended.status, ended.status_at, ended.delivered_at)


@given(shipments)
def test_a_return_ends_every_journey(shipment: Shipment) -> None:
    back = Event(ORIGIN + timedelta(days=900), ZoneSource.GIVEN, "RS", MEANINGS["RETURNING"])
    line = fold(Shipment((back, *shipment.events), shipment.summary))
    assert (line.status, line.returning, line.delivered_at) == (FulfillmentStatus.FAILURE, True, None)


@given(shipments)
def test_the_newest_scan_decides_on_an_open_journey(shipment: Shipment) -> None:
    late_labels = {event for event in shipment.events if effective(event) == MEANINGS["CONFIRMED"]}
    telling = [event for event in shipment.events if effective(event) != MEANINGS["INFORMATIONAL"]]
    newest = next(iter(telling), None)
    if any((meaning := effective(event)) is not None and meaning.moves for event in telling):
        newest = next(event for event in telling if event not in late_labels)
    ends = RECEIVED | {FulfillmentStatus.FAILURE}
    meanings = [meaning for event in shipment.events if (meaning := effective(event)) is not None]
    if newest is None or effective(newest) is None or any(meaning.status in ends for meaning in meanings):
        return
    line = fold(shipment)
    assert (line.status, line.status_at) == (effective(newest).status, newest.occurred_at)  # type: ignore[union-attr]


@given(events(), offsets)
def test_the_key_of_an_event_is_its_instant_and_not_its_offset(listed: list[Event], offset: timedelta) -> None:
    keys = [event_key(event) for event in listed]
    assert len(set(keys)) == len(keys)
    elsewhere = [event._replace(occurred_at=event.occurred_at.astimezone(timezone(offset))) for event in listed]
    assert [event_key(event) for event in elsewhere] == keys


@given(shipments, instants, st.integers(0, 60).map(lambda days: timedelta(days=days)))
def test_nothing_older_than_the_margin_is_left(shipment: Shipment, fulfilled_at: datetime, margin: timedelta) -> None:
    kept = relevant(shipment, fulfilled_at, margin)
    assert all(event.occurred_at >= fulfilled_at - margin for event in kept.events)
    assert relevant(kept, fulfilled_at, margin) is kept
    if shipment.events and not kept.events:
        assert fold(kept).status is None


@given(shipments, words)
def test_a_mapping_of_every_code_decides_every_event(shipment: Shipment, meaning: Meaning) -> None:
    read = remap(shipment, dict.fromkeys(["a", "b", "c", "sum"], meaning))
    assert all(event.meaning == meaning for event in read.events)
    assert read.unmapped == ()


parcels = st.lists(
    st.builds(
        ParcelStatus,
        st.one_of(st.none(), st.sampled_from(FulfillmentStatus)),
        st.one_of(st.none(), instants),
        st.just("why"),
        st.booleans(),
    ),
    max_size=5,
)


@given(parcels, st.sampled_from(RollUp), st.randoms(use_true_random=False))
def test_the_order_of_parcels_does_not_matter(listed: list[ParcelStatus], rule: RollUp, chance: random.Random) -> None:
    mixed = list(listed)
    chance.shuffle(mixed)
    result, other = roll_up(listed, rule), roll_up(mixed, rule)
    assert (result and result[:2]) == (other and other[:2])
    assert (result is None) == all(parcel.status not in CARRIER_STATUSES for parcel in listed)
