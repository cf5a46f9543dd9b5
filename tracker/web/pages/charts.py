"""Figures for the charts: from counts over time to shapes in an SVG. Pure.

Owns the geometry. Shapes that stretch are paths in a field of 1000 by 100 units; what must not stretch (words, bars)
is placed in per cent across and in pixels down. The words, colours and tables are the templates'.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, floor, log10
from typing import NamedTuple

#: Pixels that a chart's plot is high.
PLOT = 160
#: Units of the field that stretches.
WIDE, HIGH = 1000, 100


class Tick(NamedTuple):
    """A mark on an axis: `at` in per cent across, or pixels down; a minor one gives way where space is scarce."""

    at: float
    label: str
    minor: bool = False


class Layer(NamedTuple):
    """One status's part of a stacked chart."""

    status: str
    path: str


class Stack(NamedTuple):
    """Counts by status over time, one upon the other."""

    layers: list[Layer]
    across: list[Tick]
    up: list[Tick]
    days: list[date]
    """Of the table."""
    table: Mapping[str, Sequence[int]]
    """By status, the count at the end of each of these days."""


class Bar(NamedTuple):
    """A column: x and width in per cent, y and height in pixels; `share` of it (pixels) is of the second kind."""

    x: float
    width: float
    y: float
    height: float
    part: float
    value: int
    other: int
    label: str


class Columns(NamedTuple):
    """Counts by day or by hour."""

    bars: list[Bar]
    across: list[Tick]
    up: list[Tick]
    limit: float | None = None
    """Pixels down to the line of the most there may be."""
    path: str = ""
    """What has come together so far, in the field that stretches."""


def stack(
    samples: Sequence[tuple[datetime, str, int]], order: Sequence[str], since: datetime, until: datetime
) -> Stack | None:
    """Counts by status over time. `samples`: instant, status and count; a status that an instant has no sample of has
    no parcels then. `order`: from the bottom up. None while there is less than two instants."""
    instants = sorted({at for at, _, _ in samples})
    if len(instants) < 2:
        return None
    counts: dict[str, dict[datetime, int]] = {status: {} for status in order}
    for at, status, parcels in samples:
        counts.setdefault(status, {})[at] = parcels
    used = [status for status in counts if any(counts[status].values())]
    totals = [sum(counts[status].get(at, 0) for status in used) for at in instants]
    top = nice(max(totals))
    span = (until - since) / timedelta(seconds=1) or 1.0
    xs = [max(0.0, (at - since).total_seconds() / span * WIDE) for at in instants]
    floor_line = [0.0] * len(instants)
    layers = []
    for status in used:
        ceiling = [below + counts[status].get(at, 0) for below, at in zip(floor_line, instants, strict=True)]
        layers.append(Layer(status, _ribbon(xs, floor_line, ceiling, top)))
        floor_line = ceiling
    days = [(until - timedelta(days=back)).date() for back in range((until - since).days, -1, -1)]
    table = {status: [_at_end_of(day, counts[status], instants) for day in days] for status in used}
    return Stack(layers, _days_across(since, until), _up(top), days, table)


def _at_end_of(day: date, counts: Mapping[datetime, int], instants: Sequence[datetime]) -> int:
    seen = [at for at in instants if at.date() <= day]
    return counts.get(seen[-1], 0) if seen else 0


def _ribbon(xs: Sequence[float], below: Sequence[float], above: Sequence[float], top: float) -> str:
    upper = [f"{x:.1f},{_y(value, top):.2f}" for x, value in zip(xs, above, strict=True)]
    lower = [f"{x:.1f},{_y(value, top):.2f}" for x, value in zip(xs, below, strict=True)]
    return f"M{' L'.join(upper)} L{' L'.join(reversed(lower))} Z"


def _y(value: float, top: float) -> float:
    return HIGH - value / top * HIGH


def _days_across(since: datetime, until: datetime) -> list[Tick]:
    """The midnights, every second one named."""
    whole = (until - since).total_seconds()
    last = until.replace(hour=0, minute=0, second=0, microsecond=0)
    named = [last - timedelta(days=back) for back in range(0, (until - since).days, 2)]
    places = [(index, day, (day - since).total_seconds() / whole * 100) for index, day in enumerate(named)]
    return [Tick(at, f"{day.day} {day:%b}", minor=bool(index % 2)) for index, day, at in places if 3 < at < 97]


def days(counts: Mapping[date, int], last: date, length: int) -> Columns:
    """A column for each of the days up to `last`."""
    shown = [last - timedelta(days=back) for back in range(length - 1, -1, -1)]
    top = nice(max((counts.get(day, 0) for day in shown), default=0))
    step = 100 / length
    bars = [
        _bar(index * step + step * 0.15, step * 0.7, counts.get(day, 0), 0, top, f"{day.day} {day:%b}")
        for index, day in enumerate(shown)
    ]
    across = [
        Tick((index + 0.5) * step, f"{day.day} {day:%b}", minor=bool((length - 1 - index) % 4))
        for index, day in enumerate(shown)
        if (length - 1 - index) % 2 == 0
    ]
    return Columns(bars, across, _up(top))


class Hour(NamedTuple):
    """What was done in an hour of the day, and how much of it failed."""

    hour: int
    done: int
    failed: int


def quota(hours: Sequence[Hour], per_hour: int | None, per_day: int | None) -> Columns:
    """The calls of a day by hour, against what an hour allows; and all of them so far against what the day allows."""
    most = max((hour.done for hour in hours), default=0)
    top = nice(max(most, per_hour or 0, (per_day or 0) / 24, 1))
    step = 100 / 24
    bars = [
        _bar(hour.hour * step + step * 0.12, step * 0.76, hour.done, hour.failed, top, f"{hour.hour:02}:00")
        for hour in hours
    ]
    across = [Tick(hour * step, f"{hour:02}:00", minor=hour % 12 == 6) for hour in (0, 6, 12, 18)]
    allowed = per_hour or (per_day / 24 if per_day else None)
    limit = None if allowed is None else PLOT - allowed / top * PLOT
    path = ""
    if per_day and hours:
        done = 0
        points = ["0.0,100.00"]
        for hour in hours:
            done += hour.done
            points.append(f"{(hour.hour + 1) / 24 * WIDE:.1f},{_y(min(done, per_day), per_day):.2f}")
        path = f"M{' L'.join(points)}"
    return Columns(bars, across, _up(top), limit, path)


def _bar(x: float, width: float, value: int, other: int, top: float, label: str) -> Bar:
    height = value / top * PLOT
    return Bar(
        round(x, 3),
        round(width, 3),
        round(PLOT - height, 1),
        round(height, 1),
        round(min(other / top * PLOT, height), 1),
        value,
        other,
        label,
    )


def _up(top: float) -> list[Tick]:
    return [Tick(PLOT - share * PLOT, f"{top * share:,.0f}") for share in (0.5, 1.0) if top * share >= 1]


def nice(most: float) -> float:
    """The round number at or above it that an axis can end with."""
    if most <= 4:
        return 4.0
    size = 10 ** floor(log10(most))
    return float(next(step * size for step in (1, 2, 4, 6, 8, 10) if step * size >= most)) if size else ceil(most)


class Segment(NamedTuple):
    """A status's share of all: x and width in per cent."""

    status: str
    parcels: int
    x: float
    width: float


def shares(counts: Sequence[tuple[str, int]]) -> list[Segment]:
    """Counts side by side in a bar."""
    whole = sum(parcels for _, parcels in counts) or 1
    segments: list[Segment] = []
    x = 0.0
    for status, parcels in counts:
        width = parcels / whole * 100
        segments.append(Segment(status, parcels, round(x, 3), round(width, 3)))
        x += width
    return segments
