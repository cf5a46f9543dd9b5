"""From what carriers said to what is true: events -> a parcel's status, parcels -> a fulfillment's status.

Owns the rules of the timeline; the numbers in the docstrings count them:

1. A code means a status or is informational; an unmapped one leaves it to the carrier's coarse word.
2. The newest event that is not informational decides, by instant, then by the carrier's own order.
3. Received is received: only a return, a correction, a claim or another receipt changes it. On a return leg
   everything is FAILURE. A label's data, booked after the first scan, does not take that back.
4. Duplicates count once, in whatever order they come.
5. Numbers get reused: the shipment nearest to the fulfillment is ours, and events long before it are not.
8. Statuses come from meanings that tables gave; no text is interpreted here.
9. The merchant's own mapping stands over the built-in one.

Pure: knows no clock (`now` is an argument), no storage, no network and no particular carrier. Rules 6 (times
without an offset, times in the future) and 7 (not found) are kept before an event gets here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from carriers.sdk import (
    AmbiguousShipment,
    Effect,
    Event,
    FulfillmentStatus,
    Meaning,
    Place,
    Shipment,
    Summary,
)
from carriers.sdk.codes import normalise
from carriers.sdk.status import RECEIVED

_S = FulfillmentStatus

#: Scans this close together were one visit at the door: a failure booked with a delivery does not undo it.
SAME_VISIT = timedelta(minutes=10)

#: How the reason of a parcel on its way back begins.
RETURNING = "returning: "

#: Ship dates are days: candidates whose distances differ by less than this are equally likely.
INDISTINCT = timedelta(hours=12)

#: Statuses that a promise which has passed turns into DELAYED.
ON_THE_WAY = frozenset({_S.CARRIER_PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY})

_NOWHERE = Place()

# Looked up once: an enum's member costs more than all the rest of a step of the journey.
_CONFIRMED, _DELIVERED, _PICKED_UP, _FAILURE = _S.CONFIRMED, _S.DELIVERED, _S.PICKED_UP, _S.FAILURE
_RETURN = Effect.RETURN


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a parcel's events come to. All instants are the carrier's, none is the time of a poll."""

    status: FulfillmentStatus | None
    """None: nothing known yet."""
    status_at: datetime | None
    """Instant of the deciding event; None where the carrier gave a status without any."""
    reason: str
    """The deciding code with the carrier's wording ("DL: Delivered"); "summary …" where the carrier's summary
    decided, "returning: …" on a return leg, "overdue: …" where a promise has passed."""
    last_movement_at: datetime | None
    """The newest event that proves movement."""
    delivered_at: datetime | None
    """When the recipient got it: the first of an unbroken run of DELIVERED and PICKED_UP. None where the
    carrier took it back or the parcel travels back; a later claim (FAILURE) leaves it, for it is a fact."""
    returning: bool
    estimated_delivery: datetime | None


def choose(shipments: Sequence[Shipment], fulfilled_at: datetime | None, known_id: str = "") -> Shipment:
    """The shipment, of those under one number, that is the fulfillment's (rule 5).

    The one with the carrier's unique id where that is known; else the one whose ship date, or first event
    where it has none, is nearest to `fulfilled_at`, or the newest where that is None. An empty answer is an
    empty shipment. Raises AmbiguousShipment where two are equally likely.
    """
    if known_id:
        for shipment in shipments:
            if shipment.id == known_id:
                return shipment
    if len(shipments) < 2:
        return shipments[0] if shipments else Shipment()
    dated = [(began, shipment) for shipment in shipments if (began := _began(shipment)) is not None]
    if not dated:
        if all(shipment == shipments[0] for shipment in shipments):
            return shipments[0]
        raise AmbiguousShipment(f"{len(shipments)} shipments under the number, none with a date")
    reference = fulfilled_at or max(began for began, _ in dated)
    nearest = sorted(dated, key=lambda item: abs(item[0] - reference))
    began, best = nearest[0]
    for other_began, other in nearest[1:]:
        if abs(other_began - reference) - abs(began - reference) >= INDISTINCT:
            break
        if other != best and not (best.id and other.id == best.id):
            dates = f"{began.date().isoformat()} and {other_began.date().isoformat()}"
            raise AmbiguousShipment(f"{len(shipments)} shipments under the number; {dates} fit equally well")
    return best


def _began(shipment: Shipment) -> datetime | None:
    if shipment.shipped_on is not None:
        return datetime.combine(shipment.shipped_on, time(12), tzinfo=UTC)
    return min((event.occurred_at for event in shipment.events), default=None)


def relevant(shipment: Shipment, fulfilled_at: datetime | None, margin: timedelta) -> Shipment:
    """The shipment without events older than `fulfilled_at` - `margin`: they are another parcel's (rule 5).

    Where nothing is left of what there was, summary, ETA and id are the other parcel's too and go as well; so
    does a shipment without events whose ship date is that old.
    """
    if fulfilled_at is None:
        return shipment
    oldest = fulfilled_at - margin
    if not shipment.events:
        foreign = shipment.shipped_on is not None and shipment.shipped_on < oldest.date()
        return Shipment() if foreign else shipment
    events = tuple(event for event in shipment.events if event.occurred_at >= oldest)
    if len(events) == len(shipment.events):
        return shipment
    return replace(shipment, events=events) if events else Shipment()


def fold(
    shipment: Shipment,
    *,
    earlier: Iterable[Event] = (),
    now: datetime | None = None,
    destination: tzinfo | None = None,
) -> Timeline:
    """What a parcel's events come to (rules 1 to 4 and 8).

    `earlier`: events stored before that the carrier's answer no longer reaches back to, newest first; of an
    event in both, the answer's reading counts. `now`: given, a parcel on its way whose promised day has passed,
    without a movement since, is DELAYED from the end of that day. `destination`: the zone whose day it is, where
    the order tells; else the day ends where it ends last: in the zone of the promise, or of the newest event.
    """
    events = _newest_first(shipment.events, earlier)
    journey = _Journey()
    unmapped_at: datetime | None = None
    for event in reversed(events):
        meaning = event.meaning or event.coarse
        if meaning is None:
            unmapped_at = event.occurred_at
        elif meaning.status is not None:
            unmapped_at = None
            journey.take(meaning, event.occurred_at, event)
    summary = shipment.summary
    if (
        summary is not None
        and summary.meaning is not None
        and summary.meaning.status is not None
        and (unmapped_at is not None or journey.status is None)
    ):
        journey.take(summary.meaning, unmapped_at, summary)
    last_movement_at = next((event.occurred_at for event in events if _moves(event)), None)
    promised = shipment.estimated_delivery
    status, status_at, reason = journey.status, journey.status_at, journey.reason
    if now is not None and promised is not None and promised < now and status in ON_THE_WAY:
        where = [destination] if destination else [promised.tzinfo, *(event.occurred_at.tzinfo for event in events[:1])]
        over = max(_day_after(promised, zone) for zone in where)
        if over <= now and (last_movement_at is None or last_movement_at < over):
            status, status_at = _S.DELAYED, over
            reason = f"overdue: promised by {promised.date().isoformat()}"
    return Timeline(status, status_at, reason, last_movement_at, journey.delivered_at, journey.returning, promised)


def _day_after(promised: datetime, zone: tzinfo | None) -> datetime:
    """The midnight in `zone` that ends the promised day: late within the day is not overdue."""
    return datetime.combine(promised.date() + timedelta(days=1), time(), zone)


def _newest_first(events: Iterable[Event], earlier: Iterable[Event]) -> list[Event]:
    """Every event once, by instant; those of one instant in the carrier's order (rules 2 and 4)."""
    # Timestamps and not datetimes: two datetimes of one zone compare by the clock on the wall, which shows an
    # hour twice in autumn.
    listed = [(event.occurred_at.timestamp(), event) for event in chain(events, earlier)]
    listed.sort(key=itemgetter(0), reverse=True)
    if len({instant for instant, _ in listed}) < len(listed):
        once: dict[tuple[float, str, Place], tuple[float, Event]] = {}
        for instant, event in listed:
            once.setdefault((instant, event.code, event.place or _NOWHERE), (instant, event))
        listed = list(once.values())
    return [event for _, event in listed]


def _moves(event: Event) -> bool:
    meaning = event.meaning or event.coarse
    return meaning is not None and meaning.moves


class _Journey:
    """A parcel's way so far; takes what the carrier said, oldest first (rules 2 and 3)."""

    __slots__ = ("_moved", "_word", "delivered_at", "returning", "status", "status_at")

    def __init__(self) -> None:
        self.status: FulfillmentStatus | None = None
        self.status_at: datetime | None = None
        self.delivered_at: datetime | None = None
        self.returning = False
        self._moved = False
        self._word: Event | Summary | None = None

    def take(self, meaning: Meaning, at: datetime | None, word: Event | Summary) -> None:
        """Go on by one event, or by the summary (`at` None: the carrier did not say when)."""
        status = meaning.status
        received = status is _DELIVERED or status is _PICKED_UP
        if self.returning or (status is _CONFIRMED and self._moved):
            return
        self._moved = self._moved or meaning.moves
        if meaning.effect is _RETURN:
            self.returning = True
            self.delivered_at = None
        elif self.delivered_at is None:
            if received:
                self.delivered_at = at
        elif meaning.effect is Effect.REOPEN:
            self.delivered_at = None
        elif received:
            if status is self.status:
                return  # a proof of delivery uploaded later
            if self.status is _FAILURE:
                self.delivered_at = at
        elif status is not _FAILURE or (at is not None and at - self.delivered_at <= SAME_VISIT):
            return  # a late scan of a journey that has ended
        self.status, self.status_at, self._word = status, at, word

    @property
    def reason(self) -> str:
        """The deciding code and the carrier's wording for it."""
        word = self._word
        if word is None:
            return ""
        said = ": ".join(filter(None, (word.code, word.description)))
        if isinstance(word, Summary):
            said = f"summary {said}"
        return f"{RETURNING}{said}" if self.returning else said


class RollUp(StrEnum):
    """How several parcels make one fulfillment status."""

    ATTENTION = "attention"
    """What somebody should look at comes first; else the parcel that is furthest behind."""
    LEAST_ADVANCED = "least_advanced"
    """The parcel that is furthest behind, a failed one before all."""
    MOST_ADVANCED = "most_advanced"
    """The parcel that is furthest ahead; FAILURE only where all failed."""


class ParcelStatus(NamedTuple):
    """One parcel's part in its fulfillment's status. `moved`: the carrier has had it in hand."""

    status: FulfillmentStatus | None
    status_at: datetime | None
    reason: str
    moved: bool


#: What somebody should look at, the most urgent first.
ATTENTION = (_S.FAILURE, _S.ATTEMPTED_DELIVERY, _S.ON_HOLD, _S.READY_FOR_PICKUP, _S.DELAYED)

#: From furthest behind to furthest ahead.
ADVANCE = (
    _S.FAILURE,
    _S.CONFIRMED,
    _S.CARRIER_PICKED_UP,
    _S.ON_HOLD,
    _S.DELAYED,
    _S.IN_TRANSIT,
    _S.ATTEMPTED_DELIVERY,
    _S.OUT_FOR_DELIVERY,
    _S.READY_FOR_PICKUP,
    _S.PICKED_UP,
    _S.DELIVERED,
)
_RANK = {status: rank for rank, status in enumerate(ADVANCE)}


def roll_up(parcels: Sequence[ParcelStatus], rule: RollUp = RollUp.ATTENTION) -> ParcelStatus | None:
    """The fulfillment's status, with instant and reason of the parcel that decides.

    None while no parcel has a carrier's status: the imported one stands. A parcel without one is open and counts
    as CONFIRMED, the least there is. One parcel alone is its fulfillment. All received: DELIVERED, or
    PICKED_UP where all were collected. Of several parcels with the deciding status the latest decides where
    all had to get there, else the earliest.
    """
    known = [parcel for parcel in parcels if parcel.status in _RANK]
    if not known:
        return None
    if len(parcels) == 1:
        return parcels[0]
    if all(parcel.status in RECEIVED for parcel in parcels):
        collected = all(parcel.status is _S.PICKED_UP for parcel in parcels)
        return _deciding(parcels, _S.PICKED_UP if collected else _S.DELIVERED, max)
    if rule is RollUp.MOST_ADVANCED:
        return _deciding(known, max(map(_word, known), key=_RANK.__getitem__), min)
    if rule is RollUp.LEAST_ADVANCED:
        return _deciding(parcels, min(map(_word, parcels), key=_RANK.__getitem__), max)
    for urgent in ATTENTION:
        if any(parcel.status is urgent for parcel in parcels):
            return _deciding(parcels, urgent, min)
    behind = min(map(_word, parcels), key=_RANK.__getitem__)
    moved = [parcel for parcel in parcels if parcel.moved]
    if moved and _RANK[behind] < _RANK[_S.IN_TRANSIT]:
        return _pick(moved, min)._replace(status=_S.IN_TRANSIT)
    return _deciding(parcels, behind, max)


_Pick = Callable[..., ParcelStatus]  # min or max


def _word(parcel: ParcelStatus) -> FulfillmentStatus:
    return parcel.status if parcel.status in _RANK else _S.CONFIRMED


def _pick(parcels: Sequence[ParcelStatus], pick: _Pick) -> ParcelStatus:
    timed = [parcel for parcel in parcels if parcel.status_at is not None]
    return pick(timed, key=itemgetter(1)) if timed else parcels[0]


def _deciding(parcels: Sequence[ParcelStatus], status: FulfillmentStatus, pick: _Pick) -> ParcelStatus:
    """`status` with instant and reason of the earliest (min) or latest (max) parcel that has it."""
    decider = _pick([parcel for parcel in parcels if _word(parcel) is status], pick)
    reason = decider.reason if decider.status in _RANK else "not known to the carrier yet"
    return ParcelStatus(status, decider.status_at, reason, any(parcel.moved for parcel in parcels))


def event_key(event: Event) -> str:
    """Stable identity (16 hex characters) of an event of one parcel: instant, code and place (rule 4)."""
    identity = (repr(event.occurred_at.timestamp()), event.code, *(event.place or _NOWHERE))
    return blake2b("\x1f".join(identity).encode(), digest_size=8).hexdigest()


def remap(shipment: Shipment, mapping: Mapping[str, Meaning]) -> Shipment:
    """The shipment read with the merchant's own mapping over the built-in one (rule 9).

    Keys are codes or whole texts, in any case and with any blanks. A text is the more exact of the two and
    goes before a code. The summary is read with it too.
    """
    if not mapping:
        return shipment
    own = {normalise(key): meaning for key, meaning in mapping.items()}
    events = tuple(
        event if meaning is None else event._replace(meaning=meaning)
        for event in shipment.events
        for meaning in (_own_meaning(event, own),)
    )
    summary = shipment.summary
    if summary is not None and (meaning := _own_meaning(summary, own)) is not None:
        summary = summary._replace(meaning=meaning)
    return replace(shipment, events=events, summary=summary)


def _own_meaning(word: Event | Summary, own: Mapping[str, Meaning]) -> Meaning | None:
    return own.get(normalise(word.description)) or own.get(normalise(word.code))
