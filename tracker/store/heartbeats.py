"""How daemons' heartbeats did when last written down: what other processes know of them.

Owns the table. Each process has its own rows, and deletes them at its end; those of one that was killed stay for a
day.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.store.times import instant, stored

#: What a process that was killed wrote last is of interest for so long.
REMEMBERED = timedelta(days=1)


class Kept(NamedTuple):
    """A heartbeat as of `kept_at`."""

    process: str
    job: str
    every: float
    """Wall seconds between its runs."""
    began_at: datetime | None
    """Of the run under way."""
    succeeded_at: datetime | None
    seconds: float
    in_a_row: int
    """Runs that failed since the last that did not."""
    error: str
    kept_at: datetime


_COLUMNS = ", ".join(Kept._fields)


def keep(tx: Connection, process: str, beats: Iterable[Kept], now: datetime) -> None:
    """Write down a process's heartbeats over what it wrote before, and forget those of processes long gone."""
    tx.exec_driver_sql(
        "DELETE FROM heartbeats WHERE process = :process OR kept_at < :before",
        {"process": process, "before": stored(now - REMEMBERED)},
    )
    rows = [
        {
            **beat._asdict(),
            "began_at": stored(beat.began_at),
            "succeeded_at": stored(beat.succeeded_at),
            "kept_at": stored(beat.kept_at),
        }
        for beat in beats
    ]
    if rows:
        values = ", ".join(f":{name}" for name in Kept._fields)
        tx.exec_driver_sql(f"INSERT INTO heartbeats ({_COLUMNS}) VALUES ({values})", rows)


def leave(tx: Connection, process: str) -> None:
    """The process ends: nothing is kept of it."""
    tx.exec_driver_sql("DELETE FROM heartbeats WHERE process = :process", {"process": process})


def kept(tx: Connection) -> list[Kept]:
    """All that is kept, by process and job."""
    found = []
    for process, job, every, began, succeeded, seconds, in_a_row, error, at in tx.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM heartbeats ORDER BY process, job"
    ):
        found.append(
            Kept(
                process,
                job,
                every,
                instant(began),
                instant(succeeded),
                seconds,
                in_a_row,
                error,
                datetime.fromisoformat(at),
            )
        )
    return found
