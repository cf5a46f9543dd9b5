"""PostNord: Track and Trace API version 5, operation "find by identifier" (one item or shipment a call).

Owns PostNord's statuses, its answer's shape and its faults. Knows no clock, no HTTP library and no other carrier.
Source: PostNord's API reference where nothing else is said. Events bear numeric codes whose list is not public, so
that their status decides, refined by the kind of place and by what the sentence says; the request asks for English.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Info,
    InRequest,
    InvalidNumber,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TextRule,
    TextRules,
    TrackingNumber,
    end_of_day,
    furthest_behind,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code

# Keys: a status; `STATUS/PLACE` where the kind of place refines it; and what EN_ROUTE hides, by its sentence.
CODES = Codes(
    CONFIRMED="CREATED INFORMED",
    CARRIER_PICKED_UP="EN_ROUTE/ACCEPTED",
    IN_TRANSIT="EN_ROUTE",
    OUT_FOR_DELIVERY="EN_ROUTE/OUT_FOR_DELIVERY",
    ATTEMPTED_DELIVERY="""
        DELIVERY_IMPOSSIBLE         # tried again, or returned, which RETURNED then says; unverified
    """,
    READY_FOR_PICKUP="AVAILABLE_FOR_DELIVERY AVAILABLE_FOR_DELIVERY_PAR_LOC",
    PICKED_UP="""
        DELIVERED/SERVICE_POINT     # the service point handed it out
        DELIVERED/PARCEL_LOCKER     # unverified
    """,
    DELIVERED="DELIVERED",
    DELAYED="DELAYED EXPECTED_DELAY",
    ON_HOLD="STOPPED",
    FAILURE="DELIVERY_REFUSED",
    RETURNING="RETURNED",
    INFORMATIONAL="""
        OTHER                       # messages and the like
        SPLIT                       # of a shipment: its items differ
    """,
)

#: Sentences of events that are EN_ROUTE; unverified.
EN_ROUTE = TextRules(
    TextRule(
        "en",
        "EN_ROUTE/OUT_FOR_DELIVERY",
        r"(the )?(shipment )?item (is|has been) (out|loaded|taken out) for delivery\b.*",
        "The shipment item has been loaded for delivery",
    ),
    TextRule(
        "en",
        "EN_ROUTE/ACCEPTED",
        r"(the )?(shipment )?item has been (handed in|dropped off|collected|picked up)\b.*",
        "The shipment item has been collected from the sender",
    ),
    table=CODES,
)

#: `compositeFault.faults[].faultCode` inside a 200.
FAULTS: Mapping[str, type[CarrierError]] = {"invalidIdentifier": InvalidNumber}

HOME = Place(country="SE")


class PostNord(Carrier):
    """PostNord's parcels in Sweden, Denmark, Norway and Finland."""

    info = Info(
        code="postnord",
        name="PostNord",
        docs="https://developer.postnord.com/apis/details?systemName=shipment-v5-trackandtrace-shipmentinformation",
        auth=InRequest(("api_key",)),
        production="https://api2.postnord.com",
        sandbox="https://atapi2.postnord.com",  # unverified
        tracking_page="https://tracking.postnord.com/en/tracking?id={number}",
        quota=Quota(per_second=5),  # unverified guess; by plan
        names=(
            "Post Nord",
            "PostNord AB",
            "PostNord Sverige",
            "PostNord Sweden",
            "PostNord Danmark",
            "PostNord Denmark",
            "PostNord Norge",
            "PostNord Norway",
            "PostNord Suomi",
            "PostNord Finland",
            "PostNord Logistics",
            "PostNord MyPack",
            "Post Danmark",
        ),
    )
    codes = CODES
    texts = EN_ROUTE

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        return Call.get(
            numbers,
            "/rest/shipment/v5/trackandtrace/findByIdentifier.json",
            query={"apikey": "{{api_key}}", "id": numbers[0], "locale": "en"},
            headers={"Accept": "application/json"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked. One PostNord does not know is a 200 without shipments."""
        if (failure := reply.failure()) is not None:
            # a bare 404 is about the address, never about a number
            raise BadPayload(failure.message) if isinstance(failure, NotFound) else failure
        answer = record(reply.json(), "TrackingInformationResponse")
        found = records(answer, "shipments")
        if not found:
            raise _fault(answer)
        number = reply.numbers[0] if reply.numbers else _first_number(found)
        if number is None:
            raise BadPayload("shipments without an identifier")
        shipments = tuple(filter(None, (_shipment(shipment, number) for shipment in found)))
        if shipments:
            yield Report(number, shipments)
        else:
            yield Report(number, error=NotFound("PostNord has neither a status nor events for the number"))


def _shipment(shipment: dict[str, Any], number: TrackingNumber) -> Shipment | None:
    """The item of that number, else, for a shipment's own number, the item which is furthest behind."""
    items = records(shipment, "items")
    asked = [item for item in items if text(item, "itemId").upper() == number]
    pieces = [_piece(item, shipment) for item in asked or items]
    told = [piece for piece in pieces if piece.events or piece.summary]
    if not told:
        summary = _summary(text(shipment, "status"))
        return Shipment(summary=summary, id=text(shipment, "shipmentId")) if summary else None
    return furthest_behind(told)


def _piece(item: dict[str, Any], shipment: dict[str, Any]) -> Shipment:
    destination = Place(country=country_code(text(shipment, "consignee", "address", "countryCode")))
    promised = text(item, "estimatedTimeOfArrival") or text(shipment, "estimatedTimeOfArrival")
    return Shipment(
        events=tuple(sorted(_events(item), key=lambda event: event.occurred_at, reverse=True)),
        summary=_summary(text(item, "status") or text(shipment, "status")),
        estimated_delivery=_promise(promised, destination),
        id=text(shipment, "shipmentId"),
    )


def _events(item: dict[str, Any]) -> Iterator[Event]:
    """The events; one without a readable time or a status is left out. Times are local to the event's country."""
    for event in records(item, "events"):
        location = record(event, "location")
        place = Place(
            city=text(location, "city") or text(location, "displayName"),
            postal_code=text(location, "postcode"),
            country=country_code(text(location, "countryCode")),
        )
        when = instant(text(event, "eventTime"), place, HOME)
        status, description = text(event, "status").upper(), text(event, "eventDescription")
        if when is None or not status:
            continue
        code = _key(status, text(location, "locationType").upper(), description)
        yield Event(*when, code, CODES.meaning(code), description, place if any(place) else None)


def _key(status: str, kind_of_place: str, description: str) -> str:
    if status == "EN_ROUTE":
        return EN_ROUTE.code(description) or status
    refined = f"{status}/{kind_of_place}"
    return refined if CODES.meaning(refined) is not None else status


def _summary(status: str) -> Summary | None:
    return Summary(status.upper()[:100], CODES.meaning(status)) if status else None


def _promise(stated: str, destination: Place) -> datetime | None:
    """The instant of a promise; a midnight stands for its day."""
    when = instant(stated, destination, HOME)
    if when is None:
        return None
    return when[0] if when[0].hour or when[0].minute else end_of_day(when[0].date(), destination, HOME)


def _first_number(shipments: list[dict[str, Any]]) -> TrackingNumber | None:
    """The number of an answer that nobody knows the question of: its only item's, else the shipment's."""
    items = records(shipments[0], "items")
    for stated in (text(items[0], "itemId") if len(items) == 1 else "", text(shipments[0], "shipmentId")):
        try:
            return tracking_number(stated)
        except ValueError:
            continue
    return None


def _fault(answer: dict[str, Any]) -> CarrierError:
    """What an answer without shipments says."""
    for fault in records(answer, "compositeFault", "faults"):
        code, explanation = text(fault, "faultCode"), text(fault, "explanationText")
        return FAULTS.get(code, BadPayload)(f"{code}: {explanation}"[:300].strip(": "))
    if isinstance(answer.get("shipments"), list):
        return NotFound("PostNord does not know the number")
    return BadPayload("no TrackingInformationResponse.shipments")
