"""How late news is seen for so many calls: the tracker's cadence beside what others do, and beside the optimum.

A simulation, the same from the same seed, of the sandbox's journey model; `docs/cadence.md` explains the figures. The
cadence is the very package the daemon uses. Prints a table and the goals, or JSON rows with --json.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from math import exp, log
from multiprocessing import Pool
from pathlib import Path
from typing import Any, NamedTuple

from simulation.polling import (
    KEEP,
    NOTHING,
    Delays,
    at_calls,
    fixed,
    foreign,
    learn,
    poll,
    priced,
    tiers,
)
from simulation.shared import Quota, batches_at_calls, by_price, first_come, sweep_at_calls
from simulation.world import WORLDS, Life, draw

from tracker.cadence import Hazards, Window
from tracker.cadence.hazards import SHIPPED

Row = dict[str, Any]
SEED, HISTORY_SEED = 7, 8
BUDGETS = (4, 8, 16, 32)
PRICES = {4: 110.0, 8: 8.0, 16: 0.87, 32: 0.16}
"""Where the search for the price of so many calls begins."""
BATCH_PRICES = {0.25: 350.0, 0.5: 70.0, 1.0: 12.0}
DAY_BUDGETS = (4, 8, 16)
HOURLY = 60
WRONG_PRICE = 5.0
QUICK = (8, 16)
HISTORY = 2500
FEW = 200


class Job(NamedTuple):
    """A row to make. `calls`: a parcel in its life, or in an hour for the scenario `hour_quota`."""

    policy: str
    scenario: str
    calls: float
    batch: int = 1
    history: int = 0
    parcels: int = 3000
    promise: bool = True
    service: bool = True
    sweeps: int = 3
    """Of the bound's programme; two are within 0.3 % of it."""


@lru_cache(2)
def _lives(parcels: int, scenario: str) -> list[Life]:
    return draw(parcels, SEED, WORLDS[scenario])


@lru_cache(3)
def _hazards(scenario: str, history: int, service: bool) -> tuple[Hazards, timedelta]:
    """What the policy goes by, and how late it has learnt the carrier to be."""
    other = scenario == "other_carrier"
    passages = foreign() if other else SHIPPED
    world = WORLDS["base" if other else scenario]
    lives = draw(history, HISTORY_SEED, world)
    learnt, delay = learn(lives, passages, service=service) if history else NOTHING
    return Hazards(learnt, passages=passages, keep=KEEP), delay


def _world_of(scenario: str) -> str:
    return {"day_quota": "base", "hour_quota": "base", "day_quota_america": "america", "other_carrier": "base"}.get(
        scenario, scenario
    )


def run(job: Job) -> Row:
    """Make one row."""
    lives = _lives(job.parcels, _world_of(job.scenario))
    used: float | None = None
    if "quota" in job.scenario:
        window = Window.HOUR if job.scenario == "hour_quota" else Window.DAY
        limit = int(job.calls) if window is Window.HOUR else round(len(lives) / 30 * job.calls)
        quota = Quota(window, limit)
        if job.policy == "tiers":
            found, used = first_come(lives, quota, tiers(1.0))
        else:
            found, used = by_price(lives, quota, _hazards("base", 0, True)[0], WRONG_PRICE)
    elif job.batch > 1:
        if job.policy == "fixed":
            found = sweep_at_calls(lives, job.calls)
        else:
            found = batches_at_calls(lives, job.calls, _hazards("base", job.history, True)[0], BATCH_PRICES[job.calls])
    else:
        found = _single(job, lives)
    row: Row = {
        "policy": job.policy,
        "callsPerParcel": job.calls if job.scenario != "hour_quota" else round(found.calls, 2),
        "batch": job.batch,
        "meanHours": round(found.mean, 3),
        "p95Hours": round(found.p95, 3),
        "valuableMeanHours": round(found.valuable_mean, 3),
        "valuableP95Hours": round(found.valuable_p95, 3),
        "scenario": job.scenario,
        "calls": round(found.calls, 2),
    }
    row |= {"learnedFrom": job.history} if job.history else {}
    row |= {"quotaUsed": round(used, 3)} if used is not None else {}
    row |= {} if job.promise else {"promise": False}
    row |= {} if job.service else {"service": False}
    return row


def _single(job: Job, lives: list[Life]) -> Delays:
    if job.policy == "bound":
        return _bound(job, lives)
    if job.policy == "fixed":
        return at_calls(lives, job.calls, fixed, 150 / job.calls, 1.0)
    if job.policy == "tiers":
        return at_calls(lives, job.calls, tiers, 32 / job.calls, 1.0)
    hazards, delay = _hazards(job.scenario, job.history, job.service)
    following = priced(hazards, service=job.service, promise=job.promise, delay=delay)
    return at_calls(lives, job.calls, following, PRICES[int(job.calls)], 0.35)


def _bound(job: Job, lives: list[Life]) -> Delays:
    """The optimum at two prices, read off between them at the budget: delays go with a power of the calls."""
    from simulation.bound import bound

    price = {4: 80.0, 8: 6.9, 16: 0.69, 32: 0.12}[int(job.calls)]
    first = poll(lives, bound(price, job.sweeps))
    second = poll(lives, bound(price * exp(log(first.calls / job.calls) / 0.3), job.sweeps))
    share = log(job.calls / first.calls) / log(second.calls / first.calls)
    return Delays(*(exp(log(one) + share * log(other / one)) for one, other in zip(first, second, strict=True)))


def jobs(quick: bool, parcels: int) -> Iterator[Job]:
    """All rows, the longest work first."""
    single = Job("", "base", 0, parcels=parcels, sweeps=2 if quick else 3)
    for calls in QUICK if quick else BUDGETS:
        job = single._replace(calls=calls)
        yield job._replace(policy="bound")
        yield job._replace(policy="shipped")
        yield job._replace(policy="learned", history=HISTORY)
        yield job._replace(policy="learned", history=FEW)
        yield job._replace(policy="fixed")
        yield job._replace(policy="tiers")
    if quick:
        return
    for batch_calls in BATCH_PRICES:
        for policy in ("fixed", "shipped"):
            yield single._replace(policy=policy, calls=batch_calls, batch=30)
    for policy in ("tiers", "shipped"):
        for scenario in ("day_quota", "day_quota_america"):
            for calls in DAY_BUDGETS:
                yield single._replace(policy=policy, scenario=scenario, calls=calls)
        yield single._replace(policy=policy, scenario="hour_quota", calls=HOURLY)
    for calls in QUICK:
        yield single._replace(policy="shipped", calls=calls, promise=False)
        yield single._replace(policy="shipped", calls=calls, service=False)
        elsewhere = single._replace(calls=calls, parcels=parcels // 3)
        for scenario in ("slow", "holiday", "late_uploads", "no_clock", "several_zones", "other_carrier"):
            for policy in ("fixed", "tiers", "shipped"):
                yield elsewhere._replace(policy=policy, scenario=scenario)
            yield elsewhere._replace(policy="learned", scenario=scenario, history=HISTORY)


class Goal(NamedTuple):
    """A ratio to stay under, or over."""

    text: str
    value: float
    limit: float
    at_least: bool = False

    def __str__(self) -> str:
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        sign = ">=" if self.at_least else "<="
        return f"{'met   ' if met else 'MISSED'}  {self.value:6.3f} {sign} {self.limit:<5} {self.text}"


def goals(rows: list[Row]) -> Iterator[Goal]:
    """What was promised, as far as the rows tell."""

    def value(key: str = "valuableMeanHours", **wanted: object) -> float | None:
        for row in rows:
            defaults = {"batch": 1, "learnedFrom": None, "promise": None, "service": None}
            if all(row.get(name) == expected for name, expected in {**defaults, **wanted}.items()):
                return float(row[key])
        return None

    def ratio(text: str, limit: float, over: dict[str, object], under: dict[str, object]) -> Iterator[Goal]:
        above, below = value(**over), value(**under)  # type: ignore[arg-type]
        if above is not None and below:
            yield Goal(text, above / below, limit)

    for calls in QUICK:
        base: dict[str, object] = {"scenario": "base", "callsPerParcel": calls}
        for history, limits in ((HISTORY, (0.22, 0.40, 1.2)), (FEW, (0.35, 0.6, None))):
            ours = {**base, "policy": "learned", "learnedFrom": history}
            for policy, limit in zip(("fixed", "tiers", "bound"), limits, strict=True):
                if limit is not None:
                    text = f"{calls} calls: learned from {history}, to {policy}"
                    yield from ratio(text, limit, ours, {**base, "policy": policy})
        blind = {**base, "policy": "shipped", "promise": False}
        text = f"{calls} calls: as shipped and without the promised day, to bound"
        yield from ratio(text, 1.2, blind, {**base, "policy": "bound"})
        for scenario in ("slow", "holiday", "late_uploads", "no_clock", "several_zones", "other_carrier"):
            there = {"scenario": scenario, "callsPerParcel": calls}
            for mine in ({"policy": "shipped"}, {"policy": "learned", "learnedFrom": HISTORY}):
                text = f"{calls} calls, {scenario}: {mine['policy']} to tiers"
                yield from ratio(text, 1.0, {**there, **mine}, {**there, "policy": "tiers"})
    for batch_calls in BATCH_PRICES:
        full: dict[str, object] = {"scenario": "base", "callsPerParcel": batch_calls, "batch": 30}
        text = f"{batch_calls} calls of 30: shipped to sweeping everything"
        yield from ratio(text, 0.4, {**full, "policy": "shipped"}, {**full, "policy": "fixed"})
    for calls in (8, 16):
        day: dict[str, object] = {"scenario": "day_quota", "callsPerParcel": calls}
        text = f"day quota of {calls} a parcel: price found online, to tiers first come"
        yield from ratio(text, 0.25, {**day, "policy": "shipped"}, {**day, "policy": "tiers"})
    for calls in DAY_BUDGETS:
        used = value("quotaUsed", scenario="day_quota", callsPerParcel=calls, policy="shipped")
        if used is not None:
            yield Goal(f"day quota of {calls} a parcel: share used", used, 0.93, at_least=True)
    hour = {row["policy"]: float(row["valuableMeanHours"]) for row in rows if row["scenario"] == "hour_quota"}
    if len(hour) == 2:
        yield Goal("60 calls an hour: price found online, to tiers first come", hour["shipped"] / hour["tiers"], 0.55)


def table(rows: list[Row]) -> None:
    """Print the rows for people."""
    print(f"{'scenario':18} {'batch':>5} {'calls':>6}  {'policy':22} {'valuable':>9} {'p95':>7} {'all':>7} {'p95':>7}")
    for row in rows:
        name = row["policy"] + (f" from {row['learnedFrom']}" if "learnedFrom" in row else "")
        name += " (no promise)" if "promise" in row else " (any service)" if "service" in row else ""
        figures = (row["valuableMeanHours"], row["valuableP95Hours"], row["meanHours"], row["p95Hours"])
        print(
            f"{row['scenario']:18} {row['batch']:5} {row['callsPerParcel']:6}  {name:22} "
            + "{:9.2f} {:7.2f} {:7.2f} {:7.2f}".format(*figures)
            + (f"  {row['quotaUsed']:.0%} of the quota" if "quotaUsed" in row else "")
        )
    print()
    for goal in goals(rows):
        print(goal)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="rows as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="the base scenario at 8 and 16 calls, fewer parcels")
    parser.add_argument("--png", type=Path, help="draw the figures into this file")
    parser.add_argument("--parcels", type=int, help="lives that are judged (3000; quick: 800)")
    parser.add_argument("--policies", default="", help="only these, separated by commas")
    options = parser.parse_args()
    work = list(jobs(options.quick, options.parcels or (800 if options.quick else 3000)))
    if options.policies:
        work = [job for job in work if job.policy in options.policies.split(",")]
    with Pool(os.cpu_count()) as pool:
        rows = []
        for row in pool.imap_unordered(run, work):
            rows.append(row)
            print(f"{len(rows)}/{len(work)}", end="\r", file=sys.stderr)
    rows.sort(key=lambda row: (row["scenario"] != "base", row["scenario"], row["batch"], row["callsPerParcel"]))
    if options.png:
        from simulation.drawing import draw_figures

        draw_figures(rows, options.png)
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        table(rows)


if __name__ == "__main__":
    main()
