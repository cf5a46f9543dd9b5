"""Codes that no table knew when they were told, counted: what `tracker unmapped` and the page list.

Pure: takes the events, asks no database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tracker.replay.rulebook import RuleBook, Ruling
from tracker.store.unmapped import UnmappedEvent


@dataclass(slots=True)
class Seen:
    """An unknown code, or one that was unknown: where it was seen."""

    source: str
    code: str
    newest: UnmappedEvent
    first_at: datetime
    events: int = 0
    parcels: set[int] = field(default_factory=set)
    ruling: Ruling | None = None
    """What reads it by now."""


def seen(events: Iterable[UnmappedEvent], book: RuleBook) -> tuple[list[Seen], list[Seen]]:
    """The codes that are unknown still, and those a rule reads by now; in how many parcels decides their order."""
    found: dict[tuple[str, str, bool], Seen] = {}
    for event in events:
        ruling = book.read(event.source, event.code, event.text)
        key = (event.source, event.code, ruling.meaning is None)
        one = found.setdefault(key, Seen(event.source, event.code, event, event.seen_at, ruling=ruling))
        one.events += 1
        one.parcels.add(event.parcel_id)
        one.first_at = min(one.first_at, event.seen_at)
        one.newest = max(one.newest, event, key=lambda told: (told.seen_at, told.id))
    ordered = sorted(found.items(), key=lambda item: (-len(item[1].parcels), -item[1].events, item[0]))
    unknown = [one for key, one in ordered if key[2]]
    return unknown, [one for key, one in ordered if not key[2]]
