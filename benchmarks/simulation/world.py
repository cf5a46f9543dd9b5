"""Parcels' lives to poll: the sandbox's journey model, and worlds that differ from it.

Owns the drawing of lives and of promised days, and what is visible of them when. Knows no policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from tracker.cadence.stages import Stage
from tracker.sandbox import stages as model
from tracker.sandbox.journeys import PROMISES

START = 56 * 365.25 * 24 // 168 * 168 + model.MONDAY
"""Hours since the Unix epoch: a Monday, 00:00."""
LABELS_HOURS = 720.0
"""Labels are made over so long."""
EUROPE = (0.0, 1.0, 2.0)
"""Hours ahead of UTC, in which quotas count their days: a day's quota begins at about midnight there."""
AMERICA = (-5.0, -6.0, -7.0, -8.0)
"""There it begins in the late afternoon."""

STAGE = {
    model.Stage.LABEL: Stage.LABEL,
    model.Stage.PICKED_UP: Stage.PICKED_UP,
    model.Stage.HUB_SCAN: Stage.HUB,
    model.Stage.AT_DEST: Stage.AT_DESTINATION,
    model.Stage.OUT_FOR_DELIVERY: Stage.OUT_FOR_DELIVERY,
    model.Stage.ATTEMPTED: Stage.ATTEMPTED,
    model.Stage.EXCEPTION: Stage.EXCEPTION,
    model.Stage.DELIVERED: Stage.ENDED,
    model.Stage.RETURNED: Stage.ENDED,
    model.Stage.LOST: Stage.ENDED,
}
VALUABLE = frozenset(model.Stage) - {
    model.Stage.LABEL,
    model.Stage.PICKED_UP,
    model.Stage.HUB_SCAN,
    model.Stage.AT_DEST,
}


class Event(NamedTuple):
    """A passage as a carrier tells it. Hours since the Unix epoch, UTC."""

    stage: Stage
    at: float
    visible: float
    moment: datetime
    valuable: bool


@dataclass(frozen=True, slots=True)
class Life:
    """A parcel to poll, its future included."""

    number: int
    service: str
    events: tuple[Event, ...]
    utc_offset: int
    """Minutes, at the destination."""
    promised: datetime | None

    @property
    def label(self) -> float:
        """When we begin to ask, in hours since the Unix epoch."""
        return self.events[0].at

    @property
    def until(self) -> float:
        """When we cease to."""
        return self.label + model.TRACKED_HOURS


class World(NamedTuple):
    """How a world differs from the model: the pace at an instant, and what is done to the clocks."""

    pace: Callable[[float], float] = lambda hours: 1.0
    """A factor on every hazard, at most 1, by hours since START."""
    clocks: bool = True
    """False: every hour of the week is like the mean one."""
    upload_delay: float = 0.0
    """Hours until a scan is visible; its own time stays."""
    zones: tuple[float, ...] = EUROPE
    several: bool = False
    """Whether origin, hub and destination lie in zones of their own."""


def _holiday(hours: float) -> float:
    """A week within the month in which next to nothing moves for two days, and little on the others."""
    day = hours / 24 - 10
    return 1.0 if not 0 <= day < 7 else 0.05 if 2 <= day < 4 else 0.5


WORLDS = {
    "base": World(),
    "slow": World(pace=lambda hours: 0.5),
    "holiday": World(pace=_holiday),
    "late_uploads": World(upload_delay=6.0),
    "no_clock": World(clocks=False),
    "america": World(zones=AMERICA),
    "several_zones": World(zones=AMERICA, several=True),
}


def draw(count: int, seed: int, world: World) -> list[Life]:
    """So many lives, the same from the same seed."""
    random = Random(seed)  # noqa: S311 - chance, not secrecy
    return [_life(random, number, world) for number in range(count)]


def _life(random: Random, number: int, world: World) -> Life:
    service = model.draw_service(random)
    zone = random.choice(world.zones)
    offsets = model.Offsets(zone, zone, zone)
    if world.several:
        offsets = model.Offsets(random.choice(world.zones), random.choice(world.zones), zone)
    label = START + random.random() * LABELS_HOURS
    if world.pace is WORLDS["base"].pace and world.clocks:
        life = model.draw_life(random, service, label, offsets)
    else:
        life = _other_life(random, service, label, zone, world)
    events = tuple(
        Event(
            STAGE[stage],
            hours,
            hours + (world.upload_delay if index else 0.0),
            datetime.fromtimestamp(hours * 3600, UTC),
            stage in VALUABLE,
        )
        for index, (stage, hours) in enumerate(life)
    )
    return Life(number, service.value, events, int(zone * 60), _promise(random, life, zone))


def _other_life(random: Random, service: model.Service, label: float, zone: float, world: World) -> list[model.Passage]:
    """A life by the model's hazards, with another pace or without clocks; drawn by thinning like the model's own."""
    life = [model.Passage(model.Stage.LABEL, label)]
    fate = random.random()
    column = tuple(model.Service).index(service)
    if fate < model.NEVER_SHIPPED:
        return life
    silent = fate < model.NEVER_SHIPPED + model.GOES_SILENT
    hours = label
    while (stage := life[-1].stage) in model.EXITS and not (silent and stage is model.Stage.HUB_SCAN):
        rows = [(exit_, exit_.rates[column] * max(exit_.profile)) for exit_ in model.EXITS[stage]]
        total = sum(bound for _, bound in rows)
        hours += random.expovariate(total)
        if hours > label + model.TRACKED_HOURS:
            break
        exit_, bound = random.choices(rows, [bound for _, bound in rows])[0]
        slot = int((hours + zone - model.MONDAY) * 4) % model.SLOTS
        level = exit_.profile[slot] if world.clocks else sum(exit_.profile) / model.SLOTS
        hazard = exit_.rates[column] * level * exit_.age(hours - life[-1].hours) * world.pace(hours - START)
        if random.random() * bound < hazard:
            life.append(model.Passage(exit_.to, hours))
    return life


def _promise(random: Random, life: list[model.Passage], zone: float) -> datetime | None:
    """The day promised at pickup, noon of it; a usual one where the parcel never arrives."""
    if len(life) == 1:
        return None
    last = life[-1]
    hours = last.hours if last.stage is model.Stage.DELIVERED else life[1].hours + 96
    shares, shifts = zip(*PROMISES, strict=True)
    day = (hours + zone) // 24 + random.choices(shifts, shares)[0]
    day = max(day, (life[1].hours + zone) // 24)
    return datetime.fromtimestamp((day * 24 + 12 - zone) * 3600, UTC)
