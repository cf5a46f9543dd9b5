"""What is kept hour by hour, for the charts: how many parcels have each status, and what each account did.

Owns both tables. An account's hour is counted up in the transaction that saves its answers, by one statement; the
parcels' statuses are looked at now and then.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

HOUR = 3600


class Done(NamedTuple):
    """What came of some calls. `seconds`: wall seconds that the carrier took over them."""

    calls: int = 0
    seconds: float = 0.0
    errors: int = 0
    polls: int = 0
    news: int = 0
    lag_seconds: float = 0.0


#: No more than the calls themselves.
CALLED = Done()

_COUNT = (
    "INSERT INTO account_hours (account, hour, calls, seconds, errors, polls, news, lag_seconds)"
    " VALUES (:account, :hour, :calls, :seconds, :errors, :polls, :news, :lag_seconds)"
    " ON CONFLICT (account, hour) DO UPDATE SET calls = calls + :calls, seconds = seconds + :seconds,"
    " errors = errors + :errors, polls = polls + :polls, news = news + :news, lag_seconds = lag_seconds + :lag_seconds"
)


def count(tx: Connection, account: str, done: Done, now: datetime) -> None:
    """Add what an account did to its hour."""
    if any(done):
        tx.exec_driver_sql(_COUNT, {"account": account, "hour": _hour(now), **done._asdict()})


class StatusCount(NamedTuple):
    """How many parcels had a status within an hour; `status` '' for none."""

    at: datetime
    status: str
    parcels: int


def keep_statuses(tx: Connection, now: datetime) -> None:
    """Note how many parcels have each status in this hour; ended ones are left out, for they only grow."""
    tx.exec_driver_sql(
        "INSERT INTO status_hours (hour, status, parcels)"
        " SELECT :hour, COALESCE(status, ''), COUNT(*) FROM parcels WHERE ended_at IS NULL GROUP BY 2"
        " ON CONFLICT (hour, status) DO UPDATE SET parcels = excluded.parcels",
        {"hour": _hour(now)},
    )


def forget(tx: Connection, before: datetime) -> None:
    """Delete what was noted hour by hour before that instant."""
    for table in ("status_hours", "account_hours"):
        tx.exec_driver_sql(f"DELETE FROM {table} WHERE hour < :hour", {"hour": _hour(before)})


def statuses_since(db: Connection, since: datetime) -> list[StatusCount]:
    """The open parcels by status, once in three hours, oldest first."""
    rows = db.exec_driver_sql(
        "SELECT hour, status, parcels FROM status_hours WHERE hour IN"
        " (SELECT MAX(hour) FROM status_hours WHERE hour >= :hour GROUP BY hour / 3) ORDER BY hour",
        {"hour": _hour(since)},
    )
    return [StatusCount(_instant_of(hour, since), status, parcels) for hour, status, parcels in rows]


class AccountHour(NamedTuple):
    """What an account did within an hour."""

    at: datetime
    calls: int
    seconds: float
    errors: int
    polls: int
    news: int
    lag_seconds: float


def account_hours(db: Connection, since: datetime) -> dict[str, list[AccountHour]]:
    """What each account did, hour by hour, oldest first."""
    found: dict[str, list[AccountHour]] = {}
    for account, hour, *counts in db.exec_driver_sql(
        "SELECT account, hour, calls, seconds, errors, polls, news, lag_seconds FROM account_hours"
        " WHERE hour >= :hour ORDER BY account, hour",
        {"hour": _hour(since)},
    ):
        found.setdefault(account, []).append(AccountHour(_instant_of(hour, since), *counts))
    return found


def _hour(moment: datetime) -> int:
    return int(moment.timestamp() // HOUR)


def _instant_of(hour: int, like: datetime) -> datetime:
    return datetime.fromtimestamp(hour * HOUR, like.tzinfo)
