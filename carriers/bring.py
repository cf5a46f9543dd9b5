"""Bring and Posten Norge: Tracking API version 2 (one number a call).

Owns Bring's statuses, its answer's shape and its errors. Knows no clock, no HTTP library and no other carrier. Source:
Bring's developer site for the statuses; the answer's paths are those open-source clients read, unverified.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
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
    TextRule,
    TextRules,
    TrackingNumber,
    Unavailable,
    end_of_day,
    furthest_behind,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code

CODES = Codes(
    CONFIRMED="PRE_NOTIFIED",
    CARRIER_PICKED_UP="""
        HANDED_IN
        COLLECTED                   # from the sender's address, not by the recipient
    """,
    IN_TRANSIT="IN_TRANSIT INTERNATIONAL TERMINAL CUSTOMS",
    OUT_FOR_DELIVERY="TRANSPORT_TO_RECIPIENT",
    ATTEMPTED_DELIVERY="ATTEMPTED_DELIVERY",
    READY_FOR_PICKUP="READY_FOR_PICKUP",
    DELIVERED="DELIVERED            # to the door or over a counter; Bring does not say which",
    DELAYED="DEVIATION",
    ON_HOLD="""
        CUSTOMS/HELD                # customs, and the sentence says that it stands still
        DELIVERY_CANCELLED          # the delivery that was ordered, not the parcel
    """,
    RETURNING="RETURN DELIVERED_SENDER",
    INFORMATIONAL="NOTIFICATION_SENT DELIVERY_ORDERED DELIVERY_CHANGED UNKNOWN",
)

#: Sentences of events that are CUSTOMS; unverified.
CUSTOMS = TextRules(
    TextRule(
        "en",
        "CUSTOMS/HELD",
        r".*\b((held|retained|stopped) (by|in|at) customs|awaiting (documents|documentation|information|payment))\b.*",
        "The shipment is held by customs, awaiting documentation",
    ),
    table=CODES,
)

HOME = Place(country="NO")


class BringOptions(CarrierOptions):
    """What a merchant can set for Bring."""

    client_url: str = Field(default="", description="An address that tells Bring who is asking, such as the shop's.")


class Bring(Carrier):
    """Bring's parcels in the Nordic countries, and those of Posten Norge."""

    info = Info(
        code="bring",
        name="Bring",
        docs="https://developer.bring.com/api/tracking/",
        auth=InRequest(("api_uid", "api_key")),
        production="https://api.bring.com",
        sandbox=None,
        tracking_page="https://tracking.bring.com/tracking/{number}",
        quota=Quota(per_second=5),  # unverified guess; Bring publishes none
        names=(
            "Bring Norway",
            "Bring Norge",
            "Bring Sverige",
            "Bring Parcels",
            "Bring Express",
            "Bring Cargo",
            "Posten",
            "Posten Norge",
            "Posten Norway",
            "Posten Bring",
            "Norway Post",
            "Norwegian Post",
        ),
    )
    codes = CODES
    texts = CUSTOMS
    Options: ClassVar[type[CarrierOptions]] = BringOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number, in English (`CUSTOMS` reads it)."""
        options = self.options
        assert isinstance(options, BringOptions)  # noqa: S101 - what the class itself declares
        headers = {
            "Accept": "application/json",
            "X-Mybring-API-Uid": "{{api_uid}}",
            "X-Mybring-API-Key": "{{api_key}}",
        }
        if options.client_url:
            headers["X-Bring-Client-URL"] = options.client_url
        return Call.get(
            numbers, "/tracking/api/v2/tracking.json", query={"q": numbers[0], "lang": "en"}, headers=headers
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked, with a Shipment for each consignment that bears it."""
        if (failure := reply.failure()) is not None:
            raise failure
        answer = reply.json()
        consignments = records(answer, "consignmentSet")
        if not consignments:
            known = isinstance(record(answer).get("consignmentSet"), list)
            raise NotFound("Bring does not know the number") if known else BadPayload("no consignmentSet")
        number = reply.numbers[0] if reply.numbers else _first_number(consignments)
        if number is None:
            raise _error(consignments[0]) or BadPayload("consignments without a number")
        shipments = tuple(filter(None, (_shipment(consignment, number) for consignment in consignments)))
        if shipments:
            yield Report(number, shipments)
        else:
            errors = filter(None, map(_error, consignments))
            yield Report(number, error=next(errors, None) or NotFound("Bring has no events for the number"))


def _shipment(consignment: dict[str, Any], number: TrackingNumber) -> Shipment | None:
    """The package of that number, else, for a consignment's own number, the package which is furthest behind."""
    packages = records(consignment, "packageSet")
    asked = [package for package in packages if text(package, "packageNumber").upper() == number]
    pieces = [_package(package, consignment) for package in asked or packages]
    return furthest_behind([piece for piece in pieces if piece.events])


def _package(package: dict[str, Any], consignment: dict[str, Any]) -> Shipment:
    address = record(package, "recipientAddress") or record(consignment, "recipientAddress")
    destination = Place(postal_code=text(address, "postalCode"), country=country_code(text(address, "countryCode")))
    names = (text(event, "recipientSignature", "name") for event in records(package, "eventSet"))
    return Shipment(
        events=tuple(sorted(_events(package), key=lambda event: event.occurred_at, reverse=True)),
        estimated_delivery=_promise(text(package, "dateOfEstimatedDelivery"), destination),
        id=text(consignment, "consignmentId"),
        signed_by=next(filter(None, names), None),
    )


def _events(package: dict[str, Any]) -> Iterator[Event]:
    """The events; one without a readable time or a status is left out."""
    for event in records(package, "eventSet"):
        place = Place(
            city=text(event, "city"),
            postal_code=text(event, "postalCode"),
            country=country_code(text(event, "countryCode")),
        )
        when = instant(text(event, "dateIso"), place, HOME)
        status, description = text(event, "status").upper(), text(event, "description")
        if when is None or not status:
            continue
        code = (CUSTOMS.code(description) if status == "CUSTOMS" else None) or status
        yield Event(*when, code, CODES.meaning(code), description, place if any(place) else None)


def _promise(stated: str, destination: Place) -> datetime | None:
    """The instant of a promise; a bare day is its last minute."""
    when = instant(stated, destination, HOME)
    if when is None:
        return None
    return when[0] if when[0].hour or when[0].minute else end_of_day(when[0].date(), destination, HOME)


def _first_number(consignments: list[dict[str, Any]]) -> TrackingNumber | None:
    """The number of an answer that nobody knows the question of: its only package's, else the consignment's."""
    packages = records(consignments[0], "packageSet")
    single = text(packages[0], "packageNumber") if len(packages) == 1 else ""
    for stated in (single, text(consignments[0], "consignmentId")):
        try:
            return tracking_number(stated)
        except ValueError:
            continue
    return None


def _error(consignment: dict[str, Any]) -> CarrierError | None:
    """A consignment's own error, inside a 200: HTTP's codes, used for the number."""
    error = record(consignment, "error")
    code = text(error, "code")
    if not error:
        return None
    message = f"{code}: {text(error, 'message')}"[:300].strip(": ")
    if code == "404":
        return NotFound(message)
    if code == "400":
        return InvalidNumber(message)  # unverified
    return Unavailable(message) if code.startswith("5") else BadPayload(message)
