"""Calls granted and made, per carrier account, in the database: what a restart or a second daemon must know.

A call counts from its reservation until a whole window after it was answered. The carrier sees it somewhere
in between, so its own sliding or fixed window never holds more than ours. A reservation whose process died
counts as made at the moment it expires.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.store.times import instant, stored

HOUR, DAY = 3600, 86400

#: A window is counted in so many slots; a slot counts until its last moment has left the window.
SLOTS = 24

#: No window reaches back that far.
FORGOTTEN = timedelta(days=3)


class Granted(NamedTuple):
    """How many calls may be made, and the instant of the first; the rest follow at the account's pace."""

    calls: int
    first_at: datetime


def reserve(
    tx: Connection,
    account: str,
    *,
    windows: Mapping[int, int | None],
    fixed: bool,
    pace: timedelta,
    horizon: timedelta,
    want: int,
    token: str,
    now: datetime,
    expires_at: datetime,
) -> Granted:
    """Grant up to `want` calls to the holder of `token`.

    `windows`: seconds -> calls allowed in any such span, or with `fixed` in each that begins on the clock (None:
    only counted). `pace`: least time between two
    calls; calls whose turn would come later than `horizon` from now are not granted.
    """
    _expire(tx, account, windows, now)
    held = tx.exec_driver_sql(
        "SELECT COALESCE(SUM(calls), 0) FROM reservations WHERE account = :account", {"account": account}
    ).scalar_one()
    for window, limit in windows.items():
        if limit is not None:
            want = min(want, limit - used(tx, account, window, now, fixed=fixed) - held)
    next_call = instant(
        tx.exec_driver_sql("SELECT next_call_at FROM accounts WHERE name = :account", {"account": account}).scalar()
    )
    first = max(now, next_call or now)
    if pace:
        want = min(want, (now + horizon - first) // pace + 1)
    if want <= 0:
        return Granted(0, first)
    tx.exec_driver_sql(
        "INSERT INTO reservations (token, account, calls, expires_at) VALUES (:token, :account, :calls, :at)"
        " ON CONFLICT (token) DO UPDATE SET calls = calls + :calls, expires_at = :at",
        {"token": token, "account": account, "calls": want, "at": stored(expires_at)},
    )
    if pace:
        tx.exec_driver_sql(
            "UPDATE accounts SET next_call_at = :next WHERE name = :account",
            {"next": stored(first + pace * want), "account": account},
        )
    return Granted(want, first)


def settle(
    tx: Connection,
    account: str,
    windows: Mapping[int, int | None],
    token: str,
    *,
    made: int,
    unused: int,
    now: datetime,
) -> None:
    """Count `made` calls of the reservation as made now, and give `unused` ones back."""
    if made or unused:
        tx.exec_driver_sql(
            "UPDATE reservations SET calls = MAX(0, calls - :calls) WHERE token = :token",
            {"calls": made + unused, "token": token},
        )
    if made:
        _count(tx, account, windows, made, now)
        tx.exec_driver_sql(
            "UPDATE accounts SET calls = calls + :made WHERE name = :account", {"made": made, "account": account}
        )


def close_if_empty(tx: Connection, token: str) -> None:
    """Drop a reservation of which every call is settled."""
    tx.exec_driver_sql("DELETE FROM reservations WHERE token = :token AND calls = 0", {"token": token})


def used(tx: Connection, account: str, window: int, now: datetime, *, fixed: bool = False) -> int:
    """Calls made in the window that ends now; with `fixed` in the one that began on the clock, UTC."""
    begun = now.timestamp() // window * window if fixed else now.timestamp() - window
    oldest = int(begun // (window / SLOTS))
    total: int = tx.exec_driver_sql(
        "SELECT COALESCE(SUM(calls), 0) FROM quota_use"
        ' WHERE account = :account AND "window" = :window AND slot >= :oldest',
        {"account": account, "window": window, "oldest": oldest},
    ).scalar_one()
    return total


def spared(limit: int, share: float) -> int:
    """What is left of a limit with a share of it held back."""
    return limit - int(limit * share)


def forget_old(tx: Connection, now: datetime) -> None:
    """Delete slots that no window reaches any more, and reservations of accounts that are gone."""
    tx.exec_driver_sql("DELETE FROM reservations WHERE expires_at < ?", (stored(now - FORGOTTEN),))
    tx.exec_driver_sql(
        'DELETE FROM quota_use WHERE slot < CAST(:now / ("window" / :slots) AS INTEGER) - 2 * :slots',
        {"now": now.timestamp(), "slots": float(SLOTS)},
    )


def _expire(tx: Connection, account: str, windows: Mapping[int, int | None], now: datetime) -> None:
    lost = tx.exec_driver_sql(
        "DELETE FROM reservations WHERE account = :account AND expires_at <= :now RETURNING calls, expires_at",
        {"account": account, "now": stored(now)},
    ).all()
    for calls, expired in lost:
        moment = instant(expired)
        if calls and moment is not None:
            _count(tx, account, windows, calls, moment)


def _count(tx: Connection, account: str, windows: Mapping[int, int | None], calls: int, at: datetime) -> None:
    for window in windows:
        tx.exec_driver_sql(
            'INSERT INTO quota_use (account, "window", slot, calls) VALUES (:account, :window, :slot, :calls)'
            ' ON CONFLICT (account, "window", slot) DO UPDATE SET calls = calls + :calls',
            {
                "account": account,
                "window": window,
                "slot": int(at.timestamp() // (window / SLOTS)),
                "calls": calls,
            },
        )
