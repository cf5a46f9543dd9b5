"""Fulfillments whose status changed, and the pushes on their way to Order Protection."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, text, update

from carriers.sdk.status import FulfillmentStatus
from tracker.models import Fulfillment, FulfillmentParcel, Parcel, Push, PushState, StatusChange
from tracker.store import desk, messages
from tracker.store.times import instant, stored
from tracker.timeline import ParcelStatus, RollUp, roll_up

_FULFILLMENTS = Fulfillment.__table__  # type: ignore[attr-defined]
_PARCELS = Parcel.__table__  # type: ignore[attr-defined]
_LINKS = FulfillmentParcel.__table__  # type: ignore[attr-defined]
_PUSHES = Push.__table__  # type: ignore[attr-defined]
_HISTORY = StatusChange.__table__  # type: ignore[attr-defined]


class Parts(NamedTuple):
    """A fulfillment's status, and the parcels it is rolled up from."""

    status: FulfillmentStatus
    parcels: list[ParcelStatus]


class Change(NamedTuple):
    """A fulfillment's new status: `at` is the carrier's time, `reason` what decided."""

    fulfillment_id: int
    status: FulfillmentStatus
    at: datetime
    reason: str


class Due(NamedTuple):
    """A push to make now, with all the receiver may need to be told."""

    id: int
    status: FulfillmentStatus
    attempts: int
    created_at: datetime
    source_order_id: str
    source_fulfillment_id: str
    fulfillment_payload: str
    order_payload: str | None


_AFFECTED = (
    select(_LINKS.c.fulfillment_id)
    .distinct()
    .join(_FULFILLMENTS, _FULFILLMENTS.c.id == _LINKS.c.fulfillment_id)
    .where(_LINKS.c.parcel_id.in_(bindparam("ids", expanding=True)), _FULFILLMENTS.c.withdrawn_at.is_(None))
)
_PARTS = (
    select(
        _FULFILLMENTS.c.id,
        _FULFILLMENTS.c.status,
        _PARCELS.c.status,
        _PARCELS.c.status_at,
        _PARCELS.c.reason,
        _PARCELS.c.last_movement_at.is_not(None),
    )
    .join(_LINKS, _LINKS.c.fulfillment_id == _FULFILLMENTS.c.id)
    .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_FULFILLMENTS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_FULFILLMENTS.c.id, _LINKS.c.position)
)


def fulfillments_of(tx: Connection, parcel_ids: Sequence[int]) -> list[int]:
    """The fulfillments, not withdrawn, that any of these parcels belongs to."""
    if not parcel_ids:
        return []
    return list(tx.execute(_AFFECTED, {"ids": list(parcel_ids)}).scalars())


def parts(tx: Connection, fulfillment_ids: Sequence[int]) -> dict[int, Parts]:
    """Each fulfillment's status with its parcels'."""
    found: dict[int, Parts] = {}
    if fulfillment_ids:
        for id, status, parcel, at, reason, moved in tx.execute(_PARTS, {"ids": list(fulfillment_ids)}):
            found.setdefault(id, Parts(status, [])).parcels.append(ParcelStatus(parcel, at, reason, bool(moved)))
    return found


_CHANGE = (
    update(_FULFILLMENTS)
    .where(_FULFILLMENTS.c.id == bindparam("b_id"))
    .values(status=bindparam("b_status"), status_at=bindparam("b_at"), reason=bindparam("b_reason"))
)


def record(tx: Connection, changes: Sequence[Change], now: datetime) -> None:
    """Write new statuses, their history, and for each a push and the webhooks' messages; unsent older pushes are
    superseded, and so is a status given by hand."""
    if not changes:
        return
    desk.end_overrides(tx, [c.fulfillment_id for c in changes])
    tx.execute(
        _CHANGE, [{"b_id": c.fulfillment_id, "b_status": c.status, "b_at": c.at, "b_reason": c.reason} for c in changes]
    )
    tx.execute(
        insert(_HISTORY),
        [
            {"fulfillment_id": c.fulfillment_id, "status": c.status, "at": c.at, "recorded_at": now, "reason": c.reason}
            for c in changes
        ],
    )
    messages.add(tx, [c.fulfillment_id for c in changes], now)
    supersede(tx, [c.fulfillment_id for c in changes], now)
    tx.execute(
        insert(_PUSHES),
        [
            {
                "fulfillment_id": c.fulfillment_id,
                "status": c.status,
                "state": PushState.WAITING,
                "created_at": now,
                "next_attempt_at": now,
                "attempts": 0,
            }
            for c in changes
        ],
    )


def refold(tx: Connection, fulfillment_ids: Sequence[int], now: datetime, rule: RollUp) -> int:
    """Roll these fulfillments up from their parcels again and record those that come out different; how many.

    A status given by hand stays while the carriers say nothing else than they did.
    """
    if not fulfillment_ids:
        return 0
    changes = []
    found = parts(tx, fulfillment_ids)
    by_hand = desk.standing(tx, {id: part.parcels for id, part in found.items()})
    for id, part in found.items():
        rolled = None if id in by_hand else roll_up(part.parcels, rule)
        if rolled is not None and rolled.status is not None and rolled.status != part.status:
            changes.append(Change(id, rolled.status, rolled.status_at or now, rolled.reason))
    desk.end_overrides(tx, found.keys() - by_hand)
    record(tx, changes, now)
    return len(changes)


def push_again(tx: Connection, fulfillment_ids: Sequence[int], now: datetime) -> None:
    """Tell the receiver these fulfillments' status once more, as somebody told it another; where a push waits, it
    will be told anyhow."""
    tx.execute(
        text(
            "INSERT INTO pushes (fulfillment_id, status, state, created_at, next_attempt_at, attempts)"
            " SELECT id, status, 'waiting', :now, :now, 0 FROM fulfillments f"
            " WHERE id IN (SELECT value FROM json_each(:ids)) AND NOT EXISTS (SELECT 1 FROM pushes p"
            "  WHERE p.fulfillment_id = f.id AND p.state = 'waiting' AND p.lease_token IS NULL)"
        ),
        {"ids": json.dumps(list(fulfillment_ids)), "now": stored(now)},
    )


def supersede(tx: Connection, fulfillment_ids: Iterable[int], now: datetime) -> None:
    """Waiting and dead pushes of these fulfillments give way; one that may be under way is left to finish."""
    tx.execute(
        text(
            "UPDATE pushes SET state = 'superseded', done_at = :now WHERE fulfillment_id = :id"
            " AND (state = 'dead' OR state = 'waiting' AND lease_token IS NULL)"
        ),
        [{"id": id, "now": stored(now)} for id in fulfillment_ids],
    )


_CLAIM = text(
    "UPDATE pushes SET lease_token = :token, lease_until = :until, attempts = attempts + 1 WHERE id IN ("
    " SELECT id FROM pushes AS p WHERE state = 'waiting' AND next_attempt_at <= :now"
    " AND (lease_until IS NULL OR lease_until <= :now)"
    " AND NOT EXISTS (SELECT 1 FROM pushes AS older WHERE older.fulfillment_id = p.fulfillment_id"
    "  AND older.state = 'waiting' AND older.id < p.id)"
    " AND NOT EXISTS (SELECT 1 FROM mutes m WHERE m.fulfillment_id = p.fulfillment_id)"
    # the merchant's own calls about the order go first: they hold more of it than we have
    " AND NOT EXISTS (SELECT 1 FROM forwarded_calls c JOIN orders o ON o.source_order_id = c.source_order_id"
    "  JOIN fulfillments f ON f.order_id = o.id WHERE f.id = p.fulfillment_id AND c.state = 'waiting')"
    " ORDER BY next_attempt_at, id LIMIT :limit) RETURNING id"
)
_DUE = text(
    "SELECT p.id, p.status, p.attempts, p.created_at, o.source_order_id, f.source_fulfillment_id,"
    " f.payload, o.payload FROM pushes p JOIN fulfillments f ON f.id = p.fulfillment_id"
    " JOIN orders o ON o.id = f.order_id WHERE p.lease_token = :token ORDER BY p.id"
)


def claim(tx: Connection, *, limit: int, token: str, now: datetime, until: datetime) -> list[Due]:
    """Lease up to `limit` due pushes, at most one for each fulfillment and its oldest first."""
    if not tx.execute(_CLAIM, {"limit": limit, "token": token, "now": stored(now), "until": stored(until)}).first():
        return []
    return [
        Due(row[0], FulfillmentStatus(row[1]), row[2], _required(row[3]), *row[4:])
        for row in tx.execute(_DUE, {"token": token})
    ]


def _required(value: str) -> datetime:
    moment = instant(value)
    assert moment is not None, "the column is NOT NULL"  # noqa: S101 - tells the type checker
    return moment


def finish(tx: Connection, push_id: int, token: str, state: PushState, *, now: datetime, error: str | None) -> None:
    """End a push under its lease: sent, or dead with the error. One that would be dead and that a newer status has
    overtaken meanwhile is superseded instead: no retry may bring the older status back."""
    tx.execute(
        text(
            "UPDATE pushes SET done_at = :now, last_error = :error, lease_token = NULL, lease_until = NULL,"
            " state = CASE WHEN :state = 'dead' AND EXISTS (SELECT 1 FROM pushes newer"
            "  WHERE newer.fulfillment_id = pushes.fulfillment_id AND newer.id > pushes.id)"
            "  THEN 'superseded' ELSE :state END WHERE id = :id AND lease_token = :token"
        ),
        {"id": push_id, "token": token, "state": state.value, "now": stored(now), "error": error},
    )


def postpone(
    tx: Connection, push_id: int, token: str, *, next_attempt_at: datetime, error: str | None, counted: bool = True
) -> None:
    """Try again later; a push that a newer status has overtaken meanwhile is superseded instead.

    `counted` False takes the attempt back: the receiver as a whole was at fault, not this push.
    """
    tx.execute(
        text(
            "UPDATE pushes SET next_attempt_at = :at, last_error = COALESCE(:error, last_error), lease_token = NULL,"
            " lease_until = NULL, attempts = attempts - :back,"
            " state = CASE WHEN EXISTS (SELECT 1 FROM pushes newer WHERE newer.fulfillment_id = pushes.fulfillment_id"
            "  AND newer.state = 'waiting' AND newer.id > pushes.id) THEN 'superseded' ELSE state END"
            " WHERE id = :id AND lease_token = :token"
        ),
        {
            "id": push_id,
            "token": token,
            "at": stored(next_attempt_at),
            "error": error,
            "back": 0 if counted else 1,
        },
    )


def listed(tx: Connection) -> list[Mapping[str, object]]:
    """Every waiting and dead push, as `tracker outbox` shows it."""
    rows = tx.execute(
        text(
            "SELECT p.id, f.source_fulfillment_id AS sourceFulfillmentId, o.source_order_id AS sourceOrderId,"
            " p.status, p.state, p.attempts, p.created_at AS createdAt, p.next_attempt_at AS nextAttemptAt,"
            " p.last_error AS lastError FROM pushes p JOIN fulfillments f ON f.id = p.fulfillment_id"
            " JOIN orders o ON o.id = f.order_id WHERE p.state IN ('waiting', 'dead') ORDER BY p.state, p.id"
        )
    )
    return [dict(row._mapping) for row in rows]


def retry(tx: Connection, push_ids: Sequence[int] | None, now: datetime) -> int:
    """Make dead pushes (these, or all) wait again from now, and waiting ones due; how many."""
    chosen, parameters = _chosen(push_ids)
    return tx.execute(
        text(
            "UPDATE pushes SET state = 'waiting', next_attempt_at = :now, attempts = 0"
            f" WHERE state IN ('waiting', 'dead') AND lease_token IS NULL AND {chosen}"
        ),
        {"now": stored(now), **parameters},
    ).rowcount


def drop(tx: Connection, push_ids: Sequence[int] | None, now: datetime) -> int:
    """Give up on dead pushes (all), or on these, dead or waiting; how many. The history keeps the status."""
    chosen, parameters = _chosen(push_ids)
    states = "state = 'dead'" if push_ids is None else "state IN ('waiting', 'dead')"
    return tx.execute(
        text(
            f"UPDATE pushes SET state = 'dropped', done_at = :now WHERE {states} AND lease_token IS NULL AND {chosen}"
        ),
        {"now": stored(now), **parameters},
    ).rowcount


def _chosen(push_ids: Sequence[int] | None) -> tuple[str, dict[str, int]]:
    if push_ids is None:
        return "1 = 1", {}
    names = {f"id{index}": id for index, id in enumerate(push_ids)}
    return f"id IN ({', '.join(f':{name}' for name in names)})", names
