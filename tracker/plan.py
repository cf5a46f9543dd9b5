"""What the coming days ask of each account's quota, and how fresh its news will be: said beforehand.

Owns the estimate: a sample of the live parcels, each with the wait that the cadence gives it, and as many more or fewer
of them as came and went lately. Reads the database; asks nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log
from typing import NamedTuple

from sqlalchemy import Connection

from carriers.sdk.carrier import Quota
from tracker.cadence import Cadence, Forecast, Hazards, Situation, Stage, forecast, multipliers
from tracker.config import AccountPlan
from tracker.routing import Routes
from tracker.store import learning, planning

#: Live parcels looked at for each source; the rest are taken to be like them.
SAMPLE = 500
#: How far above the lowest a price is searched, in its logarithm.
PRICE_RANGE = 14.0
#: Days by which the rate of new parcels is told.
LATELY = timedelta(days=7)
#: News later than this is no news to whoever waits for a delivery.
STARVED = timedelta(hours=24)


class Freshness(NamedTuple):
    """How late the news of parcels in a stage is expected to be, weighted by its worth."""

    stage: Stage
    parcels: int
    hours: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of one source: a carrier's accounts together, or one account with rules of its own."""

    source: str
    accounts: tuple[str, ...]
    live: int
    new_a_day: float
    wanted_a_day: float
    """Calls a day at the lowest price: what the policy would make with no quota in the way."""
    allowed_a_day: float | None
    """Calls a day the quotas allow; None: as many as one likes."""
    price: float
    """What a call comes to cost: the lowest price, or the one at which the calls fit."""
    freshness: tuple[Freshness, ...]
    """By stage, the one with most parcels first."""

    @property
    def fits(self) -> bool:
        """Whether the quota serves the parcels as well as the policy wants."""
        return self.allowed_a_day is None or self.wanted_a_day <= self.allowed_a_day

    @property
    def calls_a_day(self) -> float:
        """Calls a day to expect."""
        return self.wanted_a_day if self.allowed_a_day is None else min(self.wanted_a_day, self.allowed_a_day)

    @property
    def starved(self) -> tuple[Stage, ...]:
        """The stages whose news is expected more than a day late."""
        return tuple(one.stage for one in self.freshness if one.hours > STARVED / timedelta(hours=1))


def calls_a_day(quota: Quota) -> float | None:
    """The most calls a quota allows in a day; None where it has no limit."""
    limits = (quota.per_second and quota.per_second * 86400, quota.per_hour and quota.per_hour * 24, quota.per_day)
    return min((limit for limit in limits if limit), default=None)


def outlooks(
    tx: Connection, accounts: Sequence[AccountPlan], routes: Routes, cadence: Cadence, *, days: int, now: datetime
) -> Iterator[Outlook]:
    """An Outlook for each source that has live parcels and an account."""
    hazards = Hazards(multipliers(learning.lessons(tx)))
    plans = {plan.name: plan for plan in accounts}
    for source, live in planning.live(tx).items():
        serving = [plans[name] for name in routes.accounts_of(source) if name in plans]
        if serving:
            sample = planning.sample(tx, source, SAMPLE, now)
            came, went = planning.traffic(tx, source, now - LATELY)
            lately = LATELY / timedelta(days=1)
            growth = max(0.0, 1 + (came - went) / lately * days / 2 / live)
            yield _outlook(source, serving, live, came / lately, sample, hazards, cadence, growth, now)


def _outlook(
    source: str,
    serving: Sequence[AccountPlan],
    live: int,
    new_a_day: float,
    sample: Sequence[Situation],
    hazards: Hazards,
    cadence: Cadence,
    growth: float,
    now: datetime,
) -> Outlook:
    share = live * growth / len(sample) if sample else 0.0
    batch = max(plan.batch for plan in serving)

    def calls(price: float) -> float:
        return share / batch * sum(_asked(one, now, hazards, cadence, price).calls for one in sample)

    wanted = calls(cadence.price)
    limits = [limit for plan in serving if (limit := calls_a_day(plan.quota)) is not None]
    allowed = sum(limits) if len(limits) == len(serving) else None
    price = cadence.price
    if allowed is not None and wanted > allowed:
        price = _price_at(allowed, calls, cadence.price)
    return Outlook(
        source,
        tuple(plan.name for plan in serving),
        live,
        new_a_day,
        wanted,
        allowed,
        price * batch,
        tuple(_freshness(sample, live, hazards, cadence, price, now)),
    )


def _asked(situation: Situation, now: datetime, hazards: Hazards, cadence: Cadence, price: float) -> Forecast:
    return forecast(situation, now, 24.0, cadence=cadence, hazards=hazards, price=price)


def _price_at(allowed: float, calls: Callable[[float], float], lowest: float) -> float:
    """The price at which so many calls a day are wanted, to a few percent."""
    low, high = log(lowest), log(lowest) + PRICE_RANGE
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if calls(exp(middle)) > allowed else (low, middle)
    return exp(high)


def _freshness(
    sample: Sequence[Situation], live: int, hazards: Hazards, cadence: Cadence, price: float, now: datetime
) -> Iterator[Freshness]:
    by_stage: dict[Stage, list[Forecast]] = {}
    for situation in sample:
        by_stage.setdefault(situation.whereabouts(), []).append(_asked(situation, now, hazards, cadence, price))
    for stage, found in sorted(by_stage.items(), key=lambda item: -len(item[1])):
        together = Forecast(*(sum(values) for values in zip(*found, strict=True)))
        yield Freshness(stage, round(live * len(found) / len(sample)), together.lag)
