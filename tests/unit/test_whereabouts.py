"""What the cadence wants to know of a parcel, read off its events."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from carriers.sdk import Event, Meaning, Place, ZoneSource
from carriers.sdk.status import FulfillmentStatus as S
from tracker.cadence import Stage, Stay
from tracker.cadence.hazards import Service
from tracker.whereabouts import Whereabouts, offset_of, service_of, stays, whereabouts

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME = Place(postal_code="97201-1234", country="US")
AWAY = Place(postal_code="38118", country="US")


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def event(hours: float, status: S | None, place: Place | None = None, *, coarse: bool = False) -> Event:
    """A scan so many hours after the start; `coarse`: of a code nobody mapped, on an event that says its status."""
    meaning = Meaning(status)
    return Event(
        at(hours),
        ZoneSource.GIVEN,
        "X",
        None if coarse else meaning,
        place=place,
        coarse=meaning if coarse else None,
    )


LABEL, PICKED_UP = event(0, S.CONFIRMED), event(5, S.CARRIER_PICKED_UP)


@pytest.mark.parametrize(
    ("events", "status", "destination", "expected"),
    [
        ([], None, HOME, Whereabouts(Stage.LABEL, None)),
        ([LABEL], S.CONFIRMED, HOME, Whereabouts(Stage.LABEL, at(0))),
        ([PICKED_UP, LABEL], S.CARRIER_PICKED_UP, HOME, Whereabouts(Stage.PICKED_UP, at(5))),
        ([event(9, S.IN_TRANSIT, AWAY), LABEL], S.IN_TRANSIT, HOME, Whereabouts(Stage.HUB, at(9))),
        ([event(9, S.IN_TRANSIT, HOME)], S.IN_TRANSIT, HOME, Whereabouts(Stage.AT_DESTINATION, at(9))),
        ([event(9, S.IN_TRANSIT, HOME)], S.IN_TRANSIT, Place(), Whereabouts(Stage.HUB, at(9))),
        # news without a status, a note say, is no news of the stage
        ([event(9, None), PICKED_UP], S.CARRIER_PICKED_UP, HOME, Whereabouts(Stage.PICKED_UP, at(5))),
        (
            [event(9, S.OUT_FOR_DELIVERY, coarse=True)],
            S.OUT_FOR_DELIVERY,
            HOME,
            Whereabouts(Stage.OUT_FOR_DELIVERY, at(9)),
        ),
        # the timeline knows better than the newest scan: overdue, or on its way back
        ([event(9, S.IN_TRANSIT)], S.DELAYED, HOME, Whereabouts(Stage.EXCEPTION, at(9))),
        ([event(9, S.IN_TRANSIT, HOME)], S.FAILURE, HOME, Whereabouts(Stage.ENDED, at(9))),
        ([event(9, S.DELIVERED), LABEL], S.DELIVERED, HOME, Whereabouts(Stage.ENDED, at(9))),
        # a summary alone
        ([], S.OUT_FOR_DELIVERY, HOME, Whereabouts(Stage.OUT_FOR_DELIVERY, None)),
        ([], S.DELIVERED, HOME, Whereabouts(Stage.ENDED, None)),
    ],
)
def test_the_stage_and_since_when(
    events: list[Event], status: S | None, destination: Place, expected: Whereabouts
) -> None:
    assert whereabouts(events, status, destination) == expected


@pytest.mark.parametrize(
    ("scanned", "destination", "there"),
    [
        (Place(postal_code="97209", country="US"), HOME, True),
        (Place(postal_code="972"), HOME, True),
        (Place(postal_code="97301", country="US"), HOME, False),
        (Place(postal_code="97209", country="DE"), HOME, False),
        (Place(postal_code="97209"), Place(postal_code="97201"), True),
        (Place(postal_code="m5v 3l9", country="CA"), Place(postal_code="M5V1J2", country="CA"), True),
        (Place(postal_code="M5 V3L9", country="CA"), Place(postal_code="M5V 1J2", country="CA"), True),
        (Place(city="PORTLAND", state="OR", country="US"), HOME, False),
        (Place(postal_code="97209", country="US"), Place(country="US"), False),
        (None, HOME, False),
    ],
)
def test_at_its_destination_by_the_postal_code(scanned: Place | None, destination: Place, there: bool) -> None:
    found = whereabouts([event(9, S.IN_TRANSIT, scanned)], S.IN_TRANSIT, destination).stage
    assert found is (Stage.AT_DESTINATION if there else Stage.HUB)


JOURNEY = [
    event(50, S.DELIVERED),
    event(45, S.OUT_FOR_DELIVERY),
    event(40, S.IN_TRANSIT, HOME),
    event(22, None),
    event(20, S.IN_TRANSIT, AWAY),
    event(5, S.CARRIER_PICKED_UP),
    event(0, S.CONFIRMED),
]


def test_every_stay_of_a_journey_teaches_once() -> None:
    promised = at(60)
    expected = [
        Stay(stage, at(entered), at(left), at(left), -480, promised)
        for stage, entered, left in [
            (Stage.LABEL, 0, 5),
            (Stage.PICKED_UP, 5, 20),
            (Stage.HUB, 20, 40),
            (Stage.AT_DESTINATION, 40, 45),
            (Stage.OUT_FOR_DELIVERY, 45, 50),
        ]
    ]
    assert list(stays(JOURNEY, HOME, None, -480, promised)) == expected
    seen: list[Stay] = []
    for looked in (1, 30, 45, 80):  # the looks there were, each with what was visible by then
        visible = [one for one in JOURNEY if one.occurred_at <= at(looked)]
        before = seen[-1].left_at if seen else None
        seen += stays(visible, HOME, before, -480, promised)
    assert seen == expected
    assert list(stays(JOURNEY, HOME, at(50), -480, promised)) == []


def test_what_comes_after_the_end_and_what_happened_at_once_is_no_stay() -> None:
    events = [event(8, S.IN_TRANSIT), event(5, S.DELIVERED), event(5, S.OUT_FOR_DELIVERY), event(0, S.CONFIRMED)]
    assert [(stay.stage, stay.entered_at) for stay in stays(events, HOME, None, 0, None)] == [(Stage.LABEL, at(0))]


def test_events_told_out_of_their_order_are_put_into_it() -> None:
    mixed = [JOURNEY[2], JOURNEY[0], *JOURNEY[3:], JOURNEY[1]]
    assert list(stays(mixed, HOME, None, 0, None)) == list(stays(JOURNEY, HOME, None, 0, None))


@pytest.mark.parametrize(
    ("company", "service"),
    [
        ("FedEx Ground", Service.GROUND),
        ("FedEx Home Delivery", Service.GROUND),
        ("UPS Standard", Service.GROUND),
        ("DHL Paket", Service.GROUND),
        ("FedEx Priority Overnight", Service.EXPRESS),
        ("UPS Next Day Air", Service.EXPRESS),
        ("UPS 2nd Day Air", Service.EXPRESS),
        ("USPS Priority Mail", Service.EXPRESS),
        ("Royal Mail Tracked 24", Service.EXPRESS),
        ("Royal Mail Tracked 48", Service.ECONOMY),
        ("FedEx Ground Economy", Service.ECONOMY),
        ("UPS SurePost", Service.ECONOMY),
        ("USPS Ground Advantage", Service.ECONOMY),
        ("USPS Media Mail", Service.ECONOMY),
        ("DHL eCommerce", Service.ECONOMY),
        ("UPS", Service.UNKNOWN),
        ("DHL Express", Service.UNKNOWN),
        ("", Service.UNKNOWN),
    ],
)
def test_the_service_by_the_merchants_words(company: str, service: Service) -> None:
    assert service_of(company) is service
    assert service_of(company.upper()) is service


@pytest.mark.parametrize(
    ("moment", "minutes"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))), 330),
        (datetime(2026, 3, 2, 12, tzinfo=timezone(-timedelta(hours=8))), -480),
        (START, 0),
        (None, 0),
    ],
)
def test_how_far_ahead_of_utc(moment: datetime | None, minutes: int) -> None:
    assert offset_of(moment) == minutes
