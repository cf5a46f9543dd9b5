"""The JSON shapes people script against, alike on the command line and over HTTP.

Owns the fields' names; they are extended, never changed. Knows rows by their columns' names, no database.
"""

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from carriers.sdk.events import Place, ZoneSource
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.registry import Registered, known_carriers
from carriers.sdk.status import FulfillmentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Row

    from tracker.store.queries import Pushed, Tracked


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 with the offset it has."""
    return None if moment is None else moment.isoformat()


def event_shape(
    *,
    occurred_at: datetime,
    zone: ZoneSource,
    status: FulfillmentStatus | None,
    code: str,
    description: str,
    place: Place | None,
) -> dict[str, Any]:
    """One event. `status` None: informational, or a code no table knows."""
    return {
        "occurredAt": iso(occurred_at),
        "zone": zone.value,
        "status": status,
        "code": code,
        "description": description,
        "place": _place_shape(place),
    }


def _place_shape(place: Place | None) -> dict[str, str] | None:
    if place is None or not any(place):
        return None
    return {
        "city": place.city,
        "state": place.state,
        "postalCode": place.postal_code,
        "country": place.country,
    }


def events_shape(events: "Iterable[Row[Any]]") -> list[dict[str, Any]]:
    """Rows of `events`, in their order."""
    return [
        event_shape(
            occurred_at=event.occurred_at.astimezone(timezone(timedelta(minutes=event.utc_offset))),
            zone=event.zone,
            status=event.status if event.mapped else None,
            code=event.code,
            description=event.description,
            place=Place(event.city, event.state, event.postal_code, event.country),
        )
        for event in events
    ]


def parcel_shape(parcel: "Row[Any]") -> dict[str, Any]:
    """A parcel of a fulfillment, without its events: a row of `parcels` with `tracking_url`."""
    return {
        "trackingNumber": parcel.number,
        "carrier": parcel.carrier,
        "trackingUrl": parcel.tracking_url or tracking_page(parcel.carrier, parcel.number),
        "status": parcel.status,
        "statusAt": iso(parcel.status_at),
        "estimatedDelivery": iso(parcel.estimated_delivery),
        "lastPolledAt": iso(parcel.last_polled_at),
        "nextPollAt": iso(parcel.next_poll_at),
        "lastError": parcel.last_error,
    }


def fulfillment_shape(found: "Tracked") -> dict[str, Any]:
    """A fulfillment with its parcels, without events and history."""
    row = found.row
    return {
        "sourceFulfillmentId": row.source_fulfillment_id,
        "sourceOrderId": row.source_order_id,
        "status": row.status,
        "statusAt": iso(row.status_at),
        "trackingCompany": row.tracking_company,
        "pushed": _pushed_shape(found.pushed),
        "parcels": [parcel_shape(parcel) for parcel in found.parcels],
    }


def fulfillment_whole_shape(found: "Tracked", events: "Mapping[int, Sequence[Row[Any]]]") -> dict[str, Any]:
    """A fulfillment with all there is, as `tracker status --json` shows it."""
    shape = fulfillment_shape(found)
    for parcel, row in zip(shape["parcels"], found.parcels, strict=True):
        parcel["events"] = events_shape(events[row.id])
    shape["history"] = [
        {"status": change.status, "at": iso(change.at), "reason": change.reason} for change in found.history
    ]
    return shape


def _pushed_shape(pushed: "Pushed") -> dict[str, Any]:
    return {
        "status": pushed.status,
        "at": iso(pushed.at),
        "pending": pushed.pending,
        "attempts": pushed.attempts,
        "lastError": pushed.last_error,
    }


def tracking_page(carrier: str, number: str) -> str | None:
    """The carrier's public page of a number."""
    registered = known_carriers().get(carrier)
    return registered.info.tracking_url(TrackingNumber(number)) if registered else None


def carrier_shape(registered: Registered, configured: bool) -> dict[str, Any]:
    """A carrier. `configured`: whether an account of it is polled."""
    info = registered.info
    return {
        "code": info.code,
        "name": info.name,
        "kind": registered.kind,
        "batch": info.batch,
        "auth": info.auth.name,
        "codes": len(registered.codes),
        "docs": info.docs,
        "configured": configured,
    }
