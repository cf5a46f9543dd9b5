"""What a carrier said, as frozen values: Place, Event, Summary, Shipment, Report.

Owns the shapes between a carrier's parser and everybody who reads them. Knows no payload and no clock.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from carriers.sdk.codes import Meaning
from carriers.sdk.errors import CarrierError
from carriers.sdk.numbers import TrackingNumber


class ZoneSource(StrEnum):
    """Where an event's UTC offset comes from."""

    GIVEN = "given"
    """The carrier stated it."""
    ASSUMED = "assumed"
    """The carrier gave a bare local time; it was read in the zone of the event's place."""


class Place(NamedTuple):
    """A scan's place. Empty string = not told. `country` is ISO 3166-1 alpha-2, upper case."""

    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


class Event(NamedTuple):
    """One scan or notice. `meaning` None = the carrier's table lacks `code` (unmapped)."""

    occurred_at: datetime
    """Aware, with the offset of the place."""
    zone: ZoneSource
    code: str
    """The carrier's raw code, or the key made of several of its fields; what its table is looked up with."""
    meaning: Meaning | None
    description: str = ""
    place: Place | None = None
    coarse: Meaning | None = None
    """What the carrier's own coarse field of this event says; counts only where `meaning` is None."""


class Summary(NamedTuple):
    """The carrier's own word for the shipment as a whole."""

    code: str
    meaning: Meaning | None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One shipment under a tracking number; numbers get reused, so an answer may hold several."""

    events: tuple[Event, ...] = ()
    """Newest first, in the carrier's own order where instants are equal."""
    summary: Summary | None = None
    estimated_delivery: datetime | None = None
    """The latest instant promised, aware; a promised day is its last minute at the destination."""
    id: str = ""
    """The carrier's unique id of this use of the number, where it has one."""
    shipped_on: date | None = None
    signed_by: str | None = field(default=None, repr=False)
    """Personal: shown by `tracker map`, never stored, never logged."""

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Raw codes no table knows, each once, newest first."""
        codes = [event.code for event in self.events if event.meaning is None]
        if self.summary is not None and self.summary.meaning is None and self.summary.code:
            codes.append(self.summary.code)
        return tuple(dict.fromkeys(codes))


@dataclass(frozen=True, slots=True)
class Report:
    """What one answer says of one tracking number: shipments, or the error that stands for them."""

    number: TrackingNumber
    shipments: tuple[Shipment, ...] = ()
    error: CarrierError | None = None
    fingerprint: str = ""
    """Of the answer about this number, where it was asked for with what was read before; '' = cannot be told."""
    unchanged: bool = False
    """The answer is the one read before, and was not read again: there are no shipments here."""
