"""Fulfillments and parcels: lists with filters, and single ones with everything that is known of them.

Owns these routes. The statements are the store's, the fields' names those of `tracker.shapes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection, Row

from carriers.sdk.status import FulfillmentStatus
from tracker.shapes import events_shape, fulfillment_shape, fulfillment_whole_shape, iso, tracking_page
from tracker.store import listing, queries
from tracker.web.api.answers import (
    PAGE,
    CarrierCode,
    Cursor,
    Days,
    Id,
    Instant,
    Limit,
    Search,
    YesOrNo,
    answer,
    errors,
    found,
    page,
)
from tracker.web.api.schemas import Due, FulfillmentPage, FulfillmentWhole, ParcelPage, ParcelsOfNumber
from tracker.web.problems import Problem
from tracker.web.security import Reader, Writer
from tracker.web.services import Services

_STATUS = "Only these statuses; repeat it for several."
_LATE = "Only with a parcel under way after its promised day."
_STALLED = "Only with a parcel under way without a movement for so many days."


def router(services: Services) -> APIRouter:
    """`/api/fulfillments` and `/api/parcels`."""
    routes = APIRouter(prefix="/api")
    _fulfillments(routes, services)
    _parcels(routes, services)
    return routes


def _fulfillments(routes: APIRouter, services: Services) -> None:
    @routes.get(
        "/fulfillments",
        operation_id="listFulfillments",
        tags=["Fulfillments"],
        summary="List fulfillments, newest first",
        responses={**found(FulfillmentPage, "A page of fulfillments."), **errors()},
    )
    async def list_fulfillments(
        request: Request,
        caller: Reader,
        status: Annotated[list[FulfillmentStatus] | None, Query(description=_STATUS)] = None,
        carrier: CarrierCode | None = None,
        late: Annotated[YesOrNo, Query(description=_LATE)] = False,
        stalled: Annotated[Days | None, Query(description=_STALLED)] = None,
        since: Annotated[
            Instant | None, Query(description="Only those whose status changed here at or after this instant.")
        ] = None,
        q: Search = "",
        limit: Limit = PAGE,
        cursor: Cursor | None = None,
    ) -> Response:
        wanted = replace(_wanted(services, status, carrier, late, stalled, q), changed_since=since)

        def read(tx: Connection) -> tuple[list[Any], int | None]:
            ids, last = _cut(listing.fulfillments(tx, wanted, below=_below(cursor), limit=limit + 1), limit)
            return [fulfillment_shape(one) for one in queries.tracked_by_id(tx, ids)], last

        return page(request, *await _read(services, read))

    @routes.get(
        "/fulfillments/{sourceFulfillmentId}",
        operation_id="getFulfillment",
        tags=["Fulfillments"],
        summary="One fulfillment, with timeline, history and pushes",
        responses={**found(FulfillmentWhole, "The fulfillment."), **errors(404, 409)},
    )
    async def get_fulfillment(
        request: Request,
        caller: Reader,
        sourceFulfillmentId: Id,
        sourceOrderId: Annotated[
            str | None, Query(max_length=255, description="Its order, where several have a fulfillment of that id.")
        ] = None,
    ) -> Response:
        def read(tx: Connection) -> list[dict[str, Any]]:
            ids = listing.fulfillments_of_id(tx, sourceFulfillmentId, sourceOrderId)
            whole = queries.tracked_by_id(tx, ids, history=True)
            events = queries.events(tx, list({parcel.id for one in whole for parcel in one.parcels}))
            return [fulfillment_whole_shape(one, events) for one in whole]

        shapes = await _read(services, read)
        if not shapes:
            raise Problem(404, "no fulfillment of that id is known here")
        if len(shapes) > 1:
            raise Problem(409, f"{len(shapes)} orders have a fulfillment of that id: name one with ?sourceOrderId=")
        return answer(request, shapes[0])


def _parcels(routes: APIRouter, services: Services) -> None:
    @routes.get(
        "/parcels",
        operation_id="listParcels",
        tags=["Parcels"],
        summary="List parcels, newest first",
        responses={**found(ParcelPage, "A page of parcels."), **errors()},
    )
    async def list_parcels(
        request: Request,
        caller: Reader,
        status: Annotated[list[FulfillmentStatus] | None, Query(description=_STATUS)] = None,
        carrier: CarrierCode | None = None,
        late: Annotated[YesOrNo, Query(description=_LATE)] = False,
        stalled: Annotated[Days | None, Query(description=_STALLED)] = None,
        q: Search = "",
        limit: Limit = PAGE,
        cursor: Cursor | None = None,
    ) -> Response:
        wanted = _wanted(services, status, carrier, late, stalled, q)

        def read(tx: Connection) -> tuple[list[Any], int | None]:
            ids, last = _cut(listing.parcels(tx, wanted, below=_below(cursor), limit=limit + 1), limit)
            return [_parcel(shown) for shown in listing.parcels_by_id(tx, ids)], last

        return page(request, *await _read(services, read))

    @routes.get(
        "/parcels/{trackingNumber}",
        operation_id="getParcel",
        tags=["Parcels"],
        summary="What is known under a tracking number, with events",
        responses={**found(ParcelsOfNumber, "Every use of the number."), **errors(404)},
    )
    async def get_parcel(request: Request, caller: Reader, trackingNumber: Id) -> Response:
        def read(tx: Connection) -> list[dict[str, Any]]:
            shown = listing.parcels_by_id(tx, listing.uses_of(tx, trackingNumber))
            events = queries.events(tx, [one.row.id for one in shown])
            return [_parcel(one, events) for one in shown]

        shapes = await _read(services, read)
        if not shapes:
            raise Problem(404, "no parcel with that tracking number is known here")
        return answer(request, {"trackingNumber": shapes[0]["trackingNumber"], "parcels": shapes})

    @routes.post(
        "/parcels/{trackingNumber}/poll",
        operation_id="pollParcel",
        tags=["Parcels"],
        summary="Ask the carrier next, out of turn but within the quota",
        status_code=202,
        responses={202: {"model": Due, "description": "It is due now."}, **errors(404, 409)},
    )
    async def poll(caller: Writer, trackingNumber: Id) -> dict[str, Any]:
        now = services.clock.now()

        def work(tx: Connection) -> tuple[str, list[str], int]:
            shown = listing.parcels_by_id(tx, listing.uses_of(tx, trackingNumber))
            number = shown[0].row.number if shown else ""
            return number, [one.row.source for one in shown], listing.make_due(tx, trackingNumber, now)

        number, sources, due = await services.writer.run(work)
        if not sources:
            raise Problem(404, "no parcel with that tracking number is known here")
        if not due:
            raise Problem(409, "nobody knows its carrier: mend trackingCompany and import the fulfillment again")
        return {"trackingNumber": number, "due": due}


def _wanted(
    services: Services,
    status: list[FulfillmentStatus] | None,
    carrier: str | None,
    late: bool,
    stalled: int | None,
    q: str,
) -> listing.Wanted:
    """What both lists can be asked for."""
    now = services.clock.now()
    return listing.Wanted(
        statuses=status or (),
        carrier=carrier,
        late_at=now if late else None,
        silent_since=None if stalled is None else now - timedelta(days=stalled),
        text=q.strip(),
    )


def _below(cursor: int | None) -> int:
    return listing.FIRST_PAGE if cursor is None else cursor


def _cut(ids: list[int], limit: int) -> tuple[list[int], int | None]:
    """A page of ids, of which one too many was read; and its last, where there is a further page."""
    return (ids[:limit], ids[limit - 1]) if len(ids) > limit else (ids, None)


async def _read(services: Services, read: Any) -> Any:
    def work() -> Any:
        with services.database.read() as tx:
            return read(tx)

    return await run_in_threadpool(work)


def _parcel(shown: listing.Shown, events: Mapping[int, Sequence[Row[Any]]] | None = None) -> dict[str, Any]:
    row = shown.row
    shape = {
        "trackingNumber": row.number,
        "carrier": row.carrier,
        "trackingUrl": shown.tracking_url or tracking_page(row.carrier, row.number),
        "status": row.status,
        "statusAt": iso(row.status_at),
        "reason": row.reason,
        "lastMovementAt": iso(row.last_movement_at),
        "deliveredAt": iso(row.delivered_at),
        "estimatedDelivery": iso(row.estimated_delivery),
        "lastPolledAt": iso(row.last_polled_at),
        "nextPollAt": iso(row.next_poll_at),
        "lastError": row.last_error,
        "fulfillments": [
            {"sourceFulfillmentId": one.source_fulfillment_id, "sourceOrderId": one.source_order_id}
            for one in shown.fulfillments
        ],
    }
    return shape if events is None else {**shape, "events": events_shape(events[row.id])}
