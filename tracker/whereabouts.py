"""What the cadence wants to know of a parcel, from its events: its stage and since when, its stays, its service.

Pure. Between the timeline, which says what a parcel's status is, and the cadence, which says when to look again.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from carriers.sdk.events import Event, Place
from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.cadence import Stage, Stay, stage_of
from tracker.cadence.hazards import Service

#: Characters of a postal code that name a delivery area, in most countries.
AREA = 3


class Whereabouts(NamedTuple):
    """A parcel's place in its life."""

    stage: Stage
    since: datetime | None
    """The instant of the newest news; None before any."""


def whereabouts(events: Sequence[Event], status: FulfillmentStatus | None, destination: Place) -> Whereabouts:
    """Where a parcel is by its events, newest first, and its status."""
    path = _path(events, destination)
    if status in ENDED or status is None:
        return Whereabouts(stage_of(status), path[-1][0] if path else None)
    if path and path[-1][2] == status:
        return Whereabouts(path[-1][1], path[-1][0])
    return Whereabouts(stage_of(status), path[-1][0] if path else None)


def stays(
    events: Sequence[Event], destination: Place, after: datetime | None, utc_offset: int, promised: datetime | None
) -> Iterator[Stay]:
    """The stays in a stage that ended with news later than `after`; each parcel's news teaches once."""
    path = _path(events, destination)
    for (entered, stage, _), (left, _, _) in pairwise(path):
        if stage is not Stage.ENDED and left > entered and (after is None or left > after):
            yield Stay(stage, entered, left, left, utc_offset, promised)


def _path(events: Sequence[Event], destination: Place) -> list[tuple[datetime, Stage, FulfillmentStatus]]:
    """Every event that says something of the parcel's status, oldest first."""
    told: list[tuple[datetime, Stage, FulfillmentStatus]] = []
    for event in reversed(events):
        meaning = event.meaning if event.meaning is not None else event.coarse
        if meaning is not None and meaning.status is not None:
            told.append((event.occurred_at, stage_of(meaning.status, _is_at(event.place, destination)), meaning.status))
    return sorted(told, key=lambda step: step[0])


def _is_at(place: Place | None, destination: Place) -> bool:
    """Whether an event happened where the parcel goes to, as far as postal codes tell."""
    if place is None or not place.postal_code or not destination.postal_code:
        return False
    same_country = not place.country or not destination.country or place.country == destination.country
    return same_country and _area(place.postal_code) == _area(destination.postal_code)


def _area(postal_code: str) -> str:
    return postal_code.replace(" ", "").upper()[:AREA]


_EXPRESS = re.compile(r"express|overnight|next.?day|priority|air\b|2.?day|1.?day|same.?day|24h?\b", re.IGNORECASE)
_ECONOMY = re.compile(
    r"econom|smart.?post|sure.?post|saver|media mail|parcel select|mail innovations|e-?commerce|ground advantage"
    r"|48h?\b",
    re.IGNORECASE,
)
_GROUND = re.compile(r"ground|home delivery|standard|paket|parcel", re.IGNORECASE)


@lru_cache(1024)
def service_of(company: str) -> Service:
    """How fast the sender paid for, by the words a merchant uses for the carrier; UNKNOWN where they say nothing."""
    if _ECONOMY.search(company):
        return Service.ECONOMY
    if _EXPRESS.search(company) and company.strip().lower() != "dhl express":
        return Service.EXPRESS
    return Service.GROUND if _GROUND.search(company) else Service.UNKNOWN


def offset_of(moment: datetime | None) -> int:
    """Minutes ahead of UTC of an instant as it was told; 0 where none was."""
    offset = moment.utcoffset() if moment is not None else None
    return int((offset or timedelta(0)).total_seconds() // 60)
