"""What people ask the database: read-only, each answer in a few statements however many rows it has.

Owns the statements behind `tracker status`, `tracker list` and `tracker check`. Changes nothing; knows no
output format. The daemon's own statements are in the other modules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, or_, select, text, union

from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.models import (
    Account,
    Fulfillment,
    FulfillmentParcel,
    Order,
    Parcel,
    ParcelEvent,
    Push,
    PushState,
    StatusChange,
)
from tracker.store.registration import USED_AGAIN

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_FULFILLMENTS = Fulfillment.__table__  # type: ignore[attr-defined]
_LINKS = FulfillmentParcel.__table__  # type: ignore[attr-defined]
_PARCELS = Parcel.__table__  # type: ignore[attr-defined]
_EVENTS = ParcelEvent.__table__  # type: ignore[attr-defined]
_HISTORY = StatusChange.__table__  # type: ignore[attr-defined]
_PUSHES = Push.__table__  # type: ignore[attr-defined]
_ACCOUNTS = Account.__table__  # type: ignore[attr-defined]

#: A parcel that something is still expected of, whoever said so.
_OPEN = _PARCELS.c.ended_at.is_(None) & or_(_PARCELS.c.status.is_(None), _PARCELS.c.status.not_in(ENDED))


@dataclass(slots=True)
class Pushed:
    """What Order Protection was told of a fulfillment last, and what it is still to be told."""

    status: FulfillmentStatus | None = None
    at: datetime | None = None
    pending: bool = False
    attempts: int = 0
    last_error: str | None = None


@dataclass(slots=True)
class Tracked:
    """A fulfillment with all that hangs on it. The rows' columns bear the models' names."""

    row: Row[Any]
    """Of `fulfillments`, with `source_order_id`."""
    parcels: list[Row[Any]] = field(default_factory=list)
    """Of `parcels`, with `tracking_url`; in the merchant's order."""
    history: list[Row[Any]] = field(default_factory=list)
    """Of `status_history`, oldest first."""
    pushed: Pushed = field(default_factory=Pushed)


_MATCHING = union(
    select(_FULFILLMENTS.c.id).where(_FULFILLMENTS.c.source_fulfillment_id == bindparam("reference")),
    select(_FULFILLMENTS.c.id)
    .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
    .where(_ORDERS.c.source_order_id == bindparam("reference")),
    select(_LINKS.c.fulfillment_id)
    .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_PARCELS.c.number == bindparam("number")),
).subquery()
_FOUND = (
    select(_FULFILLMENTS, _ORDERS.c.source_order_id)
    .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
    .where(_FULFILLMENTS.c.id.in_(select(_MATCHING.c.id)), _FULFILLMENTS.c.withdrawn_at.is_(None))
    .order_by(_FULFILLMENTS.c.fulfilled_at, _FULFILLMENTS.c.id)
)
_BY_ID = (
    select(_FULFILLMENTS, _ORDERS.c.source_order_id)
    .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
    .where(_FULFILLMENTS.c.id.in_(bindparam("ids", expanding=True)))
)
_PARCELS_OF = (
    select(_LINKS.c.fulfillment_id, _LINKS.c.tracking_url, _PARCELS)
    .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_LINKS.c.fulfillment_id.in_(bindparam("ids", expanding=True)))
    .order_by(_LINKS.c.fulfillment_id, _LINKS.c.position)
)
_HISTORY_OF = (
    select(_HISTORY).where(_HISTORY.c.fulfillment_id.in_(bindparam("ids", expanding=True))).order_by(_HISTORY.c.id)
)
_PUSHES_OF = (
    select(_PUSHES)
    .where(
        _PUSHES.c.fulfillment_id.in_(bindparam("ids", expanding=True)),
        _PUSHES.c.state.in_([PushState.SENT, PushState.WAITING, PushState.DEAD]),
    )
    .order_by(_PUSHES.c.id)
)


def _wanted(reference: str) -> dict[str, str]:
    """A reference as an id, which is exact, and as a tracking number, which people write with blanks."""
    return {"reference": reference, "number": "".join(reference.split()).upper()}


def tracked(db: Connection, reference: str) -> list[Tracked]:
    """The fulfillments, not withdrawn, that a tracking number, fulfillment id or order id stands for."""
    return _with_all(db, [Tracked(row) for row in db.execute(_FOUND, _wanted(reference))], history=True)


def tracked_by_id(db: Connection, ids: Sequence[int], *, history: bool = False) -> list[Tracked]:
    """These fulfillments, by our own ids and in their order."""
    rows = {row.id: row for row in db.execute(_BY_ID, {"ids": list(ids)})}
    return _with_all(db, [Tracked(rows[id]) for id in ids if id in rows], history=history)


def _with_all(db: Connection, fulfillments: list[Tracked], *, history: bool) -> list[Tracked]:
    """The same, with what hangs on them."""
    found = {one.row.id: one for one in fulfillments}
    if not found:
        return []
    ids = {"ids": list(found)}
    for row in db.execute(_PARCELS_OF, ids):
        found[row.fulfillment_id].parcels.append(row)
    if history:
        for row in db.execute(_HISTORY_OF, ids):
            found[row.fulfillment_id].history.append(row)
    for row in db.execute(_PUSHES_OF, ids):
        pushed = found[row.fulfillment_id].pushed
        if row.state is PushState.SENT:
            pushed.status, pushed.at = row.status, row.done_at
        pushed.pending = pushed.pending or row.state is PushState.WAITING
        pushed.attempts, pushed.last_error = row.attempts, row.last_error
    return fulfillments


_EVENTS_OF = (
    select(_EVENTS)
    .where(_EVENTS.c.parcel_id.in_(bindparam("ids", expanding=True)), _EVENTS.c.withdrawn_at.is_(None))
    .order_by(_EVENTS.c.parcel_id, _EVENTS.c.occurred_at.desc(), _EVENTS.c.position, _EVENTS.c.id)
)


def events(db: Connection, parcel_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Each parcel's standing events, newest first."""
    found: dict[int, list[Row[Any]]] = {id: [] for id in parcel_ids}
    if found:
        for row in db.execute(_EVENTS_OF, {"ids": list(found)}):
            found[row.parcel_id].append(row)
    return found


@dataclass(frozen=True, slots=True)
class Filter:
    """Which parcels to list; everything left out lets all pass."""

    statuses: Sequence[FulfillmentStatus] = ()
    """Of the fulfillment."""
    carrier: str | None = None
    late_at: datetime | None = None
    """Open parcels whose promised instant lies before this."""
    silent_since: datetime | None = None
    """Open parcels without a movement since this; since their fulfillment where they never moved."""


_LISTED = (
    select(
        _FULFILLMENTS.c.source_fulfillment_id,
        _ORDERS.c.source_order_id,
        _FULFILLMENTS.c.status,
        _PARCELS.c.carrier,
        _PARCELS.c.number,
        _PARCELS.c.status.label("parcel_status"),
        _PARCELS.c.status_at,
        _PARCELS.c.last_movement_at,
        _PARCELS.c.estimated_delivery,
        _PARCELS.c.last_polled_at,
        _PARCELS.c.next_poll_at,
        _PARCELS.c.last_error,
        _FULFILLMENTS.c.fulfilled_at,
    )
    .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
    .outerjoin(_LINKS, _LINKS.c.fulfillment_id == _FULFILLMENTS.c.id)
    .outerjoin(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_FULFILLMENTS.c.withdrawn_at.is_(None))
    .order_by(_FULFILLMENTS.c.id, _LINKS.c.position)
)


def listed(db: Connection, wanted: Filter) -> Iterator[Row[Any]]:
    """A row for each parcel of each fulfillment (one without parcels too), in the order they came in.

    Streams: the rows are read while they are used, and are gone with the connection.
    """
    return iter(db.execution_options(stream_results=True).execute(_LISTED.where(*_conditions(wanted))))


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    if wanted.statuses:
        yield _FULFILLMENTS.c.status.in_(wanted.statuses)
    if wanted.carrier is not None:
        yield _PARCELS.c.carrier == wanted.carrier
    if wanted.late_at is not None:
        yield _OPEN & (_PARCELS.c.estimated_delivery < wanted.late_at)
    if wanted.silent_since is not None:
        since = func.coalesce(_PARCELS.c.last_movement_at, _PARCELS.c.fulfilled_at, type_=_PARCELS.c.fulfilled_at.type)
        yield _OPEN & (since <= wanted.silent_since)


class Unclaimed(NamedTuple):
    """Open parcels of a carrier as the merchant wrote it, whose carrier nobody knows."""

    company: str
    parcels: int


def unclaimed(db: Connection) -> list[Unclaimed]:
    """Open parcels without a carrier, by what the merchant wrote for one."""
    rows = db.execute(
        select(_PARCELS.c.company, func.count())
        .where(_OPEN, _PARCELS.c.carrier == "")
        .group_by(_PARCELS.c.company)
        .order_by(func.count().desc())
    )
    return [Unclaimed(*row) for row in rows]


def open_by_source(db: Connection) -> dict[str, int]:
    """Open parcels by where they are asked about."""
    source = func.coalesce(func.nullif(_PARCELS.c.source, ""), _PARCELS.c.carrier)
    return {row[0]: row[1] for row in db.execute(select(source, func.count()).where(_OPEN).group_by(source))}


_PARCELS_ASKED = (
    select(_PARCELS.c.source, _PARCELS.c.id, _PARCELS.c.number, _PARCELS.c.carrier)
    .distinct()
    .join(_LINKS, _LINKS.c.parcel_id == _PARCELS.c.id)
    .join(_FULFILLMENTS, _FULFILLMENTS.c.id == _LINKS.c.fulfillment_id)
    .where(text(f"NOT {USED_AGAIN}"), _FULFILLMENTS.c.withdrawn_at.is_(None))
)
_PARCELS_BY_NUMBER = _PARCELS_ASKED.where(_PARCELS.c.number == bindparam("number"))
_PARCELS_BY_REFERENCE = _PARCELS_ASKED.where(_LINKS.c.fulfillment_id.in_(select(_MATCHING.c.id)))


class ParcelAsked(NamedTuple):
    """A parcel that somebody asks for."""

    id: int
    number: str
    carrier: str


def parcels_of(db: Connection, references: Sequence[str]) -> dict[str, list[ParcelAsked]]:
    """The parcels that these references stand for, by the source they are asked about at.

    A tracking number stands for its own parcel, an id for all of its fulfillment's or order's. Only the newest
    use of a number counts: what its carrier tells now is of no other; and none that only withdrawn fulfillments have,
    for those are not followed any more.
    """
    found: dict[str, list[ParcelAsked]] = {}
    seen: set[int] = set()
    for reference in references:
        wanted = _wanted(reference)
        rows = db.execute(_PARCELS_BY_NUMBER, wanted).all() or db.execute(_PARCELS_BY_REFERENCE, wanted)
        for source, *parcel in rows:
            asked = ParcelAsked(*parcel)
            if asked.id not in seen:
                seen.add(asked.id)
                found.setdefault(source, []).append(asked)
    return found
