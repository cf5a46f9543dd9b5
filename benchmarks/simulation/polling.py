"""Polling lives one by one, and how late their news was seen. Policies at equal numbers of calls.

Owns the loop, the plain policies and the adapter to the tracker's own. Knows no quotas shared by parcels.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import exp, log
from statistics import fmean
from typing import NamedTuple

from carriers.sdk import FulfillmentStatus
from simulation.world import Life
from tracker.cadence import (
    Cadence,
    Hazards,
    Lesson,
    Situation,
    Stay,
    delay_lessons,
    lessons,
    multipliers,
    next_look,
    upload_delay,
)
from tracker.cadence.hazards import PROMISE, SHIPPED, Learnt, Passage, Rates, Service, tables
from tracker.cadence.stages import Stage

_S = FulfillmentStatus
STATUS = {
    Stage.LABEL: _S.CONFIRMED,
    Stage.PICKED_UP: _S.CARRIER_PICKED_UP,
    Stage.HUB: _S.IN_TRANSIT,
    Stage.AT_DESTINATION: _S.IN_TRANSIT,
    Stage.OUT_FOR_DELIVERY: _S.OUT_FOR_DELIVERY,
    Stage.ATTEMPTED: _S.ATTEMPTED_DELIVERY,
    Stage.EXCEPTION: _S.DELAYED,
    Stage.ENDED: _S.DELIVERED,
}
CADENCE = Cadence(jitter=0)
NO_DELAY = timedelta()

Next = Callable[[Life, int, float], float]
"""A life, the index of the newest event seen, the hour of the look -> the hour of the next look."""


class Delays(NamedTuple):
    """Hours between an event's becoming visible and its being seen."""

    calls: float
    """For each parcel, the one when the label came included."""
    mean: float
    p95: float
    valuable_mean: float
    valuable_p95: float


def delays(calls: float, seen: Sequence[tuple[float, bool]]) -> Delays:
    """The figures of (delay, valuable) pairs."""
    every = sorted(delay for delay, _ in seen)
    valuable = sorted(delay for delay, counts in seen if counts)
    return Delays(
        calls, fmean(every), every[int(0.95 * len(every))], fmean(valuable), valuable[int(0.95 * len(valuable))]
    )


def poll(lives: Sequence[Life], following: Next) -> Delays:
    """Poll every life from its label to its end, or for 30 days."""
    calls = 0
    seen: list[tuple[float, bool]] = []
    for life in lives:
        calls += 1
        newest, now, last = 0, life.label, len(life.events) - 1
        while life.events[newest].stage is not Stage.ENDED:
            now = following(life, newest, now)
            if now >= life.until:
                seen.extend((life.until - event.visible, event.valuable) for event in life.events[newest + 1 :])
                break
            calls += 1
            while newest < last and life.events[newest + 1].visible <= now:
                newest += 1
                seen.append((now - life.events[newest].visible, life.events[newest].valuable))
    return delays(calls / len(lives), [(max(delay, 0.0), valuable) for delay, valuable in seen])


def at_calls(
    lives: Sequence[Life], budget: float, policy: Callable[[float], Next], guess: float, slope: float
) -> Delays:
    """The delays at `budget` calls a parcel.

    `policy(knob)` asks the more rarely the greater the knob is; log(calls) falls by about `slope` with log(knob). The
    knob is sought on a sample first, then settled on all lives.
    """
    knob = guess
    for sample, tolerance, tries in ((lives[: len(lives) // 5], 0.02, 8), (lives, 0.004, 5)):
        before: tuple[float, float] | None = None
        for _ in range(tries):
            found = poll(sample, policy(knob))
            off = log(found.calls / budget)
            if abs(off) < tolerance:
                break
            if before is not None and before[0] != log(knob):
                measured = (before[1] - off) / (log(knob) - before[0])
                slope = min(max(measured, slope / 2), slope * 2)
            before = log(knob), off
            knob *= exp(off / slope)
    return found


def fixed(interval: float) -> Next:
    """The same interval for all."""
    return lambda life, newest, now: now + interval


def tiers(factor: float) -> Next:
    """Intervals per status, as trackers have them: 12 h before the first scan, 4 h, 30 minutes at the door; scaled."""
    hours = dict.fromkeys(Stage, 4.0) | {Stage.LABEL: 12.0, Stage.OUT_FOR_DELIVERY: 0.5, Stage.ATTEMPTED: 0.5}
    return lambda life, newest, now: now + hours[life.events[newest].stage] * factor


def situation(
    life: Life,
    newest: int,
    looked: float,
    *,
    service: bool = True,
    promise: bool = True,
    delay: timedelta = NO_DELAY,
) -> Situation:
    """What the tracker knows after the look; whether the carrier tells the service and promises a day."""
    event = life.events[newest]
    return Situation(
        STATUS[event.stage],
        event.moment,
        None if event.stage is Stage.LABEL else event.moment,
        life.events[0].moment,
        estimated_delivery=life.promised if newest and promise else None,
        service=life.service if service else "",
        stage=event.stage,
        stage_at=event.moment,
        last_look_at=moment(looked),
        utc_offset=life.utc_offset,
        upload_delay=delay,
    )


def moment(hours: float) -> datetime:
    """An aware instant."""
    return datetime.fromtimestamp(hours * 3600, UTC)


def priced(
    hazards: Hazards, *, service: bool = True, promise: bool = True, delay: timedelta = NO_DELAY
) -> Callable[[float], Next]:
    """The tracker's policy by its price."""

    def at_price(price: float) -> Next:
        def following(life: Life, newest: int, now: float) -> float:
            state = situation(life, newest, now, service=service, promise=promise, delay=delay)
            at = next_look(state, moment(now), cadence=CADENCE, hazards=hazards, price=price).at
            return at.timestamp() / 3600 if at is not None else life.until

        return following

    return at_price


KEEP = 30_000
"""Outlooks held in memory: more than a daemon needs, since a search asks for the same ones again."""


def foreign() -> list[Passage]:
    """The shipped passages bent into another carrier's: slow where the model is quick and the other way round,
    its days three hours earlier."""
    factors = {Stage.LABEL: 0.5, Stage.PICKED_UP: 2.0, Stage.HUB: 0.5, Stage.AT_DESTINATION: 2.0}
    return [
        passage._replace(
            rates=Rates(*(rate * factors.get(passage.before, 0.6) for rate in passage.rates)),
            clock=passage.clock._replace(hours=tuple((hour - 3, value) for hour, value in passage.clock.hours)),
        )
        for passage in SHIPPED
    ]


class Learning(NamedTuple):
    """What a history taught."""

    learnt: Learnt
    upload_delay: timedelta


NOTHING = Learning({}, NO_DELAY)
_HISTORY_INTERVAL = 4.0
"""Hours between the looks by which a history was seen."""


def learn(history: Sequence[Life], passages: Sequence[Passage] = SHIPPED, *, service: bool = True) -> Learning:
    """What a history teaches on top of the passages a tracker was shipped with."""
    names = [*(each for each in Service)] if service else [Service.UNKNOWN]
    known = {each: tables(each, None, passages, PROMISE) for each in names}
    rows: list[Lesson] = []
    for life in history:
        name = Service(life.service) if service else Service.UNKNOWN
        for index, event in enumerate(life.events[:30]):
            left = life.events[index + 1].moment if index + 1 < len(life.events) else None
            promised = life.promised if index else None
            stay = Stay(event.stage, event.moment, left, moment(life.until), life.utc_offset, promised)
            rows.extend(lessons(stay, "", name.value, known[name]))
            if index:
                before = life.label + (event.visible - life.label) // _HISTORY_INTERVAL * _HISTORY_INTERVAL
                rows.extend(delay_lessons(event.moment, moment(before), moment(before + _HISTORY_INTERVAL), ""))
    return Learning(multipliers(rows), upload_delay(rows, ""))
