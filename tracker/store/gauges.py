"""How things stand, counted for `/metrics`, `/readyz`, `tracker top` and `tracker check`. Read-only.

Owns these statements. Each reads an index, not the table, so that a million parcels are counted in a fraction of a
second.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.store import accounts, forwards, hooks, learning, messages, quotas, reconciling
from tracker.store.accounts import AccountState
from tracker.store.forwards import Counted
from tracker.store.hooks import Heard
from tracker.store.messages import EndpointState
from tracker.store.reconciling import Summary
from tracker.store.times import instant, stored


class Source(NamedTuple):
    """The polled parcels of one source. `late`: more than an hour after their turn."""

    parcels: int
    due: int
    late: int
    oldest_due_at: datetime | None
    """Since when the one waits that waits longest."""


class Outbox(NamedTuple):
    """Pushes that are not done. `held`: of the waiting ones, those of muted fulfillments."""

    waiting: int
    dead: int
    held: int
    oldest_at: datetime | None
    """When the oldest waiting one was made that nobody holds back."""
    due_since: datetime | None
    """Since when one waits whose time has come; None where none does."""


class Unmapped(NamedTuple):
    """Codes no table knew when they were told, and the events that bear them."""

    codes: int
    events: int


class Account(NamedTuple):
    """An account's state and its calls. `price`: None before its first step."""

    state: AccountState | None
    calls: int
    """Made so far, ever."""
    used_hour: int
    used_day: int
    price: float | None


class Webhook(NamedTuple):
    """An endpoint that is told of status changes, and its messages that are not done."""

    state: EndpointState
    waiting: int
    dead: int
    oldest_at: datetime | None
    """When the oldest waiting one was made."""


class Gauges(NamedTuple):
    """Everything, as of one moment."""

    parcels: Mapping[str, int]
    """By status; '' for those no carrier said anything of."""
    fulfillments: Mapping[str, int]
    sources: Mapping[str, Source]
    outbox: Outbox
    forwarded: Counted
    unmapped: Unmapped
    drift: Summary
    accounts: Mapping[str, Account]
    webhooks: Mapping[str, Webhook]
    hooks: Sequence[Heard]
    """What carriers delivered by themselves, of late."""


def read(tx: Connection, fixed: Mapping[str, bool], now: datetime) -> Gauges:
    """How things stand. `fixed`: the accounts, and whether their windows begin on the clock."""
    return Gauges(
        _by_status(tx, "SELECT COALESCE(status, ''), COUNT(*) FROM parcels GROUP BY status"),
        _by_status(tx, "SELECT status, COUNT(*) FROM fulfillments WHERE withdrawn_at IS NULL GROUP BY status"),
        sources(tx, now),
        outbox(tx, now),
        forwards.counted(tx),
        unmapped(tx),
        reconciling.summary(tx),
        {name: account(tx, name, now, fixed=begins) for name, begins in fixed.items()},
        webhooks(tx),
        hooks.heard(tx),
    )


def _by_status(tx: Connection, statement: str) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.exec_driver_sql(statement)}


def sources(tx: Connection, now: datetime) -> dict[str, Source]:
    """Polled parcels by source, from the index the claims go by."""
    rows = tx.exec_driver_sql(
        "SELECT source, COUNT(*), SUM(next_poll_at <= :now), SUM(next_poll_at <= :late), MIN(next_poll_at)"
        " FROM parcels INDEXED BY ix_parcels_due WHERE next_poll_at IS NOT NULL GROUP BY source",
        {"now": stored(now), "late": stored(now - timedelta(hours=1))},
    )
    return {row[0]: Source(row[1], row[2], row[3], instant(row[4]) if row[2] else None) for row in rows}


def any_polled(tx: Connection) -> bool:
    """Whether any parcel waits for its turn."""
    return bool(tx.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM parcels WHERE next_poll_at IS NOT NULL)").scalar())


_FREE = "NOT EXISTS (SELECT 1 FROM mutes m WHERE m.fulfillment_id = p.fulfillment_id)"
_FIRST = (
    "NOT EXISTS (SELECT 1 FROM pushes older WHERE older.fulfillment_id = p.fulfillment_id"
    " AND older.state = 'waiting' AND older.id < p.id)"
)


def outbox(tx: Connection, now: datetime) -> Outbox:
    """Pushes that are not done."""
    waiting, held, oldest, due = tx.exec_driver_sql(
        f"SELECT COUNT(*), COALESCE(SUM(NOT {_FREE}), 0), MIN(created_at) FILTER (WHERE {_FREE}),"
        f" MIN(next_attempt_at) FILTER (WHERE next_attempt_at <= :now AND {_FREE} AND {_FIRST})"
        " FROM pushes p WHERE state = 'waiting'",
        {"now": stored(now)},
    ).one()
    dead = tx.exec_driver_sql("SELECT COUNT(*) FROM pushes WHERE state = 'dead'").scalar_one()
    return Outbox(waiting, dead, held, instant(oldest), instant(due))


def failing_since(tx: Connection, name: str) -> datetime | None:
    """Since when an account, or Order Protection, has given no answer; None where the last call was answered."""
    return instant(tx.exec_driver_sql("SELECT failing_since FROM accounts WHERE name = :name", {"name": name}).scalar())


def webhooks(tx: Connection) -> dict[str, Webhook]:
    """The endpoints by name."""
    rows = tx.exec_driver_sql(
        "SELECT endpoint, SUM(state = 'waiting'), SUM(state = 'dead'), MIN(created_at) FILTER (WHERE state = 'waiting')"
        " FROM webhook_messages WHERE state IN ('waiting', 'dead') GROUP BY endpoint"
    )
    messages_of = {row[0]: row[1:] for row in rows}
    found = {}
    for state in messages.states(tx):
        waiting, dead, oldest = messages_of.get(state.name, (0, 0, None))
        found[state.name] = Webhook(state, waiting, dead, instant(oldest))
    return found


def unmapped(tx: Connection) -> Unmapped:
    """Codes that no table knew."""
    return Unmapped._make(
        tx.exec_driver_sql(
            "SELECT COUNT(*), COALESCE(SUM(events), 0) FROM (SELECT COUNT(*) AS events FROM events"
            " INDEXED BY ix_events_unmapped WHERE NOT mapped GROUP BY source, code)"
        ).one()
    )


def account(tx: Connection, name: str, now: datetime, *, fixed: bool) -> Account:
    """One account."""
    priced = learning.price(tx, name)
    return Account(
        accounts.state(tx, name),
        accounts.calls(tx, name),
        quotas.used(tx, name, quotas.HOUR, now, fixed=fixed),
        quotas.used(tx, name, quotas.DAY, now, fixed=fixed),
        priced[0].value if priced else None,
    )


def lag(tx: Connection, among: int = 500) -> list[float]:
    """How many seconds before it was seen each of the latest events had happened, of parcels asked about before;
    shortest first."""
    rows = tx.exec_driver_sql(
        "SELECT (julianday(e.seen_at) - julianday(e.occurred_at)) * 86400"
        " FROM (SELECT * FROM events ORDER BY id DESC LIMIT :among) e JOIN parcels p ON p.id = e.parcel_id"
        " WHERE e.seen_at > p.first_asked_at ORDER BY 1",
        {"among": among},
    )
    return [max(0.0, seconds) for seconds in rows.scalars()]


def last_written_at(tx: Connection) -> datetime | None:
    """The newest instant that anything was written with, as far as an index tells."""
    written = tx.exec_driver_sql(
        "SELECT MAX(at) FROM (SELECT MAX(recorded_at) AS at FROM status_history"
        " UNION ALL SELECT MAX(last_success_at) FROM accounts"
        " UNION ALL SELECT MAX(kept_at) FROM heartbeats"
        " UNION ALL SELECT created_at FROM (SELECT created_at FROM pushes ORDER BY id DESC LIMIT 1)"
        " UNION ALL SELECT seen_at FROM (SELECT seen_at FROM events ORDER BY id DESC LIMIT 1))"
    ).scalar()
    return instant(written)


def first_written_at(tx: Connection) -> datetime | None:
    """When the oldest status change that is kept was recorded."""
    return instant(tx.exec_driver_sql("SELECT recorded_at FROM status_history ORDER BY id LIMIT 1").scalar())
