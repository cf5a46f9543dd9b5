"""Walking a carrier's JSON, or XML in JSON's shape, without trusting it.

Every function takes whatever is there and gives the type it promises: a field that is missing, null or of
the wrong type reads as empty. So one odd item never spoils an answer, and parsers stay free of checks.
"""

import re
from typing import Any


def record(value: object, *path: str) -> dict[str, Any]:
    """The object at `path` below `value`, or {}."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def records(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects of the array at `path` below `value`; items of another type are left out.

    One object where an array is due is an array of it: XML cannot tell one from the other.
    """
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict) and value:
        return [value]
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def text(value: object, *path: str) -> str:
    """The string at `path` below `value`, trimmed; a whole number reads as its digits, all else as ''.

    Of an XML element with attributes, its text.
    """
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("#text")
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


_SIGNER = re.compile(r"\s*[-:,;.]?\s*\bsigned (for )?by\b.*", re.IGNORECASE | re.DOTALL)


def unsigned(description: str, signer: str = "") -> str:
    """A carrier's sentence up to where it names who signed, and without that name wherever else it stands.

    A name has no business in a description.
    """
    bare = _SIGNER.sub("", description)
    if not signer:
        return bare
    return re.sub(rf"(?<!\w){re.escape(signer)}(?!\w)", "", bare, flags=re.IGNORECASE).strip(" ,;:-")
