"""Carriers' own deliveries: which were there already, which parcels they are about, and what they change of them.

Owns the statements. A delivery writes whatever parcel it is about, under a poll's lease or not, and leaves the lease
alone: the poll reads the parcel again before it writes.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tracker.store import rows
from tracker.store.registration import LIVE, USED_AGAIN
from tracker.store.times import instant, stored


class Followed(NamedTuple):
    """A parcel that is followed here, by its number."""

    id: int
    number: str
    source: str
    """Where it is asked about now."""
    route: str
    """Its sources in order, separated by blanks."""


class Heard(NamedTuple):
    """What an account delivered of late."""

    account: str
    deliveries: int
    news: int
    unknown: int
    last_at: datetime | None


def remember(tx: Connection, account: str, identity: str, now: datetime) -> bool:
    """Note a delivery; whether it is the first of its kind."""
    return (
        tx.exec_driver_sql(
            "INSERT INTO hook_deliveries (account, identity, received_at, news, parcels, unknown)"
            " VALUES (?, ?, ?, 0, 0, 0) ON CONFLICT DO NOTHING",
            (account, identity, stored(now)),
        ).rowcount
        > 0
    )


def note(tx: Connection, account: str, identity: str, *, news: int, parcels: int, unknown: int) -> None:
    """Keep what came of a delivery."""
    tx.exec_driver_sql(
        "UPDATE hook_deliveries SET news = ?, parcels = ?, unknown = ? WHERE account = ? AND identity = ?",
        (news, parcels, unknown, account, identity),
    )


def forget(tx: Connection, before: datetime) -> None:
    """Delete what was received before that instant."""
    tx.exec_driver_sql("DELETE FROM hook_deliveries WHERE received_at < ?", (stored(before),))


def heard(tx: Connection) -> list[Heard]:
    """What is remembered of each account's deliveries."""
    found = tx.exec_driver_sql(
        "SELECT account, COUNT(*), SUM(news), SUM(unknown), MAX(received_at) FROM hook_deliveries"
        " GROUP BY account ORDER BY account"
    )
    return [Heard(row[0], row[1], row[2], row[3], instant(row[4])) for row in found]


_FOLLOWED = rows.selected(
    ("id", "number", "source", "route"),
    "parcels WHERE number IN (SELECT value FROM json_each(:numbers))"
    f" AND EXISTS (SELECT 1 {LIVE}) AND NOT {USED_AGAIN}",
)


def followed(tx: Connection, numbers: Collection[str]) -> list[Followed]:
    """The newest use of each of these numbers, by every carrier that has it here and some fulfillment needs."""
    return [Followed(*row) for row in rows.fetch(tx, _FOLLOWED, {"numbers": json.dumps(list(numbers))})]


_COLUMNS = (
    *("status", "status_at", "reason", "last_movement_at", "delivered_at", "estimated_delivery", "shipment_id"),
    *("known", "fingerprint", "priority", "stage", "stage_at", "utc_offset", "ended_at"),
    *("not_found", "not_found_since", "last_error", "last_hook_at"),
)
# A first question, and one somebody wants asked out of turn, keep their time.
_TURN = (
    "CASE WHEN parcels.last_polled_at IS NULL OR parcels.look_at IS NOT parcels.next_poll_at"
    " THEN parcels.{name} ELSE r.{name} END"
)
_WRITTEN = {name: f"r.{name}" for name in _COLUMNS} | {
    "first_promise": "COALESCE(parcels.first_promise, r.estimated_delivery)",
    **{name: _TURN.format(name=name) for name in ("next_poll_at", "look_at")},
}
_GIVEN = ("id", *_COLUMNS, "next_poll_at", "look_at")
_SAVE = (
    f"UPDATE parcels SET {', '.join(f'{name} = {value}' for name, value in _WRITTEN.items())}"
    f" FROM {rows.given(_GIVEN)} AS r WHERE parcels.id = r.id"
)


def save(tx: Connection, states: Sequence[Mapping[str, Any]]) -> None:
    """Write parcels' new state, whoever has them under lease. Keys of a state: what `tracker.news.delivered` gives."""
    if states:
        tx.exec_driver_sql(_SAVE, {"rows": rows.packed(states, _GIVEN)})


def nudge(tx: Connection, ids: Sequence[int], now: datetime) -> None:
    """Ask about these parcels out of turn, those that are asked about at all."""
    tx.exec_driver_sql(
        "UPDATE parcels SET next_poll_at = :now WHERE next_poll_at > :now"
        " AND id IN (SELECT value FROM json_each(:ids))",
        {"ids": json.dumps(list(ids)), "now": stored(now)},
    )
