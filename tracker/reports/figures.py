"""From journeys to figures: counts, medians, rates, by whatever people want to compare.

Every figure says how many parcels it rests on. A percentile of fewer than FEWEST parcels is no figure and is None;
so is a rate of none.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

#: The fewest parcels whose median and percentile are told.
FEWEST = 5


class Journey(NamedTuple):
    """A parcel that ended: delivered, or not to be delivered any more."""

    carrier: str
    service: str
    """'' where neither number nor merchant tell."""
    origin: str
    """State and country of the first scan ("TX, US"), the country alone where that is all; '' unknown."""
    destination: str
    """Of the order's address, else of the delivery scan."""
    ended_on: date
    """Day in UTC of the delivery, or of the failure."""
    delivered: bool
    days: float | None
    """From the first scan in the carrier's hands to the delivery; None where either is not known."""
    on_time: bool | None
    """Delivered by the end of the day promised first; None where nothing was promised."""
    attempted: bool
    """A delivery was tried in vain before."""
    delayed: bool
    """The carrier announced a delay."""
    on_hold: bool
    """It stood still until somebody acted."""
    failed: bool
    returned: bool
    """It travelled back to the sender; such a parcel has failed too."""


class By(StrEnum):
    """What to compare."""

    CARRIER = "carrier"
    SERVICE = "service"
    LANE = "lane"
    ORIGIN = "origin"
    DESTINATION = "destination"
    MONTH = "month"
    WEEK = "week"


_COLUMNS: dict[By, tuple[str, ...]] = {
    By.CARRIER: ("carrier",),
    By.SERVICE: ("carrier", "service"),  # a service's name means nothing without its carrier's
    By.LANE: ("origin", "destination"),
    By.ORIGIN: ("origin",),
    By.DESTINATION: ("destination",),
    By.MONTH: ("month",),
    By.WEEK: ("week",),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of journeys comes to. Rates are shares from 0 to 1, times are in days of 24 hours."""

    parcels: int
    """That ended: of them all the rates of trouble are."""
    delivered: int
    transit_parcels: int
    """Whose transit time is known."""
    transit_median_days: float | None
    transit_p90_days: float | None
    """Nine of ten took no longer."""
    on_time_parcels: int
    """Delivered ones with a promise."""
    on_time_rate: float | None
    first_attempt_rate: float | None
    """Of the delivered ones."""
    delayed_rate: float | None
    on_hold_rate: float | None
    failure_rate: float | None
    returned_rate: float | None


class Row(NamedTuple):
    """A group: its key by column, and its figures."""

    key: dict[str, str]
    figures: Figures

    @property
    def label(self) -> str:
        """The key in words."""
        lane = "origin" in self.key and "destination" in self.key
        parts = {name: value or "unknown" for name, value in self.key.items()}
        if lane:
            parts["origin"] += f" → {parts.pop('destination')}"
        if "service" in parts and not self.key["service"]:
            parts.pop("service")
        return " ".join(parts.values())


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the parcels that ended from `since` until before `until`."""

    since: datetime
    until: datetime
    by: tuple[By, ...]
    carrier: str | None
    """The one carrier it is about; None: all."""
    rows: list[Row]
    """Periods in their order, all else with the most parcels first."""
    total: Figures
    under_way: int
    """Parcels sent in that time that have not ended: the figures do not know of them yet."""


def columns(by: Sequence[By]) -> tuple[str, ...]:
    """The names of the key's columns, each once."""
    return tuple(dict.fromkeys(name for dimension in by for name in _COLUMNS[dimension]))


def report(
    journeys: Sequence[Journey],
    by: Sequence[By],
    *,
    since: datetime,
    until: datetime,
    carrier: str | None = None,
    under_way: int = 0,
) -> Report:
    """The figures of these journeys, by these dimensions; none gives the total alone."""
    names = columns(by)
    groups: dict[tuple[str, ...], list[Journey]] = {}
    if names:
        for journey in journeys:
            groups.setdefault(tuple(_value(journey, name) for name in names), []).append(journey)
    rows = [Row(dict(zip(names, key, strict=True)), _figures(group)) for key, group in groups.items()]
    rows.sort(key=lambda row: _order(row, names))
    return Report(since, until, tuple(by), carrier, rows, _figures(journeys), under_way)


def _value(journey: Journey, name: str) -> str:
    if name == "month":
        return journey.ended_on.isoformat()[:7]
    if name == "week":
        year, week, _ = journey.ended_on.isocalendar()
        return f"{year}-W{week:02}"
    value: str = getattr(journey, name)
    return value


def _order(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    periods = tuple(row.key[name] for name in names if name in ("month", "week"))
    return (periods, -row.figures.parcels, tuple(row.key.values()))


def _figures(journeys: Sequence[Journey]) -> Figures:
    delivered = [journey for journey in journeys if journey.delivered]
    days = sorted(journey.days for journey in delivered if journey.days is not None)
    promised = [journey.on_time for journey in delivered if journey.on_time is not None]
    enough = len(days) >= FEWEST
    return Figures(
        parcels=len(journeys),
        delivered=len(delivered),
        transit_parcels=len(days),
        transit_median_days=round((days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2, 2) if enough else None,
        transit_p90_days=round(days[math.ceil(0.9 * len(days)) - 1], 2) if enough else None,
        on_time_parcels=len(promised),
        on_time_rate=_share(promised),
        first_attempt_rate=_share(not journey.attempted for journey in delivered),
        delayed_rate=_share(journey.delayed for journey in journeys),
        on_hold_rate=_share(journey.on_hold for journey in journeys),
        failure_rate=_share(journey.failed for journey in journeys),
        returned_rate=_share(journey.returned for journey in journeys),
    )


def _share(facts: Iterable[bool]) -> float | None:
    told = list(facts)
    return round(sum(told) / len(told), 4) if told else None


_NAMES = {
    field.name: "".join(part if not index else part.title() for index, part in enumerate(field.name.split("_")))
    for field in fields(Figures)
}


def flat(row: Row) -> dict[str, Any]:
    """A group as one object: its key, then its figures. These names are a promise."""
    return {**row.key, **_numbers(row.figures)}


def _numbers(figures: Figures) -> dict[str, Any]:
    return {told: getattr(figures, name) for name, told in _NAMES.items()}


def shape(report: Report) -> dict[str, Any]:
    """The whole report for JSON. These names are a promise."""
    return {
        "since": report.since.isoformat(),
        "until": report.until.isoformat(),
        "carrier": report.carrier,
        "by": list(report.by),
        "rows": [flat(row) for row in report.rows],
        "total": _numbers(report.total),
        "underWay": report.under_way,
    }
