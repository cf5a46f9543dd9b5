"""When to look at a parcel next, at a price for each call; how much a look is worth; what that comes to.

Owns the rule and its reasons in plain words. Pure: time and chance are arguments, and everything about a parcel
is in its Situation, so that a due parcel can be judged again with the price of the moment. Knows no storage and
no quota: `price` is one number, in hours of delay weighted by the worth of the news, that a call costs.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import nlargest
from typing import NamedTuple

from carriers.sdk.status import ENDED
from tracker.cadence.almanac import Hazards, Standing
from tracker.cadence.hazards import OLDEST, SLOTS, STEP, Service
from tracker.cadence.patience import (
    Cadence,
    Situation,
    gives_up,
    is_quiet,
    late_look,
    news_at,
    quiet_wait,
)
from tracker.cadence.stages import Stage

_MONDAY = 4 * 48
"""Steps from the Unix epoch, a Thursday, to the first Monday."""
_TROUBLE = frozenset({Stage.ATTEMPTED, Stage.READY, Stage.EXCEPTION})
_MOST_DOUBLINGS = 10
_LONGEST_PAUSE = timedelta(days=1)
"""After unreadable answers."""
_FINE_AGES = 48
"""Steps in a stage that are told apart one by one; older ones four together."""


class Look(NamedTuple):
    """When to ask next, and why in one sentence. `at` None: never."""

    at: datetime | None
    reason: str


def next_look(
    situation: Situation, now: datetime, *, cadence: Cadence, hazards: Hazards, price: float, chance: float = 0.5
) -> Look:
    """When to ask for a parcel next; at or before `now`: it is due.

    Counted from `situation.last_look_at` (None: it was looked at just now), so that the same question asked
    again at a later `now`, with another price, moves the answer. `chance` from 0 to below 1 spreads parcels
    that would come due together.
    """
    looked = situation.last_look_at or now
    if situation.status in ENDED:
        at = late_look(situation, looked, cadence, chance)
        return Look(at, _ended(situation, at))
    if gives_up(situation, now, cadence):
        return Look(None, f"never known to the carrier since {situation.first_asked_at:%Y-%m-%d}: given up")
    if looked - news_at(situation) >= cadence.stop_silent:
        return Look(None, f"no news since {news_at(situation):%Y-%m-%d}: not asked for any more")
    wait, reason = _wait(situation, looked, cadence, hazards, price)
    wait *= 1 + cadence.jitter * (2 * chance - 1) / 2
    return Look(looked + max(wait, cadence.minimum), reason)


def worth(situation: Situation, now: datetime, *, cadence: Cadence, hazards: Hazards) -> float:
    """What a look now would be worth: the expected lag, in hours weighted by worth, since the last look.

    0 for parcels that have ended or gone quiet: they ride along in a call, and never cause one.
    """
    looked = situation.last_look_at or now
    if situation.status in ENDED or looked >= now or is_quiet(situation, looked, cadence):
        return 0.0
    hours = min((now - looked) / _HOUR, cadence.longest / _HOUR)
    return hazards.outlook(standing(situation, looked)).lag(hours)


def fires(worths: Iterable[float], batch: int, price: float) -> bool:
    """Whether a call that takes `batch` numbers pays: the most valuable passengers together reach the price."""
    return sum(nlargest(batch, worths)) >= price


class Forecast(NamedTuple):
    """What the policy makes of a price; forecasts of many parcels add up field by field."""

    calls: float
    late: float
    """Hours by which news will be seen late, weighted by worth."""
    news: float
    """The news to come, weighted by worth."""

    @property
    def lag(self) -> float:
        """Mean hours from a piece of news' being visible to its being seen."""
        return self.late / self.news if self.news else 0.0


def forecast(
    situation: Situation, now: datetime, hours: float, *, cadence: Cadence, hazards: Hazards, price: float
) -> Forecast:
    """What a parcel's waits of today come to in so many hours.

    Met at a random moment, a parcel with a wait of w hours stands for 1 / w calls an hour: summed over all of an
    account's parcels that is the rate of calls, as long as as many parcels come as go.
    """
    looked = situation.last_look_at or now
    at = next_look(situation, looked, cadence=cadence, hazards=hazards, price=price).at
    if at is None:
        return Forecast(0.0, 0.0, 0.0)
    wait = max((at - looked) / _HOUR, cadence.minimum / _HOUR)
    if situation.status in ENDED or is_quiet(situation, looked, cadence):
        return Forecast(hours / wait, 0.0, 0.0)
    outlook = hazards.outlook(standing(situation, looked))
    return Forecast(hours / wait, outlook.lag(wait) * hours / wait, outlook.stale(wait) * hours / wait)


def _wait(
    situation: Situation, looked: datetime, cadence: Cadence, hazards: Hazards, price: float
) -> tuple[timedelta, str]:
    """From the last look to the next one, before jitter and the minimum."""
    stage = situation.whereabouts()
    since = f"{_NAMES[stage]} since {_local(situation.entered_at(), situation):%d %b %H:%M}"
    if is_quiet(situation, looked, cadence):
        return quiet_wait(situation, looked, cadence), f"{since}, and quiet: looked at ever more rarely"
    promised = situation.estimated_delivery
    overdue = promised is not None and promised < looked and stage is not Stage.LABEL
    longest = cadence.trouble if stage in _TROUBLE else cadence.overdue if overdue else cadence.longest
    wait = timedelta(hours=hazards.wait(standing(situation, looked), price, longest / _HOUR))
    reason = f"{since}; {_HABITS[stage]}; next look when the expected news is worth a call"
    if situation.not_found:
        fresh = looked - situation.first_asked_at < cadence.unknown_fresh
        wait = max(wait, cadence.unknown if fresh else cadence.unknown_later)
        reason = "the carrier does not know the number yet, as is usual for fresh labels"
    if situation.failures:
        pause = cadence.minimum * (1 << min(situation.failures, _MOST_DOUBLINGS))
        wait = max(wait, min(pause, _LONGEST_PAUSE))
        reason = f"{situation.failures} unreadable answers in a row: asked more rarely"
    if wait >= longest:
        return longest, f"{since}; no news expected soon, but nobody waits longer"
    return wait, reason


def standing(situation: Situation, looked: datetime) -> Standing:
    """What decides a parcel's outlook, as of its last look: in local half hours, rounded to the nearest.

    A carrier that shows its scans late lets us look at the past: what comes next is what came after that.
    """
    local = _steps(looked - situation.upload_delay, situation.utc_offset)
    age = min(max(0, local - _steps(situation.entered_at(), situation.utc_offset)), OLDEST)
    if age > _FINE_AGES:
        age -= age % 4
    days = None
    stage = situation.whereabouts()
    if situation.estimated_delivery is not None and stage is not Stage.LABEL:
        promised = _steps(situation.estimated_delivery, situation.utc_offset, rounded=False) // 48
        days = min(max(promised - local // 48, -2), 6)
    return Standing(situation.carrier, _service(situation.service), stage, (local - _MONDAY) % SLOTS, age, days)


def _steps(at: datetime, utc_offset: int, *, rounded: bool = True) -> int:
    """Half hours of local time since the Unix epoch."""
    return int((at.timestamp() / 3600 + utc_offset / 60) / STEP + (0.5 if rounded else 0.0))


@lru_cache(64)
def _service(text: str) -> Service:
    return Service(text) if text in set(Service) else Service.UNKNOWN


def _local(at: datetime, situation: Situation) -> datetime:
    return at.astimezone(UTC) + timedelta(minutes=situation.utc_offset)


_HOUR = timedelta(hours=1)

_NAMES = {
    Stage.LABEL: "label made, not scanned",
    Stage.PICKED_UP: "picked up",
    Stage.HUB: "in transit",
    Stage.AT_DESTINATION: "at the last facility",
    Stage.OUT_FOR_DELIVERY: "out for delivery",
    Stage.ATTEMPTED: "attempted",
    Stage.READY: "ready for pickup",
    Stage.EXCEPTION: "delayed or on hold",
    Stage.ENDED: "ended",
}
_HABITS = {
    Stage.LABEL: "most first scans come in the afternoon of a working day",
    Stage.PICKED_UP: "most scans on the way come at night",
    Stage.HUB: "most scans on the way come at night",
    Stage.AT_DESTINATION: "most parcels go out between 6 and 10 in the morning",
    Stage.OUT_FOR_DELIVERY: "most deliveries come between 14:00 and 21:00",
    Stage.ATTEMPTED: "the next attempt usually leaves in the morning",
    Stage.READY: "recipients come by day",
    Stage.EXCEPTION: "what is held up moves on after a day or more",
    Stage.ENDED: "nothing more is expected",
}


def _ended(situation: Situation, at: datetime | None) -> str:
    word = (situation.status or "ended").lower().replace("_", " ")
    if at is None:
        return f"{word}: all late looks taken"
    return f"{word}: a late look for corrections and returns"
