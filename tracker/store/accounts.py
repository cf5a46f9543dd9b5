"""The state of carrier accounts, and of Order Protection: paused until when, and why."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from tracker.store.times import instant, stored


class AccountState(NamedTuple):
    """One row of `accounts`."""

    name: str
    carrier: str
    paused_until: datetime | None
    paused_reason: str
    failures: int
    last_success_at: datetime | None


def ensure(tx: Connection, name: str, carrier: str) -> None:
    """Make the account's row if it is not there."""
    tx.execute(
        text(
            "INSERT INTO accounts (name, carrier, paused_reason, failures) VALUES (:name, :carrier, '', 0)"
            " ON CONFLICT (name) DO NOTHING"
        ),
        {"name": name, "carrier": carrier},
    )


def state(tx: Connection, name: str) -> AccountState | None:
    """The account's state, or None if it was never used."""
    return next((row for row in states(tx) if row.name == name), None)


def states(tx: Connection) -> list[AccountState]:
    """Every account's state."""
    rows = tx.execute(
        text("SELECT name, carrier, paused_until, paused_reason, failures, last_success_at FROM accounts ORDER BY name")
    )
    return [AccountState(row[0], row[1], instant(row[2]), row[3], row[4], instant(row[5])) for row in rows]


def pause(tx: Connection, name: str, *, until: datetime, reason: str) -> None:
    """Stop asking until then; one more wholesale failure in a row."""
    tx.execute(
        text(
            "UPDATE accounts SET paused_until = :until, paused_reason = :reason, failures = failures + 1"
            " WHERE name = :name"
        ),
        {"name": name, "until": stored(until), "reason": reason},
    )


def forgive_refusals(tx: Connection) -> int:
    """End the pauses that refused credentials led to: they may have been mended. How many."""
    return int(
        tx.execute(
            text(
                "UPDATE accounts SET paused_until = NULL WHERE paused_until IS NOT NULL"
                " AND (paused_reason LIKE 'AuthFailed%' OR paused_reason LIKE '%refuses our credentials')"
            )
        ).rowcount
    )


def succeeded(tx: Connection, name: str, *, at: datetime) -> bool:
    """An answer came: pause and failures are over. Whether there were any."""
    tx.execute(text("UPDATE accounts SET last_success_at = :at WHERE name = :name"), {"name": name, "at": stored(at)})
    return (
        tx.execute(
            text(
                "UPDATE accounts SET paused_until = NULL, paused_reason = '', failures = 0"
                " WHERE name = :name AND failures > 0"
            ),
            {"name": name},
        ).rowcount
        > 0
    )
