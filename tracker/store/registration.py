"""Orders and fulfillments on their way in: looked up, written, tied to their parcels.

Owns intake's statements; all of them are set-based. Knows nothing of files, and takes no decision: what is to
be written is `tracker.intake`'s to say.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, and_, bindparam, insert, select, text, update

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.models import Fulfillment, FulfillmentParcel, Order, Parcel, StatusChange
from tracker.store.times import stored

#: Values in one IN list; SQLite takes 32,766.
SLICE = 5000

_ORDERS = Order.__table__  # type: ignore[attr-defined]
_FULFILLMENTS = Fulfillment.__table__  # type: ignore[attr-defined]
_PARCELS = Parcel.__table__  # type: ignore[attr-defined]
_LINKS = FulfillmentParcel.__table__  # type: ignore[attr-defined]
_HISTORY = StatusChange.__table__  # type: ignore[attr-defined]

_T = TypeVar("_T")

ParcelKey = tuple[str, TrackingNumber]
"""Carrier code ('' where nobody knows it) and number: a parcel, but for the use of the number."""

Use = tuple[ParcelKey, int]
"""One use of a number: what makes a parcel."""


class OrderRow(NamedTuple):
    """An order as it is, or is to be, stored; `payload` is JSON."""

    source_order_id: str
    source_order_number: str = ""
    payload: str | None = None
    created_at: datetime | None = None
    cancelled_at: datetime | None = None
    country: str = ""
    state: str = ""
    postal_code: str = ""
    tags: str = ""


class FulfillmentRow(NamedTuple):
    """A fulfillment as it is, or is to be, stored; `payload` is JSON."""

    order_id: int
    source_fulfillment_id: str
    tracking_company: str
    payload: str
    fulfilled_at: datetime
    status: FulfillmentStatus
    status_at: datetime
    reason: str
    withdrawn_at: datetime | None


class LinkRow(NamedTuple):
    """A parcel of a fulfillment, in the merchant's order."""

    parcel_id: int
    tracking_url: str


class KnownLink(NamedTuple):
    """A link as it is stored, with the parcel it leads to."""

    link: LinkRow
    key: ParcelKey
    use: int


class KnownParcel(NamedTuple):
    """A parcel that is there; `spoken`: it has a status; `open`: its carrier is asked about it, and it has not
    ended."""

    id: int
    fulfilled_at: datetime
    spoken: bool
    open: bool


class NewParcel(NamedTuple):
    """A parcel to add."""

    key: ParcelKey
    use: int
    company: str
    fulfilled_at: datetime
    priority: int
    route: tuple[str, ...]


class UnknownLink(NamedTuple):
    """A fulfillment's parcel whose carrier nobody knows."""

    fulfillment_id: int
    company: str
    number: TrackingNumber
    fulfilled_at: datetime
    country: str
    tags: str


def _slices(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while part := list(islice(rest, SLICE)):
        yield part


_FIND_ORDERS = select(_ORDERS.c.id, *(_ORDERS.c[name] for name in OrderRow._fields)).where(
    _ORDERS.c.source_order_id.in_(bindparam("ids", expanding=True))
)


def orders(tx: Connection, source_order_ids: Iterable[str]) -> dict[str, tuple[int, OrderRow]]:
    """The orders that are there: id and row by sourceOrderId."""
    return {
        row[1]: (row[0], OrderRow(*row[1:]))
        for ids in _slices(source_order_ids)
        for row in tx.execute(_FIND_ORDERS, {"ids": ids})
    }


def add_orders(tx: Connection, rows: Sequence[OrderRow]) -> dict[str, int]:
    """Insert orders; their ids by sourceOrderId."""
    if not rows:
        return {}
    added = tx.execute(
        insert(_ORDERS).returning(_ORDERS.c.source_order_id, _ORDERS.c.id), [row._asdict() for row in rows]
    )
    return {row[0]: row[1] for row in added}


_CHANGE_ORDER = (
    update(_ORDERS)
    .where(_ORDERS.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in OrderRow._fields})
)


def change_orders(tx: Connection, rows: Mapping[int, OrderRow]) -> None:
    """Overwrite orders, by id."""
    if rows:
        tx.execute(_CHANGE_ORDER, [_bound(id, row._asdict()) for id, row in rows.items()])


_FIND_FULFILLMENTS = select(_FULFILLMENTS.c.id, *(_FULFILLMENTS.c[name] for name in FulfillmentRow._fields)).where(
    _FULFILLMENTS.c.order_id.in_(bindparam("ids", expanding=True))
)


def fulfillments(tx: Connection, order_ids: Iterable[int]) -> dict[int, FulfillmentRow]:
    """All fulfillments of these orders by id, withdrawn ones too."""
    return {
        row[0]: FulfillmentRow(*row[1:])
        for ids in _slices(order_ids)
        for row in tx.execute(_FIND_FULFILLMENTS, {"ids": ids})
    }


def add_fulfillments(tx: Connection, rows: Sequence[FulfillmentRow]) -> dict[tuple[int, str], int]:
    """Insert fulfillments; their ids by order's id and sourceFulfillmentId."""
    if not rows:
        return {}
    added = tx.execute(
        insert(_FULFILLMENTS).returning(
            _FULFILLMENTS.c.order_id, _FULFILLMENTS.c.source_fulfillment_id, _FULFILLMENTS.c.id
        ),
        [row._asdict() for row in rows],
    )
    return {(row[0], row[1]): row[2] for row in added}


_CHANGE_FULFILLMENT = (
    update(_FULFILLMENTS)
    .where(_FULFILLMENTS.c.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in FulfillmentRow._fields})
)


def change_fulfillments(tx: Connection, rows: Mapping[int, FulfillmentRow]) -> None:
    """Overwrite fulfillments, by id."""
    if rows:
        tx.execute(_CHANGE_FULFILLMENT, [_bound(id, row._asdict()) for id, row in rows.items()])


def _bound(id: int, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"b_id": id} | {f"b_{name}": value for name, value in values.items()}


def add_history(tx: Connection, rows: Mapping[int, FulfillmentRow], now: datetime) -> None:
    """Note the status that these fulfillments have been given, by id. Nothing is pushed."""
    if rows:
        tx.execute(
            insert(_HISTORY),
            [
                {
                    "fulfillment_id": id,
                    "status": row.status,
                    "at": row.status_at,
                    "recorded_at": now,
                    "reason": row.reason,
                }
                for id, row in rows.items()
            ],
        )


_FIND_LINKS = (
    select(
        _LINKS.c.fulfillment_id,
        _LINKS.c.parcel_id,
        _LINKS.c.tracking_url,
        _PARCELS.c.carrier,
        _PARCELS.c.number,
        _PARCELS.c.use,
    )
    .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
    .where(_LINKS.c.fulfillment_id.in_(bindparam("ids", expanding=True)))
    .order_by(_LINKS.c.fulfillment_id, _LINKS.c.position)
)


def links(tx: Connection, fulfillment_ids: Iterable[int]) -> dict[int, list[KnownLink]]:
    """The parcels of each of these fulfillments, in the merchant's order; one without any is left out."""
    found: dict[int, list[KnownLink]] = {}
    for ids in _slices(fulfillment_ids):
        for fulfillment_id, parcel_id, url, carrier, number, use in tx.execute(_FIND_LINKS, {"ids": ids}):
            known = KnownLink(LinkRow(parcel_id, url), (carrier, TrackingNumber(number)), use)
            found.setdefault(fulfillment_id, []).append(known)
    return found


def relink(tx: Connection, wanted: Mapping[int, Sequence[LinkRow]]) -> None:
    """Make these the parcels of each fulfillment."""
    if not wanted:
        return
    tx.execute(text("DELETE FROM fulfillment_parcels WHERE fulfillment_id = :id"), [{"id": id} for id in wanted])
    rows = [
        {"fulfillment_id": id, "parcel_id": link.parcel_id, "position": position, "tracking_url": link.tracking_url}
        for id, chosen in wanted.items()
        for position, link in enumerate(chosen)
    ]
    if rows:
        tx.execute(insert(_LINKS), rows)


_FIND_PARCELS = select(
    _PARCELS.c.carrier,
    _PARCELS.c.number,
    _PARCELS.c.use,
    _PARCELS.c.id,
    _PARCELS.c.fulfilled_at,
    _PARCELS.c.status.is_not(None),
    and_(_PARCELS.c.ended_at.is_(None), _PARCELS.c.last_polled_at.is_not(None), _PARCELS.c.next_poll_at.is_not(None)),
).where(_PARCELS.c.number.in_(bindparam("numbers", expanding=True)))


def parcels(tx: Connection, numbers: Iterable[TrackingNumber]) -> dict[Use, KnownParcel]:
    """Every use of one of these numbers, whatever its carrier."""
    return {
        ((row[0], TrackingNumber(row[1])), row[2]): KnownParcel(row[3], row[4], bool(row[5]), bool(row[6]))
        for part in _slices(numbers)
        for row in tx.execute(_FIND_PARCELS, {"numbers": part})
    }


def add_parcels(tx: Connection, new: Sequence[NewParcel], now: datetime) -> dict[Use, KnownParcel]:
    """Insert parcels that are due now (never, while nobody can be asked about them), and stop asking about older uses
    of their numbers."""
    if not new:
        return {}
    added = tx.execute(
        insert(_PARCELS).returning(
            _PARCELS.c.carrier, _PARCELS.c.number, _PARCELS.c.use, _PARCELS.c.id, _PARCELS.c.fulfilled_at
        ),
        [
            {
                "carrier": parcel.key[0],
                "number": parcel.key[1],
                "use": parcel.use,
                "company": parcel.company,
                "source": parcel.route[0],
                "route": " ".join(parcel.route),
                "step": 0,
                "fulfilled_at": parcel.fulfilled_at,
                "next_poll_at": now if parcel.route[0] else None,
                "priority": parcel.priority,
                "reason": "",
                "shipment_id": "",
                "known": False,
                "fingerprint": "",
                "not_found": False,
                "failures": 0,
            }
            for parcel in new
        ],
    )
    parcels = {
        ((row[0], TrackingNumber(row[1])), row[2]): KnownParcel(row[3], row[4], spoken=False, open=False)
        for row in added
    }
    if again := [{"carrier": parcel.key[0], "number": parcel.key[1]} for parcel in new if parcel.use > 1]:
        tx.execute(_SUPERSEDE, again)
    return parcels


#: Whether a parcel's number has been used again since: what the carrier tells under it is the later parcel's.
USED_AGAIN = (
    "EXISTS (SELECT 1 FROM parcels later WHERE later.carrier = parcels.carrier AND later.number = parcels.number"
    " AND (later.fulfilled_at, later.use) > (parcels.fulfilled_at, parcels.use))"
)
_SUPERSEDE = text(
    "UPDATE parcels SET next_poll_at = NULL, lease_token = NULL, lease_until = NULL"
    f" WHERE carrier = :carrier AND number = :number AND {USED_AGAIN}"
)

#: After FROM: a fulfillment of the parcel, not withdrawn.
LIVE = (
    "FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
    " WHERE l.parcel_id = parcels.id AND f.withdrawn_at IS NULL"
)
_DATE = text(
    "UPDATE parcels SET fingerprint = '', fulfilled_at = COALESCE((SELECT f.fulfilled_at FROM fulfillment_parcels l"
    " JOIN fulfillments f ON f.id = l.fulfillment_id WHERE l.parcel_id = parcels.id"
    " ORDER BY f.withdrawn_at IS NOT NULL, f.fulfilled_at LIMIT 1), fulfilled_at) WHERE id = :id"
)
_STOP = text(
    "UPDATE parcels SET next_poll_at = NULL, lease_token = NULL, lease_until = NULL"
    f" WHERE id = :id AND (next_poll_at IS NOT NULL OR lease_token IS NOT NULL) AND NOT EXISTS (SELECT 1 {LIVE})"
)
_WAKE = text(
    "UPDATE parcels SET next_poll_at = :now WHERE id = :id AND source <> '' AND next_poll_at IS NULL"
    f" AND EXISTS (SELECT 1 {LIVE}) AND NOT {USED_AGAIN}"
)


def settle_parcels(tx: Connection, touched: Iterable[int], gained: Iterable[int], now: datetime) -> None:
    """Make parcels fit the fulfillments they have now.

    `touched`: those whose fulfillments changed in any way. Each is dated by its earliest fulfillment (by those
    not withdrawn, if it has such); one that has only withdrawn ones, or none, is not polled any more, and a poll
    under way is fenced off. `gained`: those a fulfillment came to; each is due now unless it has its turn already,
    or its number has been used again since.
    """
    rows = [{"id": id} for id in touched]
    if rows:
        tx.execute(_DATE, rows)
        tx.execute(_STOP, rows)
    if woken := [{"id": id, "now": stored(now)} for id in gained]:
        tx.execute(_WAKE, woken)


def parcels_due(tx: Connection, order_ids: Iterable[int], now: datetime) -> None:
    """Every parcel of these orders that was not received yet is due now, once more; not if its number has been
    used again since."""
    rows = [{"id": id, "now": stored(now)} for id in order_ids]
    if rows:
        tx.execute(
            text(
                "UPDATE parcels SET next_poll_at = :now WHERE source <> ''"
                " AND (status IS NULL OR status NOT IN ('DELIVERED', 'PICKED_UP'))"
                " AND id IN (SELECT l.parcel_id FROM fulfillment_parcels l JOIN fulfillments f"
                "  ON f.id = l.fulfillment_id WHERE f.order_id = :id AND f.withdrawn_at IS NULL)"
                f" AND NOT {USED_AGAIN}"
            ),
            rows,
        )


def drop_pushes(tx: Connection, fulfillment_ids: Iterable[int], now: datetime) -> None:
    """Waiting and dead pushes of these fulfillments are not made any more, one under way not again."""
    rows = [{"id": id, "now": stored(now)} for id in fulfillment_ids]
    if rows:
        tx.execute(
            text(
                "UPDATE pushes SET state = 'dropped', done_at = :now, lease_token = NULL, lease_until = NULL"
                " WHERE fulfillment_id = :id AND state IN ('waiting', 'dead')"
            ),
            rows,
        )


_DROPPED = text(
    "SELECT f.id FROM fulfillments f JOIN pushes p ON p.id ="
    " (SELECT MAX(id) FROM pushes WHERE fulfillment_id = f.id) WHERE p.state = 'dropped' AND f.id IN :ids"
).bindparams(bindparam("ids", expanding=True))


def last_push_dropped(tx: Connection, fulfillment_ids: Iterable[int]) -> set[int]:
    """Those of these fulfillments whose newest push was never made."""
    return {id for ids in _slices(fulfillment_ids) for id in tx.execute(_DROPPED, {"ids": ids}).scalars()}


def unknown_links(tx: Connection) -> list[UnknownLink]:
    """Every fulfillment's parcel whose carrier nobody knows; withdrawn fulfillments' too."""
    rows = tx.execute(
        select(
            _FULFILLMENTS.c.id,
            _FULFILLMENTS.c.tracking_company,
            _PARCELS.c.number,
            _FULFILLMENTS.c.fulfilled_at,
            _ORDERS.c.country,
            _ORDERS.c.tags,
        )
        .join(_ORDERS, _ORDERS.c.id == _FULFILLMENTS.c.order_id)
        .join(_LINKS, _LINKS.c.fulfillment_id == _FULFILLMENTS.c.id)
        .join(_PARCELS, _PARCELS.c.id == _LINKS.c.parcel_id)
        .where(_PARCELS.c.carrier == "")
    )
    return [UnknownLink(row[0], row[1], TrackingNumber(row[2]), *row[3:]) for row in rows]


_ROUTED = """
    SELECT p.id, p.carrier, p.company, p.source, p.route, COALESCE(o.country, ''), COALESCE(o.tags, '')
    FROM parcels p LEFT JOIN orders o ON o.id = (
        SELECT f.order_id FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id
        WHERE l.parcel_id = p.id ORDER BY f.withdrawn_at IS NOT NULL, f.id LIMIT 1)
    WHERE true"""
_REROUTE = (
    "UPDATE parcels SET source = :source, route = :route, step = 0, known = 0, fingerprint = '',"
    " next_poll_at = CASE WHEN :source = '' THEN NULL WHEN source = '' THEN :now ELSE next_poll_at END,"
    " lease_token = NULL, lease_until = NULL WHERE id = :id"
)


class Routed(NamedTuple):
    """A parcel with what its route depends on, the route it has, and where it is asked about."""

    id: int
    carrier: str
    company: str
    source: str
    route: str
    country: str
    tags: str


def routed(tx: Connection, ids: Iterable[int] | None = None) -> Iterator[list[Routed]]:
    """These parcels, or all, in portions."""
    if ids is not None:
        for part in _slices(ids):
            query = f"{_ROUTED} AND p.id IN (SELECT value FROM json_each(:ids))"
            yield [Routed(*row) for row in tx.exec_driver_sql(query, {"ids": json.dumps(part)})]
        return
    last = 0
    query = f"{_ROUTED} AND p.id > :last ORDER BY p.id LIMIT {SLICE}"
    while found := [Routed(*row) for row in tx.exec_driver_sql(query, {"last": last})]:
        yield found
        last = found[-1].id


def parcels_of(tx: Connection, order_ids: Iterable[int]) -> list[int]:
    """Ids of the parcels of these orders' fulfillments."""
    query = text(
        "SELECT DISTINCT l.parcel_id FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
        " WHERE f.order_id IN :ids"
    ).bindparams(bindparam("ids", expanding=True))
    return [id for ids in _slices(order_ids) for id in tx.execute(query, {"ids": ids}).scalars()]


def reroute(tx: Connection, routes: Mapping[int, tuple[str, ...]], now: datetime) -> None:
    """Give parcels, by id, other sources: they are asked about at the first of them from now on."""
    if routes:
        rows = [
            {"id": id, "source": route[0], "route": " ".join(route), "now": stored(now)} for id, route in routes.items()
        ]
        tx.exec_driver_sql(_REROUTE, rows)


def forget_unlinked_unknown(tx: Connection) -> None:
    """Delete parcels of unknown carriers that no fulfillment has, and of which nobody told anything."""
    tx.execute(
        text(
            "DELETE FROM parcels WHERE carrier = ''"
            " AND NOT EXISTS (SELECT 1 FROM fulfillment_parcels l WHERE l.parcel_id = parcels.id)"
            " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.parcel_id = parcels.id)"
        )
    )
