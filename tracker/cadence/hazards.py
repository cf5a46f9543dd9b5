"""How likely a parcel's next news is, hour by hour: the hazards the cadence is shipped with, and what was learnt.

Owns the table of passages from stage to stage, each with its clock, its rates and its ageing, the worth of
what a passage brings, and the factors of the promised day. The hazard of a passage per hour = clock(hour and
weekday at the destination) x rate(service) x age factor x promise factor x what the account learnt. The figures
are plausible, not fitted to a carrier's logs. Knows no parcel, no price and no storage.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from tracker.cadence.stages import Stage

STEP = 0.5
"""Hours in a step of every table."""
SLOTS = 336
"""Steps in a week, the first on Monday at 00:00 local time."""
OLDEST = 480
"""Steps in a stage after which a parcel ages no more."""


class Service(StrEnum):
    """How fast the sender paid for; UNKNOWN behaves like the mixture of all."""

    EXPRESS = "express"
    GROUND = "ground"
    ECONOMY = "economy"
    UNKNOWN = "unknown"


class Rates(NamedTuple):
    """A rate per hour for each service."""

    express: float
    ground: float
    economy: float

    def of(self, service: Service) -> float:
        """The service's own; for UNKNOWN the mean, ground being twice as common as either other."""
        if service is Service.UNKNOWN:
            return 0.25 * self.express + 0.5 * self.ground + 0.25 * self.economy
        return float(getattr(self, service.value))


Knots = tuple[tuple[float, float], ...]


def _knots(text: str) -> Knots:
    """`hour level` pairs: piecewise linear between them, flat outside."""
    return tuple((float(hour), float(level)) for hour, level in (pair.split() for pair in text.split(",")))


def level(knots: Knots, at: float) -> float:
    """The value of piecewise linear knots at a point."""
    right = bisect_right(knots, (at, float("inf")))
    if right == 0 or right == len(knots):
        return knots[min(right, len(knots) - 1)][1]
    (x0, y0), (x1, y1) = knots[right - 1], knots[right]
    return y0 + (at - x0) / (x1 - x0) * (y1 - y0)


class WeekClock(NamedTuple):
    """When in the week something happens: a level over the hours of a day, and a factor for each weekday."""

    hours: Knots
    weekdays: tuple[float, ...]

    def week(self) -> list[float]:
        """The level in each slot of a week."""
        day = [level(self.hours, slot * STEP + STEP / 2) for slot in range(48)]
        return [value * factor for factor in self.weekdays for value in day]


def _clock(hours: str, weekdays: str) -> WeekClock:
    return WeekClock(_knots(hours), tuple(float(factor) for factor in weekdays.split()))


PICKUP = _clock("0 .05, 6 .02, 9 .15, 12 .5, 14 1, 17 1.2, 19 1, 21 .4, 23 .1", "1.1 1.1 1 .9 .9 .35 .02")
HUB = _clock("0 1.5, 4 1.5, 7 .8, 10 .45, 16 .5, 19 1.2, 22 1.6", "1 1 1 1 1 .8 .5")
LOADING = _clock("5 0, 6 .5, 7.5 1.6, 8.5 1.7, 10 .6, 11.5 .05, 12 0", "1 1 1 1 1 .75 .2")
ROUND = _clock(
    "8 0, 9 .04, 10 .07, 11 .10, 12 .13, 13 .16, 14 .20, 15 .24, "
    "16 .28, 17 .34, 18 .42, 19 .50, 20 .55, 21 .40, 22 .02, 23 0",
    "1 1 1 1 1 1 1",
)
BUSINESS = _clock("0 .05, 8 .1, 9 1, 13 1.2, 17 1, 19 .4, 22 .1", "1 1 1 1 1 .4 .1")
COLLECTS = _clock("8 0, 10 1, 18 1.4, 20 .3, 21 0", "1 1 1 1 1 1 .1")


class Passage(NamedTuple):
    """What can happen next in a stage. `ages`: a factor by the hours spent in it."""

    before: Stage
    after: Stage
    worth: float
    clock: WeekClock
    rates: Rates
    ages: Knots


DOOR, FIRST, SCAN = 4.0, 1.0, 0.1
"""What an hour's delay of a piece of news costs: a delivery, an attempt, trouble; the first scan; one scan more."""


def _passage(before: Stage, after: Stage, worth: float, clock: WeekClock, rates: str, ages: str = "0 1") -> Passage:
    values = [float(rate) for rate in rates.split("/")]
    return Passage(before, after, worth, clock, Rates(*(values * 3)[:3]), _knots(ages))


_T = Stage
#: A label that nobody scans ever longer was perhaps never shipped, and a parcel silent for a week is likely lost:
#: their ages lead down to almost nothing.
SHIPPED = (
    _passage(_T.LABEL, _T.PICKED_UP, FIRST, PICKUP, ".22/.16/.12", "3.9 .5, 4 1, 24 .9, 48 .7, 72 .4, 96 .2, 144 .04"),
    _passage(_T.PICKED_UP, _T.HUB, SCAN, HUB, ".16/.14/.09", "3 0, 9 1, 120 1, 240 .2"),
    _passage(_T.PICKED_UP, _T.AT_DESTINATION, SCAN, HUB, ".04/.012/.004", "6 0, 12 1, 120 1, 240 .2"),
    _passage(_T.PICKED_UP, _T.EXCEPTION, DOOR, BUSINESS, ".0004"),
    _passage(_T.HUB, _T.HUB, SCAN, HUB, ".03/.055/.05", "5 0, 20 1, 120 1, 240 .2"),
    _passage(_T.HUB, _T.AT_DESTINATION, SCAN, HUB, ".10/.05/.025", "5 0, 18 1, 120 1, 240 .2"),
    _passage(_T.HUB, _T.EXCEPTION, DOOR, BUSINESS, ".0006"),
    _passage(_T.AT_DESTINATION, _T.OUT_FOR_DELIVERY, DOOR, LOADING, ".75/.55/.38", ".5 0, 2.5 1"),
    _passage(_T.AT_DESTINATION, _T.EXCEPTION, DOOR, BUSINESS, ".001"),
    _passage(_T.OUT_FOR_DELIVERY, _T.ENDED, DOOR, ROUND, "1.15/1.0/.95", "0 0, 1 1"),
    _passage(_T.OUT_FOR_DELIVERY, _T.ATTEMPTED, DOOR, ROUND, ".045/.045/.05", "0 0, 1 1"),
    _passage(_T.OUT_FOR_DELIVERY, _T.EXCEPTION, DOOR, ROUND, ".012"),
    _passage(_T.ATTEMPTED, _T.OUT_FOR_DELIVERY, DOOR, LOADING, ".40/.40/.35", "6 0, 12 1"),
    _passage(_T.ATTEMPTED, _T.ENDED, DOOR, COLLECTS, ".012", "6 0, 24 1"),
    _passage(_T.ATTEMPTED, _T.ENDED, DOOR, BUSINESS, ".004", "72 0, 144 1"),
    _passage(_T.READY, _T.ENDED, DOOR, COLLECTS, ".04", "0 1, 120 .5"),
    _passage(_T.EXCEPTION, _T.HUB, SCAN, HUB, ".014", "6 0, 24 1"),
    _passage(_T.EXCEPTION, _T.OUT_FOR_DELIVERY, DOOR, LOADING, ".035", "6 0, 24 1"),
    _passage(_T.EXCEPTION, _T.ENDED, DOOR, BUSINESS, ".006", "24 0, 72 1"),
    _passage(_T.EXCEPTION, _T.ENDED, DOOR, BUSINESS, ".004", "48 0, 120 1"),
)

#: Days from today to the promised day: passed by more than one, by one, today, tomorrow, in two days, later.
PROMISE_DAYS = (-2, -1, 0, 1, 2, 3)
#: By how much a promise changes the hazard of leaving a stage, for each of the above.
PROMISE: Mapping[Stage, tuple[float, ...]] = {
    _T.PICKED_UP: (1.5, 1.5, 1.3, 1.3, 1.0, 0.85),
    _T.HUB: (0.5, 1.5, 1.9, 1.1, 0.8, 0.75),
    _T.AT_DESTINATION: (1.5, 1.4, 1.45, 0.4, 0.25, 0.6),
    _T.OUT_FOR_DELIVERY: (1.2, 1.2, 1.2, 0.55, 0.55, 0.9),
    _T.ATTEMPTED: (1.3, 1.2, 1.6, 0.3, 0.3, 0.4),
    _T.EXCEPTION: (1.0, 1.1, 3.0, 1.3, 1.0, 0.5),
}

#: No hour is quite without news: a clock never falls below this share of its own mean. More than the model has, so that
#: a carrier unlike the model is not missed altogether; learning brings it down where it is too much.
_FAINT = 0.2

AGES = (0.0, 4.0, 12.0, 24.0, 48.0, 96.0)
"""Hours in a stage at which an age bucket of the learning begins."""
HOURS = 12
"""Blocks of two hours in the day."""


class Multipliers(NamedTuple):
    """What an account learnt about leaving a stage: factors on the shipped hazard, 1 where nothing was learnt."""

    overall: float = 1.0
    age: tuple[float, ...] = (1.0,) * len(AGES)
    hour: tuple[float, ...] = (1.0,) * HOURS
    weekday: tuple[float, ...] = (1.0,) * 7
    promise: tuple[float, ...] = (1.0,) * len(PROMISE_DAYS)


UNLEARNT = Multipliers()


class Exit(NamedTuple):
    """A passage worked out for one service: its hazard per hour is week[slot] x ages[steps in the stage]."""

    after: int
    worth: float
    week: tuple[float, ...]
    ages: tuple[float, ...]


class StageTable(NamedTuple):
    """All ways out of a stage. `promise`: a factor for each of PROMISE_DAYS, and 1 at the end for no promise."""

    exits: tuple[Exit, ...]
    promise: tuple[float, ...]

    def hazard(self, slot: int, age: int, promise: int) -> float:
        """Of leaving, per hour."""
        return sum(exit_.week[slot] * exit_.ages[age] for exit_ in self.exits) * self.promise[promise]


STAGES = tuple(Stage)
INDEX = {stage: index for index, stage in enumerate(STAGES)}
Tables = tuple[StageTable, ...]
"""A StageTable for each of STAGES, in their order."""
Learnt = Mapping[tuple[str, str, Stage], Multipliers]
"""By carrier, service and stage."""


def promise_class(days: int | None) -> int:
    """Which entry of StageTable.promise holds so many days before the promised one; None: nothing is promised."""
    return len(PROMISE_DAYS) if days is None else min(max(days, -2), 3) + 2


def age_class(steps: int) -> int:
    """Which age bucket of the learning so many steps in a stage fall into."""
    return bisect_right(AGES, steps * STEP) - 1


def tables(
    service: Service,
    learnt: Mapping[Stage, Multipliers] | None = None,
    passages: Sequence[Passage] = SHIPPED,
    promise: Mapping[Stage, tuple[float, ...]] = PROMISE,
) -> Tables:
    """The hazards worked out for a service, with what was learnt for it by stage."""
    return tuple(
        _stage_table(stage, service, (learnt or {}).get(stage, UNLEARNT), passages, promise) for stage in STAGES
    )


def _stage_table(
    stage: Stage,
    service: Service,
    learnt: Multipliers,
    passages: Sequence[Passage],
    promise: Mapping[Stage, tuple[float, ...]],
) -> StageTable:
    slots = [learnt.weekday[slot // 48] * learnt.hour[slot % 48 // 4] * learnt.overall for slot in range(SLOTS)]
    exits = []
    for passage in passages:
        if passage.before is not stage:
            continue
        week = passage.clock.week()
        faint = _FAINT * sum(week) / SLOTS
        rate = passage.rates.of(service)
        exits.append(
            Exit(
                INDEX[passage.after],
                passage.worth,
                tuple(rate * max(value, faint) * factor for value, factor in zip(week, slots, strict=True)),
                tuple(
                    level(passage.ages, (age + 0.5) * STEP) * learnt.age[age_class(age)] for age in range(OLDEST + 1)
                ),
            )
        )
    shipped = promise.get(stage, (1.0,) * len(PROMISE_DAYS))
    factors = (*(one * other for one, other in zip(shipped, learnt.promise, strict=True)), 1.0)
    return StageTable(tuple(exits), factors)
