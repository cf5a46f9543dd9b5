"""What people do with fulfillments: statuses given by hand, mutes, notes. And asking about a parcel at once.

Owns the statements, and the rule how long a status given by hand stands: until a carrier says something else of one of
the parcels than it had said then. Knows no HTTP and nobody's rights.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from carriers.sdk.status import FulfillmentStatus
from tracker.store import rows
from tracker.store.registration import USED_AGAIN
from tracker.store.times import instant, stored
from tracker.timeline import ParcelStatus

#: How the reasons of statuses begin that are the tracker's own and no carrier's word.
_OWN_WORDS = ("overdue: ", "never known to the carrier")


class Overridden(NamedTuple):
    """A status given by hand."""

    status: FulfillmentStatus
    at: datetime
    by: str
    note: str


class Muted(NamedTuple):
    """Since when, by whom and why nobody is to hear of a fulfillment."""

    at: datetime
    by: str
    note: str


class Noted(NamedTuple):
    """What somebody did, or only wrote down."""

    at: datetime
    by: str
    action: str
    text: str


def said(parcels: Sequence[ParcelStatus]) -> str:
    """What carriers have said of these parcels, to be compared; a status that is the tracker's own is silence."""
    return json.dumps([None if _is_own(parcel) else parcel.status for parcel in parcels])


def _is_own(parcel: ParcelStatus) -> bool:
    return parcel.status is None or parcel.reason.startswith(_OWN_WORDS)


def _still_said(told: str, parcels: Sequence[ParcelStatus]) -> bool:
    before = json.loads(told)
    return len(before) == len(parcels) and all(
        _is_own(parcel) or parcel.status == then for then, parcel in zip(before, parcels, strict=True)
    )


def standing(tx: Connection, parcels: Mapping[int, Sequence[ParcelStatus]]) -> set[int]:
    """Of these fulfillments, with their parcels as they are now, those whose status given by hand still stands."""
    found = rows.fetch(tx, _TOLD, {"ids": json.dumps(list(parcels))})
    return {id for id, told in found if _still_said(told, parcels[id])}


_TOLD = rows.selected(
    ("fulfillment_id", "told"), "overrides WHERE fulfillment_id IN (SELECT value FROM json_each(:ids))"
)


def set_override(
    tx: Connection, fulfillment_id: int, given: Overridden, before: FulfillmentStatus, parcels: Sequence[ParcelStatus]
) -> None:
    """Keep a status given by hand. `before`: what it replaced, the first of several."""
    tx.exec_driver_sql(
        "INSERT INTO overrides (fulfillment_id, status, at, by, note, before, told)"
        " VALUES (:id, :status, :at, :by, :note, :before, :told)"
        " ON CONFLICT (fulfillment_id) DO UPDATE SET status = excluded.status, at = excluded.at, by = excluded.by,"
        " note = excluded.note, told = excluded.told",
        {
            "id": fulfillment_id,
            "status": given.status,
            "at": stored(given.at),
            "by": given.by,
            "note": given.note,
            "before": before,
            "told": said(parcels),
        },
    )


def override(db: Connection, fulfillment_id: int) -> Overridden | None:
    """The status given by hand, if one stands."""
    row = _one(db, "SELECT status, at, by, note FROM overrides WHERE fulfillment_id = :id", fulfillment_id)
    return Overridden(FulfillmentStatus(row[0]), _required(row[1]), row[2], row[3]) if row else None


def end_overrides(tx: Connection, fulfillment_ids: Iterable[int]) -> None:
    """Statuses given by hand are over: something newer counts."""
    ids = json.dumps(list(fulfillment_ids))
    tx.exec_driver_sql(
        "DELETE FROM overrides WHERE fulfillment_id IN (SELECT value FROM json_each(:ids))", {"ids": ids}
    )


def before_override(db: Connection, fulfillment_id: int) -> FulfillmentStatus | None:
    """What a fulfillment had before it was given a status by hand."""
    row = _one(db, "SELECT before FROM overrides WHERE fulfillment_id = :id", fulfillment_id)
    return FulfillmentStatus(row[0]) if row else None


def mute(tx: Connection, fulfillment_id: int, muted: Muted) -> None:
    """Hold back what is to be pushed of a fulfillment, and need nobody for it."""
    tx.exec_driver_sql(
        "INSERT INTO mutes (fulfillment_id, at, by, note) VALUES (:id, :at, :by, :note)"
        " ON CONFLICT (fulfillment_id) DO NOTHING",
        {"id": fulfillment_id, "at": stored(muted.at), "by": muted.by, "note": muted.note},
    )


def unmute(tx: Connection, fulfillment_id: int) -> None:
    """Push again, the newest status that was held back first."""
    tx.exec_driver_sql("DELETE FROM mutes WHERE fulfillment_id = :id", {"id": fulfillment_id})


def muted(db: Connection, fulfillment_id: int) -> Muted | None:
    """Whether a fulfillment is muted."""
    row = _one(db, "SELECT at, by, note FROM mutes WHERE fulfillment_id = :id", fulfillment_id)
    return Muted(_required(row[0]), row[1], row[2]) if row else None


def note(tx: Connection, fulfillment_id: int, noted: Noted) -> None:
    """Write down what was done."""
    tx.exec_driver_sql(
        "INSERT INTO notes (fulfillment_id, at, by, action, text) VALUES (:id, :at, :by, :action, :text)",
        {"id": fulfillment_id, "at": stored(noted.at), "by": noted.by, "action": noted.action, "text": noted.text},
    )


def notes(db: Connection, fulfillment_id: int) -> list[Noted]:
    """What was done with a fulfillment, the latest first."""
    found = db.exec_driver_sql(
        "SELECT at, by, action, text FROM notes WHERE fulfillment_id = :id ORDER BY id DESC", {"id": fulfillment_id}
    )
    return [Noted(_required(row[0]), row[1], row[2], row[3]) for row in found]


def ask_now(tx: Connection, fulfillment_id: int, now: datetime) -> int:
    """Have a fulfillment's parcels asked about next, ended or not; how many. Not those whose carrier nobody knows, or
    whose number was given again."""
    return int(
        tx.exec_driver_sql(
            "UPDATE parcels SET next_poll_at = :now, priority = 3, fingerprint = '' WHERE source <> ''"
            " AND id IN (SELECT parcel_id FROM fulfillment_parcels WHERE fulfillment_id = :id)"
            f" AND NOT {USED_AGAIN}",
            {"id": fulfillment_id, "now": stored(now)},
        ).rowcount
    )


class Link(NamedTuple):
    """A fulfillment that a parcel belongs to, and what people did with it."""

    id: int
    source_fulfillment_id: str
    source_order_id: str
    muted: bool
    overridden: bool


_LINKS = rows.selected(
    (
        *("l.parcel_id", "f.id", "f.source_fulfillment_id", "o.source_order_id"),
        "EXISTS (SELECT 1 FROM mutes WHERE fulfillment_id = f.id)",
        "EXISTS (SELECT 1 FROM overrides WHERE fulfillment_id = f.id)",
    ),
    "fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id JOIN orders o ON o.id = f.order_id"
    " WHERE l.parcel_id IN (SELECT value FROM json_each(:ids)) AND f.withdrawn_at IS NULL",
)


def links(db: Connection, parcel_ids: Sequence[int]) -> dict[int, list[Link]]:
    """The fulfillments, not withdrawn, of each of these parcels."""
    found: dict[int, list[Link]] = {id: [] for id in parcel_ids}
    for parcel_id, id, fulfillment, order, muted, overridden in rows.fetch(
        db, _LINKS, {"ids": json.dumps(list(found))}
    ):
        found[parcel_id].append(Link(id, fulfillment, order, bool(muted), bool(overridden)))
    return found


def reference(db: Connection, fulfillment_id: int) -> str | None:
    """The `sourceFulfillmentId` of a fulfillment that is not withdrawn."""
    row = _one(
        db, "SELECT source_fulfillment_id FROM fulfillments WHERE id = :id AND withdrawn_at IS NULL", fulfillment_id
    )
    return str(row[0]) if row else None


def status_of(db: Connection, fulfillment_id: int) -> FulfillmentStatus | None:
    """The status of a fulfillment that is not withdrawn."""
    row = _one(db, "SELECT status FROM fulfillments WHERE id = :id AND withdrawn_at IS NULL", fulfillment_id)
    return FulfillmentStatus(row[0]) if row else None


def _one(db: Connection, statement: str, fulfillment_id: int) -> Any:
    return db.exec_driver_sql(statement, {"id": fulfillment_id}).first()


def _required(value: str) -> datetime:
    moment = instant(value)
    assert moment is not None, "the column is NOT NULL"  # noqa: S101 - tells the type checker
    return moment
