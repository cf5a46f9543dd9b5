"""When to ask a carrier about a parcel again, and how urgently.

Owns the intervals per status and the rules that stretch or end them. Pure: time and chance are arguments.
Knows no storage, no carrier and no quota; what decides is a Situation, so that another cadence can take this
one's place.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import CARRIER_STATUSES, ENDED, RECEIVED
from tracker.durations import Duration

_S = FulfillmentStatus

#: Without a movement for this long at home a parcel counts as lost: asking about it is no longer urgent.
STALLED = timedelta(days=7)

_IN_MOTION = frozenset({_S.CARRIER_PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELAYED})
_AT_THE_DOOR = frozenset({_S.OUT_FOR_DELIVERY, _S.ATTEMPTED_DELIVERY})
_MOST_DOUBLINGS = 10


class Cadence(BaseModel):
    """How often parcels are asked for. Every interval is written like "30m", "4h" or "2d"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown: Duration = Field(timedelta(hours=4), description="Not known to the carrier yet, at first")
    unknown_fresh: Duration = Field(timedelta(days=2), description="How long `unknown` holds")
    unknown_later: Duration = Field(timedelta(hours=12), description="Not known to the carrier after that")
    confirmed: Duration = Field(timedelta(hours=4), description="CONFIRMED: the carrier expects the parcel")
    carrier_picked_up: Duration = Field(timedelta(hours=4), description="CARRIER_PICKED_UP")
    in_transit: Duration = Field(timedelta(hours=4), description="IN_TRANSIT")
    out_for_delivery: Duration = Field(timedelta(minutes=30), description="OUT_FOR_DELIVERY")
    attempted_delivery: Duration = Field(timedelta(hours=2), description="ATTEMPTED_DELIVERY")
    ready_for_pickup: Duration = Field(timedelta(hours=6), description="READY_FOR_PICKUP")
    delayed: Duration = Field(timedelta(hours=4), description="DELAYED")
    on_hold: Duration = Field(timedelta(hours=6), description="ON_HOLD")
    overdue: Duration = Field(
        timedelta(hours=2), description="On the way after the promised instant, where that is sooner"
    )
    slow_down: float = Field(
        24,
        ge=1,
        description="A parcel silent for a time is asked at most this often in as long again",
    )
    jitter: float = Field(0.1, ge=0, le=0.5, description="Share by which an interval varies, up or down")
    minimum: Duration = Field(timedelta(minutes=10), description="No parcel is asked again sooner")
    maximum: Duration = Field(timedelta(days=1), description="No open parcel is asked again later")
    late_looks_received: tuple[Duration, ...] = Field(
        (timedelta(days=1), timedelta(days=3)),
        description="Looks after DELIVERED and PICKED_UP, counted from the end: corrections and returns",
    )
    late_looks_failure: tuple[Duration, ...] = Field(
        (timedelta(days=1), timedelta(days=3), timedelta(days=7)),
        description="Looks after FAILURE, counted from the end: parcels found again",
    )
    give_up_unknown: Duration = Field(
        timedelta(days=30), description="Never known to the carrier for this long: FAILURE"
    )
    stop_silent: Duration = Field(
        timedelta(days=60), description="Without news for this long: no more asking, the status stays"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minimum <= timedelta():
            raise ValueError("minimum must be above 0")
        if self.maximum < self.minimum:
            raise ValueError(f"maximum ({self.maximum}) must not be below minimum ({self.minimum})")
        if self.stop_silent < self.give_up_unknown:
            raise ValueError(
                f"give_up_unknown ({self.give_up_unknown}) must not be above stop_silent ({self.stop_silent})"
            )
        for name in ("late_looks_received", "late_looks_failure"):
            looks = getattr(self, name)
            if list(looks) != sorted(set(looks)):
                raise ValueError(f"{name} must grow from one to the next")
        return self


class Situation(NamedTuple):
    """All that decides when a parcel is asked for again. Instants are aware."""

    status: FulfillmentStatus | None
    """The parcel's status by its carrier; None while nothing is known."""
    status_at: datetime | None
    last_movement_at: datetime | None
    first_asked_at: datetime
    """When we began to ask."""
    ended_at: datetime | None = None
    """When we learnt of DELIVERED, PICKED_UP or FAILURE; the late looks count from then."""
    not_found: bool = False
    """The carrier's newest answer was that it does not know the number."""
    failures: int = 0
    """Errors about this very parcel in a row; trouble with the account is none."""
    estimated_delivery: datetime | None = None


def next_poll(situation: Situation, now: datetime, cadence: Cadence, chance: float) -> datetime | None:
    """When to ask again after having asked at `now`; None = never.

    `chance`, from 0 to below 1, spreads parcels that would come due together. An open parcel's wait is within
    minimum and maximum; an ended one's is the time to its next late look, a day or several, and at least the
    minimum. None: all late looks taken, given up, or silent for too long.
    """
    if situation.status in ENDED:
        return _late_look(situation, now, cadence, chance)
    if gives_up(situation, now, cadence) or now - _news_at(situation) >= cadence.stop_silent:
        return None
    wait = min(_interval(situation, now, cadence), cadence.maximum) * (1 << min(situation.failures, _MOST_DOUBLINGS))
    wait *= 1 + cadence.jitter * (2 * chance - 1)
    return now + min(max(wait, cadence.minimum), cadence.maximum)


def gives_up(situation: Situation, now: datetime, cadence: Cadence) -> bool:
    """Whether the parcel is a FAILURE because its carrier never knew it, and had the time to.

    Only a carrier's own "not found" counts (rule 7 of the timeline has its patience here): a parcel nobody
    could ask for, because of an outage or a refused credential, is not given up.
    """
    never_known = situation.status is None or situation.status not in CARRIER_STATUSES
    waited = now - situation.first_asked_at
    return situation.not_found and never_known and waited >= cadence.give_up_unknown


def priority(situation: Situation, now: datetime) -> int:
    """How much an answer is worth: 3 promised by today, 2 in motion, 1 waiting, 0 ended or stalled.

    3 is also a parcel at the door: out for delivery, or after an attempt.
    """
    status = situation.status
    if status in ENDED or now - _news_at(situation) >= STALLED:
        return 0
    if status in _AT_THE_DOOR:
        return 3
    if status not in _IN_MOTION:
        return 1
    promised = situation.estimated_delivery
    today = promised is not None and promised.date() <= now.astimezone(promised.tzinfo).date()
    return 3 if today else 2


def _interval(situation: Situation, now: datetime, cadence: Cadence) -> timedelta:
    """The interval of an open parcel before errors, jitter and bounds."""
    status = situation.status
    if status is None or status not in CARRIER_STATUSES:
        fresh = now - situation.first_asked_at < cadence.unknown_fresh
        return cadence.unknown if fresh else cadence.unknown_later
    interval: timedelta = getattr(cadence, status.value.lower())
    promised = situation.estimated_delivery
    if status in _IN_MOTION and promised is not None and promised < now:
        interval = min(interval, cadence.overdue)
    if situation.not_found:
        interval = max(interval, cadence.unknown)
    return max(interval, (now - _news_at(situation)) / cadence.slow_down)


def _news_at(situation: Situation) -> datetime:
    """Since when the parcel is silent: its last movement or later status; before any, our first question."""
    known = situation.last_movement_at or situation.first_asked_at
    return max(known, situation.status_at or known)


def _late_look(situation: Situation, now: datetime, cadence: Cadence, chance: float) -> datetime | None:
    looks = cadence.late_looks_received if situation.status in RECEIVED else cadence.late_looks_failure
    ended_at = situation.ended_at or situation.status_at or situation.first_asked_at
    for after in looks:
        if ended_at + after > now:  # a look whose time has passed is the one just taken
            # Only ever later, so that the next call finds this look's time passed.
            return max(ended_at + after * (1 + cadence.jitter * chance), now + cadence.minimum)
    return None
