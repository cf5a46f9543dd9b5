"""Pages of fulfillments and parcels, newest first, for the HTTP API and the pages.

Owns the statements behind the lists. A page begins below the id that the last one ended with, so that what comes in
meanwhile neither repeats nor hides a row. Read-only.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.models import Parcel
from tracker.store import needs, rows
from tracker.store.needs import Need, Thresholds
from tracker.store.registration import USED_AGAIN
from tracker.store.times import stored

_PARCELS = Parcel.__table__  # type: ignore[attr-defined]

#: Above every id.
FIRST_PAGE = 2**63 - 1

_ENDED = ", ".join(f"'{status}'" for status in sorted(ENDED))
_OPEN = f"p.ended_at IS NULL AND (p.status IS NULL OR p.status NOT IN ({_ENDED}))"
_LAST = "char(1114111)"  # above every character: ids are compared byte by byte
_FOLLOWED = (
    "EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
    " WHERE l.parcel_id = p.id AND f.withdrawn_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which to list; everything left out lets all pass."""

    statuses: Sequence[FulfillmentStatus] = ()
    """Of the fulfillment, or of the parcel where parcels are listed."""
    carrier: str | None = None
    late_at: datetime | None = None
    """Open parcels whose promised instant lies before this."""
    silent_since: datetime | None = None
    """Open parcels without a movement since this; since their fulfillment where they never moved."""
    changed_since: datetime | None = None
    """Fulfillments whose status changed here at or after this."""
    text: str = ""
    """How a tracking number, fulfillment id or order id begins."""
    unspoken: bool = False
    """Parcels that no carrier has given a status."""
    need: Need | None = None
    """Parcels that need somebody for this reason, by `thresholds`."""
    thresholds: Thresholds | None = None


def fulfillments(tx: Connection, wanted: Wanted, *, below: int, limit: int) -> list[int]:
    """Ids of fulfillments, not withdrawn, below that id."""
    conditions = ["f.withdrawn_at IS NULL", "f.id < :below"]
    if wanted.statuses:
        conditions.append("f.status IN (SELECT value FROM json_each(:statuses))")
    if wanted.changed_since is not None:
        conditions.append("f.id IN (SELECT fulfillment_id FROM status_history WHERE recorded_at >= :changed_since)")
    if of_parcels := list(_of_parcels(wanted)):
        conditions.append(_having(" AND ".join(of_parcels)))
    if wanted.text:
        conditions.append(
            "f.id IN (SELECT id FROM fulfillments WHERE source_fulfillment_id >= :text"
            f" AND source_fulfillment_id < :text || {_LAST} UNION SELECT t.id FROM orders o JOIN fulfillments t"
            f" ON t.order_id = o.id WHERE o.source_order_id >= :text AND o.source_order_id < :text || {_LAST}"
            f" UNION SELECT l.fulfillment_id FROM {_PARCELS_WITH} WHERE {_NUMBER})"
        )
    return _ids(tx, "f.id", "fulfillments f", conditions, wanted, below, limit)


def fulfillments_of_id(tx: Connection, source_fulfillment_id: str, source_order_id: str | None) -> list[int]:
    """Ids of the fulfillments, not withdrawn, of that id: of any order, or of this one."""
    statement = (
        "SELECT f.id FROM fulfillments f JOIN orders o ON o.id = f.order_id WHERE f.source_fulfillment_id = :id"
        " AND f.withdrawn_at IS NULL AND (:order IS NULL OR o.source_order_id = :order) ORDER BY f.id DESC"
    )
    return list(tx.exec_driver_sql(statement, {"id": source_fulfillment_id, "order": source_order_id}).scalars())


def parcels(tx: Connection, wanted: Wanted, *, below: int, limit: int) -> list[int]:
    """Ids of parcels, those that only withdrawn fulfillments have left out, below that id."""
    conditions = ["p.id < :below", _FOLLOWED, *_of_parcels(wanted)]
    if wanted.statuses:
        conditions.append("p.status IN (SELECT value FROM json_each(:statuses))")
    if wanted.text:
        conditions.append(
            f"({_NUMBER} OR p.id IN (SELECT l.parcel_id"
            " FROM orders o JOIN fulfillments f ON f.order_id = o.id JOIN fulfillment_parcels l"
            f" ON l.fulfillment_id = f.id WHERE o.source_order_id >= :text AND o.source_order_id < :text || {_LAST})"
            " OR p.id IN (SELECT l.parcel_id FROM fulfillments f JOIN fulfillment_parcels l ON l.fulfillment_id = f.id"
            f" WHERE f.source_fulfillment_id >= :text AND f.source_fulfillment_id < :text || {_LAST}))"
        )
    return _ids(tx, "p.id", "parcels p", conditions, wanted, below, limit)


_PARCELS_WITH = "parcels p JOIN fulfillment_parcels l ON l.parcel_id = p.id"
_NUMBER = f"p.number >= :number AND p.number < :number || {_LAST}"


def _having(condition: str) -> str:
    return f"f.id IN (SELECT l.fulfillment_id FROM {_PARCELS_WITH} WHERE {condition})"


def _of_parcels(wanted: Wanted) -> Iterator[str]:
    """Conditions on one parcel."""
    if wanted.carrier is not None:
        yield "p.carrier = :carrier"
    if wanted.late_at is not None:
        yield f"{_OPEN} AND p.estimated_delivery < :late_at"
    if wanted.silent_since is not None:
        yield f"{_OPEN} AND COALESCE(p.last_movement_at, p.fulfilled_at) <= :silent_since"
    if wanted.unspoken:
        yield "p.status IS NULL"
    if wanted.need is not None:
        yield needs.condition(wanted.need)


def _ids(
    tx: Connection, id: str, source: str, conditions: Sequence[str], wanted: Wanted, below: int, limit: int
) -> list[int]:
    statement = f"SELECT {id} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {id} DESC LIMIT :limit"
    parameters = {
        "below": below,
        "limit": limit,
        "statuses": json.dumps(list(wanted.statuses)),
        "carrier": wanted.carrier,
        "late_at": stored(wanted.late_at),
        "silent_since": stored(wanted.silent_since),
        "changed_since": stored(wanted.changed_since),
        "text": wanted.text,
        "number": _number(wanted.text),
        **(wanted.thresholds.parameters if wanted.thresholds else {}),
    }
    return list(tx.exec_driver_sql(statement, parameters).scalars())


def _number(text: str) -> str:
    """A tracking number as it is stored; people write it with blanks and in any case."""
    return "".join(text.split()).upper()


class Reference(NamedTuple):
    """A fulfillment that a parcel belongs to."""

    source_fulfillment_id: str
    source_order_id: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A parcel as it is listed."""

    row: Row[Any]
    """Of `parcels`."""
    tracking_url: str
    """The merchant's, or ''."""
    fulfillments: list[Reference]
    """Those that are not withdrawn."""


_BY_ID = select(_PARCELS).where(_PARCELS.c.id.in_(bindparam("ids", expanding=True)))
_OF_PARCELS = rows.selected(
    ("l.parcel_id", "l.tracking_url", "f.source_fulfillment_id", "o.source_order_id"),
    "fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id JOIN orders o ON o.id = f.order_id"
    " WHERE l.parcel_id IN (SELECT value FROM json_each(:ids)) AND f.withdrawn_at IS NULL",
)


def parcels_by_id(tx: Connection, ids: Sequence[int]) -> list[Shown]:
    """These parcels, in this order."""
    found = {row.id: row for row in tx.execute(_BY_ID, {"ids": list(ids)})}
    references: dict[int, list[Reference]] = {id: [] for id in ids}
    urls: dict[int, str] = {}
    for parcel_id, url, *reference in rows.fetch(tx, _OF_PARCELS, {"ids": json.dumps(list(ids))}):
        references[parcel_id].append(Reference(*reference))
        urls[parcel_id] = urls.get(parcel_id) or url
    return [Shown(found[id], urls.get(id, ""), references[id]) for id in ids if id in found]


def uses_of(tx: Connection, number: str) -> list[int]:
    """Ids of the parcels that have or had this tracking number, the newest use first."""
    statement = f"SELECT p.id FROM parcels p WHERE p.number = :number AND {_FOLLOWED} ORDER BY p.id DESC"
    return list(tx.exec_driver_sql(statement, {"number": _number(number)}).scalars())


def make_due(tx: Connection, number: str, now: datetime) -> int:
    """Have the newest use of a number asked about next, ended or not, whoever its carrier is; how many parcels.

    One whose carrier nobody knows cannot be asked about.
    """
    statement = (
        "UPDATE parcels SET next_poll_at = :now WHERE number = :number AND source <> ''"
        f" AND {_FOLLOWED.replace('p.id', 'parcels.id')} AND NOT {USED_AGAIN}"
    )
    return int(tx.exec_driver_sql(statement, {"number": _number(number), "now": stored(now)}).rowcount)
