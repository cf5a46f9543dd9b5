"""Deleting what ended long ago, a portion at a time so that no writer waits for long."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from tracker.store.times import stored

PORTION = 500

#: Whose parcels all ended before `:ended` and that nobody has to look at, or of which nothing was heard since `:idle`.
_OLD = text(
    "SELECT f.id FROM fulfillments f WHERE ("
    " NOT EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN parcels p ON p.id = l.parcel_id"
    "  WHERE l.fulfillment_id = f.id AND (p.ended_at IS NULL OR p.ended_at >= :ended))"
    " AND (f.withdrawn_at < :ended OR f.withdrawn_at IS NULL AND EXISTS"
    "  (SELECT 1 FROM fulfillment_parcels l WHERE l.fulfillment_id = f.id))"
    " AND (EXISTS (SELECT 1 FROM mutes WHERE fulfillment_id = f.id)"
    "  OR NOT EXISTS (SELECT 1 FROM pushes WHERE fulfillment_id = f.id AND state IN ('waiting', 'dead')))"
    ") OR ("
    " f.fulfilled_at < :idle AND f.status_at < :idle"
    " AND NOT EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN parcels p ON p.id = l.parcel_id"
    "  WHERE l.fulfillment_id = f.id AND (p.last_polled_at >= :idle OR p.stage_at >= :idle))"
    ") ORDER BY f.id LIMIT :portion"
)

_ORDERS = text("SELECT DISTINCT order_id FROM fulfillments WHERE id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
#: Of these orders alone: another one without fulfillments has not been shipped yet.
_EMPTY = text(
    "DELETE FROM orders WHERE id IN :ids AND NOT EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = orders.id)"
).bindparams(bindparam("ids", expanding=True))

_NEVER_SHIPPED = text(
    "DELETE FROM orders WHERE id IN (SELECT o.id FROM orders o WHERE o.created_at < :idle"
    " AND NOT EXISTS (SELECT 1 FROM fulfillments f WHERE f.order_id = o.id) LIMIT :portion)"
)


def forget(tx: Connection, ended: datetime, idle: datetime) -> int:
    """Delete fulfillments all of whose parcels ended before `ended`, and what then belongs to none.

    One that still has something to push, or to be looked at, stays, unless it is muted. What never ends, or is never
    looked at, goes when nothing was heard of it since `idle`. How many went, at most a portion.
    """
    tx.execute(_NEVER_SHIPPED, {"idle": stored(idle), "portion": PORTION})
    ids = list(tx.execute(_OLD, {"ended": stored(ended), "idle": stored(idle), "portion": PORTION}).scalars())
    if not ids:
        return 0
    orders = tx.execute(_ORDERS, {"ids": ids}).scalars().all()
    for statement in (
        "DELETE FROM webhook_messages WHERE fulfillment_id IN :ids",
        "DELETE FROM overrides WHERE fulfillment_id IN :ids",
        "DELETE FROM mutes WHERE fulfillment_id IN :ids",
        "DELETE FROM notes WHERE fulfillment_id IN :ids",
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
