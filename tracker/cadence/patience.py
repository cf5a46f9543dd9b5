"""The settings of the cadence, and the patience that no price changes: late looks, giving up, silence.

Owns what decides about a parcel, its Situation. Pure: time and chance are arguments. Knows no hazards, no storage,
no carrier and no quota.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carriers.sdk import FulfillmentStatus
from carriers.sdk.status import CARRIER_STATUSES, ENDED, RECEIVED
from tracker.cadence.stages import Stage, stage_of
from tracker.durations import Duration

_S = FulfillmentStatus

#: Without a movement for this long at home a parcel counts as lost: asking about it is no longer urgent.
STALLED = timedelta(days=7)

_IN_MOTION = frozenset({_S.CARRIER_PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELAYED})
_AT_THE_DOOR = frozenset({_S.OUT_FOR_DELIVERY, _S.ATTEMPTED_DELIVERY})


class Cadence(BaseModel):
    """How often parcels are asked for. Every interval is written like "30m", "4h" or "2d".

    Hazards and price decide between `minimum` and `longest`; the others are for what no price changes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unknown: Duration = Field(timedelta(hours=4), description="Not known to the carrier yet, at first")
    unknown_fresh: Duration = Field(timedelta(days=2), description="How long `unknown` holds")
    unknown_later: Duration = Field(timedelta(hours=12), description="Not known to the carrier after that")
    overdue: Duration = Field(
        timedelta(days=1), description="Under way after the promised day: however high the price, not longer"
    )
    jitter: float = Field(0.1, ge=0, le=0.5, description="Share by which an interval varies, up or down")
    minimum: Duration = Field(timedelta(minutes=10), description="No parcel is asked again sooner")
    price: float = Field(
        0.15,
        gt=0,
        description="What a call is worth where no hourly or daily quota sets it, in hours of one delivery's delay "
        "times four: 0.15 makes some 32 calls in a parcel's life, 0.8 makes 16, 8 makes 8",
    )
    longest: Duration = Field(timedelta(days=4), description="However high the price, nobody waits longer")
    trouble: Duration = Field(
        timedelta(days=1), description="Attempted, held, delayed, at a counter: however high the price, not longer"
    )
    quiet: Duration = Field(timedelta(days=1), description="Asked for a parcel gone quiet, at first; later ever less")
    quiet_label: Duration = Field(timedelta(days=5), description="A label is quiet after so long without a scan")
    quiet_moving: Duration = Field(STALLED, description="Any other parcel is quiet after so long without news")
    rejudge: Duration = Field(
        timedelta(hours=6), description="A due time further off is looked at again, with the price of then"
    )
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
        if self.stop_silent < self.give_up_unknown:
            raise ValueError(
                f"give_up_unknown ({self.give_up_unknown}) must not be above stop_silent ({self.stop_silent})"
            )
        for name in ("longest", "trouble", "overdue", "quiet"):
            if getattr(self, name) < self.minimum:
                raise ValueError(f"{name} ({getattr(self, name)}) must not be below minimum ({self.minimum})")
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
    carrier: str = ""
    service: str = ""
    """One of `Service`; anything else is read as unknown."""
    stage: Stage | None = None
    """None: as the status has it."""
    stage_at: datetime | None = None
    """When it entered the stage: the instant of the newest visible event. None: the status's."""
    last_look_at: datetime | None = None
    """None: now."""
    utc_offset: int = 0
    """Minutes ahead of UTC at the destination."""
    upload_delay: timedelta = timedelta()
    """How old a scan usually is when the carrier shows it."""

    def whereabouts(self) -> Stage:
        """The stage, from the status where nobody said."""
        return self.stage or stage_of(self.status)

    def entered_at(self) -> datetime:
        """When it entered the stage, as far as known."""
        return self.stage_at or self.status_at or self.last_movement_at or self.first_asked_at


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
    if status in ENDED or now - news_at(situation) >= STALLED:
        return 0
    if status in _AT_THE_DOOR:
        return 3
    if status not in _IN_MOTION:
        return 1
    promised = situation.estimated_delivery
    today = promised is not None and promised.date() <= now.astimezone(promised.tzinfo).date()
    return 3 if today else 2


def news_at(situation: Situation) -> datetime:
    """Since when the parcel is silent: its last movement or later status; before any, our first question."""
    known = situation.last_movement_at or situation.first_asked_at
    return max(known, situation.status_at or known)


def late_look(situation: Situation, now: datetime, cadence: Cadence, chance: float) -> datetime | None:
    """When to look at an ended parcel again, after having looked at `now`; None: enough."""
    looks = cadence.late_looks_received if situation.status in RECEIVED else cadence.late_looks_failure
    ended_at = situation.ended_at or situation.status_at or situation.first_asked_at
    for after in looks:
        if ended_at + after > now:  # a look whose time has passed is the one just taken
            # Only ever later, so that the next call finds this look's time passed.
            return max(ended_at + after * (1 + cadence.jitter * chance), now + cadence.minimum)
    return None


def is_quiet(situation: Situation, now: datetime, cadence: Cadence) -> bool:
    """Whether no news is to be expected: never shipped, or gone quiet. Such a parcel triggers no call by its worth."""
    if situation.whereabouts() is Stage.LABEL:
        return now - max(situation.entered_at(), situation.first_asked_at) >= cadence.quiet_label
    return now - news_at(situation) >= cadence.quiet_moving


def quiet_wait(situation: Situation, now: datetime, cadence: Cadence) -> timedelta:
    """From one look at a quiet parcel to the next: a quarter of its silence."""
    return max(cadence.quiet, (now - news_at(situation)) / 4)
