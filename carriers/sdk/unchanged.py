"""Telling an answer that was read before from a new one, without reading it.

Most polls find nothing new. A fingerprint of what the carrier sent about a number, kept with the parcel, spares
the reading, the folding and the comparing of it. Owns the fingerprint and the leaving out; knows no carrier.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from carriers.sdk.exchange import Reply
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.reading import records


class Items(NamedTuple):
    """Where the answer to a batch lists what it says of each number."""

    path: tuple[str, ...]
    """Keys from the root of the JSON to the list."""
    number: str
    """An item's key for its tracking number."""


class ReadBefore(NamedTuple):
    """What was read before."""

    rules: bytes
    """Stands for all that an answer is read by (tables, settings, program), at most 64 bytes: a fingerprint made
    under other rules fits none."""
    fingerprints: Mapping[TrackingNumber, str]


def fingerprints(reply: Reply, items: Items | None, before: ReadBefore) -> dict[str, str]:
    """A fingerprint for each number that the answer lets one be told of; none for an answer that is an error."""
    if not 200 <= reply.status < 300 or not reply.numbers:
        return {}
    if len(reply.numbers) == 1:
        return {reply.numbers[0]: _hash(reply.body, before.rules)}
    if items is None:
        return {}
    found: dict[str, str] = {}
    for item in records(reply.decoded, *items.path):
        number = item.get(items.number)
        if isinstance(number, str):
            own = _hash(orjson.dumps(item), before.rules)
            found[number] = _hash((found[number] + own).encode(), before.rules) if number in found else own
    return found


def without(reply: Reply, items: Items | None, unchanged: Collection[str]) -> Reply:
    """The answer without what it says of these numbers, as if they had not been asked about."""
    numbers = tuple(number for number in reply.numbers if number not in unchanged)
    if not numbers or items is None:
        return replace(reply, numbers=numbers)
    return replace(reply, numbers=numbers, decoded=_filtered(reply.decoded, items.path, items.number, unchanged))


def _filtered(payload: Any, path: Sequence[str], number: str, unchanged: Collection[str]) -> Any:
    if path:
        return {**payload, path[0]: _filtered(payload[path[0]], path[1:], number, unchanged)}
    return [item for item in payload if not (isinstance(item, dict) and item.get(number) in unchanged)]


def _hash(content: bytes, rules: bytes) -> str:
    return blake2b(content, digest_size=8, key=rules).hexdigest()
