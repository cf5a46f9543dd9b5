"""Parcels on their way through a poll: claimed under a lease, then saved behind it.

Owns the statements of the hot path. All of them are set-based, and none makes an ORM object.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, text

from carriers.sdk.numbers import TrackingNumber
from tracker.models import Order, Parcel, ParcelEvent
from tracker.progress import Known
from tracker.store.times import stored

#: How much sooner a parcel of each priority is served than its due time says, in days. The head start lets
#: the valuable ones pass under a scarce quota, and ends: the rest wait, they do not starve.
HEAD_START: Mapping[int, float] = {4: 365.0, 3: 0.5, 2: 0.125, 1: 0.0, 0: 0.0}

_PARCELS = Parcel.__table__  # type: ignore[attr-defined]
_ORDERS = Order.__table__  # type: ignore[attr-defined]
_EVENTS = ParcelEvent.__table__  # type: ignore[attr-defined]


class Claimed(NamedTuple):
    """A parcel under lease."""

    id: int
    number: TrackingNumber
    fingerprint: str
    """Of the answer last read; '' where the next one must be read whatever it says."""


# A parcel whose promise may have run out is read again, for the answer means something else by now.
_CLAIMED = (
    " RETURNING id, number, CASE WHEN estimated_delivery <= :now"
    " AND status IN ('CARRIER_PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY') THEN '' ELSE fingerprint END"
)
_DUE = " UNION ALL ".join(
    "SELECT * FROM (SELECT id, julianday(next_poll_at) - "  # noqa: S608 - numbers of ours, no input
    f"{days} AS due FROM parcels WHERE carrier = :carrier AND priority = {priority} AND next_poll_at <= :now"
    " AND (lease_until IS NULL OR lease_until <= :now) ORDER BY next_poll_at LIMIT :limit)"
    for priority, days in HEAD_START.items()
)
_CLAIM = text(
    "UPDATE parcels SET lease_token = :token, lease_until = :until WHERE id IN"  # noqa: S608 - no input in it
    f" (SELECT id FROM ({_DUE}) ORDER BY due LIMIT :limit){_CLAIMED}"
)


_ANY_DUE = text(
    "SELECT "  # noqa: S608 - numbers of ours, no input
    + " OR ".join(
        f"EXISTS (SELECT 1 FROM parcels WHERE carrier = :carrier AND priority = {priority} AND next_poll_at <= :now)"  # noqa: S608
        for priority in HEAD_START  # a number of ours, no input
    )
)
_CLAIM_THESE = text(
    "UPDATE parcels SET lease_token = :token, lease_until = :until WHERE id IN :ids"  # noqa: S608 - no input in it
    f" AND (lease_until IS NULL OR lease_until <= :now){_CLAIMED}"
).bindparams(bindparam("ids", expanding=True))


def claim(tx: Connection, carrier: str, *, limit: int, token: str, now: datetime, until: datetime) -> list[Claimed]:
    """Lease up to `limit` due parcels of a carrier, the most valuable first."""
    rows = tx.execute(
        _CLAIM,
        {"carrier": carrier, "limit": limit, "token": token, "now": stored(now), "until": stored(until)},
    )
    return [Claimed(row[0], TrackingNumber(row[1]), row[2]) for row in rows]


def any_due(tx: Connection, carrier: str, now: datetime) -> bool:
    """Whether any parcel of a carrier is due, leased or not."""
    return bool(tx.execute(_ANY_DUE, {"carrier": carrier, "now": stored(now)}).scalar())


def claim_these(tx: Connection, ids: Sequence[int], *, token: str, now: datetime, until: datetime) -> list[Claimed]:
    """Lease these parcels, due or not, but for those under somebody's lease."""
    rows = tx.execute(_CLAIM_THESE, {"ids": list(ids), "token": token, "now": stored(now), "until": stored(until)})
    return [Claimed(row[0], TrackingNumber(row[1]), row[2]) for row in rows]


def release(tx: Connection, ids: Iterable[int], token: str) -> None:
    """Give parcels back unasked: they stay due."""
    rows = [{"id": id, "token": token} for id in ids]
    if rows:
        tx.execute(
            text("UPDATE parcels SET lease_token = NULL, lease_until = NULL WHERE id = :id AND lease_token = :token"),
            rows,
        )


_LEASED = (
    select(
        *(
            _PARCELS.c[name]
            for name in (
                "id",
                "number",
                "fulfilled_at",
                "status",
                "status_at",
                "reason",
                "last_movement_at",
                "delivered_at",
                "estimated_delivery",
                "shipment_id",
                "digest",
                "fingerprint",
                "first_asked_at",
                "ended_at",
                "not_found",
                "failures",
            )
        ),
        text(
            "(SELECT NOT EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
            " JOIN orders o ON o.id = f.order_id WHERE l.parcel_id = parcels.id AND f.withdrawn_at IS NULL"
            " AND o.cancelled_at IS NULL)) AS cancelled"
        ),
        *(
            func.coalesce(_ORDERS.c[name], "").label(f"destination_{name}")
            for name in ("country", "state", "postal_code")
        ),
    )
    .join_from(
        _PARCELS,
        _ORDERS,
        text(
            "orders.id = (SELECT f.order_id FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
            " WHERE l.parcel_id = parcels.id ORDER BY f.withdrawn_at IS NOT NULL, f.id LIMIT 1)"
        ),
        isouter=True,
    )
    .where(_PARCELS.c.id.in_(bindparam("ids", expanding=True)))
    .where(_PARCELS.c.lease_token == bindparam("token"))
)


def leased(tx: Connection, ids: Sequence[int], token: str) -> list[Any]:
    """The rows of those parcels that are still under this lease: a newer claim fences the older one off."""
    return list(tx.execute(_LEASED, {"ids": list(ids), "token": token}))


_KNOWN = select(_EVENTS.c.parcel_id, _EVENTS.c.key, _EVENTS.c.occurred_at, _EVENTS.c.withdrawn_at.is_not(None)).where(
    _EVENTS.c.parcel_id.in_(bindparam("ids", expanding=True))
)


def known_events(tx: Connection, ids: Sequence[int]) -> dict[int, dict[str, Known]]:
    """What the database has of each parcel's events, by key."""
    known: dict[int, dict[str, Known]] = {id: {} for id in ids}
    if ids:
        for parcel_id, key, occurred_at, withdrawn in tx.execute(_KNOWN, {"ids": list(ids)}):
            known[parcel_id][key] = Known(occurred_at, bool(withdrawn))
    return known


_STORED = select(_EVENTS).where(
    _EVENTS.c.parcel_id == bindparam("id"), _EVENTS.c.key.in_(bindparam("keys", expanding=True))
)


def stored_events(tx: Connection, parcel_id: int, keys: Sequence[str]) -> list[Any]:
    """Whole rows of some of a parcel's events."""
    return list(tx.execute(_STORED, {"id": parcel_id, "keys": list(keys)}))


_SAVED_COLUMNS = (
    "status",
    "status_at",
    "reason",
    "last_movement_at",
    "delivered_at",
    "estimated_delivery",
    "shipment_id",
    "digest",
    "fingerprint",
    "first_asked_at",
    "last_polled_at",
    "next_poll_at",
    "priority",
    "ended_at",
    "not_found",
    "failures",
    "last_error",
)
# Goes to SQLite as it is: converting the parameters costs SQLAlchemy as much again as the statement takes.
_SAVE = (
    f"UPDATE parcels SET {', '.join(f'{name} = :{name}' for name in _SAVED_COLUMNS)},"  # noqa: S608 - no input in it
    " lease_token = NULL, lease_until = NULL WHERE id = :id AND lease_token = :token"
)


def save(tx: Connection, rows: Sequence[Mapping[str, Any]], token: str) -> None:
    """Write the parcels' new state and end their lease. Keys of a row: `id` and every saved column."""
    if rows:
        tx.exec_driver_sql(_SAVE, [_plain(row) | {"token": token} for row in rows])


_TOUCHED_COLUMNS = ("last_polled_at", "next_poll_at", "priority", "not_found", "failures", "last_error")
_TOUCH = (
    f"UPDATE parcels SET {', '.join(f'{name} = :{name}' for name in _TOUCHED_COLUMNS)},"  # noqa: S608 - no input in it
    " lease_token = NULL, lease_until = NULL WHERE id = :id AND lease_token = :token"
)


def touch(tx: Connection, rows: Sequence[Mapping[str, Any]], token: str) -> None:
    """End the lease of parcels of which nothing new is known. Keys of a row: `id` and every touched column."""
    if rows:
        tx.exec_driver_sql(_TOUCH, [_plain(row) | {"token": token} for row in rows])


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stored(value) if isinstance(value, datetime) else value for name, value in row.items()}


_ADD_EVENTS = insert(_EVENTS).prefix_with("OR IGNORE")


def add_events(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert events; one that is there already is left as it is."""
    if rows:
        tx.execute(_ADD_EVENTS, list(rows))


def withdraw_events(tx: Connection, keys: Iterable[tuple[int, str]], at: datetime | None) -> None:
    """Mark (parcel, key) events as withdrawn by the carrier, or with `at` None as standing again."""
    rows = [{"id": parcel_id, "key": key, "at": stored(at)} for parcel_id, key in keys]
    if rows:
        tx.execute(text("UPDATE events SET withdrawn_at = :at WHERE parcel_id = :id AND key = :key"), rows)


def make_all_due(tx: Connection, now: datetime) -> None:
    """Every parcel whose carrier is known, ended or not, becomes due now."""
    tx.execute(text("UPDATE parcels SET next_poll_at = :now WHERE carrier <> ''"), {"now": stored(now)})


def all_polled_since(tx: Connection, since: datetime) -> bool:
    """Whether every parcel with a known carrier has been asked about at or after that instant."""
    return not tx.execute(
        text(
            "SELECT EXISTS (SELECT 1 FROM parcels WHERE carrier <> ''"
            " AND (last_polled_at IS NULL OR last_polled_at < :at))"
        ),
        {"at": stored(since)},
    ).scalar()
