"""What the pages and the demo's table show at a glance: counts, accounts, latest news. Read-only.

Owns these statements. What is drawn over time is `tracker.store.hours`'.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from tracker.store import accounts as account_states
from tracker.store import quotas
from tracker.store.accounts import AccountState
from tracker.store.times import instant, stored


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


class Unsent(NamedTuple):
    """Pushes that Order Protection has not taken."""

    waiting: int
    dead: int
    held: int
    """Of those that wait, the ones of muted fulfillments."""


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


def unsent(db: Connection) -> Unsent:
    """How many pushes wait, and are dead: from indexes, however many were sent."""
    row = db.exec_driver_sql(
        "SELECT (SELECT COUNT(*) FROM pushes WHERE state = 'waiting'),"
        " (SELECT COUNT(*) FROM pushes WHERE state = 'dead'),"
        " (SELECT COUNT(*) FROM mutes m JOIN pushes p ON p.fulfillment_id = m.fulfillment_id WHERE p.state = 'waiting')"
    ).one()
    return Unsent(*row)


class Waiting(NamedTuple):
    """A push that waits or is dead."""

    id: int
    fulfillment_id: int
    source_fulfillment_id: str
    source_order_id: str
    status: str
    attempts: int
    last_error: str | None
    muted: bool
    created_at: datetime
    next_attempt_at: datetime


def pushes(tx: Connection, *, dead: bool, limit: int) -> list[Waiting]:
    """Pushes that are dead, or that wait, the oldest first."""
    state = "dead" if dead else "waiting"  # in the statement itself, or no partial index serves it
    rows = tx.exec_driver_sql(
        "SELECT p.id, p.fulfillment_id, f.source_fulfillment_id, o.source_order_id, p.status, p.attempts, p.last_error,"
        " EXISTS (SELECT 1 FROM mutes m WHERE m.fulfillment_id = p.fulfillment_id), p.created_at, p.next_attempt_at"
        " FROM pushes p JOIN fulfillments f ON f.id = p.fulfillment_id JOIN orders o ON o.id = f.order_id"
        f" WHERE p.state = '{state}' ORDER BY p.id LIMIT :limit",
        {"limit": limit},
    )
    return [Waiting._make((*facts, instant(made), instant(due))) for *facts, made, due in rows]


class News(NamedTuple):
    """A status that changed."""

    recorded_at: str
    fulfillment: str
    status: str
    reason: str
    id: int
    """The fulfillment's."""
    at: datetime


def news(tx: Connection, limit: int) -> list[News]:
    """The latest status changes, newest first."""
    rows = tx.execute(
        text(
            "SELECT replace(substr(h.recorded_at, 1, 19), 'T', ' '), f.source_fulfillment_id, h.status, h.reason,"
            " f.id, h.recorded_at FROM status_history h JOIN fulfillments f ON f.id = h.fulfillment_id"
            " ORDER BY h.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [News._make((*facts, datetime.fromisoformat(at))) for *facts, at in rows]


# --- over time


def deliveries_since(db: Connection, since: datetime) -> dict[date, int]:
    """Parcels received by day, UTC."""
    rows = db.exec_driver_sql(
        "SELECT substr(delivered_at, 1, 10), COUNT(*) FROM parcels WHERE delivered_at >= :since GROUP BY 1",
        {"since": stored(since)},
    )
    return {date.fromisoformat(day): parcels for day, parcels in rows}


# --- accounts


class Freshness(NamedTuple):
    """How well a source's parcels are looked after."""

    parcels: int
    """Polled ones."""
    due: int
    """That wait for their turn."""
    mean_age: float
    """Seconds since each was last asked about."""
    longest_due: datetime | None
    """Since when the one has been waiting that waits longest."""


def freshness(db: Connection, now: datetime) -> dict[str, Freshness]:
    """By source."""
    rows = db.exec_driver_sql(
        "SELECT source, COUNT(*), SUM(next_poll_at <= :now),"
        " AVG(julianday(:now) - julianday(COALESCE(last_polled_at, fulfilled_at))) * 86400,"
        " MIN(CASE WHEN next_poll_at <= :now THEN next_poll_at END)"
        " FROM parcels WHERE next_poll_at IS NOT NULL GROUP BY source",
        {"now": stored(now)},
    )
    return {row[0]: Freshness(row[1], row[2] or 0, max(0.0, row[3] or 0.0), instant(row[4])) for row in rows}


_CARRIERS = (
    "WITH RECURSIVE found(code) AS (SELECT MIN(carrier) FROM parcels UNION ALL"
    " SELECT (SELECT MIN(carrier) FROM parcels WHERE carrier > code) FROM found WHERE code IS NOT NULL)"
    " SELECT code FROM found WHERE code <> ''"
)


def carriers(db: Connection) -> list[str]:
    """Codes of the carriers there are parcels of."""
    return list(db.exec_driver_sql(_CARRIERS).scalars())


def states(db: Connection, names: Iterable[str]) -> dict[str, AccountState]:
    """The state of these accounts, where they were ever used."""
    wanted = set(names)
    return {state.name: state for state in account_states.states(db) if state.name in wanted}


def paused(db: Connection, now: datetime) -> list[AccountState]:
    """The accounts that must not be asked at present, Order Protection's among them."""
    return [state for state in account_states.states(db) if state.is_paused(now)]


# --- what needs somebody beside parcels


class Drifted(NamedTuple):
    """A fulfillment that Order Protection held otherwise than we."""

    source_order_id: str
    source_fulfillment_id: str
    id: int | None
    """Ours, if there is one."""
    outcome: str
    ours: str | None
    theirs: str | None
    since: datetime
    repaired_at: datetime | None


_DRIFTED = "FROM drift d WHERE d.outcome NOT IN ('same', 'pending', 'untold')"


def drifts(db: Connection) -> int:
    """How many fulfillments Order Protection holds otherwise than we."""
    return int(db.exec_driver_sql(f"SELECT COUNT(*) {_DRIFTED}").scalar_one())


def drifted(db: Connection, limit: int) -> list[Drifted]:
    """Which they are, the latest found first."""
    rows = db.exec_driver_sql(
        "SELECT o.source_order_id, d.source_fulfillment_id, (SELECT f.id FROM fulfillments f"
        " WHERE f.order_id = d.order_id AND f.source_fulfillment_id = d.source_fulfillment_id),"
        " d.outcome, d.ours, d.theirs, d.since, d.repaired_at"
        " FROM drift d JOIN orders o ON o.id = d.order_id WHERE d.outcome NOT IN ('same', 'pending', 'untold')"
        " ORDER BY d.since DESC LIMIT :limit",
        {"limit": limit},
    )
    return [Drifted._make((*facts, instant(since), instant(repaired))) for *facts, since, repaired in rows]


#: Days that the overview's charts reach back.
CHART = timedelta(days=14)
