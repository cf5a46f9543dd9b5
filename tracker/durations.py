"""Durations as people write them in a configuration, "90s", "30m", "4h", "2d", "1d 12h", and moments on a command line.

Owns the type and its reading and writing. Knows no setting that uses it.
"""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
PATTERN = r"^\s*(\d{1,5}\s*[smhdw]\s*)+$"
_WHOLE = re.compile(PATTERN)
_PART = re.compile(r"(\d+)\s*([smhdw])")


def read_duration(value: object) -> timedelta:
    """A duration out of its text; a timedelta as it is. Raises ValueError that says what is expected."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise ValueError(f'{value!r} is no duration; expected one like "90s", "30m", "4h", "2d" or "1d 12h"')
    return sum((int(count) * _UNITS[unit] for count, unit in _PART.findall(value)), timedelta())


def read_moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment that "30d" (so long before `now`), "2026-03-01" or an instant with an offset stands for.

    A date is its midnight in UTC; with `end` the midnight that ends it, so that a period holds its last day. Raises
    ValueError that says what is expected.
    """
    word = text.strip()
    try:
        if _WHOLE.fullmatch(word):
            return now - read_duration(word)
        moment = datetime.fromisoformat(word)
        if len(word) == len("2026-03-01"):
            return datetime.combine(moment, time(), UTC) + timedelta(days=end)
        if moment.tzinfo is not None:
            return moment
    except (ValueError, OverflowError):
        pass
    raise ValueError(f'{text!r} is no moment; expected one like "30d", "2026-03-01" or "2026-03-01T12:00:00Z"')


def write_duration(duration: timedelta) -> str:
    """A duration, not negative, as it is written: "1d 12h"; whole seconds."""
    rest = timedelta(seconds=int(duration.total_seconds()))
    parts = []
    for unit, length in _UNITS.items():
        count, rest = divmod(rest, length)
        if count and unit != "w":
            parts.append(f"{count}{unit}")
        elif count:
            rest += count * length  # 14d reads better than 2w
    return " ".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    PlainSerializer(write_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["30m", "4h", "2d"]}),
]


class DurationSchema(GenerateJsonSchema):
    """Makes JSON Schemas (`model_json_schema(schema_generator=DurationSchema)`) with defaults as people write them."""

    def encode_default(self, dft: Any) -> Any:
        """A default as it stands in the schema: durations, alone or in a tuple, by their text."""
        if isinstance(dft, timedelta):
            return write_duration(dft)
        if isinstance(dft, tuple):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft)
