"""What nearly every command needs: the configuration, the database, the clock.

Owns how they are found and what is said where they are missing. Knows no command.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.console import BadUsage, NothingFound

if TYPE_CHECKING:
    from tracker.clock import Clock
    from tracker.config import Settings
    from tracker.store.database import Database

DEFAULT_CONFIG = Path("config.yaml")

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="TRACKER_CONFIG", help="The configuration file.", metavar="FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]


def settings(config: Path) -> "Settings":
    """The checked configuration. Raises BadConfig."""
    from tracker.config import load

    return load(config)


def existing_database(config: Path) -> "Database":
    """The configured database, to read from. Raises NothingFound where the file is not there yet."""
    from tracker.store.database import Database

    path = settings(config).database
    if not path.is_file():
        raise NothingFound(f"no database at {path} yet: `tracker import` or `tracker run` makes it")
    return Database(path)


def migrated_database(config: Path) -> "Database":
    """The configured database, made or brought up to date, to write to. Raises DatabaseUnusable."""
    from tracker.store.database import Database

    database = Database(settings(config).database)
    database.migrate()
    return database


def clock() -> "Clock":
    """The clock that this process shares with the daemon."""
    from tracker.clock import Clock

    try:
        return Clock.from_environment(os.environ)
    except ValueError as error:
        raise BadUsage(str(error)) from None


def now() -> datetime:
    """The time by that clock."""
    return clock().now()


def read_bytes(name: str) -> bytes:
    """A file's content, or stdin's for `-`. Raises BadUsage."""
    if name == "-":
        return typer.get_binary_stream("stdin").read()
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise BadUsage(f"{name}: no such file") from None
    except OSError as error:
        raise BadUsage(f"{name}: cannot be read: {error.strerror}") from None
