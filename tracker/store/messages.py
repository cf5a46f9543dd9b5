"""Status changes on their way to webhook endpoints: every change to everybody who wants it, in order.

Owns their rows and the endpoints' own. A change becomes messages in the transaction that makes it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from carriers.sdk.status import FulfillmentStatus
from tracker.models import PushState
from tracker.store.times import instant, stored


class Endpoint(NamedTuple):
    """Who is told of what. Empty = all."""

    name: str
    statuses: Sequence[FulfillmentStatus] = ()
    carriers: Sequence[str] = ()


class EndpointState(NamedTuple):
    """How an endpoint does."""

    name: str
    paused_until: datetime | None
    paused_reason: str
    failures: int
    last_success_at: datetime | None

    def is_paused(self, now: datetime) -> bool:
        """Whether it is left alone at present."""
        return self.paused_until is not None and self.paused_until > now


class Due(NamedTuple):
    """A message to send now."""

    id: int
    message_id: str
    fulfillment_id: int
    change_id: int
    status: FulfillmentStatus
    at: datetime
    reason: str
    recorded_at: datetime
    attempts: int
    created_at: datetime
    payload: bytes | None
    """None before the first attempt."""


def sync(tx: Connection, endpoints: Sequence[Endpoint], now: datetime) -> None:
    """Make these the endpoints there are; what waits for one that is gone is dropped, a pause is over."""
    given = {"names": json.dumps([endpoint.name for endpoint in endpoints]), "now": stored(now)}
    gone = "NOT IN (SELECT value FROM json_each(:names))"
    tx.exec_driver_sql(f"DELETE FROM webhook_endpoints WHERE name {gone}", given)
    tx.exec_driver_sql(
        "UPDATE webhook_messages SET state = 'dropped', done_at = :now, last_error = 'the endpoint is gone',"
        f" payload = NULL, lease_token = NULL, lease_until = NULL WHERE state = 'waiting' AND endpoint {gone}",
        given,
    )
    for endpoint in endpoints:
        tx.exec_driver_sql(
            "INSERT INTO webhook_endpoints (name, statuses, carriers, paused_reason, failures)"
            " VALUES (:name, :statuses, :carriers, '', 0) ON CONFLICT (name) DO UPDATE SET statuses = :statuses,"
            " carriers = :carriers, paused_until = NULL",
            {
                "name": endpoint.name,
                "statuses": json.dumps(list(endpoint.statuses)),
                "carriers": json.dumps(list(endpoint.carriers)),
            },
        )


# CROSS JOIN keeps the order: without endpoints, nothing else is looked at.
_ADD = (
    "INSERT INTO webhook_messages (message_id, endpoint, fulfillment_id, change_id, state, created_at,"
    " next_attempt_at, attempts) SELECT 'msg_' || lower(hex(randomblob(12))), e.name, h.fulfillment_id, h.id,"
    " 'waiting', :now, :now, 0 FROM webhook_endpoints e CROSS JOIN json_each(:ids) i CROSS JOIN status_history h"
    " WHERE h.id = (SELECT MAX(id) FROM status_history WHERE fulfillment_id = i.value)"
    " AND (e.statuses = '[]' OR h.status IN (SELECT value FROM json_each(e.statuses)))"
    " AND (e.carriers = '[]' OR EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN parcels p ON p.id = l.parcel_id"
    "  WHERE l.fulfillment_id = h.fulfillment_id AND p.carrier IN (SELECT value FROM json_each(e.carriers))))"
    " ORDER BY h.id, e.name"
)


def add(tx: Connection, fulfillment_ids: Sequence[int], now: datetime) -> None:
    """Tell of the newest status change of each of these fulfillments whoever wants to know."""
    tx.exec_driver_sql(_ADD, {"ids": json.dumps(list(fulfillment_ids)), "now": stored(now)})


_CLAIM = (
    "UPDATE webhook_messages SET lease_token = :token, lease_until = :until, attempts = attempts + 1 WHERE id IN ("
    " SELECT id FROM webhook_messages m WHERE m.endpoint = :endpoint AND m.state = 'waiting'"
    " AND m.next_attempt_at <= :now AND (m.lease_until IS NULL OR m.lease_until <= :now)"
    " AND NOT EXISTS (SELECT 1 FROM webhook_messages older WHERE older.endpoint = m.endpoint"
    "  AND older.fulfillment_id = m.fulfillment_id AND older.state = 'waiting' AND older.id < m.id)"
    " AND NOT EXISTS (SELECT 1 FROM mutes WHERE mutes.fulfillment_id = m.fulfillment_id)"
    " ORDER BY m.next_attempt_at, m.id LIMIT :limit)"
)
_DUE = (
    "SELECT m.id, m.message_id, m.fulfillment_id, m.change_id, h.status, h.at, h.reason, h.recorded_at, m.attempts,"
    " m.created_at, m.payload FROM webhook_messages m JOIN status_history h ON h.id = m.change_id"
    " WHERE m.lease_token = :token ORDER BY m.id"
)


def claim(tx: Connection, endpoint: str, *, limit: int, token: str, now: datetime, until: datetime) -> list[Due]:
    """Lease up to `limit` of an endpoint's due messages, at most one for each fulfillment and its oldest first."""
    given = {"endpoint": endpoint, "limit": limit, "token": token, "now": stored(now), "until": stored(until)}
    tx.exec_driver_sql(_CLAIM, given)
    return [
        Due(
            id,
            message_id,
            fulfillment_id,
            change_id,
            FulfillmentStatus(status),
            datetime.fromisoformat(at),
            reason,
            datetime.fromisoformat(recorded_at),
            attempts,
            datetime.fromisoformat(created_at),
            payload,
        )
        for (
            id,
            message_id,
            fulfillment_id,
            change_id,
            status,
            at,
            reason,
            recorded_at,
            attempts,
            created_at,
            payload,
        ) in tx.exec_driver_sql(_DUE, {"token": token}).all()
    ]


def write(tx: Connection, payloads: Mapping[int, bytes]) -> None:
    """Keep what messages, by id, say: the same however often they are sent."""
    if payloads:
        tx.exec_driver_sql(
            "UPDATE webhook_messages SET payload = ? WHERE id = ?", [(body, id) for id, body in payloads.items()]
        )


def finish(tx: Connection, id: int, token: str, state: PushState, *, now: datetime, error: str | None) -> None:
    """End a message under its lease."""
    tx.exec_driver_sql(
        "UPDATE webhook_messages SET state = :state, done_at = :now, last_error = :error, lease_token = NULL,"
        " lease_until = NULL, payload = CASE WHEN :state = 'dead' THEN payload END"
        " WHERE id = :id AND lease_token = :token",
        {"id": id, "token": token, "state": state.value, "now": stored(now), "error": error},
    )


def postpone(tx: Connection, id: int, token: str, *, at: datetime, error: str | None, counted: bool = True) -> None:
    """Send a message under its lease again later. `counted` False takes the attempt back."""
    tx.exec_driver_sql(
        "UPDATE webhook_messages SET next_attempt_at = :at, last_error = COALESCE(:error, last_error),"
        " lease_token = NULL, lease_until = NULL, attempts = attempts - :back WHERE id = :id AND lease_token = :token",
        {"id": id, "token": token, "at": stored(at), "error": error, "back": 0 if counted else 1},
    )


def pause(
    tx: Connection,
    name: str,
    *,
    now: datetime,
    reason: str,
    first: timedelta,
    longest: timedelta,
    told: timedelta | None,
) -> datetime | None:
    """Leave an endpoint alone: as long as `told`, else `first`, doubled with each failure in a row up to `longest`. The
    end of the pause where it is the first failure after a success, else None."""
    found = tx.exec_driver_sql("SELECT failures FROM webhook_endpoints WHERE name = ?", (name,)).scalar()
    failures = int(found or 0)
    until = now + (told or min(longest, first * 2 ** min(failures, 10)))
    tx.exec_driver_sql(
        "UPDATE webhook_endpoints SET paused_until = ?, paused_reason = ?, failures = failures + 1 WHERE name = ?",
        (stored(until), reason, name),
    )
    return None if failures else until


def succeeded(tx: Connection, name: str, now: datetime) -> bool:
    """An endpoint took a message: pause and failures are over. Whether there were any."""
    tx.exec_driver_sql("UPDATE webhook_endpoints SET last_success_at = ? WHERE name = ?", (stored(now), name))
    return (
        tx.exec_driver_sql(
            "UPDATE webhook_endpoints SET paused_until = NULL, paused_reason = '', failures = 0"
            " WHERE name = ? AND failures > 0",
            (name,),
        ).rowcount
        > 0
    )


_STATES = "SELECT name, paused_until, paused_reason, failures, last_success_at FROM webhook_endpoints"


def states(tx: Connection) -> list[EndpointState]:
    """How every endpoint does."""
    return [_state(row) for row in tx.exec_driver_sql(f"{_STATES} ORDER BY name")]


def state(tx: Connection, name: str) -> EndpointState | None:
    """How one endpoint does; None where it is not there."""
    row = tx.exec_driver_sql(f"{_STATES} WHERE name = ?", (name,)).first()
    return _state(row) if row else None


def _state(row: Any) -> EndpointState:
    return EndpointState(row[0], instant(row[1]), row[2], row[3], instant(row[4]))


def counted(tx: Connection) -> dict[tuple[str, str], int]:
    """How many messages there are, by endpoint and state."""
    rows = tx.exec_driver_sql("SELECT endpoint, state, COUNT(*) FROM webhook_messages GROUP BY endpoint, state")
    return {(endpoint, state): count for endpoint, state, count in rows}


def listed(tx: Connection) -> list[Mapping[str, object]]:
    """Every waiting and dead message, as `tracker hooks` shows it."""
    rows = tx.exec_driver_sql(
        "SELECT m.id, m.endpoint, f.source_fulfillment_id AS sourceFulfillmentId,"
        " o.source_order_id AS sourceOrderId, h.status, m.state, m.attempts, m.created_at AS createdAt,"
        " m.next_attempt_at AS nextAttemptAt, m.last_error AS lastError FROM webhook_messages m"
        " JOIN status_history h ON h.id = m.change_id JOIN fulfillments f ON f.id = m.fulfillment_id"
        " JOIN orders o ON o.id = f.order_id WHERE m.state IN ('waiting', 'dead') ORDER BY m.endpoint, m.state, m.id"
    )
    return [dict(row._mapping) for row in rows]


def retry(tx: Connection, endpoint: str, now: datetime) -> int:
    """Make an endpoint's dead messages wait again and all of them due now; how many. Its pause is over."""
    given = {"endpoint": endpoint, "now": stored(now)}
    tx.exec_driver_sql("UPDATE webhook_endpoints SET paused_until = NULL WHERE name = :endpoint", given)
    return tx.exec_driver_sql(
        "UPDATE webhook_messages SET state = 'waiting', next_attempt_at = :now, attempts = 0, done_at = NULL"
        " WHERE endpoint = :endpoint AND state IN ('waiting', 'dead') AND lease_token IS NULL",
        given,
    ).rowcount


def drop(tx: Connection, endpoint: str, now: datetime) -> int:
    """Give an endpoint's dead messages up; how many."""
    return tx.exec_driver_sql(
        "UPDATE webhook_messages SET state = 'dropped', done_at = :now, payload = NULL"
        " WHERE endpoint = :endpoint AND state = 'dead'",
        {"endpoint": endpoint, "now": stored(now)},
    ).rowcount


def forget(tx: Connection, sent: datetime, dead: datetime) -> None:
    """Delete messages that were sent or dropped before `sent`, and those that were dead before `dead`."""
    tx.exec_driver_sql(
        "DELETE FROM webhook_messages WHERE state IN ('sent', 'dropped') AND done_at < :sent"
        " OR state = 'dead' AND done_at < :dead",
        {"sent": stored(sent), "dead": stored(dead)},
    )
