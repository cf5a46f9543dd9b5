"""Who else works on this database: a lock file beside it, held by every process that claims leases.

The system lets go of the lock whatever way a process ends. One that starts and finds nobody else knows that
every lease in the database belongs to the dead, and takes their work up at once instead of waiting the
leases out.
"""

import fcntl
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from tracker.store.database import DatabaseUnusable
from tracker.store.times import stored


class Presence:
    """This process's hold on the lock file."""

    def __init__(self, database: Path) -> None:
        """Opens `<database>.lock`; holds nothing yet. Raises DatabaseUnusable."""
        file = database.with_name(f"{database.name}.lock")
        try:
            self._file = file.open("a")
        except OSError as error:
            raise DatabaseUnusable(f"{file}: cannot be opened: {error.strerror}") from None

    def alone(self) -> bool:
        """Whether nobody else holds the file. If so we hold it alone until `share`."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def share(self) -> None:
        """Hold the file together with others, until `leave`."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Let go."""
        self._file.close()


def anybody(database: Path) -> bool:
    """Whether any process works on the database."""
    file = database.with_name(f"{database.name}.lock")
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def recover(tx: Connection, now: datetime, grace: timedelta) -> int:
    """Take over what dead processes had under lease; how many parcels, pushes, messages and forwarded calls.

    Their calls count as made now. A push that may still be on its way gets `grace` before it is repeated.
    """
    parcels = tx.exec_driver_sql(
        "UPDATE parcels SET lease_token = NULL, lease_until = NULL WHERE lease_token IS NOT NULL"
    ).rowcount
    pushes = tx.exec_driver_sql(
        "UPDATE pushes SET lease_until = MIN(lease_until, :at)"  # still leased: no newer status overtakes it
        " WHERE state = 'waiting' AND lease_token IS NOT NULL",
        {"at": stored(now + grace)},
    ).rowcount
    calls = tx.exec_driver_sql(
        "UPDATE forwarded_calls SET lease_until = MIN(lease_until, :at)"
        " WHERE state = 'waiting' AND lease_token IS NOT NULL",
        {"at": stored(now + grace)},
    ).rowcount
    messages = tx.exec_driver_sql(
        "UPDATE webhook_messages SET lease_until = MIN(lease_until, :at)"
        " WHERE state = 'waiting' AND lease_token IS NOT NULL",
        {"at": stored(now + grace)},
    ).rowcount
    tx.exec_driver_sql("UPDATE reservations SET expires_at = :now WHERE expires_at > :now", {"now": stored(now)})
    return int(parcels + pushes + calls + messages)
