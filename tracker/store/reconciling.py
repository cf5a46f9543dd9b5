"""Which orders are to be compared with what Order Protection holds, what we hold of them, and what differed.

Owns the schedule (`orders.compare_at`) and the table `drift`. What counts as a difference is `tracker.reconcile`'s.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.models import Outcome, PushState
from tracker.store import remembered
from tracker.store.times import instant, stored

#: So many pushes at most are looked through at once for orders to compare.
PORTION = 2000
#: Under which name the last push looked through is remembered.
_SEEN = "push seen by reconcile"
_ENDED = ", ".join(f"'{status}'" for status in sorted(ENDED))


class Asked(NamedTuple):
    """An order to compare."""

    id: int
    source_order_id: str


class Ours(NamedTuple):
    """A fulfillment as we hold it, with the newest push of it."""

    id: int
    source_fulfillment_id: str
    status: FulfillmentStatus
    status_at: datetime
    withdrawn: bool
    push: PushState | None
    """None: there was never anything to tell."""
    under_way: bool
    """Whether that push is just being made."""
    pushed_at: datetime | None
    """When that push was made, or ended otherwise."""
    earlier: frozenset[str]
    """Every status it ever had here."""
    muted: bool = False
    """Whether its pushes are held back."""

    @property
    def told_at(self) -> datetime | None:
        """When its present status was accepted there; None where it was not."""
        return self.pushed_at if self.push is PushState.SENT else None


class Difference(NamedTuple):
    """A row of `drift`, to be written."""

    source_fulfillment_id: str
    outcome: Outcome
    ours: FulfillmentStatus | None
    theirs: str | None
    repaired: bool


class Drifted(NamedTuple):
    """A difference that stands."""

    source_order_id: str
    source_fulfillment_id: str
    outcome: Outcome
    ours: str | None
    theirs: str | None
    since: datetime
    seen_at: datetime
    repaired_at: datetime | None


class Kept(NamedTuple):
    """What writing an order's differences came to."""

    since: dict[str, datetime]
    """When each difference was first found, by fulfillment."""
    appeared: list[str]
    gone: list[str]


def schedule(tx: Connection, interval: timedelta, now: datetime) -> None:
    """Give orders that something was pushed of since the last look a time for their comparison, spread evenly over
    the interval so that a big import makes no crowd."""
    newest = int(tx.exec_driver_sql("SELECT COALESCE(MAX(id), 0) FROM pushes").scalar_one())
    seen = min(int(remembered.value(tx, _SEEN) or 0), newest)
    upto = min(seen + PORTION, newest)
    if upto == seen:
        return
    found = tx.exec_driver_sql(
        "SELECT DISTINCT o.id FROM pushes p JOIN fulfillments f ON f.id = p.fulfillment_id"
        " JOIN orders o ON o.id = f.order_id WHERE p.id > :seen AND p.id <= :upto AND o.compare_at IS NULL",
        {"seen": seen, "upto": upto},
    ).scalars()
    times = [{"id": id, "at": stored(now + interval * _share(id))} for id in found]
    if times:
        tx.exec_driver_sql("UPDATE orders SET compare_at = :at WHERE id = :id", times)
    remembered.keep(tx, _SEEN, str(upto))


def _share(id: int) -> float:
    """A number from 0 to 1 for an id; neighbours get distant ones (Knuth's multiplicative hash)."""
    return (id * 2654435761 % 2**32) / 2**32


def due(tx: Connection, now: datetime) -> Asked | None:
    """The order that has waited longest for its comparison, if any is due."""
    row = tx.exec_driver_sql(
        "SELECT id, source_order_id FROM orders WHERE compare_at <= :now ORDER BY compare_at LIMIT 1",
        {"now": stored(now)},
    ).first()
    return Asked(*row) if row else None


def postpone(tx: Connection, order_id: int, at: datetime | None) -> None:
    """Compare the order at that time; None: not before something is pushed of it again."""
    tx.exec_driver_sql("UPDATE orders SET compare_at = :at WHERE id = :id", {"id": order_id, "at": stored(at)})


_OF_REFERENCE = """
    SELECT order_id FROM fulfillments WHERE source_fulfillment_id = :reference AND withdrawn_at IS NULL
    UNION SELECT f.order_id FROM orders o JOIN fulfillments f ON f.order_id = o.id
        WHERE o.source_order_id = :reference AND f.withdrawn_at IS NULL
    UNION SELECT f.order_id FROM parcels p JOIN fulfillment_parcels l ON l.parcel_id = p.id
        JOIN fulfillments f ON f.id = l.fulfillment_id WHERE p.number = :number AND f.withdrawn_at IS NULL"""
_LIVELY = f"""
    SELECT order_id FROM fulfillments f WHERE withdrawn_at IS NULL
        AND (status_at >= :since OR :open AND status NOT IN ({_ENDED}))
        AND EXISTS (SELECT 1 FROM pushes p WHERE p.fulfillment_id = f.id)"""


def orders_of(db: Connection, references: Sequence[str]) -> list[Asked]:
    """The orders that tracking numbers, fulfillment or order ids stand for, each once."""
    found: dict[int, Asked] = {}
    for reference in references:
        wanted = {"reference": reference, "number": "".join(reference.split()).upper()}
        found |= {asked.id: asked for asked in _orders(db, _OF_REFERENCE, wanted)}
    return list(found.values())


def lively_orders(db: Connection, since: datetime, *, open: bool) -> list[Asked]:
    """Orders with a fulfillment of which something was to be told and whose status has changed since then, or,
    with `open`, that has not ended."""
    return _orders(db, _LIVELY, {"since": stored(since), "open": open})


def _orders(db: Connection, chosen: str, wanted: Mapping[str, object]) -> list[Asked]:
    query = f"SELECT id, source_order_id FROM orders WHERE id IN ({chosen}) ORDER BY id"
    return [Asked(*row) for row in db.exec_driver_sql(query, dict(wanted))]


_OURS = """
    SELECT f.id, f.source_fulfillment_id, f.status, f.status_at, f.withdrawn_at IS NOT NULL,
        p.state, p.lease_token IS NOT NULL, p.done_at,
        (SELECT json_group_array(DISTINCT h.status) FROM status_history h WHERE h.fulfillment_id = f.id),
        EXISTS (SELECT 1 FROM mutes m WHERE m.fulfillment_id = f.id)
    FROM fulfillments f
    LEFT JOIN pushes p ON p.id = (SELECT MAX(newest.id) FROM pushes newest WHERE newest.fulfillment_id = f.id)
    WHERE f.order_id = :order ORDER BY f.id"""


def ours(tx: Connection, order_id: int) -> list[Ours]:
    """What we hold of an order, its withdrawn fulfillments too."""
    return [
        Ours(
            id,
            source_id,
            FulfillmentStatus(status),
            datetime.fromisoformat(status_at),
            bool(withdrawn),
            None if state is None else PushState(state),
            bool(leased),
            instant(done_at),
            frozenset(json.loads(earlier)),
            bool(muted),
        )
        for id, source_id, status, status_at, withdrawn, state, leased, done_at, earlier, muted in tx.exec_driver_sql(
            _OURS, {"order": order_id}
        )
    ]


def keep(
    tx: Connection,
    order_id: int,
    differences: Iterable[Difference],
    *,
    unsure: Iterable[str],
    now: datetime,
    next_at: datetime | None,
) -> Kept:
    """Write an order's comparison. Differences that stand no longer go, but for those of the `unsure` fulfillments,
    which were not compared."""
    before = dict(
        tuple(row)
        for row in tx.exec_driver_sql(
            "SELECT source_fulfillment_id, since FROM drift WHERE order_id = :order", {"order": order_id}
        )
    )
    found = {difference.source_fulfillment_id: difference for difference in differences}
    gone = [id for id in before if id not in found and id not in set(unsure)]
    for id in gone:
        tx.exec_driver_sql(
            "DELETE FROM drift WHERE order_id = :order AND source_fulfillment_id = :id", {"order": order_id, "id": id}
        )
    for difference in found.values():
        tx.exec_driver_sql(
            "INSERT INTO drift (order_id, source_fulfillment_id, outcome, ours, theirs, since, seen_at, repaired_at)"
            " VALUES (:order, :id, :outcome, :ours, :theirs, :now, :now, :repaired)"
            " ON CONFLICT DO UPDATE SET outcome = :outcome, ours = :ours, theirs = :theirs, seen_at = :now,"
            " repaired_at = COALESCE(:repaired, repaired_at)",
            {
                "order": order_id,
                "id": difference.source_fulfillment_id,
                "outcome": difference.outcome.value,
                "ours": difference.ours,
                "theirs": difference.theirs,
                "now": stored(now),
                "repaired": stored(now) if difference.repaired else None,
            },
        )
    tx.exec_driver_sql(
        "UPDATE orders SET compared_at = :now, compare_at = :next WHERE id = :id",
        {"id": order_id, "now": stored(now), "next": stored(next_at)},
    )
    since = {id: datetime.fromisoformat(before[id]) if id in before else now for id in found}
    return Kept(since, [id for id in found if id not in before], gone)


def newest_pushes(tx: Connection, fulfillment_ids: Sequence[int]) -> dict[int, tuple[PushState, bool, str | None]]:
    """State, whether under way, and last error of each fulfillment's newest push."""
    rows = tx.exec_driver_sql(
        "SELECT fulfillment_id, state, lease_token IS NOT NULL, last_error FROM pushes WHERE id IN"
        " (SELECT MAX(id) FROM pushes WHERE fulfillment_id IN (SELECT value FROM json_each(:ids))"
        "  GROUP BY fulfillment_id)",
        {"ids": json.dumps(list(fulfillment_ids))},
    )
    return {id: (PushState(state), bool(leased), error) for id, state, leased, error in rows}


def drift(db: Connection, limit: int | None = None) -> list[Drifted]:
    """The differences that stand, the oldest first."""
    rows = db.exec_driver_sql(
        "SELECT o.source_order_id, d.source_fulfillment_id, d.outcome, d.ours, d.theirs, d.since, d.seen_at,"
        " d.repaired_at FROM drift d JOIN orders o ON o.id = d.order_id"
        " ORDER BY d.since, d.order_id, d.source_fulfillment_id LIMIT :limit",
        {"limit": -1 if limit is None else limit},
    )
    return [_drifted(row) for row in rows]


def _drifted(row: Any) -> Drifted:
    since, seen = datetime.fromisoformat(row[5]), datetime.fromisoformat(row[6])
    return Drifted(row[0], row[1], Outcome(row[2]), row[3], row[4], since, seen, instant(row[7]))


class Summary(NamedTuple):
    """How far both sides agree."""

    differences: dict[Outcome, int]
    """That stand, those repaired and not compared since included."""
    repaired: int
    """Of them, those that a push of ours was made over meanwhile."""
    orders_scheduled: int
    waiting_longest: datetime | None
    """When the order that is to be compared next was or is due: far in the past, the background share lags."""


def summary(db: Connection) -> Summary:
    """Counts for page, metrics and `tracker check`."""
    counted = db.exec_driver_sql("SELECT outcome, COUNT(*), COUNT(repaired_at) FROM drift GROUP BY outcome").all()
    scheduled, longest = db.exec_driver_sql(
        "SELECT COUNT(*), MIN(compare_at) FROM orders WHERE compare_at IS NOT NULL"
    ).one()
    return Summary(
        {Outcome(outcome): count for outcome, count, _ in counted},
        sum(repaired for _, _, repaired in counted),
        scheduled,
        instant(longest),
    )
