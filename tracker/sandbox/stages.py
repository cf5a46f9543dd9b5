"""The model of a parcel's life: stages, and the hazard of passing from one to the next.

The hazard of a transition per hour = clock profile(hour, weekday, where the parcel is) x rate(service) x
age factor(hours in the stage). The figures are plausible, not fitted to a carrier's logs. Drawn exactly, by
thinning: candidates come at the highest hazard there can be and are kept in proportion to the true one, so
that a life costs some fifty random numbers, not one for each quarter of an hour. Knows no place and no carrier.
"""

from bisect import bisect_right
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import NamedTuple

SLOTS = 672
"""Quarters of an hour in a week, the first one on Monday at 00:00 local time."""
MONDAY = 4 * 24.0
"""Hours from the Unix epoch, a Thursday, to the first Monday."""
TRACKED_HOURS = 30 * 24.0
NEVER_SHIPPED = 0.03
"""Share of labels that no parcel follows."""
GOES_SILENT = 0.002
"""Share of parcels never heard of again after a hub."""


class Service(StrEnum):
    """How fast the sender paid for."""

    EXPRESS = "express"
    GROUND = "ground"
    ECONOMY = "economy"


SHARES = {Service.EXPRESS: 0.25, Service.GROUND: 0.50, Service.ECONOMY: 0.25}


class Stage(StrEnum):
    """Where a parcel is in its life. The last three end it."""

    LABEL = "LABEL"
    PICKED_UP = "PICKED_UP"
    HUB_SCAN = "HUB_SCAN"
    AT_DEST = "AT_DEST"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    ATTEMPTED = "ATTEMPTED"
    EXCEPTION = "EXCEPTION"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"
    LOST = "LOST"


class Passage(NamedTuple):
    """The parcel enters a stage. `hours`: since the Unix epoch, UTC."""

    stage: Stage
    hours: float


class Offsets(NamedTuple):
    """Hours ahead of UTC at the three places a parcel lives at."""

    origin: float
    hub: float
    destination: float


Profile = tuple[float, ...]
Age = Callable[[float], float]


def _profile(knots: str, weekdays: str) -> Profile:
    """672 slots from `hour level` pairs, piecewise linear and flat outside, times a factor for each weekday."""
    pairs = [tuple(map(float, pair.split())) for pair in knots.split(",")]
    hours = [pair[0] for pair in pairs]
    levels = [pair[1] for pair in pairs]

    def level(hour: float) -> float:
        right = bisect_right(hours, hour)
        if right == 0 or right == len(hours):
            return levels[min(right, len(hours) - 1)]
        share = (hour - hours[right - 1]) / (hours[right] - hours[right - 1])
        return levels[right - 1] + share * (levels[right] - levels[right - 1])

    day = [level(slot / 4 + 0.125) for slot in range(96)]
    return tuple(value * float(factor) for factor in weekdays.split() for value in day)


PICKUP = _profile("0 .05, 6 .02, 9 .15, 12 .5, 14 1, 17 1.2, 19 1, 21 .4, 23 .1", "1.1 1.1 1 .9 .9 .35 .02")
HUB = _profile("0 1.5, 4 1.5, 7 .8, 10 .45, 16 .5, 19 1.2, 22 1.6", "1 1 1 1 1 .8 .5")
MORNING = _profile("5 0, 6 .5, 7.5 1.6, 8.5 1.7, 10 .6, 11.5 .05, 12 0", "1 1 1 1 1 .75 .2")
ROUND = _profile(
    "8 0, 9 .04, 10 .07, 11 .10, 12 .13, 13 .16, 14 .20, 15 .24, "
    "16 .28, 17 .34, 18 .42, 19 .50, 20 .55, 21 .40, 22 .02, 23 0",
    "1 1 1 1 1 1 1",
)
BUSINESS = _profile("0 .05, 8 .1, 9 1, 13 1.2, 17 1, 19 .4, 22 .1", "1 1 1 1 1 .4 .1")
COLLECTS = _profile("8 0, 10 1, 18 1.4, 20 .3, 21 0", "1 1 1 1 1 1 .1")


def _ramp(start: float, end: float) -> Age:
    """0 before `start` hours in the stage, 1 after `end`."""
    return lambda age: min(1.0, max(0.0, (age - start) / (end - start)))


def _always(age: float) -> float:
    return 1.0


def _label_age(age: float) -> float:
    return 0.5 if age < 4 else 1.0 if age < 72 else 0.6


class Exit(NamedTuple):
    """A transition out of a stage. `rates` per hour: express, ground, economy."""

    to: Stage
    profile: Profile
    rates: tuple[float, float, float]
    age: Age


def _exit(to: Stage, profile: Profile, rates: str, age: Age = _always) -> Exit:
    values = [float(rate) for rate in rates.split("/")]
    express, ground, economy = values if len(values) == 3 else values * 3
    return Exit(to, profile, (express, ground, economy), age)


EXITS: dict[Stage, tuple[Exit, ...]] = {
    Stage.LABEL: (_exit(Stage.PICKED_UP, PICKUP, ".22/.16/.12", _label_age),),
    Stage.PICKED_UP: (
        _exit(Stage.HUB_SCAN, HUB, ".16/.14/.09", _ramp(3, 9)),
        _exit(Stage.AT_DEST, HUB, ".04/.012/.004", _ramp(6, 12)),
        _exit(Stage.EXCEPTION, BUSINESS, ".0004"),
    ),
    Stage.HUB_SCAN: (
        _exit(Stage.HUB_SCAN, HUB, ".03/.055/.05", _ramp(5, 20)),
        _exit(Stage.AT_DEST, HUB, ".10/.05/.025", _ramp(5, 18)),
        _exit(Stage.EXCEPTION, BUSINESS, ".0006"),
    ),
    Stage.AT_DEST: (
        _exit(Stage.OUT_FOR_DELIVERY, MORNING, ".75/.55/.38", _ramp(0.5, 2.5)),
        _exit(Stage.EXCEPTION, BUSINESS, ".001"),
    ),
    Stage.OUT_FOR_DELIVERY: (
        _exit(Stage.DELIVERED, ROUND, "1.15/1.0/.95", _ramp(0, 1)),
        _exit(Stage.ATTEMPTED, ROUND, ".045/.045/.05", _ramp(0, 1)),
        _exit(Stage.EXCEPTION, ROUND, ".012"),
    ),
    Stage.ATTEMPTED: (
        _exit(Stage.OUT_FOR_DELIVERY, MORNING, ".40/.40/.35", _ramp(6, 12)),
        _exit(Stage.DELIVERED, COLLECTS, ".012", _ramp(6, 24)),
        _exit(Stage.RETURNED, BUSINESS, ".004", _ramp(72, 144)),
    ),
    Stage.EXCEPTION: (
        _exit(Stage.HUB_SCAN, HUB, ".014", _ramp(6, 24)),
        _exit(Stage.OUT_FOR_DELIVERY, MORNING, ".035", _ramp(6, 24)),
        _exit(Stage.RETURNED, BUSINESS, ".006", _ramp(24, 72)),
        _exit(Stage.LOST, BUSINESS, ".004", _ramp(48, 120)),
    ),
}

_COLUMN = {service: column for column, service in enumerate(Service)}
#: The highest hazard each exit can reach, by service.
_BOUNDS: dict[tuple[Stage, Service], tuple[float, tuple[tuple[float, float, Exit], ...]]] = {}
for _stage, _exits in EXITS.items():
    for _service, _column in _COLUMN.items():
        _rows = tuple((exit_.rates[_column], exit_.rates[_column] * max(exit_.profile), exit_) for exit_ in _exits)
        _BOUNDS[_stage, _service] = (sum(bound for _, bound, _ in _rows), _rows)


def draw_service(random: Random) -> Service:
    """A service, by its share."""
    return random.choices(tuple(SHARES), tuple(SHARES.values()))[0]


def draw_life(random: Random, service: Service, label_hours: float, offsets: Offsets) -> list[Passage]:
    """A parcel's passages, the label first, for at most 30 days. `label_hours`: since the Unix epoch."""
    life = [Passage(Stage.LABEL, label_hours)]
    fate = random.random()
    if fate < NEVER_SHIPPED:
        return life
    silent = fate < NEVER_SHIPPED + GOES_SILENT
    while (stage := life[-1].stage) in EXITS and not (silent and stage is Stage.HUB_SCAN):
        passage = _next(random, life[-1], service, _offset(stage, offsets), label_hours + TRACKED_HOURS)
        if passage is None:
            break
        life.append(passage)
    return life


def _offset(stage: Stage, offsets: Offsets) -> float:
    if stage in (Stage.LABEL, Stage.PICKED_UP):
        return offsets.origin
    return offsets.hub if stage is Stage.HUB_SCAN else offsets.destination


def _next(random: Random, last: Passage, service: Service, offset: float, until: float) -> Passage | None:
    """The passage after `last`, or None where it would come later than `until`."""
    total, rows = _BOUNDS[last.stage, service]
    monday = offset - MONDAY
    hours = last.hours
    while (hours := hours + random.expovariate(total)) <= until:
        draw = random.random() * total
        for rate, bound, exit_ in rows:
            if draw < bound:
                hazard = rate * exit_.profile[int((hours + monday) * 4) % SLOTS] * exit_.age(hours - last.hours)
                if draw < hazard:
                    return Passage(exit_.to, hours)
                break
            draw -= bound
    return None
