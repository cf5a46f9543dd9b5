"""Instants as the database holds them, for statements written as text."""

from datetime import UTC, datetime
from typing import overload


@overload
def stored(moment: datetime) -> str: ...
@overload
def stored(moment: None) -> None: ...
def stored(moment: datetime | None) -> str | None:
    """An aware datetime as fixed-width ISO 8601 text in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def instant(value: str | None) -> datetime | None:
    """The text of a column as a datetime in UTC."""
    return None if value is None else datetime.fromisoformat(value)
