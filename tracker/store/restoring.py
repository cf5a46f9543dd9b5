"""Putting a backup in the place of the database, without forgetting which calls were made since.

Owns the order of it: the copy is looked at and finished beside the database, the database moves away and is kept, the
copy takes its place. Knows no daemon but by its lock file.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from tracker.store.database import Database, DatabaseUnusable
from tracker.store.presence import Presence

_LOGS = ("-wal", "-shm")

#: What carriers know of us whatever we forget: calls made, calls that may be under way, and until when to be silent.
_KEPT = {
    'SELECT account, "window", slot, calls FROM quota_use': (
        'INSERT INTO quota_use (account, "window", slot, calls) VALUES (?, ?, ?, ?)'
        ' ON CONFLICT (account, "window", slot) DO UPDATE SET calls = MAX(calls, excluded.calls)'
    ),
    "SELECT token, account, calls, expires_at FROM reservations": (
        "INSERT INTO reservations (token, account, calls, expires_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (token) DO UPDATE SET calls = excluded.calls"
    ),
    "SELECT next_call_at, paused_until, paused_reason, failures, failing_since, name FROM accounts": (
        "UPDATE accounts SET next_call_at = ?, paused_until = ?, paused_reason = ?, failures = ?, failing_since = ?"
        " WHERE name = ?"
    ),
}


class Restored(NamedTuple):
    """What a restore did."""

    kept: Path | None
    """Where the database that was in its place is now; None where there was none."""
    counted: bool
    """Whether the calls that one had counted are counted in the copy too."""


def restore(database: Path, copy: Path) -> Restored:
    """Put a copy of `tracker backup` in the place of the database.

    Raises DatabaseUnusable where the copy is no sound database of ours, or somebody works with the database.
    """
    if not copy.is_file():
        raise DatabaseUnusable(f"{copy}: no such file")
    if any(log.exists() and log.stat().st_size for log in _logs(copy)):
        raise DatabaseUnusable(f"{copy}: has writes beside it that are not in it; `tracker backup` makes whole copies")
    presence = Presence(database)
    try:
        if not presence.alone():
            raise DatabaseUnusable(f"{database}: a daemon works with it; stop it first")
        made = _beside(database, "restored")
        calls = _calls(database)
        try:
            copyfile(copy, made)
            _finish(Database(made), calls, copy)
        except BaseException:
            for file in (made, *_logs(made)):
                file.unlink(missing_ok=True)
            raise
        kept = _put_away(database) if database.exists() else None
        made.replace(database)
        return Restored(kept, calls is not None)
    finally:
        presence.leave()


def _finish(made: Database, calls: dict[str, list[tuple[Any, ...]]] | None, copy: Path) -> None:
    """Look at the copy, bring it to the newest form, and count in it what was called since."""
    try:
        if made.revision is None:
            raise DatabaseUnusable(f"{copy}: is no tracker database")
        if problems := made.problems():
            raise DatabaseUnusable(f"{copy}: is damaged: {problems[0]}")
        try:
            made.migrate()
        except DatabaseUnusable as error:
            raise DatabaseUnusable(str(error).replace(str(made.path), str(copy))) from None
        if calls is not None:
            with made.write() as tx:
                _count(tx, calls)
    except DatabaseError as error:
        raise DatabaseUnusable(f"{copy}: {error.orig}; is it a tracker database?") from None
    finally:
        made.close()


def _calls(database: Path) -> dict[str, list[tuple[Any, ...]]] | None:
    """What `_KEPT` tells of the database; None where it can't be read, or was of another form."""
    if not database.exists():
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as old:
        return {query: old.execute(query).fetchall() for query in _KEPT}
    return None


def _count(tx: Connection, calls: dict[str, list[tuple[Any, ...]]]) -> None:
    for query, statement in _KEPT.items():
        if rows := calls[query]:
            tx.exec_driver_sql(statement, rows)


def _put_away(database: Path) -> Path:
    kept = _beside(database, "replaced")
    for log, kept_log in zip(_logs(database), _logs(kept), strict=True):
        with suppress(FileNotFoundError):
            log.rename(kept_log)
    return database.rename(kept)


def _beside(database: Path, word: str) -> Path:
    """A name beside the database's that is not taken."""
    number = 1
    while (path := database.with_name(f"{database.name}.{word}-{number}")).exists():
        number += 1
    return path


def _logs(database: Path) -> list[Path]:
    return [database.with_name(database.name + suffix) for suffix in _LOGS]
