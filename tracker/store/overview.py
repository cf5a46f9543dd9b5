"""What the page and the demo's table show: counts, accounts, latest news. Read-only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from tracker.store import accounts as account_states
from tracker.store import quotas


class AccountUse(NamedTuple):
    """An account at work. `paused`: why it is not, or ''."""

    name: str
    paused: str
    calls: int
    last_success_at: str


class Outbox(NamedTuple):
    """Pushes by what became of them."""

    sent: int
    waiting: int
    dead: int


def parcels_by_status(tx: Connection) -> Sequence[Row[Any]]:
    """(status or 'UNKNOWN', parcels), the most first."""
    return tx.execute(
        text(
            "SELECT COALESCE(status, 'UNKNOWN') AS status, COUNT(*) AS parcels FROM parcels GROUP BY 1 ORDER BY 2 DESC"
        )
    ).all()


def accounts(tx: Connection, now: datetime) -> list[AccountUse]:
    """Each account's state and its calls in the last 24 hours."""
    return [
        AccountUse(
            state.name,
            f"paused until {state.paused_until:%H:%M:%S}: {state.paused_reason}" if state.is_paused(now) else "",
            quotas.used(tx, state.name, quotas.DAY, now),
            f"{state.last_success_at:%Y-%m-%d %H:%M:%S}" if state.last_success_at else "",
        )
        for state in account_states.states(tx)
    ]


def outbox(tx: Connection) -> Outbox:
    """How many pushes were sent, wait, and are dead."""
    rows = dict(tuple(row) for row in tx.execute(text("SELECT state, COUNT(*) FROM pushes GROUP BY state")))
    return Outbox(rows.get("sent", 0), rows.get("waiting", 0), rows.get("dead", 0))


def news(tx: Connection, limit: int) -> Sequence[Row[Any]]:
    """The latest status changes, newest first: recorded_at, fulfillment, status, reason."""
    return tx.execute(
        text(
            "SELECT replace(substr(h.recorded_at, 1, 19), 'T', ' ') AS recorded_at,"
            " f.source_fulfillment_id AS fulfillment, h.status, h.reason"
            " FROM status_history h JOIN fulfillments f ON f.id = h.fulfillment_id"
            " ORDER BY h.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    ).all()
