"""Registrations -> rows, and all that follows from a change.

Owns the decisions: what counts as a change, which parcels a fulfillment has, whose status stands. What an import
leaves out stays as it was, so that the same file twice changes nothing; a fulfillment keeps the parcels it has,
and which use of a number it means is decided once. An imported status is never pushed, and never replaces one a
carrier gave. Knows no file and no SQL.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from carriers.sdk.carrier import Info
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.intake.companies import Companies
from tracker.intake.registrations import FulfillmentGiven, Registration, merged, overlaid
from tracker.intake.uses import REUSE_MARGIN, Uses
from tracker.routing import DIRECT, Facts, Routes, order_tags
from tracker.store import outbox
from tracker.store import registration as store
from tracker.store.registration import (
    FulfillmentRow,
    KnownLink,
    KnownParcel,
    LinkRow,
    OrderRow,
    ParcelKey,
    Use,
)
from tracker.store.times import instant
from tracker.timeline import RollUp

#: Why a fulfillment has a status that no carrier gave.
IMPORTED = "imported"


class Counts(NamedTuple):
    """What an import did, in fulfillments; an order that comes without any counts as one.

    A fulfillment is updated where it, its parcels or its order changed, and where it was withdrawn. `rejected`
    is for the caller to fill in: a file is refused as a whole, before anything is registered.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class _Orders:
    """The orders of an import, as they are written now, by sourceOrderId."""

    ids: dict[str, int]
    rows: dict[str, OrderRow]
    old: dict[str, OrderRow]

    @property
    def changed(self) -> set[str]:
        """Those that were there, and were other."""
        return {key for key, row in self.old.items() if row != self.rows[key]}

    @property
    def cancelled_or_not(self) -> list[int]:
        """Ids of those that were cancelled now, or are cancelled no more."""
        return [
            self.ids[key]
            for key, row in self.old.items()
            if (row.cancelled_at is None) != (self.rows[key].cancelled_at is None)
        ]


@dataclass(slots=True)
class _Plan:
    """A fulfillment as it shall be. `old` and `old_links`: as it is; None and none where it is new."""

    id: int
    old: FulfillmentRow | None
    old_links: Sequence[KnownLink]
    row: FulfillmentRow
    said: FulfillmentStatus | None
    """The status the import gives it, if any."""
    said_at: datetime
    """Since when: the import's updatedAt, or now."""
    keys: list[tuple[ParcelKey, str]]
    """Of its parcels, with their URLs, in the merchant's order."""
    order: OrderRow
    parcels: list[KnownParcel] = field(default_factory=list)
    """In the same order; none before they are written."""

    @property
    def relinked(self) -> bool:
        """Whether its parcels, their order or their URLs are others than before."""
        return [(known.key, known.link.tracking_url) for known in self.old_links] != self.keys

    @property
    def returned(self) -> bool:
        """Whether it had been withdrawn."""
        return self.old is not None and self.old.withdrawn_at is not None

    @property
    def changed(self) -> bool:
        """Whether it was there, and is other now."""
        return self.old is not None and (self.old != self.row or self.relinked)

    @property
    def spoken(self) -> bool:
        """Whether a carrier gave any of its parcels a status."""
        return any(parcel.spoken for parcel in self.parcels)


def register(
    tx: Connection,
    registrations: Iterable[Registration],
    now: datetime,
    known: Mapping[str, Info],
    rule: RollUp = RollUp.ATTENTION,
    reuse_margin: timedelta = REUSE_MARGIN,
    routes: Routes = DIRECT,
) -> Counts:
    """Write what was imported. `known`: carriers by code, configured or not. `reuse_margin`: fulfillments with
    one number that are further apart are taken for two parcels, unless the first is still on its way. `routes`:
    where new parcels will be asked about.

    Takes a transaction's worth (`chunks` makes such); an order that is in it twice is merged first.
    """
    given = merged(registrations)
    orders = _write_orders(tx, given, routes)
    plans, gone = _plans(tx, given, orders, Companies(known, routes.carriers), now)
    fresh = _write_parcels(tx, plans, reuse_margin, routes, now)
    _write_fulfillments(tx, plans, now)
    store.change_fulfillments(tx, {id: row._replace(withdrawn_at=now) for id, row in gone.items()})
    store.drop_pushes(tx, gone, now)
    _settle(tx, plans, gone, fresh, now)
    store.parcels_due(tx, orders.cancelled_or_not, now)
    _reroute(tx, store.parcels_of(tx, [orders.ids[key] for key in orders.changed]), routes, now)
    _roll_up(tx, plans, now, rule)
    return _counted(given, orders, plans, len(gone))


def _write_orders(tx: Connection, given: Sequence[Registration], routes: Routes) -> _Orders:
    found = store.orders(tx, [one.source_order_id for one in given])
    ids = {key: id for key, (id, _) in found.items()}
    old = {key: row for key, (_, row) in found.items()}
    rows = {one.source_order_id: _order(one, old.get(one.source_order_id), routes) for one in given}
    orders = _Orders(ids, rows, old)
    store.change_orders(tx, {ids[key]: rows[key] for key in orders.changed})
    ids.update(store.add_orders(tx, [row for key, row in rows.items() if key not in old]))
    return orders


def _order(given: Registration, old: OrderRow | None, routes: Routes) -> OrderRow:
    """The order's row: what it was, overlaid with what is said."""
    row = old or OrderRow(given.source_order_id)
    if given.order is not None:
        fields: dict[str, Any] = {} if row.payload is None else orjson.loads(row.payload)
        fields = {name: value for name, value in {**fields, **given.order}.items() if value is not None}
        row = row._replace(
            payload=_json(fields),
            source_order_number=fields.get("sourceOrderNumber", ""),
            created_at=instant(fields.get("sourceCreatedAt")),
            cancelled_at=instant(fields.get("sourceCancelledAt")),
        )
    address = given.address or {}
    return row._replace(
        tags=row.tags if given.tags is None else ", ".join(sorted(given.tags & routes.tags)),
        country=address.get("country", row.country),
        state=address.get("state", row.state),
        postal_code=address.get("zip", row.postal_code),
    )


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _plans(
    tx: Connection, given: Sequence[Registration], orders: _Orders, companies: Companies, now: datetime
) -> tuple[list[_Plan], dict[int, FulfillmentRow]]:
    """The fulfillments as they shall be, and those that complete orders have no more, by id."""
    old = store.fulfillments(tx, [orders.ids[key] for key in orders.old])
    links = store.links(tx, old)
    ids = {(row.order_id, row.source_fulfillment_id): id for id, row in old.items()}
    plans: list[_Plan] = []
    complete: set[int] = set()
    for one in given:
        order_id = orders.ids[one.source_order_id]
        if one.complete:
            complete.add(order_id)
        for said in one.fulfillments:
            id = ids.get((order_id, said.source_fulfillment_id), 0)
            plan = _plan(
                said, old.get(id), links.get(id, []), order_id, orders.rows[one.source_order_id], companies, now
            )
            plan.id = id
            plans.append(plan)
    kept = {plan.id for plan in plans}
    gone = {
        id: row for id, row in old.items() if row.order_id in complete and id not in kept and row.withdrawn_at is None
    }
    return plans, gone


def _plan(
    said: FulfillmentGiven,
    old: FulfillmentRow | None,
    old_links: Sequence[KnownLink],
    order_id: int,
    order: OrderRow,
    companies: Companies,
    now: datetime,
) -> _Plan:
    payload = overlaid(orjson.loads(old.payload) if old else {"sourceItemIds": []}, said.payload)
    company = payload.get("trackingCompany", "")
    created_at = instant(payload.get("createdAt"))
    fulfilled_at = created_at or (old.fulfilled_at if old else order.created_at or now)
    status = said.status or FulfillmentStatus.FULFILLED
    row = FulfillmentRow(
        order_id,
        said.source_fulfillment_id,
        company,
        _json(payload),
        fulfilled_at,
        old.status if old else status,
        old.status_at if old else instant(payload.get("updatedAt")) or fulfilled_at,
        old.reason if old else IMPORTED,
        None,
    )
    # The same number of the same company stays the parcel it is, whatever is known of carriers meanwhile.
    same = {known.key[1]: known.key for known in old_links} if old and old.tracking_company == company else {}
    urls = payload.get("trackingUrl", [])
    keys = [
        (
            same.get(number) or (companies.carrier_of(company, number), number),
            urls[position] if position < len(urls) else "",
        )
        for position, number in enumerate(map(TrackingNumber, payload.get("trackingNumber", [])))
    ]
    said_at = instant(said.payload.get("updatedAt")) or now
    return _Plan(0, old, old_links, row, said.status, said_at, keys, order)


def _write_parcels(
    tx: Connection, plans: Sequence[_Plan], reuse_margin: timedelta, routes: Routes, now: datetime
) -> set[int]:
    """Give the plans their parcels; the ids of those that are new. A parcel a fulfillment has, it keeps."""
    uses = Uses(store.parcels(tx, {key[1]: None for plan in plans for key, _ in plan.keys}), reuse_margin)
    chosen: list[tuple[_Plan, list[Use]]] = []
    for plan in sorted(plans, key=lambda plan: plan.row.fulfilled_at):
        own = {known.key: known.use for known in plan.old_links}
        priority = 0 if plan.said in ENDED else 1
        meant = [
            (key, own[key])
            if key in own
            else uses.meant(
                key,
                plan.row.fulfilled_at,
                plan.row.tracking_company,
                priority,
                routes.sources(_facts(key[0], plan.row.tracking_company, plan.order.country, plan.order.tags)),
            )
            for key, _ in plan.keys
        ]
        chosen.append((plan, meant))
    added = store.add_parcels(tx, uses.new, now)
    parcels = uses.there | added
    for plan, meant in chosen:
        plan.parcels = [parcels[use] for use in meant]
    return {parcel.id for parcel in added.values()}


def _write_fulfillments(tx: Connection, plans: Sequence[_Plan], now: datetime) -> None:
    """The fulfillments themselves, their links, and the history of imported statuses."""
    told: list[_Plan] = [plan for plan in plans if plan.old is None]
    for plan in plans:
        if plan.old is None or plan.said in (None, plan.old.status) or plan.old.reason != IMPORTED:
            continue
        if not plan.spoken:
            plan.row = plan.row._replace(status=plan.said, status_at=plan.said_at)
            told.append(plan)
    added = store.add_fulfillments(tx, [plan.row for plan in plans if plan.old is None])
    for plan in plans:
        if plan.old is None:
            plan.id = added[(plan.row.order_id, plan.row.source_fulfillment_id)]
    store.change_fulfillments(tx, {plan.id: plan.row for plan in plans if plan.old and plan.old != plan.row})
    store.add_history(tx, {plan.id: plan.row for plan in told}, now)
    store.relink(
        tx,
        {
            plan.id: [LinkRow(parcel.id, url) for parcel, (_, url) in zip(plan.parcels, plan.keys, strict=True)]
            for plan in plans
            if plan.relinked
        },
    )


def _settle(
    tx: Connection,
    plans: Sequence[_Plan],
    gone: Iterable[int],
    fresh: set[int],
    now: datetime,
) -> None:
    """What the plans mean for parcels that were there before."""
    touched = {known.link.parcel_id for links in store.links(tx, gone).values() for known in links}
    gained: set[int] = set()
    for plan in plans:
        if plan.old is not None and not plan.changed:
            continue
        before = {known.link.parcel_id for known in plan.old_links}
        after = {parcel.id for parcel in plan.parcels}
        touched |= before | after
        gained |= after if plan.returned else after - before
    store.settle_parcels(tx, touched - fresh, gained - fresh, now)


def _roll_up(tx: Connection, plans: Sequence[_Plan], now: datetime, rule: RollUp) -> None:
    """Where a fulfillment came to parcels that have a status, find its own again, and push it if it is news."""
    spoken = {plan.id: plan for plan in plans if (plan.relinked or plan.returned) and plan.spoken}
    _refold(tx, list(spoken), now, rule)
    unsent = store.last_push_dropped(tx, [id for id, plan in spoken.items() if plan.returned])
    outbox.record(
        tx,
        [outbox.Change(id, spoken[id].row.status, spoken[id].row.status_at, spoken[id].row.reason) for id in unsent],
        now,
    )


def _refold(tx: Connection, ids: Sequence[int], now: datetime, rule: RollUp) -> None:
    for start in range(0, len(ids), store.SLICE):
        outbox.refold(tx, ids[start : start + store.SLICE], now, rule)


def _counted(given: Sequence[Registration], orders: _Orders, plans: Sequence[_Plan], gone: int) -> Counts:
    changed_orders = orders.changed
    changed_ids = {orders.ids[key] for key in changed_orders}
    bare = [one.source_order_id for one in given if not one.fulfillments]
    created = sum(plan.old is None for plan in plans) + sum(key not in orders.old for key in bare)
    updated = sum(plan.old is not None and (plan.changed or plan.row.order_id in changed_ids) for plan in plans) + sum(
        key in changed_orders for key in bare
    )
    return Counts(created, updated + gone, len(plans) + len(bare) - created - updated)


def reassign_unknown(
    tx: Connection,
    now: datetime,
    known: Mapping[str, Info],
    rule: RollUp = RollUp.ATTENTION,
    reuse_margin: timedelta = REUSE_MARGIN,
    routes: Routes = DIRECT,
) -> int:
    """Look again whose parcels those of unknown carriers are, since carriers may have been added; how many left.

    A fulfillment moves to the use that it means of that carrier's number, which may be there already.
    """
    companies = Companies(known, routes.carriers)
    moving = [
        (link, (code, link.number), routes.sources(_facts(code, link.company, link.country, link.tags)))
        for link in sorted(store.unknown_links(tx), key=lambda link: link.fulfilled_at)
        if (code := companies.carrier_of(link.company, link.number))
    ]
    if not moving:
        return 0
    uses = Uses(store.parcels(tx, {link.number: None for link, _, _ in moving}), reuse_margin)
    moves: dict[int, dict[TrackingNumber, Use]] = defaultdict(dict)
    for link, key, route in moving:
        meant = uses.meant(key, link.fulfilled_at, link.company, priority=1, route=route)
        moves[link.fulfillment_id][link.number] = meant
    parcels = uses.there | store.add_parcels(tx, uses.new, now)
    wanted = {}
    for fulfillment_id, links in store.links(tx, moves).items():
        own = moves[fulfillment_id]
        wanted[fulfillment_id] = [
            LinkRow(parcels[own[key[1]]].id, link.tracking_url) if not key[0] and key[1] in own else link
            for link, key, _ in links
        ]
    store.relink(tx, wanted)
    reached = {parcels[use].id: parcels[use] for own in moves.values() for use in own.values()}
    store.settle_parcels(tx, reached, reached, now)
    store.forget_unlinked_unknown(tx)
    _refold(tx, outbox.fulfillments_of(tx, [id for id, parcel in reached.items() if parcel.spoken]), now, rule)
    return len({link.number for link, _, _ in moving})


def reroute_all(tx: Connection, routes: Routes, now: datetime) -> int:
    """Send every parcel where the rules and accounts of today want it; how many have other sources now."""
    return _reroute(tx, None, routes, now)


def _reroute(tx: Connection, ids: Iterable[int] | None, routes: Routes, now: datetime) -> int:
    changed = 0
    for part in store.routed(tx, ids):
        others = {parcel.id: wanted for parcel in part if (wanted := _other_route(parcel, routes))}
        store.reroute(tx, others, now)
        changed += len(others)
    return changed


def _other_route(parcel: store.Routed, routes: Routes) -> tuple[str, ...] | None:
    """The sources that a parcel should have; None where it has them, and is not tried where nobody can ask."""
    wanted = routes.sources(_facts(parcel.carrier, parcel.company, parcel.country, parcel.tags))
    stays = parcel.source in wanted or parcel.source in routes.all_sources
    return None if stays and wanted == tuple(parcel.route.split()) else wanted


def _facts(carrier: str, company: str, country: str, tags: str) -> Facts:
    return Facts(carrier, company, country, order_tags(tags))
