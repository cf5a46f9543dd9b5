"""Counts over everything, each from an index, however many rows there are. Read-only."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.store.times import stored


class Due(NamedTuple):
    """Parcels whose time to be asked about has come, and since when the first of them waits."""

    parcels: int
    oldest_at: str | None


class Pushes(NamedTuple):
    """Pushes that wait and are dead, and since when the oldest one waits."""

    waiting: int
    dead: int
    oldest_at: str | None


class UnmappedCode(NamedTuple):
    """A code no table knew."""

    source: str
    """Code of the carrier or aggregator whose code it is."""
    code: str
    events: int


def parcels_by_status(tx: Connection) -> dict[str, int]:
    """Parcels by status, the most first; 'UNKNOWN' for those that no carrier said anything of."""
    rows = tx.exec_driver_sql("SELECT status, COUNT(*) FROM parcels GROUP BY status ORDER BY 2 DESC")
    return {row[0] or "UNKNOWN": row[1] for row in rows}


def fulfillments_by_status(tx: Connection) -> dict[str, int]:
    """Fulfillments, not withdrawn, by status."""
    statement = "SELECT status, COUNT(*) FROM fulfillments WHERE withdrawn_at IS NULL GROUP BY status"
    return {row[0]: row[1] for row in tx.exec_driver_sql(statement)}


def due(tx: Connection, now: datetime) -> Due:
    """Parcels that should be asked about by now."""
    statement = "SELECT COUNT(*), MIN(next_poll_at) FROM parcels WHERE next_poll_at <= :now"
    return Due(*tx.exec_driver_sql(statement, {"now": stored(now)}).one())


def pushes(tx: Connection) -> Pushes:
    """The outbox."""
    statement = (
        "SELECT COUNT(*) FILTER (WHERE state = 'waiting'), COUNT(*) FILTER (WHERE state = 'dead'),"
        " MIN(created_at) FILTER (WHERE state = 'waiting') FROM pushes WHERE state IN ('waiting', 'dead')"
    )
    return Pushes(*tx.exec_driver_sql(statement).one())


def unmapped(tx: Connection) -> list[UnmappedCode]:
    """Codes that no table knew when they were told, the most frequent first."""
    statement = (
        "SELECT source, code, COUNT(*) FROM events INDEXED BY ix_events_unmapped WHERE NOT mapped"
        " GROUP BY source, code ORDER BY COUNT(*) DESC, source, code"
    )
    return [UnmappedCode(*row) for row in tx.exec_driver_sql(statement)]
