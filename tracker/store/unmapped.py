"""Codes that no table knew when they were told, as `tracker unmapped` counts them."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.store import rows


class UnmappedEvent(NamedTuple):
    """A stored event whose code was unknown."""

    id: int
    parcel_id: int
    source: str
    """Code of the carrier or aggregator whose code it is."""
    code: str
    text: str
    seen_at: datetime


_SOURCE = "COALESCE(NULLIF(e.source, ''), (SELECT carrier FROM parcels WHERE id = e.parcel_id))"
_UNMAPPED = rows.selected(
    ("e.id", "e.parcel_id", _SOURCE, "e.code", "e.description", "e.seen_at"),
    "events e INDEXED BY ix_events_unmapped WHERE NOT e.mapped",  # there are few, among very many
)


def events(db: Connection) -> list[UnmappedEvent]:
    """All of them, in no order."""
    return [
        UnmappedEvent(id, parcel, source, code, text, datetime.fromisoformat(seen_at))
        for id, parcel, source, code, text, seen_at in rows.fetch(db, _UNMAPPED, {})
    ]


_NUMBERS = rows.selected(("id", "number"), "parcels WHERE id IN (SELECT value FROM json_each(:ids))")


def numbers(db: Connection, parcel_ids: Iterable[int]) -> dict[int, str]:
    """Tracking numbers of these parcels."""
    return dict(rows.fetch(db, _NUMBERS, {"ids": json.dumps(list(parcel_ids))}))
