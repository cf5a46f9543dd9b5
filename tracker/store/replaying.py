"""Stored events on their way through `tracker replay`: read, and written with another meaning.

Owns the statements. A parcel's lease is nobody's business here: whoever polls it reads its state again, in one
transaction with the writing of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, select

from carriers.sdk.codes import Effect, Meaning
from carriers.sdk.status import FulfillmentStatus
from tracker.models import Fulfillment, FulfillmentParcel, Order, Parcel, ParcelEvent
from tracker.store import rows
from tracker.store.registration import USED_AGAIN
from tracker.store.times import stored
from tracker.timeline import ParcelStatus

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_FULFILLMENTS = Fulfillment.__table__  # type: ignore[attr-defined]
_LINKS = FulfillmentParcel.__table__  # type: ignore[attr-defined]
_PARCELS = Parcel.__table__  # type: ignore[attr-defined]
_EVENTS = ParcelEvent.__table__  # type: ignore[attr-defined]


class StoredCode(NamedTuple):
    """An event's code, or with `event_id` None the summary that made a parcel's status, as it was read."""

    event_id: int | None
    parcel_id: int
    source: str
    code: str
    text: str
    meaning: Meaning | None


class Reread(NamedTuple):
    """What an event means now."""

    event_id: int
    meaning: Meaning | None


_WANTED = (
    "p.id > :after AND p.id <= :upto AND (:since IS NULL OR EXISTS"
    " (SELECT 1 FROM events n WHERE n.parcel_id = p.id AND n.occurred_at >= :since))"
)
_SOURCE = "CASE e.source WHEN '' THEN p.carrier ELSE e.source END"
_CODES = rows.selected(
    ("e.id", "p.id", _SOURCE, "e.code", "e.description", "e.mapped", "e.status", "e.effect"),
    "parcels p CROSS JOIN events e ON e.parcel_id = p.id"
    f" WHERE {_WANTED} AND (:carrier IS NULL OR {_SOURCE} = :carrier)",
)
#: Who told of it last: a summary is not stored with the name of who gave it.
_TELLER = (
    "COALESCE((SELECT NULLIF(e.source, '') FROM events e WHERE e.parcel_id = p.id ORDER BY e.id DESC LIMIT 1),"
    " NULLIF(substr(p.source, 1, instr(p.source || '/', '/') - 1), ''), p.carrier)"
)
_SUMMED_UP = rows.selected(
    ("p.id", _TELLER, "p.reason", "p.status"),
    f"parcels p WHERE {_WANTED} AND (:carrier IS NULL OR {_TELLER} = :carrier)"
    " AND (p.reason LIKE 'summary %' OR p.reason LIKE 'returning: summary %')",
)


def last_id(db: Connection) -> int:
    """The highest id of a parcel, 0 where there is none."""
    return int(db.execute(select(func.coalesce(func.max(_PARCELS.c.id), 0))).scalar_one())


def codes(db: Connection, after: int, upto: int, *, since: datetime | None, carrier: str | None) -> list[StoredCode]:
    """The codes of parcels with ids above `after` up to `upto`; `since`: of those with an event since then;
    `carrier`: those of its table alone."""
    wanted = {"after": after, "upto": upto, "since": stored(since), "carrier": carrier}
    found = [
        StoredCode(id, parcel, source, code, text, _meaning(mapped, status, effect))
        for id, parcel, source, code, text, mapped, status, effect in rows.fetch(db, _CODES, wanted)
    ]
    for parcel, source, reason, status in rows.fetch(db, _SUMMED_UP, wanted):
        code, _, text = reason.removeprefix("returning: ").removeprefix("summary ").partition(": ")
        effect = Effect.RETURN if reason.startswith("returning: ") else Effect.NONE
        found.append(StoredCode(None, parcel, source, code, text, Meaning(FulfillmentStatus(status), effect)))
    return found


def _meaning(mapped: int, status: str | None, effect: str) -> Meaning | None:
    return Meaning(FulfillmentStatus(status) if status else None, Effect(effect)) if mapped else None


_NEIGHBOURS = rows.selected(
    ("fulfillment", "id"),
    "(SELECT j.value AS id, MIN(l.fulfillment_id) AS fulfillment FROM json_each(:ids) j"
    " LEFT JOIN fulfillment_parcels l ON l.parcel_id = j.value GROUP BY j.value ORDER BY fulfillment, id)",
)


def together(db: Connection, parcel_ids: Sequence[int], size: int) -> list[list[int]]:
    """These parcels in lots of `size`, or of some more where a fulfillment would be torn apart."""
    lots: list[list[int]] = []
    before: int | None = None
    for fulfillment, id in rows.fetch(db, _NEIGHBOURS, {"ids": json.dumps(parcel_ids)}):
        if not lots or (len(lots[-1]) >= size and (fulfillment is None or fulfillment != before)):
            lots.append([])
        lots[-1].append(id)
        before = fulfillment
    return lots


_PARCELS_NAMED = select(_PARCELS).where(_PARCELS.c.id.in_(bindparam("ids", expanding=True)))
_TELLERS = rows.selected(("p.id", _TELLER), "parcels p WHERE p.id IN (SELECT value FROM json_each(:ids))")
_EVENTS_OF = (
    select(_EVENTS)
    .where(_EVENTS.c.parcel_id.in_(bindparam("ids", expanding=True)))
    .order_by(_EVENTS.c.parcel_id, _EVENTS.c.occurred_at.desc(), _EVENTS.c.position, _EVENTS.c.id)
)


def parcels(db: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    """Whole rows of `parcels`."""
    return list(db.execute(_PARCELS_NAMED, {"ids": list(ids)}))


def tellers(db: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Code of the carrier or aggregator that told of each parcel last."""
    return dict(rows.fetch(db, _TELLERS, {"ids": json.dumps(list(ids))}))


def events(db: Connection, parcel_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Each parcel's events, withdrawn ones too, newest first."""
    found: dict[int, list[Row[Any]]] = {id: [] for id in parcel_ids}
    for row in db.execute(_EVENTS_OF, {"ids": list(found)}):
        found[row.parcel_id].append(row)
    return found


_REREAD = (
    "UPDATE events SET mapped = r.mapped, status = r.status, effect = r.effect"
    f" FROM {rows.given(('id', 'mapped', 'status', 'effect'))} AS r WHERE events.id = r.id"
)


def rewrite_events(tx: Connection, reread: Iterable[Reread]) -> None:
    """Give events another meaning."""
    changes = [
        {
            "id": id,
            "mapped": int(meaning is not None),
            "status": meaning.status if meaning else None,
            "effect": meaning.effect if meaning else Effect.NONE,
        }
        for id, meaning in reread
    ]
    if changes:
        tx.exec_driver_sql(_REREAD, {"rows": rows.packed(changes, ("id", "mapped", "status", "effect"))})


#: Columns of a parcel that a replay may write.
COLUMNS = (
    *("status", "status_at", "reason", "last_movement_at", "delivered_at", "ended_at", "next_poll_at", "fingerprint"),
)
#: A parcel is only asked about again if it would be at all: its carrier is known, some fulfillment that stands has it,
#: and its number was not given again.
_FOLLOWED = (
    "(parcels.carrier <> '' AND EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f"
    " ON f.id = l.fulfillment_id WHERE l.parcel_id = parcels.id AND f.withdrawn_at IS NULL)"
    f" AND NOT {USED_AGAIN})"
)
_REWRITE = (
    "UPDATE parcels SET "
    + ", ".join(f"{name} = r.{name}" for name in COLUMNS if name != "next_poll_at")
    + f", next_poll_at = CASE WHEN r.next_poll_at IS NULL OR {_FOLLOWED} THEN r.next_poll_at"
    + " ELSE parcels.next_poll_at END"
    + f" FROM {rows.given(('id', *COLUMNS))} AS r WHERE parcels.id = r.id"
)


def rewrite_parcels(tx: Connection, states: Sequence[Mapping[str, Any]]) -> None:
    """Write parcels' new state. Keys of a state: `id` and every one of COLUMNS."""
    if states:
        tx.exec_driver_sql(_REWRITE, {"rows": rows.packed(states, ("id", *COLUMNS))})


class Whole(NamedTuple):
    """A fulfillment, not withdrawn, with its parcels by id in the merchant's order."""

    id: int
    source_fulfillment_id: str
    source_order_id: str
    status: FulfillmentStatus
    parcels: dict[int, ParcelStatus]


_WHOLES = (
    select(
        _FULFILLMENTS.c.id,
        _FULFILLMENTS.c.source_fulfillment_id,
        _ORDERS.c.source_order_id,
        _FULFILLMENTS.c.status,
        _PARCELS.c.id,
        _PARCELS.c.status,
        _PARCELS.c.status_at,
        _PARCELS.c.reason,
        _PARCELS.c.last_movement_at.is_not(None),
    )
    .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
    .join(_LINKS, _LINKS.c.fulfillment_id == _FULFILLMENTS.c.id)
    .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_FULFILLMENTS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_FULFILLMENTS.c.id, _LINKS.c.position)
)


def wholes(db: Connection, fulfillment_ids: Sequence[int]) -> list[Whole]:
    """Fulfillments with the state of their parcels."""
    found: dict[int, Whole] = {}
    for id, fulfillment, order, status, parcel, told, at, reason, moved in db.execute(
        _WHOLES, {"ids": list(fulfillment_ids)}
    ):
        whole = found.setdefault(id, Whole(id, fulfillment, order, status, {}))
        whole.parcels[parcel] = ParcelStatus(told, at, reason, bool(moved))
    return list(found.values())
