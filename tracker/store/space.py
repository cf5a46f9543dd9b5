"""The database's files on the disk: how big they are, and how much room is left beside them."""

import shutil
from pathlib import Path
from typing import NamedTuple


class Space(NamedTuple):
    """Bytes."""

    database: int
    wal: int
    """Of the write-ahead log, which is written back into the database as it is used."""
    free: int
    """On the disk, for whoever runs this."""


def space(database: Path) -> Space:
    """What the files of a database take, 0 for one that is not there. Raises OSError where the folder is not there."""
    return Space(
        _size(database),
        _size(database.with_name(f"{database.name}-wal")),
        shutil.disk_usage(database.absolute().parent).free,
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
