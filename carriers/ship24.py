"""Ship24: Tracking API v1, an aggregator that follows a number once a tracker of it was created.

Owns Ship24's codes, its answer's shape and its clock. Knows no clock, no HTTP library and no other carrier. Source:
Ship24's API reference (per-shipment plan) where nothing else is said; a doubt stands beside its line.

Asking costs nothing; a tracker uses up one of the plan's shipments.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    BadPayload,
    Call,
    CarrierError,
    Codes,
    Event,
    Info,
    InRequest,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    ZoneSource,
    country_code,
    instant,
    promised,
    record,
    records,
    segment,
    text,
    tracking_number,
    unsigned,
)

# Keys: a statusCode; the statusMilestone for events that have none, such as most scans on the way.
CODES = Codes(
    CONFIRMED="info_received data_order_created",
    IN_TRANSIT="""
        in_transit
        transit_handover transit_origin_country_departure destination_arrival
        customs_received customs_cleared
    """,
    OUT_FOR_DELIVERY="out_for_delivery delivery_out_for_delivery",
    ATTEMPTED_DELIVERY="failed_attempt delivery_attempted",
    READY_FOR_PICKUP="available_for_pickup delivery_available_for_pickup",
    DELIVERED="delivered delivery_delivered",
    DELAYED="exception delivery_exception",
    ON_HOLD="customs_exception",
    FAILURE="data_order_cancelled customs_rejected delivery_refused",
    RETURNING="exception_return",
    INFORMATIONAL="""
        pending
        data_delivery_proposition data_delivery_decided         # a date or a place is agreed on
    """,
)

_OFFSET = re.compile(r"[+-]\d\d:?\d\d|Z")


class Ship24(Aggregator):
    """Ship24's trackers; it recognises the carrier of most numbers by itself."""

    info = Info(
        code="ship24",
        name="Ship24",
        docs="https://docs.ship24.com/tracking-api-reference",
        auth=InRequest(("api_key",)),
        production="https://api.ship24.com/public/v1",
        sandbox=None,
        tracking_page="https://www.ship24.com/tracking?p={number}",
        quota=Quota(per_second=10),  # unverified
    )
    codes = CODES
    #: Ship24's list of couriers is for customers alone; the others are left for it to recognise.
    slugs: ClassVar[Mapping[str, str]] = {"usps": "us-post"}

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One GET for one number, whatever courier its tracker was created with."""
        [number] = numbers
        return Call.get([number], f"/trackers/search/{segment(number)}/results", headers=_bearer())

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        """The POST that creates a tracker, where Ship24 says that there is none."""
        try:
            followed = bool(_trackings(reply))
        except NotFound:
            followed = False
        except CarrierError:
            return
        if not followed:
            for number, carrier in numbers.items():
                tracker: dict[str, object] = {"trackingNumber": number}
                if slug := self.slugs.get(carrier):
                    tracker["courierCode"] = [slug]
                yield Call.post_json([number], "/trackers", tracker, headers=_bearer())

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked, with a Shipment for each tracker of it that has news."""
        found: dict[TrackingNumber, list[Shipment]] = {}
        for tracking in _trackings(reply):
            number = _number(tracking, reply.numbers)
            if number is not None:
                found.setdefault(number, []).append(_shipment(tracking))
        if not found:
            raise NotFound("Ship24 has no tracker of the number yet")
        for number, shipments in found.items():
            # trackers created twice tell of the same journey
            told = {shipment.events: shipment for shipment in shipments if _tells(shipment)}
            if told:
                yield Report(number, tuple(told.values()))
            else:
                yield Report(number, error=NotFound("Ship24 has no news of the number yet"))


def _bearer() -> dict[str, str]:
    return {"Authorization": "Bearer {{api_key}}"}


def _trackings(reply: Reply) -> list[dict[str, Any]]:
    """The trackings of an answer. Raises NotFound where Ship24 knows none, CarrierError where none can be read."""
    if not 200 <= reply.status < 300:
        raise _failure(reply)
    data = record(reply.json(), "data")
    if not isinstance(data.get("trackings"), list):
        raise BadPayload("no list of trackings")
    return records(data, "trackings")


def _number(tracking: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber | None:
    if asked:
        return asked[0]
    try:
        return tracking_number(text(tracking, "tracker", "trackingNumber"))
    except ValueError:
        return None


def _tells(shipment: Shipment) -> bool:
    meaning = shipment.summary.meaning if shipment.summary else None
    return bool(shipment.events) or (meaning is not None and meaning.status is not None)


def _shipment(tracking: dict[str, Any]) -> Shipment:
    """One tracking; Ship24 lists its events newest first."""
    shipment = record(tracking, "shipment")
    origin = _country(text(shipment, "originCountryCode"))
    destination = _country(text(shipment, "destinationCountryCode"))
    signer = text(shipment, "delivery", "signedBy")
    events = _events(records(tracking, "events"), signer, origin, destination)
    code = text(shipment, "statusCode") or text(shipment, "statusMilestone")
    return Shipment(
        events=tuple(sorted(events, key=lambda event: event.occurred_at, reverse=True)),
        summary=Summary(code, CODES.meaning(code)) if code else None,
        estimated_delivery=promised(text(shipment, "delivery", "estimatedDeliveryDate"), destination),
        id=text(tracking, "tracker", "trackerId"),
        signed_by=signer or None,
    )


def _events(
    listed: list[dict[str, Any]], signer: str, origin: Place | None, destination: Place | None
) -> Iterator[Event]:
    """The events; one without a readable time or any code is left out.

    The milestone is that of the whole shipment at the time. With events that have a code of their own it is what
    they came to; others are the scans on the way.
    """
    for entry in listed:
        milestone = text(entry, "statusMilestone")
        place = _place(text(entry, "location"))
        near = (origin, destination) if milestone == "info_received" else (destination, origin)
        when = _instant(entry, place, *near)
        code = text(entry, "statusCode") or milestone
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(text(entry, "status"), signer),
            place=place,
            coarse=CODES.meaning(milestone) if milestone else None,
        )


def _instant(entry: dict[str, Any], *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """`occurrenceDatetime` with its own offset, else with `utcOffset`, else in the zone of its place.

    An event that has a day and no time is that day's midnight, whose instant is an assumption in any case.
    """
    stated, offset = text(entry, "occurrenceDatetime"), text(entry, "utcOffset")
    when = instant(stated, *places)
    if when is None:
        return None
    if when[1] is ZoneSource.ASSUMED and _OFFSET.fullmatch(offset):
        when = instant(stated + offset, *places) or when
    return (when[0], ZoneSource.ASSUMED) if entry.get("hasNoTime") is True else when


def _place(location: str) -> Place | None:
    """A place as the courier wrote it; a country's name at its end is taken as one, two letters may be a state's."""
    head, _, tail = location.rpartition(",")
    name = tail.strip()
    country = country_code(name) if len(name) > 2 else ""
    place = Place(city=head.strip() if country else location, country=country)
    return place if any(place) else None


def _country(code: str) -> Place | None:
    country = country_code(code)
    return Place(country=country) if country else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 in Ship24's own words says that there is no tracker."""
    try:
        errors = records(reply.json(), "errors")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    error = errors[0] if errors else {}
    said = f"{text(error, 'code')}: {text(error, 'message')}"[:300].strip(": ")
    standard = reply.failure(said) or BadPayload(f"HTTP {reply.status}")
    return BadPayload(standard.message) if isinstance(standard, NotFound) and not errors else standard
