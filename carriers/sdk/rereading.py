"""What goes wrong when an answer is read again: for the contract's check that only news is read.

Owns the ways in which a second answer can differ from the first. Knows no case and no particular carrier.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import orjson

from carriers.sdk.carrier import Carrier, read
from carriers.sdk.errors import CarrierError
from carriers.sdk.events import Report
from carriers.sdk.exchange import Reply
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.unchanged import ReadBefore

_RULES = b"rules"
Prints = Mapping[TrackingNumber, str]
Contents = Mapping[TrackingNumber, tuple[object, ...]]


def fingerprints(carrier: Carrier, reply: Reply) -> Prints:
    """Of each number of which this answer lets one be told. Raises CarrierError."""
    reports = read(carrier, reply, ReadBefore(_RULES, {}))
    return {report.number: report.fingerprint for report in reports if report.fingerprint}


def rereading_troubles(carrier: Carrier, reply: Reply, document: Any) -> Iterator[str]:
    """What is wrong with reading this answer, of which some or all was read before. `document`: its JSON."""
    try:
        expected = _contents(read(carrier, reply))
    except CarrierError:
        return
    first = read(carrier, reply, ReadBefore(_RULES, {}))
    if _contents(first) != expected:
        yield "reading with no fingerprint to compare with gives something else than reading"
    prints = fingerprints(carrier, reply)
    yield from _troubles("the same answer", carrier, reply, ReadBefore(_RULES, prints), expected, set(prints))
    yield from _troubles("by other rules", carrier, reply, ReadBefore(b"other rules", prints), expected, set())
    for number in prints:
        others = {other: own for other, own in prints.items() if other != number}
        told = f"all but {number} read before"
        yield from _troubles(told, carrier, reply, ReadBefore(_RULES, others), expected, set(others))
    yield from _troubles_of_changes(carrier, reply, document, prints)


def _troubles_of_changes(
    carrier: Carrier, reply: Reply, document: Any, numbers: Iterable[TrackingNumber]
) -> Iterator[str]:
    """One number's item has a field more than before: that number is read again, and no other one."""
    for number, changed in _each_changed(carrier, document, numbers):
        before = fingerprints(carrier, replace(reply, body=orjson.dumps(document)))
        after = replace(reply, body=orjson.dumps(changed))
        expected, unchanged = _contents(read(carrier, after)), set(before) - {number}
        yield from _troubles(f"{number} changed", carrier, after, ReadBefore(_RULES, before), expected, unchanged)


def _each_changed(
    carrier: Carrier, document: Any, numbers: Iterable[TrackingNumber]
) -> Iterator[tuple[TrackingNumber, Any]]:
    if carrier.items is None:
        return
    for number in numbers:
        changed = deepcopy(document)
        listed = changed
        for key in carrier.items.path:
            listed = listed.get(key) if isinstance(listed, dict) else None
        found = [item for item in listed or () if isinstance(item, dict) and item.get(carrier.items.number) == number]
        for item in found:
            item["aFieldNotHeardOfYet"] = True
        if found:
            yield number, changed


def _troubles(
    told: str, carrier: Carrier, reply: Reply, before: ReadBefore, expected: Contents, unchanged: set[TrackingNumber]
) -> Iterator[str]:
    """With this read before, exactly those are unchanged, and the others come out as expected."""
    reports = read(carrier, reply, before)
    if [report.number for report in reports] != list(reply.numbers):
        yield f"{told}: not one Report for each number, in the order asked"
    came = {report.number for report in reports if report.unchanged}
    if came != unchanged:
        yield f"{told}: unchanged are {sorted(came)}, expected {sorted(unchanged)}"
    for number, content in _contents(report for report in reports if not report.unchanged).items():
        if content != expected[number]:
            yield f"{told}: {number} comes out as {content}, without what was read before as {expected[number]}"


def _contents(reports: Iterable[Report]) -> Contents:
    return {report.number: (report.shipments, repr(report.error)) for report in reports}
