"""What an import says about orders and fulfillments, cleaned: between the file's form and the database.

Owns the rule that a later word replaces an earlier one, and that what is left out stays as it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from carriers.sdk.status import FulfillmentStatus

#: Orders, and at least that many fulfillments, that end one chunk.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class FulfillmentGiven:
    """What is said of one fulfillment."""

    source_fulfillment_id: str
    status: FulfillmentStatus | None
    """None: not said."""
    payload: Mapping[str, Any]
    """Those of sourceItemIds, trackingCompany, trackingNumber, trackingUrl, createdAt and updatedAt that are
    said, checked and cleaned: numbers as TrackingNumbers, instants as ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What is said of one order."""

    source_order_id: str
    order: Mapping[str, Any] | None = None
    """Its fields that are said, without its customer; null clears one. None: only named by a fulfillment."""
    address: Mapping[str, str] | None = None
    """Those of `state`, `zip` and `country` that are said."""
    fulfillments: tuple[FulfillmentGiven, ...] = ()
    complete: bool = False
    """Whether these are all the fulfillments it has: others are withdrawn."""
    tags: frozenset[str] | None = None
    """The order's tags, casefolded; None: not said."""


def merged(registrations: Iterable[Registration]) -> list[Registration]:
    """One registration for each order, in the order of their first appearance; later words replace earlier."""
    found: dict[str, Registration] = {}
    for given in registrations:
        earlier = found.get(given.source_order_id) or Registration(given.source_order_id)
        found[given.source_order_id] = _joined(earlier, given)
    return list(found.values())


def chunks(registrations: Iterable[Registration]) -> Iterator[list[Registration]]:
    """Merged registrations in portions for one transaction each."""
    chunk: list[Registration] = []
    size = 0
    for given in merged(registrations):
        chunk.append(given)
        size += max(1, len(given.fulfillments))
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def overlaid(before: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A fulfillment's payload with what is said now; a number that stays keeps its URL if none is said."""
    payload = {**before, **said}
    if "trackingNumber" in said and "trackingUrl" in before and "trackingUrl" not in said:
        numbers, urls = before.get("trackingNumber", []), before["trackingUrl"]
        of_number = dict(zip(numbers, urls, strict=False))
        kept = [of_number.get(number, "") for number in said["trackingNumber"]]
        while kept and not kept[-1]:
            kept.pop()
        payload["trackingUrl"] = kept
    return payload


def _joined(earlier: Registration, later: Registration) -> Registration:
    if earlier.order is not None or later.order is not None:
        order = {**(earlier.order or {}), **(later.order or {})}
    else:
        order = None
    fulfillments = {given.source_fulfillment_id: given for given in earlier.fulfillments}
    for given in later.fulfillments:
        before = fulfillments.get(given.source_fulfillment_id, given)
        fulfillments[given.source_fulfillment_id] = replace(
            given, status=given.status or before.status, payload=overlaid(before.payload, given.payload)
        )
    if later.complete:
        named = {given.source_fulfillment_id for given in later.fulfillments}
        fulfillments = {id: given for id, given in fulfillments.items() if id in named}
    return Registration(
        later.source_order_id,
        order,
        {**(earlier.address or {}), **(later.address or {})},
        tuple(fulfillments.values()),
        earlier.complete or later.complete,
        later.tags if later.tags is not None else earlier.tags,
    )
