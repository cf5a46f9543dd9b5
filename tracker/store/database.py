"""The SQLite file: engines, transactions, migrations, a consistent copy.

Owns how it is opened. Every write transaction begins with BEGIN IMMEDIATE, so that a reader never has to
become a writer half-way (which SQLite refuses under load); reads go through an engine of their own.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DatabaseError

BUSY_SECONDS = 30
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class DatabaseUnusable(Exception):
    """The file cannot be opened as our database; the message says why and what to do."""


class Database:
    """One SQLite file, open for writing and for reading."""

    def __init__(self, path: Path) -> None:
        """Opens nothing yet; `migrate` makes the file and its tables."""
        self.path = path
        self._writer = _engine(path, "rwc")
        self._reader = _engine(path, "ro")
        event.listen(self._writer, "connect", _prepare_writer)
        event.listen(self._writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        event.listen(self._reader, "connect", _prepare_reader)
        event.listen(self._reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    def migrate(self, revision: str = "head") -> None:
        """Bring the tables to the newest form. Raises DatabaseUnusable for a foreign, newer or broken file."""
        try:
            with self._writer.begin() as connection:
                command.upgrade(_alembic(connection), revision)
        except DatabaseError as error:
            raise DatabaseUnusable(f"{self.path}: {error.orig}; is it a tracker database?") from None
        except CommandError as error:
            raise DatabaseUnusable(
                f"{self.path}: {error}; it was made by a newer version of the tracker: upgrade the program"
            ) from None

    def downgrade(self, revision: str) -> None:
        """Take the tables back to an older form."""
        with self._writer.begin() as connection:
            command.downgrade(_alembic(connection), revision)

    @property
    def revision(self) -> str | None:
        """The migration the file is at; None for an empty one."""
        with self._reader.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back on an exception."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for reading; can neither write nor block a writer."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def backup(self, target: Path) -> None:
        """A consistent copy, made while others write. Raises FileExistsError rather than overwrite."""
        if target.exists():
            raise FileExistsError(f"{target} exists; name a new file")
        with self._reader.connect() as source, closing(sqlite3.connect(target)) as copy:
            connection = source.connection.driver_connection
            assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - tells the type checker
            connection.backup(copy)

    def problems(self) -> list[str]:
        """What SQLite's own integrity check finds; empty when the file is sound."""
        with self._reader.connect() as connection:
            rows = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        return [str(row) for row in rows if row != "ok"]

    def close(self) -> None:
        """Close all connections; the last of them, which can write, leaves one file and no log of writes beside it."""
        self._reader.dispose()
        self._writer.dispose()


@cache
def newest_revision() -> str | None:
    """The migration that this program's tables are of."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _engine(path: Path, mode: str) -> Engine:
    """An engine over a file of any name; `mode` as SQLite's URIs have it."""

    def connect() -> sqlite3.Connection:
        uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    # hide_parameters: an error must not quote what was to be written
    return create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)


def _prepare_writer(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours to say
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
