"""Journeys: a drawn life told as the scans a carrier shows, each at a place in that place's local time.

Owns the kinds of scan, what each says about the parcel, and how stages become scans. Knows no carrier's codes
and no clock: a journey is drawn whole, its future included.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple

from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.places import Location, Region, Route, draw_route
from tracker.sandbox.stages import Offsets, Passage, Service, Stage, draw_life, draw_service

TO_COUNTER = 0.015
"""Share of deliveries that go to a counter for the recipient to collect, without an attempt at the door."""
NOTICES = 0.04
"""Share of scans followed by a notice that changes nothing."""
PROMISES = ((0.80, 0), (0.12, -1), (0.04, -2), (0.04, 1))
"""Shares of promised days by their distance from the true one."""


class Kind(StrEnum):
    """What a scan says, before a carrier puts its own code to it."""

    LABEL = "LABEL"
    PICKUP = "PICKUP"
    ARRIVED = "ARRIVED"
    DEPARTED = "DEPARTED"
    AT_DESTINATION = "AT_DESTINATION"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    ATTEMPTED = "ATTEMPTED"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    COLLECTED = "COLLECTED"
    DELIVERED = "DELIVERED"
    DELAY = "DELAY"
    HOLD = "HOLD"
    RETURNING = "RETURNING"
    RETURN_SCAN = "RETURN_SCAN"
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER"
    LOST = "LOST"
    NOTICE = "NOTICE"


#: The status a scan proves; None = a notice.
SAYS: Mapping[Kind, FulfillmentStatus | None] = {
    Kind.LABEL: FulfillmentStatus.CONFIRMED,
    Kind.PICKUP: FulfillmentStatus.CARRIER_PICKED_UP,
    Kind.ARRIVED: FulfillmentStatus.IN_TRANSIT,
    Kind.DEPARTED: FulfillmentStatus.IN_TRANSIT,
    Kind.AT_DESTINATION: FulfillmentStatus.IN_TRANSIT,
    Kind.OUT_FOR_DELIVERY: FulfillmentStatus.OUT_FOR_DELIVERY,
    Kind.ATTEMPTED: FulfillmentStatus.ATTEMPTED_DELIVERY,
    Kind.READY_FOR_PICKUP: FulfillmentStatus.READY_FOR_PICKUP,
    Kind.COLLECTED: FulfillmentStatus.PICKED_UP,
    Kind.DELIVERED: FulfillmentStatus.DELIVERED,
    Kind.DELAY: FulfillmentStatus.DELAYED,
    Kind.HOLD: FulfillmentStatus.ON_HOLD,
    Kind.RETURNING: FulfillmentStatus.FAILURE,
    Kind.RETURN_SCAN: FulfillmentStatus.FAILURE,
    Kind.RETURNED_TO_SENDER: FulfillmentStatus.FAILURE,
    Kind.LOST: FulfillmentStatus.FAILURE,
    Kind.NOTICE: None,
}
RECEIVED = frozenset({Kind.DELIVERED, Kind.COLLECTED})


class Scan(NamedTuple):
    """One scan. `at` is aware, in the place's own zone, whole seconds."""

    at: datetime
    kind: Kind
    place: Location


@dataclass(frozen=True, slots=True)
class Journey:
    """A parcel's whole way, oldest scan first."""

    service: Service
    route: Route
    scans: tuple[Scan, ...]
    promised: date | None
    """The day the carrier promises from the pickup scan on, at the destination; None if it never ships."""

    @property
    def received(self) -> bool:
        """Whether the recipient has it in the end."""
        return self.scans[-1].kind in RECEIVED


class _Sight(NamedTuple):
    """A scan before it has a date: Unix time in seconds, UTC."""

    at: float
    kind: Kind
    place: Location


def draw_journey(random: Random, label_at: datetime, region: Region, route: Route | None = None) -> Journey:
    """A journey whose label is made at `label_at` (aware); parcels of one fulfillment share a `route`."""
    service = draw_service(random)
    route = route or draw_route(random, region)
    hub = route.hubs[0]
    offsets = Offsets(*(_offset(place, label_at) for place in (route.origin, hub, route.destination)))
    life = draw_life(random, service, label_at.timestamp() / 3600, offsets)
    sights = list(_sights(random, life, route))
    return Journey(service, route, _dated(sights), _promise(random, life, route.destination))


def _offset(place: Location, at: datetime) -> float:
    offset = at.astimezone(place.zone).utcoffset()
    return offset.total_seconds() / 3600 if offset is not None else 0.0


def _sights(random: Random, life: list[Passage], route: Route) -> Iterator[_Sight]:
    """The scans of a life, in order, with what the model leaves out: departures, counters, notices, the way back."""
    hub = 0
    counter = random.random() < TO_COUNTER
    for index, (stage, hours) in enumerate(life):
        at = hours * 3600
        following = life[index + 1] if index + 1 < len(life) else None
        gap = (following.hours - hours) * 3600 if following is not None else 0.0
        if stage is Stage.LABEL:
            yield _Sight(at, Kind.LABEL, route.origin)
        elif stage is Stage.PICKED_UP:
            yield _Sight(at, Kind.PICKUP, route.origin)
        elif stage is Stage.HUB_SCAN:
            place = route.hubs[hub % len(route.hubs)]
            hub += 1
            yield _Sight(at, Kind.ARRIVED, place)
            if following is not None and following.stage is not Stage.EXCEPTION and random.random() < 0.6:
                yield _Sight(at + random.uniform(0.2, 0.7) * gap, Kind.DEPARTED, place)
        elif stage is Stage.AT_DEST:
            yield _Sight(at, Kind.AT_DESTINATION, route.destination)
        elif stage is Stage.OUT_FOR_DELIVERY:
            yield _Sight(at, Kind.OUT_FOR_DELIVERY, route.destination)
        elif stage is Stage.ATTEMPTED:
            yield _Sight(at, Kind.ATTEMPTED, route.destination)
            if following is not None and following.stage is Stage.DELIVERED:
                yield _Sight(at + random.uniform(0.1, 0.5) * gap, Kind.READY_FOR_PICKUP, route.destination)
        elif stage is Stage.EXCEPTION:
            kind = Kind.HOLD if random.random() < 0.3 else Kind.DELAY
            yield _Sight(at, kind, route.hubs[0] if hub else route.destination)
        elif stage is Stage.DELIVERED:
            yield from _handed_over(random, at, life[index - 1].stage, counter, route.destination)
        elif stage is Stage.RETURNED:
            yield from _way_back(random, at, route)
        else:
            yield _Sight(at, Kind.LOST, route.hubs[0])
        if gap > 7200 and stage is not Stage.LABEL and random.random() < NOTICES:
            yield _Sight(at + 0.8 * gap, Kind.NOTICE, route.destination)


def _handed_over(random: Random, at: float, before: Stage, counter: bool, place: Location) -> Iterator[_Sight]:
    if before is Stage.ATTEMPTED:
        yield _Sight(at, Kind.COLLECTED, place)
    elif counter:
        yield _Sight(at, Kind.READY_FOR_PICKUP, place)
        yield _Sight(at + random.uniform(3, 40) * 3600, Kind.COLLECTED, place)
    else:
        yield _Sight(at, Kind.DELIVERED, place)


def _way_back(random: Random, at: float, route: Route) -> Iterator[_Sight]:
    yield _Sight(at, Kind.RETURNING, route.destination)
    yield _Sight(at + random.uniform(12, 36) * 3600, Kind.RETURN_SCAN, route.hubs[0])
    yield _Sight(at + random.uniform(48, 120) * 3600, Kind.RETURNED_TO_SENDER, route.origin)


def _dated(sights: list[_Sight]) -> tuple[Scan, ...]:
    """The scans at whole seconds, in order, never two within the same minute."""
    scans: list[Scan] = []
    last = 0
    for at, kind, place in sorted(sights, key=lambda sight: sight.at):
        last = max(int(at), last + 60)
        scans.append(Scan(datetime.fromtimestamp(last, place.zone), kind, place))
    return tuple(scans)


def _promise(random: Random, life: list[Passage], destination: Location) -> date | None:
    """The day promised at pickup: around the true one, or a usual one where the parcel never arrives."""
    if len(life) == 1:
        return None
    last = life[-1]
    hours = last.hours if last.stage is Stage.DELIVERED else life[1].hours + 96
    day = datetime.fromtimestamp(hours * 3600, destination.zone).date()
    shares, shifts = zip(*PROMISES, strict=True)
    pickup_day = datetime.fromtimestamp(life[1].hours * 3600, destination.zone).date()
    return max(day + timedelta(days=random.choices(shifts, shares)[0]), pickup_day)
