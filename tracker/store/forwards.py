"""Merchants' calls that Order Protection could not be given at once, in order for each order.

Owns their rows, which hold customer data: a call that was delivered is deleted and overwritten in the file, one that
was refused for good loses its body.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from carriers.sdk.status import FulfillmentStatus
from tracker.models import ForwardState
from tracker.store.times import stored


class Waiting(NamedTuple):
    """A call to make now."""

    id: int
    source_order_id: str
    method: str
    path: str
    content_type: str
    body: bytes
    attempts: int


class Counted(NamedTuple):
    """How many calls wait and are dead, and since when the oldest one waits."""

    waiting: int
    dead: int
    oldest_at: str | None


def add(
    tx: Connection, source_order_id: str, method: str, path: str, content_type: str, body: bytes, now: datetime
) -> None:
    """Put a call at the end of its order's line."""
    tx.exec_driver_sql(
        "INSERT INTO forwarded_calls (source_order_id, method, path, content_type, body, state, created_at,"
        " next_attempt_at, attempts) VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, 0)",
        (source_order_id, method, path, content_type, body, stored(now), stored(now)),
    )


def any_waiting(tx: Connection, source_order_id: str) -> bool:
    """Whether an earlier call about this order still waits."""
    statement = "SELECT EXISTS (SELECT 1 FROM forwarded_calls WHERE source_order_id = :id AND state = 'waiting')"
    return bool(tx.exec_driver_sql(statement, {"id": source_order_id}).scalar())


_CLAIM = (
    "UPDATE forwarded_calls SET lease_token = :token, lease_until = :until, attempts = attempts + 1 WHERE id IN ("
    " SELECT id FROM forwarded_calls c WHERE state = 'waiting' AND next_attempt_at <= :now"
    " AND (lease_until IS NULL OR lease_until <= :now)"
    " AND NOT EXISTS (SELECT 1 FROM forwarded_calls older WHERE older.source_order_id = c.source_order_id"
    "  AND older.state = 'waiting' AND older.id < c.id)"
    " ORDER BY next_attempt_at, id LIMIT 1)"
    " RETURNING id, source_order_id, method, path, content_type, COALESCE(body, x'') AS body, attempts"
)


def claim(tx: Connection, *, token: str, now: datetime, until: datetime) -> Waiting | None:
    """Lease the call that is due first, never one behind another of its order."""
    row = tx.exec_driver_sql(_CLAIM, {"token": token, "now": stored(now), "until": stored(until)}).first()
    return None if row is None else Waiting(*row)


def delivered(tx: Connection, id: int, token: str) -> None:
    """Delete a call under its lease, and what it held from the file."""
    tx.exec_driver_sql("PRAGMA secure_delete = ON")
    tx.exec_driver_sql("DELETE FROM forwarded_calls WHERE id = ? AND lease_token = ?", (id, token))
    tx.exec_driver_sql("PRAGMA secure_delete = OFF")


def dead(tx: Connection, id: int, token: str, *, now: datetime, error: str) -> None:
    """Give a call under its lease up: what it held is gone, that it was there is kept."""
    tx.exec_driver_sql("PRAGMA secure_delete = ON")
    tx.exec_driver_sql(
        "UPDATE forwarded_calls SET state = ?, body = NULL, done_at = ?, last_error = ?, lease_token = NULL,"
        " lease_until = NULL WHERE id = ? AND lease_token = ?",
        (ForwardState.DEAD.value, stored(now), error, id, token),
    )
    tx.exec_driver_sql("PRAGMA secure_delete = OFF")


def postpone(tx: Connection, id: int, token: str, *, at: datetime, error: str, counted: bool) -> None:
    """Try a call under its lease again later. `counted` False takes the attempt back."""
    tx.exec_driver_sql(
        "UPDATE forwarded_calls SET next_attempt_at = ?, last_error = ?, attempts = attempts - ?, lease_token = NULL,"
        " lease_until = NULL WHERE id = ? AND lease_token = ?",
        (stored(at), error, 0 if counted else 1, id, token),
    )


def counted(tx: Connection) -> Counted:
    """How many there are."""
    row = tx.exec_driver_sql(
        "SELECT COUNT(*) FILTER (WHERE state = 'waiting'), COUNT(*) FILTER (WHERE state = 'dead'),"
        " MIN(created_at) FILTER (WHERE state = 'waiting') FROM forwarded_calls"
    ).one()
    return Counted(*row)


def forget_dead(tx: Connection, before: datetime) -> None:
    """Delete what was given up before that instant."""
    tx.exec_driver_sql("DELETE FROM forwarded_calls WHERE state = 'dead' AND done_at < ?", (stored(before),))


_KNOWN = (
    "SELECT f.id, f.status, EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN parcels p ON p.id = l.parcel_id"
    " WHERE l.fulfillment_id = f.id AND p.status IS NOT NULL) FROM fulfillments f JOIN orders o ON o.id = f.order_id"
    " WHERE o.source_order_id = ? AND f.source_fulfillment_id = ? AND f.withdrawn_at IS NULL"
)


class Known(NamedTuple):
    """A fulfillment that is followed here. `spoken`: a carrier gave it its status."""

    id: int
    status: FulfillmentStatus
    spoken: bool


def known(tx: Connection, source_order_id: str, source_fulfillment_ids: Sequence[str]) -> dict[str, Known]:
    """Those of an order's fulfillments that are there, by sourceFulfillmentId."""
    found = {}
    for id in source_fulfillment_ids:
        row = tx.exec_driver_sql(_KNOWN, (source_order_id, id)).first()
        if row is not None:
            found[id] = Known(row[0], FulfillmentStatus(row[1]), bool(row[2]))
    return found
