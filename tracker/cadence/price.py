"""What a call costs: one price for each account, found so that the calls it makes worth while fit its quota.

Owns the controller. A price stands in for all parcels at once: whatever is worth more than it is asked for.
The calls wanted in an hour go with price ** -ELASTICITY (the square-root law says 0.5; measured over parcels'
lives it is less), so from what was wanted at one price follows what would be at another. The account's appetite
is learnt as a level, soon, and as a shape over the hours of the day, slowly. Pure; a step costs the same however
many parcels there are. Knows no storage: the state is a few numbers.
"""

from datetime import datetime
from enum import StrEnum
from math import exp
from typing import NamedTuple

ELASTICITY = 0.4
LOWEST, HIGHEST = 1e-3, 1e4
TARGET = 0.98
"""Share of a quota to aim at."""
_LEVEL_HOURS = 12.0
"""Memory of how much is wanted."""
_SHAPE_SHARE = 0.2
"""By how much an hour's shape follows the last time it came."""
_TRUST_HOURS = 2.0
"""How much history the first guess counts for."""
_STRIDE = 2.0
"""Most the price moves in an hour, in its logarithm."""
_MARGIN = 0.125
"""Share of a window that is looked at beyond its end, so that its last minutes don't make the price jump."""


class Window(StrEnum):
    """How a carrier counts: in hours or days that begin on the clock, or in any span of that length."""

    HOUR = "hour"
    DAY = "day"
    SLIDING_HOUR = "sliding_hour"
    SLIDING_DAY = "sliding_day"


class Price(NamedTuple):
    """An account's price and what it was found from."""

    value: float
    at: float
    """Hours since the Unix epoch of the last step."""
    wanted: float
    """Appetite: calls wanted, as of price 1, with old ones fading away."""
    span: float
    """The hours of a mean day in which they were wanted, fading likewise."""
    hour_wanted: float
    """Appetite of the hour that runs."""
    shape: tuple[float, ...]
    """How much is wanted in each hour of the day (UTC), 1 on average."""


class Count(NamedTuple):
    """A quota window as it stands: calls used in it, of how many."""

    window: Window
    used: int
    limit: int


def start(value: float, now: datetime, calls_an_hour: float = 1.0) -> Price:
    """A first guess, held to be right for the first hours; `calls_an_hour`: what the quota allows on average."""
    appetite = calls_an_hour * value**ELASTICITY
    return Price(value, now.timestamp() / 3600, _TRUST_HOURS * appetite, _TRUST_HOURS, 0.0, (1.0,) * 24)


def step(price: Price, now: datetime, *, wanted: int, counts: tuple[Count, ...], lowest: float) -> Price:
    """The price from `now` on.

    `wanted`: calls since the last step that were worth the price, made or refused; each counts once. `counts`:
    the hourly and daily windows there are; the tightest decides. `lowest`: the price while none of them binds.
    """
    at = now.timestamp() / 3600
    passed = max(0.0, at - price.at)
    appetite = wanted * price.value**ELASTICITY
    fading = exp(-passed / _LEVEL_HOURS)
    hour = int(price.at % 24)
    fresh = price._replace(
        at=max(at, price.at),
        wanted=price.wanted * fading + appetite,
        span=price.span * fading + price.shape[hour] * passed,
        hour_wanted=price.hour_wanted + appetite,
    )
    if int(at) != int(price.at):
        fresh = fresh._replace(shape=_learn(fresh, hour), hour_wanted=0.0)
    if not counts:
        return fresh._replace(value=lowest)
    target = max(lowest, *(_fitting(fresh, count) for count in counts))
    stride = exp(_STRIDE * min(passed, 1.0) + 0.02)
    value = min(max(target, price.value / stride), price.value * stride)
    return fresh._replace(value=min(max(value, LOWEST), HIGHEST))


def _learn(price: Price, hour: int) -> tuple[float, ...]:
    """The shape with the hour that just ended in it."""
    level = price.wanted / price.span
    shape = list(price.shape)
    seen = price.hour_wanted / level if level else 1.0
    shape[hour] += _SHAPE_SHARE * (min(seen, 8.0) - shape[hour])
    mean = sum(shape) / 24
    return tuple(max(value / mean, 0.02) for value in shape)


def _fitting(price: Price, count: Count) -> float:
    """The price at which what is wanted until the window's end, and a little beyond, fits what is left of it."""
    sliding = count.window in (Window.SLIDING_HOUR, Window.SLIDING_DAY)
    length = 1.0 if count.window in (Window.HOUR, Window.SLIDING_HOUR) else 24.0
    limit = TARGET * count.limit
    rest = length if sliding else length - price.at % length
    margin = _MARGIN * length
    wanted = price.wanted / price.span * _shape_over(price, rest + margin)
    if sliding:  # what ages out of the window makes room for as much; too much used makes less
        room = limit * (1 + _MARGIN) + min(0.0, limit - count.used)
    else:
        room = max(0.0, limit - count.used) + limit * _shape_over(price, margin, rest) / _shape_over(price, length)
    return float((wanted / max(room, 1e-3 * limit)) ** (1 / ELASTICITY))


def _shape_over(price: Price, hours: float, later: float = 0.0) -> float:
    """The hours of a mean day that so many hours from now, or from `later` on, amount to."""
    at, total = price.at + later, 0.0
    while hours > 1e-9:
        part = min(hours, 1.0 - at % 1.0)
        total += part * price.shape[int(at % 24)]
        at += part
        hours -= part
    return total
