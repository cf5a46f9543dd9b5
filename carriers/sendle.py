"""Sendle: Tracking API (Australia, the United States, Canada), one reference a call.

Owns the request, the shape of the answer and Sendle's words. Knows no clock, no HTTP library and no other carrier.
Source: Sendle's API documentation as open clients copy it; a doubt stands beside its line. Sendle announced that it
closes down (unverified): parcels sent before may still be asked about.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    BadPayload,
    Basic,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    country_code,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    unsigned,
)

# Keys: `event_type`, with the blanks as underscores; `STATE/...` for Sendle's word for the order, unverified but for
# Delivered.
CODES = Codes(
    CONFIRMED="""
        LABEL_CREATED
        STATE/BOOKING STATE/PICKUP STATE/DROP_OFF       # still to be picked up, to be dropped off
    """,
    CARRIER_PICKED_UP="PICKUP DROP_OFF DROPPED_OFF",
    IN_TRANSIT="IN_TRANSIT STATE/TRANSIT STATE/IN_TRANSIT",
    OUT_FOR_DELIVERY="OUT_FOR_DELIVERY LOCAL_DELIVERY",
    ATTEMPTED_DELIVERY="DELIVERY_ATTEMPTED CARD_LEFT",
    READY_FOR_PICKUP="LEFT_WITH_AGENT",
    DELIVERED="DELIVERED STATE/DELIVERED",
    DELAYED="DAMAGED            # on the way; what becomes of it, a later event tells",
    FAILURE="""
        UNABLE_TO_DELIVER LOST CANCELLED
        EXPIRED                 # never handed over ?
        STATE/CANCELLED STATE/LOST STATE/EXPIRED STATE/UNABLE_TO_BOOK
    """,
    RETURNING="RETURN_TO_SENDER STATE/RETURNED STATE/RETURN_TO_SENDER",
    INFORMATIONAL="""
        INFO                    # any news, the label's too: `state` tells where there is nothing else
        PICKUP_ATTEMPTED        # in vain: Sendle does not have it
    """,
)


class Sendle(Carrier):
    """Sendle, whatever courier carries its parcels."""

    info = Info(
        code="sendle",
        name="Sendle",
        docs="https://developers.sendle.com/reference/track-parcel",
        auth=Basic("sendle_id", "api_key"),
        production="https://api.sendle.com",
        sandbox="https://sandbox.sendle.com",
        tracking_page="https://track.sendle.com/tracking?ref={number}",  # unverified
        quota=Quota(per_second=1),  # unverified guess
        names=("Sendle Australia", "Sendle US", "Sendle Canada", "Sendle Standard", "Sendle Saver", "Sendle Preferred"),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one reference."""
        (number,) = numbers
        return Call.get(numbers, f"/api/tracking/{segment(number)}", headers={"Accept": "application/json"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report, of the number asked: the answer repeats none."""
        if reply.failure() is not None:
            try:
                answer = reply.json()
            except BadPayload as unreadable:  # a gateway's 404 page would turn every parcel unknown
                raise unreadable if reply.status == 404 else reply.failure() or unreadable from None
            word = text(answer, "error")
            if reply.status == 404 and word != "not_found":
                raise BadPayload("HTTP 404, and not for want of the parcel")
            said = text(answer, "error_description") or word
            raise reply.failure(said[:300]) or BadPayload(f"HTTP {reply.status}")
        answer = reply.json()
        if not isinstance(record(answer).get("tracking_events"), list):
            raise BadPayload("no tracking_events")
        if not reply.numbers:
            raise BadPayload("Sendle repeats no reference: tell which one was asked about")
        shipment = _shipment(answer)
        if not shipment.events and shipment.summary is None:
            raise NotFound("Sendle tells of no event yet")
        return [Report(reply.numbers[0], (shipment,))]


def _shipment(answer: dict[str, Any]) -> Shipment:
    """One order. Sendle lists the oldest event first."""
    destination = Place(country=country_code(text(answer, "destination", "country")))
    events = list(_events(answer, destination))
    state = text(answer, "state")[:100]
    code = f"STATE/{state}" if state else ""
    return Shipment(
        events=tuple(reversed(events)),
        summary=Summary(code, CODES.meaning(code), text(answer, "status", "description")) if code else None,
        estimated_delivery=_promise(record(answer, "scheduling"), destination),
    )


def _events(answer: dict[str, Any], destination: Place) -> Iterator[Event]:
    """The events; `display_time` bears the place's offset where Sendle knows it, `scan_time` is UTC."""
    for event in records(answer, "tracking_events"):
        kind = text(event, "event_type")
        where = record(event, "location_data")
        place = Place(
            text(where, "suburb") or text(event, "location"),
            text(where, "state"),
            text(where, "postcode"),
            country_code(text(where, "country")),
        )
        times = (text(event, name) for name in ("display_time", "scan_time", "local_scan_time"))
        when = next((read for stated in times if (read := instant(stated, place, destination)) is not None), None)
        if when is None or not kind:
            continue
        description = unsigned(text(event, "description"))
        yield Event(*when, kind, CODES.meaning(kind), description, place if any(place) else None)


def _promise(scheduling: dict[str, Any], destination: Place) -> datetime | None:
    """The last minute of the latest day promised."""
    latest = instant(text(scheduling, "estimated_delivery_date_maximum"), destination)
    return end_of_day(latest[0].date(), destination) if latest is not None else None
