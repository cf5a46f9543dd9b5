"""Deleting what ended long ago, a portion at a time so that no writer waits for long."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from tracker.store.times import stored

PORTION = 500

_OLD = text(
    "SELECT f.id FROM fulfillments f WHERE NOT EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN parcels p"
    "  ON p.id = l.parcel_id WHERE l.fulfillment_id = f.id AND (p.ended_at IS NULL OR p.ended_at >= :before))"
    " AND (f.withdrawn_at < :before OR f.withdrawn_at IS NULL AND EXISTS"
    "  (SELECT 1 FROM fulfillment_parcels l WHERE l.fulfillment_id = f.id))"
    " AND NOT EXISTS (SELECT 1 FROM pushes WHERE fulfillment_id = f.id AND state IN ('waiting', 'dead'))"
    " ORDER BY f.id LIMIT :portion"
)

_ORDERS = text("SELECT DISTINCT order_id FROM fulfillments WHERE id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
#: Of these orders alone: another one without fulfillments has not been shipped yet.
_EMPTY = text(
    "DELETE FROM orders WHERE id IN :ids AND NOT EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = orders.id)"
).bindparams(bindparam("ids", expanding=True))


def forget(tx: Connection, before: datetime) -> int:
    """Delete fulfillments all of whose parcels ended before that instant, and what then belongs to none.

    One that still has something to push, or to be looked at, stays. How many went, at most a portion.
    """
    ids = list(tx.execute(_OLD, {"before": stored(before), "portion": PORTION}).scalars())
    if not ids:
        return 0
    orders = tx.execute(_ORDERS, {"ids": ids}).scalars().all()
    for statement in (
        "DELETE FROM pushes WHERE fulfillment_id IN :ids",
        "DELETE FROM status_history WHERE fulfillment_id IN :ids",
        "DELETE FROM fulfillment_parcels WHERE fulfillment_id IN :ids",
        "DELETE FROM fulfillments WHERE id IN :ids",
    ):
        tx.execute(text(statement).bindparams(bindparam("ids", expanding=True)), {"ids": ids})
    orphans = "(SELECT id FROM parcels p WHERE NOT EXISTS (SELECT 1 FROM fulfillment_parcels WHERE parcel_id = p.id))"
    tx.execute(text(f"DELETE FROM events WHERE parcel_id IN {orphans}"))
    tx.execute(text(f"DELETE FROM parcels WHERE id IN {orphans}"))
    tx.execute(_EMPTY, {"ids": orders})
    return len(ids)
