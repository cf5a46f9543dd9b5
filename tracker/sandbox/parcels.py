"""A sandbox parcel: its journey as its carrier shows it, cut off at the present.

Owns what is visible when. Knows no wire format.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.sandbox.journeys import Journey, Kind, Scan


@dataclass(slots=True)
class Parcel:
    """A parcel under its number at one carrier."""

    carrier: str
    number: TrackingNumber
    service: str
    """The carrier's product; each has its own vocabulary."""
    journey: Journey
    scans: tuple[Scan, ...]
    """Those of the journey's scans that the carrier has words for, oldest first."""
    statuses: tuple[FulfillmentStatus | None, ...]
    """What each scan says in the carrier's words; None = a notice."""
    known_from: datetime
    """Before this instant the carrier does not know the number, whatever was scanned."""
    flavour: int
    """Decides which of several codes for the same thing the carrier uses."""
    _instants: tuple[float, ...] = field(init=False, repr=False)
    _answer: tuple[int, bytes] = field(default=(0, b""), init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the instants apart, for the search."""
        self._instants = tuple(scan.at.timestamp() for scan in self.scans)

    def shown(self, now: datetime) -> int:
        """How many scans the carrier shows at `now`; 0 = it does not know the number."""
        if now < self.known_from:
            return 0
        return bisect_right(self._instants, now.timestamp())

    def promise_shown(self, shown: int) -> bool:
        """Whether the promised day is published: with the pickup scan."""
        return self.journey.promised is not None and any(scan.kind is Kind.PICKUP for scan in self.scans[:shown])

    def current(self, shown: int) -> int | None:
        """The index of the newest of `shown` scans that is no notice, or None."""
        return next((index for index in reversed(range(shown)) if self.statuses[index] is not None), None)

    def cached(self, shown: int) -> bytes | None:
        """The answer remembered for `shown` scans, if any."""
        return self._answer[1] if self._answer[0] == shown else None

    def remember(self, shown: int, answer: bytes) -> bytes:
        """Keep the rendered answer until there is more to show."""
        self._answer = (shown, answer)
        return answer
