"""The database's file: whether it is sound, whose it is, and whether there is room for it to grow."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from tracker.doctor.findings import Case, Finding, note, ok, size, wrong
from tracker.store import gauges
from tracker.store.database import Database, newest_revision
from tracker.store.space import space

#: With less room than this nothing else matters; with less than what comes in so many days it is wrong, or a note.
LEAST_FREE = 200e6
SOON, SOMETIME = timedelta(days=14), timedelta(days=90)
#: A write-ahead log of this size is not written back.
LARGE_LOG = 256e6
#: A database must have lived so long before its growth can be told.
TELLING = timedelta(days=2)


def file(database: Database) -> Iterator[Finding]:
    """Whether it can be worked with at all."""
    newest = newest_revision()
    try:
        problems, revision = database.problems(), database.revision
    except DatabaseError as error:
        yield wrong(
            "database",
            f"{database.path}: {error.orig}",
            "set `database:` to the tracker's own file, or put a backup in its place",
        )
        return
    for problem in problems:
        yield wrong("database", problem, "stop the daemon and put a backup in the file's place")
    if revision is None:
        yield wrong("database", f"{database.path} is no tracker database", "set `database:` to another file")
    elif revision != newest:
        yield wrong(
            "database",
            f"at revision {revision}, this program's is {newest}",
            "`tracker run` and `tracker import` bring an older one up to date; for a newer one upgrade the program",
        )
    elif not problems:
        yield ok("database", f"{database.path} is sound, revision {revision}, {size(space(database.path).database)}")


def room(db: Connection, path: Path, case: Case) -> Iterator[Finding]:
    """Room on its disk, against how it grows; and its write-ahead log."""
    taken = space(path)
    first = gauges.first_written_at(db)
    age = case.now - first if first else timedelta(0)
    growth = taken.database / (age / timedelta(days=1)) if age > TELLING else 0.0
    lasts = timedelta(days=min(taken.free / growth, 36500)) if growth else None
    words = f"{size(taken.free)} free" + (f", the database grows by {size(growth)} a day" if growth else "")
    remedy = "make room, move the file (`database:`), or shorten retention.ended"
    if taken.free < LEAST_FREE or (lasts is not None and lasts < SOON):
        yield wrong("disk", words, remedy)
    elif lasts is not None and lasts < SOMETIME:
        yield note("disk", f"{words}: enough for {lasts.days} days", remedy)
    elif taken.free < taken.database:
        yield note("disk", f"{words}, too little for a copy of the database beside it", "back up to another disk")
    else:
        yield ok("disk", words)
    if taken.wal > LARGE_LOG:
        yield note(
            "database",
            f"its write-ahead log takes {size(taken.wal)}: something reads without end, so it is not written back",
            f"find it with `fuser {path}` and close it",
        )
