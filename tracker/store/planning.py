"""The live parcels as a plan wants them: how many, a sample, how many new ones a day. Read-only."""

from datetime import datetime

from sqlalchemy import Connection

from tracker.cadence import Situation
from tracker.store import parcels, rows
from tracker.store.times import stored

#: Parcels that are polled and have not ended.
_LIVE = "next_poll_at IS NOT NULL AND ended_at IS NULL AND source <> ''"


def live(tx: Connection) -> dict[str, int]:
    """Live parcels by source."""
    found = tx.exec_driver_sql(f"SELECT source, COUNT(*) FROM parcels WHERE {_LIVE} GROUP BY 1 ORDER BY 2 DESC")
    return {row[0]: row[1] for row in found}


_SAMPLE = rows.selected(
    parcels.JUDGED,
    f"(SELECT * FROM parcels p WHERE source = :source AND {_LIVE} ORDER BY (id * 2654435761) % 4294967296 LIMIT :most)",
)


def sample(tx: Connection, source: str, most: int, now: datetime) -> list[Situation]:
    """The situations of up to `most` live parcels of a source, taken from all over and always the same ones."""
    found = rows.fetch(tx, _SAMPLE, {"source": source, "most": most})
    return [parcels.situation(row, now) for row in found]


def traffic(tx: Connection, source: str, since: datetime) -> tuple[int, int]:
    """How many parcels of a source were first asked about since then, and how many ended."""
    row = tx.exec_driver_sql(
        "SELECT COALESCE(SUM(first_asked_at >= :since), 0), COALESCE(SUM(ended_at >= :since), 0) FROM parcels"
        " WHERE source = :source",
        {"source": source, "since": stored(since)},
    ).one()
    return row[0], row[1]
