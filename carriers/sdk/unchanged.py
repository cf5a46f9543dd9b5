"""Telling an answer that was read before from a new one, without reading it.

Most polls find nothing new. A fingerprint of what the carrier sent about a number, kept with the parcel, spares
the decoding, reading, folding and comparing of it. Owns the fingerprint and the leaving out; knows no carrier.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import orjson

from carriers.sdk.exchange import Reply
from carriers.sdk.numbers import TrackingNumber


@dataclass(frozen=True)
class Items:
    """Where the answer to a batch lists what it says of each number."""

    path: tuple[str, ...]
    """Keys from the root of the JSON to the list."""
    number: str
    """An item's key for its tracking number."""

    @cached_property
    def _list(self) -> msgspec.json.Decoder[Any]:
        shape: Any = list[msgspec.Raw]
        for key in reversed(self.path):
            shape = msgspec.defstruct("Level", [("inner", shape, msgspec.field(name=key))])
        return msgspec.json.Decoder(shape)

    @cached_property
    def _item(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(msgspec.defstruct("Item", [("number", str, msgspec.field(name=self.number))]))

    def split(self, body: bytes) -> list[tuple[str, bytes]] | None:
        """(number, its JSON) for each item, none of them decoded; None where the body does not look like that."""
        try:
            level = self._list.decode(body)
            for _ in self.path:
                level = level.inner
            return [(self._item.decode(raw).number, bytes(raw)) for raw in level]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def joined(self, items: list[bytes]) -> Any:
        """The decoded answer with these items alone. Raises ValueError where one is no JSON after all."""
        payload: Any = [orjson.loads(item) for item in items]
        for key in reversed(self.path):
            payload = {key: payload}
        return payload


class ReadBefore(NamedTuple):
    """What was read before."""

    rules: bytes
    """Stands for all that an answer is read by (tables, settings, program), at most 64 bytes: a fingerprint made
    under other rules fits none."""
    fingerprints: Mapping[TrackingNumber, str]


class Sifted(NamedTuple):
    """An answer without what was read before."""

    fingerprints: Mapping[str, str]
    """Of all numbers of which the answer lets one be told."""
    unchanged: Collection[str]
    """Numbers of which it says what it said before."""
    rest: Reply
    """What it says of the others, as if they alone had been asked about."""


def sift(reply: Reply, items: Items | None, before: ReadBefore) -> Sifted:
    """Leave out of an answer what was read before; of an answer that is an error, nothing."""
    found = _found(reply, items)
    prints: dict[str, str] = {}
    for number, content in found:
        own = blake2b(content, digest_size=8, key=before.rules).hexdigest()
        prints[number] = prints.get(number, "") + own  # a number listed twice is known by both items
    unchanged = {n for n, own in prints.items() if before.fingerprints.get(TrackingNumber(n)) == own}
    if not unchanged:
        return Sifted(prints, unchanged, reply)
    rest = replace(reply, numbers=tuple(number for number in reply.numbers if number not in unchanged))
    if items is not None and rest.numbers:
        left = [content for number, content in found if number not in unchanged]
        try:
            rest = replace(rest, decoded=items.joined(left))
        except ValueError:  # splitting is lenient with what it skips; the reader of the whole is to judge it
            return Sifted({}, (), reply)
    return Sifted(prints, unchanged, rest)


def _found(reply: Reply, items: Items | None) -> list[tuple[str, bytes]]:
    """What the answer says of each number it names; of a single number asked, all that it says is about it."""
    if not 200 <= reply.status < 300:
        return []
    listed = (items.split(reply.body) if items is not None else None) or []
    if len(reply.numbers) > 1 or (listed and all(number == reply.numbers[0] for number, _ in listed)):
        return listed
    return [(reply.numbers[0], reply.body)]
