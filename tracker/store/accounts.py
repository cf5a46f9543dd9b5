"""The state of carrier accounts, and of Order Protection: paused until when, and why."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from tracker.store.times import instant, stored


class AccountState(NamedTuple):
    """One row of `accounts`."""

    name: str
    carrier: str
    paused_until: datetime | None
    paused_reason: str
    failures: int
    last_success_at: datetime | None

    def is_paused(self, now: datetime) -> bool:
        """Whether it must not be asked at present."""
        return self.paused_until is not None and self.paused_until > now


def ensure(tx: Connection, name: str, carrier: str) -> None:
    """Make the account's row if it is not there."""
    tx.exec_driver_sql(
        "INSERT INTO accounts (name, carrier, paused_reason, failures) VALUES (:name, :carrier, '', 0)"
        " ON CONFLICT (name) DO NOTHING",
        {"name": name, "carrier": carrier},
    )


_STATES = "SELECT name, carrier, paused_until, paused_reason, failures, last_success_at FROM accounts"


def state(tx: Connection, name: str) -> AccountState | None:
    """The account's state, or None if it was never used."""
    row = tx.exec_driver_sql(f"{_STATES} WHERE name = :name", {"name": name}).first()
    return _state(row) if row else None


def states(tx: Connection) -> list[AccountState]:
    """Every account's state."""
    return [_state(row) for row in tx.exec_driver_sql(f"{_STATES} ORDER BY name")]


def _state(row: Any) -> AccountState:
    return AccountState(row[0], row[1], instant(row[2]), row[3], row[4], instant(row[5]))


def back_off(
    tx: Connection,
    name: str,
    *,
    now: datetime,
    reason: str,
    first: timedelta,
    longest: timedelta,
    told: timedelta | None,
) -> datetime | None:
    """Stop asking after one more wholesale failure in a row: as long as `told`, else `first`, doubled with each
    failure up to `longest`. The end of the pause where it is the first failure after a success, else None."""
    before = state(tx, name)
    failures = before.failures if before else 0
    until = now + (told or min(longest, first * 2 ** min(failures, 10)))
    tx.exec_driver_sql(
        "UPDATE accounts SET paused_until = :until, paused_reason = :reason, failures = failures + 1,"
        " failing_since = COALESCE(failing_since, :now) WHERE name = :name",
        {"name": name, "until": stored(until), "reason": reason, "now": stored(now)},
    )
    return None if failures else until


def rest(tx: Connection, name: str, until: datetime, reason: str) -> None:
    """Leave the account alone until then, which is no failure; not for less long than it is left alone already."""
    tx.exec_driver_sql(
        "UPDATE accounts SET paused_until = :until, paused_reason = :reason WHERE name = :name"
        " AND (paused_until IS NULL OR paused_until < :until)",
        {"name": name, "until": stored(until), "reason": reason},
    )


def forgive_refusals(tx: Connection) -> int:
    """End the pauses that refused credentials led to: they may have been mended. How many."""
    return int(
        tx.exec_driver_sql(
            "UPDATE accounts SET paused_until = NULL WHERE paused_until IS NOT NULL"
            " AND (paused_reason LIKE 'AuthFailed%' OR paused_reason LIKE '%refuses our credentials')"
        ).rowcount
    )


def succeeded(tx: Connection, name: str, *, at: datetime) -> bool:
    """An answer came: pause and failures are over. Whether there were any."""
    tx.exec_driver_sql("UPDATE accounts SET last_success_at = :at WHERE name = :name", {"name": name, "at": stored(at)})
    return (
        tx.exec_driver_sql(
            "UPDATE accounts SET paused_until = NULL, paused_reason = '', failures = 0, failing_since = NULL"
            " WHERE name = :name AND failures > 0",
            {"name": name},
        ).rowcount
        > 0
    )


def failing(tx: Connection, since: datetime, now: datetime) -> set[str]:
    """The accounts that have given no answer since that instant at least, and are paused now. One whose pause is over
    has the first turn: only an answer of its own shows that it is in order again."""
    rows = tx.exec_driver_sql(
        "SELECT name FROM accounts WHERE failing_since <= :since AND paused_until > :now",
        {"since": stored(since), "now": stored(now)},
    )
    return set(rows.scalars())


def calls(tx: Connection, name: str) -> int:
    """Calls an account has made, ever."""
    made: int | None = tx.exec_driver_sql("SELECT calls FROM accounts WHERE name = :name", {"name": name}).scalar()
    return made or 0
