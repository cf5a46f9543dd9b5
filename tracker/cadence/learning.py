"""What an account's own history teaches about the hazards.

Owns the sums that are kept (news seen against news expected, by part) and what is made of them. The sums add
up: rows of one key are added, two histories are the sum of theirs, and dropping rows forgets. Expected is what
the shipped hazards say, never the learnt ones, so that what was learnt does not bend what is learnt next.
Knows no storage: rows are plain tuples, to be kept as `events = events + ?, expected = expected + ?`.

A multiplier is a gamma-Poisson mean: (news + k) / (expected + k), with the shipped hazards as k pieces of news
seen before. How much they count, k, the history itself tells: much, while the parts differ from what was expected no
more than chance would have it; little, once they plainly differ. So little history, or history that agrees, leaves
a multiplier near 1; and it is bounded, so that no history makes a parcel unlooked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tracker.cadence.hazards import (
    AGES,
    HOURS,
    INDEX,
    OLDEST,
    PROMISE_DAYS,
    SLOTS,
    STEP,
    Learnt,
    Multipliers,
    Tables,
    age_class,
    promise_class,
)
from tracker.cadence.stages import Stage

PRIOR_BOUNDS = (2.0, 60.0)
"""Pieces of news that the shipped hazards are worth as evidence, for each part: least and most."""
OVERALL_BOUNDS = (1 / 6, 6.0)
PART_BOUNDS = (1 / 20, 20.0)
DELAYS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 18, 24)
"""Hours of upload delay that are told apart."""
DELAY_PRIOR = 20.0
"""Scans that must speak for a delay beyond those that speak against it."""
_MONDAY = 4 * 24
_HOURS_TOLD = 240.0
"""A stay counts for ten days; after that its parcel is lost, not late."""


class Stay(NamedTuple):
    """A parcel's time in a stage, as its events tell it. Instants are aware."""

    stage: Stage
    entered_at: datetime
    left_at: datetime | None
    """When the next event came; None: none had come at the last look."""
    looked_at: datetime
    """The last look, which ends what is known of a stay without an end."""
    utc_offset: int
    promised: datetime | None = None


class Lesson(NamedTuple):
    """A row: what was seen and what was to be expected, in one part of one stage.

    Parts: "overall", "age:<bucket>", "hour:<block of two hours>", "weekday:<Monday is 0>", "promise:<days>".
    """

    carrier: str
    service: str
    stage: Stage
    part: str
    events: float
    expected: float


def lessons(stay: Stay, carrier: str, service: str, shipped: Tables) -> list[Lesson]:
    """What a stay adds to the sums. `shipped`: the shipped hazards of the service, whatever was learnt."""
    table = shipped[INDEX[stay.stage]]
    if not table.exits:
        return []
    entered = _hours(stay.entered_at, stay.utc_offset)
    until = _hours(stay.left_at or stay.looked_at, stay.utc_offset)
    day = (
        None
        if stay.promised is None or stay.stage is Stage.LABEL
        else int(_hours(stay.promised, stay.utc_offset) // 24)
    )
    expected: defaultdict[str, float] = defaultdict(float)
    at = entered
    parts: tuple[str, ...] = ()
    while True:
        slot = int((at - _MONDAY) / STEP) % SLOTS
        age = min(int((at - entered) / STEP), OLDEST)
        promise = promise_class(None if day is None else day - int(at // 24))
        parts = _parts(slot, age, promise)
        step = min(STEP, until - at)
        if step <= 0 or at - entered >= _HOURS_TOLD:
            break
        hazard = table.hazard(slot, age, promise) * step
        for part in parts:
            expected[part] += hazard
        at += step
    left = stay.left_at is not None and until - entered < _HOURS_TOLD
    last = parts if left else ()
    return [
        Lesson(carrier, service, stay.stage, part, float(part in last), expected[part])
        for part in sorted({*expected, *last})
    ]


def delay_lessons(occurred_at: datetime, looked_before: datetime, seen_at: datetime, carrier: str) -> list[Lesson]:
    """What a scan that was not there at one look, and was at the next, tells of how late the carrier shows its scans.

    Part "delay:<hours>" counts the scans that took at least so long (`events`) and those that took at most so
    long (`expected`); of the others no one knows. The rows bear the service "" and the stage of the label.
    """
    least, most = looked_before - occurred_at, seen_at - occurred_at
    rows = []
    for hours in DELAYS:
        longer, shorter = least >= timedelta(hours=hours), most <= timedelta(hours=hours)
        if longer or shorter:
            rows.append(Lesson(carrier, "", Stage.LABEL, f"delay:{hours}", float(longer), float(shorter)))
    return rows


def upload_delay(rows: Iterable[Lesson], carrier: str) -> timedelta:
    """How late the carrier usually shows its scans: the longest that more scans exceed than keep to; 0 by default."""
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        if row.carrier == carrier:
            sums[row.part][0] += row.events
            sums[row.part][1] += row.expected
    late = [0.0]
    for hours in DELAYS:
        longer, shorter = sums[f"delay:{hours}"]
        if longer > shorter + DELAY_PRIOR:
            late.append(hours)
    return timedelta(hours=max(late))


def multipliers(rows: Iterable[Lesson]) -> Learnt:
    """The factors on the shipped hazards that the sums speak for."""
    sums: defaultdict[tuple[str, str, Stage], dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in rows:
        if row.part.startswith("delay:"):
            continue
        parts = sums[row.carrier, row.service, Stage(row.stage)]
        events, expected = parts.get(row.part, (0.0, 0.0))
        parts[row.part] = events + row.events, expected + row.expected
    return {key: _multipliers(parts) for key, parts in sums.items()}


def _multipliers(parts: dict[str, tuple[float, float]]) -> Multipliers:
    (overall,) = _means([parts.get("overall", (0.0, 0.0))], OVERALL_BOUNDS)

    def each(kind: str, labels: Iterable[object]) -> tuple[float, ...]:
        found = (parts.get(f"{kind}:{label}", (0.0, 0.0)) for label in labels)
        return _means([(events, expected * overall) for events, expected in found], PART_BOUNDS)

    return Multipliers(
        overall,
        each("age", range(len(AGES))),
        each("hour", range(HOURS)),
        each("weekday", range(7)),
        each("promise", PROMISE_DAYS),
    )


def _means(sums: Sequence[tuple[float, float]], bounds: tuple[float, float]) -> tuple[float, ...]:
    """The multipliers of parts of one kind.

    Of a part with x expected the news has variance x by chance, and x^2 / k more where its true factor varies by
    1 / k: that tells k.
    """
    by_chance = sum(expected for _, expected in sums)
    spread = sum((events - expected) ** 2 for events, expected in sums) - by_chance
    least_prior, most_prior = PRIOR_BOUNDS
    prior = most_prior
    if spread > 0:
        prior = min(max(sum(expected**2 for _, expected in sums) / spread, least_prior), most_prior)
    least, most = bounds
    return tuple(min(max((events + prior) / (expected + prior), least), most) for events, expected in sums)


def _parts(slot: int, age: int, promise: int) -> tuple[str, ...]:
    parts = ("overall", f"age:{age_class(age)}", f"hour:{slot % 48 // 4}", f"weekday:{slot // 48}")
    return parts if promise == len(PROMISE_DAYS) else (*parts, f"promise:{PROMISE_DAYS[promise]}")


def _hours(at: datetime, utc_offset: int) -> float:
    return at.timestamp() / 3600 + utc_offset / 60
