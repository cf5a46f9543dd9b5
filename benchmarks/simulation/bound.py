"""The exact causal optimum of the true model, to measure policies by.

Owns the dynamic programme: for each service, stage, slot of entry and age at the last look, the wait that makes
weighted delay plus price per call least, the parcel's whole future considered. Knows the sandbox's model exactly
and no promised day; on a grid of half an hour. The shape of arrays is slots of entry x steps.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.polling import Next
from simulation.world import STAGE, VALUABLE, Life
from tracker.sandbox import stages as model

Floats = NDArray[np.float64]

STEP = 0.5
SLOTS = 336
GAPS = 168
"""Longest wait in steps."""
AGES = {model.Stage.LABEL: 480, model.Stage.HUB_SCAN: 400, model.Stage.EXCEPTION: 480, model.Stage.ATTEMPTED: 360}
_AGES = 240
_WORTH = {model.Stage.PICKED_UP: 1.0, model.Stage.HUB_SCAN: 0.1, model.Stage.AT_DEST: 0.1}
_ORDER = tuple(reversed(model.EXITS))


class _Passing(NamedTuple):
    """A stage's ways out: survival to each age, and the chance of each passage in the step after it."""

    survival: Floats
    flows: dict[model.Stage, Floats]


def _passing(stage: model.Stage, column: int) -> _Passing:
    ages = AGES.get(stage, _AGES)
    slots = np.arange(SLOTS)
    hazards: dict[model.Stage, Floats] = {}
    for exit_ in model.EXITS[stage]:
        week = np.array(exit_.profile).reshape(SLOTS, 2).mean(axis=1)
        age = np.array([exit_.age((step + 0.5) * STEP) for step in range(ages)])
        hazard = exit_.rates[column] * age * week[(slots[:, None] + np.arange(ages)) % SLOTS]
        hazards[exit_.to] = hazards.get(exit_.to, np.zeros_like(hazard)) + hazard
    total = sum(hazards.values(), np.zeros((SLOTS, ages)))
    stays = np.exp(-total * STEP)
    survival = np.concatenate([np.ones((SLOTS, 1)), np.cumprod(stays, axis=1)], axis=1)
    leaving = survival[:, :-1] - survival[:, 1:]
    with np.errstate(invalid="ignore"):
        flows = {to: np.where(total > 0, leaving * hazard / total, 0.0) for to, hazard in hazards.items()}
    if stage is model.Stage.LABEL:
        survival = model.NEVER_SHIPPED + (1 - model.NEVER_SHIPPED) * survival
        flows = {to: (1 - model.NEVER_SHIPPED) * flow for to, flow in flows.items()}
    return _Passing(survival, flows)


def _plan(passing: _Passing, costs: dict[model.Stage, Floats], price: float) -> tuple[Floats, NDArray[np.int16]]:
    """The cost of a stage by the first look after its entry, and the best wait by age at the last look.

    `costs[s][slot, r]`: all that is still to be paid for a parcel that entered `s` then, with a look r steps later.
    """
    ages = passing.survival.shape[1] - 1
    lags = (np.arange(GAPS) + 0.5) * STEP
    news = {}
    for to in passing.flows:
        worth = 4.0 if to in VALUABLE else _WORTH[to]
        cost = worth * lags + costs.get(to, np.zeros((SLOTS, GAPS)))
        news[to] = np.concatenate([cost, cost])
    ahead = np.zeros((SLOTS, ages + GAPS + 1))  # cost-to-go by age at the look, times survival
    waits = np.zeros((SLOTS, ages), dtype=np.int16)
    pending = np.zeros((SLOTS, GAPS + 1))  # what comes out by a look that many steps ahead
    rows = np.arange(SLOTS)
    for age in range(ages - 1, -1, -1):
        pending[:, 1:] = pending[:, :-1]
        pending[:, 0] = 0.0
        start = (age + 1) % SLOTS
        for to, flow in passing.flows.items():
            pending[:, 1:] += flow[:, age, None] * news[to][start : start + SLOTS]
        choices = pending[:, 1:] + ahead[:, age + 1 : age + 1 + GAPS]
        best = choices.argmin(axis=1)
        waits[:, age] = best + 1
        ahead[:, age] = price * passing.survival[:, age] + choices[rows, best]
    return pending[:, :GAPS] + ahead[:, :GAPS], waits


def optimum(price: float, sweeps: int = 3) -> dict[tuple[str, model.Stage], NDArray[np.int16]]:
    """The best wait in steps, by service and stage: slot of entry x steps in the stage at the last look."""
    plans = {}
    for column, service in enumerate(model.Service):
        passings = {stage: _passing(stage, column) for stage in model.EXITS}
        costs: dict[model.Stage, Floats] = {}
        for _ in range(sweeps):
            for stage in _ORDER:
                costs[stage], plans[service.value, stage] = _plan(passings[stage], costs, price)
    return plans


_MODEL = {stage: each for each, stage in STAGE.items()}


def bound(price: float, sweeps: int = 3) -> Next:
    """The optimum as a policy, which alone is told the true model."""
    plans = optimum(price, sweeps)

    def following(life: Life, newest: int, now: float) -> float:
        event = life.events[newest]
        plan = plans[life.service, _MODEL[event.stage]]
        slot = int((event.at + life.utc_offset / 60 - model.MONDAY) / STEP) % SLOTS
        age = int((now - event.at) / STEP + 0.5)
        if age >= plan.shape[1]:
            return now + GAPS * STEP
        return now + float(plan[slot, age]) * STEP

    return following
