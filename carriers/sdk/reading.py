"""Walking a carrier's JSON without trusting it.

Every function takes whatever is there and gives the type it promises: a field that is missing, null or of
the wrong type reads as empty. So one odd item never spoils an answer, and parsers stay free of checks.
"""

from typing import Any


def record(value: object, *path: str) -> dict[str, Any]:
    """The object at `path` below `value`, or {}."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def records(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects of the array at `path` below `value`; items of another type are left out."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def text(value: object, *path: str) -> str:
    """The string at `path` below `value`, trimmed; a whole number reads as its digits, all else as ''."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""
