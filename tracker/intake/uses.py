"""Which use of a tracking number a fulfillment means: carriers give numbers out again after some months.

Pure. A parcel is one use of a number; to take an old one for a new fulfillment's would report the old delivery
as the new one's. In doubt a use of its own: a status that comes late does less harm than a wrong one.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from tracker.store.registration import KnownParcel, NewParcel, ParcelKey, Use

#: Fulfillments with one number that are further apart have two parcels.
REUSE_MARGIN = timedelta(days=30)


class Uses:
    """The uses of numbers that are there, and those that begin."""

    def __init__(self, there: Mapping[Use, KnownParcel], margin: timedelta) -> None:
        """`there`: every use of the numbers that will be asked about."""
        self.there = dict(there)
        self._margin = margin
        self._new: dict[Use, NewParcel] = {}
        self._of_key: dict[ParcelKey, list[int]] = defaultdict(list)
        for key, number in there:
            self._of_key[key].append(number)

    @property
    def new(self) -> list[NewParcel]:
        """Those that began, to be added."""
        return list(self._new.values())

    def meant(self, key: ParcelKey, fulfilled_at: datetime, company: str, priority: int, route: tuple[str, ...]) -> Use:
        """The use that a fulfillment means which comes to a number; one that begins where it means no other.

        It means the one nearest to it within the margin; else the newest, if the fulfillment is later than that
        and its parcel is still open.
        """
        dates = {use: self._fulfilled_at((key, use)) for use in self._of_key[key]}
        if dates:
            nearest = min(dates, key=lambda use: abs(dates[use] - fulfilled_at))
            if abs(dates[nearest] - fulfilled_at) <= self._margin:
                return self._joined((key, nearest), fulfilled_at, priority)
            newest = max(dates, key=lambda use: (dates[use], use))
            parcel = self.there.get((key, newest))
            if parcel is not None and parcel.open and parcel.fulfilled_at < fulfilled_at:
                return key, newest
        begun = (key, max(dates, default=0) + 1)
        self._of_key[key].append(begun[1])
        self._new[begun] = NewParcel(*begun, company, fulfilled_at, priority, route)
        return begun

    def _fulfilled_at(self, use: Use) -> datetime:
        return (self._new.get(use) or self.there[use]).fulfilled_at

    def _joined(self, use: Use, fulfilled_at: datetime, priority: int) -> Use:
        if parcel := self._new.get(use):
            self._new[use] = parcel._replace(
                fulfilled_at=min(parcel.fulfilled_at, fulfilled_at), priority=max(parcel.priority, priority)
            )
        return use
