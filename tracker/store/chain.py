"""What lies between a carrier's word and Order Protection's answer, as `tracker explain` tells it. Read-only.

Owns the statements beyond those of `tracker.store.queries`: pushes with what became of them, and why a parcel is not
polled.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from tracker.models import Push
from tracker.store import rows
from tracker.store.registration import USED_AGAIN

_PUSHES = Push.__table__  # type: ignore[attr-defined]
_PUSHES_OF = (
    select(_PUSHES).where(_PUSHES.c.fulfillment_id.in_(bindparam("ids", expanding=True))).order_by(_PUSHES.c.id)
)


def pushes(db: Connection, fulfillment_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Every push of each fulfillment, oldest first."""
    found: dict[int, list[Row[Any]]] = {id: [] for id in fulfillment_ids}
    for row in db.execute(_PUSHES_OF, {"ids": list(found)}):
        found[row.fulfillment_id].append(row)
    return found


class Standing(NamedTuple):
    """What decides beside its status whether a parcel is polled."""

    used_again: bool
    """Its number has been given to a later parcel."""
    cancelled: bool
    """Every order it belongs to was cancelled."""


_STANDINGS = rows.selected(
    (
        "parcels.id",
        USED_AGAIN,
        "NOT EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
        " JOIN orders o ON o.id = f.order_id WHERE l.parcel_id = parcels.id AND f.withdrawn_at IS NULL"
        " AND o.cancelled_at IS NULL)",
    ),
    "parcels WHERE parcels.id IN (SELECT value FROM json_each(:ids))",
)


def standings(db: Connection, parcel_ids: Sequence[int]) -> dict[int, Standing]:
    """Each parcel's."""
    found = rows.fetch(db, _STANDINGS, {"ids": json.dumps(list(parcel_ids))})
    return {id: Standing(bool(again), bool(cancelled)) for id, again, cancelled in found}
