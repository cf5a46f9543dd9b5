"""JSON and XML payloads shuffled and damaged, for the contract: what a careless or changing carrier might send.

Pure and deterministic. Knows no carrier and what none of the fields means.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson
import xmltodict

#: What every field gets replaced by. The last is what some systems send for "no date".
REPLACEMENTS: tuple[object, ...] = (None, "", [], {}, 0, "X" * 10_000, "0001-01-01T00:00:00")


class Damage(NamedTuple):
    """A payload with one place of it damaged."""

    path: str
    """Where, as in `[0].events[2].code`."""
    how: str
    """What was done there, for people."""
    body: bytes
    fields: frozenset[str]
    """Names of the fields touched: the nearest, and all inside it. Empty for the whole document."""
    missing: bool
    """Whether the place is gone (deleted or null), and not just odd."""


def damages(document: Any, encode: Callable[[Any], bytes] = orjson.dumps) -> Iterator[Damage]:
    """Every field and list item of the document deleted and replaced, and the document itself replaced.

    `encode` makes a payload of a document.
    """
    root = [document]
    for parent, key, name, path in list(nodes(root)):
        original = parent[key]
        touched = frozenset({name, *field_names(original)} if name else ())
        for replacement in REPLACEMENTS:
            parent[key] = replacement
            how = f"= {json.dumps(replacement)[:30]}"
            yield Damage(path, how, encode(root[0]), touched, replacement is None)
        parent[key] = original
        if parent is root:
            continue
        del parent[key]
        yield Damage(path, "deleted", encode(root[0]), touched, missing=True)
        if isinstance(parent, list):
            parent.insert(key, original)
        else:
            parent[key] = original


def as_xml(document: Any) -> bytes:
    """A document in the shape that `Reply.xml` reads, as XML; one that is no such document, as its text."""
    try:
        return xmltodict.unparse(document).encode()
    except (ValueError, AttributeError, TypeError):
        return str(document).encode()


def nodes(parent: Any, name: str = "", path: str = "") -> Iterator[tuple[Any, Any, str, str]]:
    """Every place inside a dict or list: the container, key or index in it, nearest field's name, path."""
    for key, value in list(parent.items()) if isinstance(parent, dict) else list(enumerate(parent)):
        field = key if isinstance(key, str) else name
        below = f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]"
        yield parent, key, field, below
        if isinstance(value, dict | list):
            yield from nodes(value, field, below)


def items_about(document: Any, names: Iterable[str]) -> dict[str, str]:
    """Path -> name, for each list item of the document that holds just one of the names."""
    found: dict[str, str] = {}
    for parent, key, _, path in nodes([document]):
        if isinstance(parent, list):
            held = {str(leaf) for leaf in leaves(parent[key])} & set(names)
            if len(held) == 1 and not any(path.startswith(outer) for outer in found):
                found[path] = held.pop()
    return found


def field_names(value: Any) -> set[str]:
    """Names of all fields inside a JSON value."""
    if not isinstance(value, dict | list):
        return set()
    return {key for _, key, _, _ in nodes(value) if isinstance(key, str)}


def leaves(value: Any) -> Iterator[object]:
    """Every value inside that is neither an object nor a list."""
    if not isinstance(value, dict | list):
        yield value
        return
    for inner in value.values() if isinstance(value, dict) else value:
        yield from leaves(inner)


def shuffled(value: Any, chance: random.Random) -> Any:
    """A copy with the items of every list in another order."""
    if isinstance(value, dict):
        return {key: shuffled(inner, chance) for key, inner in value.items()}
    if isinstance(value, list):
        return [shuffled(inner, chance) for inner in chance.sample(value, len(value))]
    return value
