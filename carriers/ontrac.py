"""OnTrac: Web Services version 7, resource "shipments", request type "track" (up to 100 numbers a call, XML).

Owns OnTrac's codes, its answer's shape and its error words. Knows no clock, no HTTP library and no other carrier.
Source: OnTrac's Web Service Integration Specifications, revised September 2023; a doubt stands beside its line.
Parcels with LaserShip's numbers are not known here; see `carriers.lasership`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Info,
    InRequest,
    NotFound,
    NumberError,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    Unavailable,
    end_of_day,
    instant,
    record,
    records,
    text,
    tracking_number,
)

# OnTrac words its list for recipients; what the driver enters is in older lists, and decides where the wording hides
# it (NH is "not home", and reads "Delayed" today). Codes marked old are of those lists alone, unverified.
CODES = Codes(
    CONFIRMED="""
        XX OE                       # order information created, shipping information transmitted
        OO                          # old: data entry
    """,
    CARRIER_PICKED_UP="""
        PU
        OR                          # old
    """,
    IN_TRANSIT="""
        OS RD PS                    # on the way, at a facility, at the delivery facility
        SD                          # out for delivery soon: not on the vehicle yet
        SC                          # old
    """,
    OUT_FOR_DELIVERY="OD",
    ATTEMPTED_DELIVERY="""
        CO HO                       # business closed, recipient closed for holiday
        NH                          # not home
        UG                          # gate code needed
        DA                          # old
    """,
    READY_FOR_PICKUP="HP            # held for pickup at the local facility",
    DELIVERED="""
        CL OK DW                    # delivered
        DN                          # to a neighbour
        DD                          # damaged, and delivered
        DL DM                       # old: delivered, delivered open
        TRUE                        # the answer's field Delivered
    """,
    CORRECTED="""
        WD                          # old: delivered to the wrong address and taken back
    """,
    DELAYED="""
        BW LW LR                    # weather, road closure
        AN LM RB                    # delivery date updated
        MC MR MS                    # wrong ZIP code, misrouted
        DC                          # came damaged: what becomes of it, a later scan tells
    """,
    ON_HOLD="""
        AI HW                       # details needed
        WA                          # wrong address, to be asked for
    """,
    FAILURE="""
        CR                          # refused
        DR LC                       # delivery not possible
        UD                          # too damaged to be sent on
        DG IP UA UC UN UO           # old: cannot be sent
    """,
    RETURNING="RS UM                # returned",
    INFORMATIONAL="""
        CA DI                       # address updated by the sender, day by request
        ER                          # the status before was wrong, another follows
        CK                          # old: cheque collected
        FALSE                       # the answer's field Delivered
    """,
)

#: Errors by their words; those of one number, and those of a whole answer.
ERRORS: Mapping[str, type[CarrierError]] = {
    "INVALID TRACKING NUMBER": NotFound,  # also of a number OnTrac has no data of yet; unverified
    "INVALID TRACKING STRING": NotFound,
    "INVALID USERNAME OR PASSWORD": AuthFailed,
    "SERVICE TEMPORARILY UNAVAILABLE": Unavailable,
}


#: Where times without a facility are read; OnTrac comes from California.
HOME = Place(state="CA", country="US")


class OnTrac(Carrier):
    """OnTrac's ground parcels in the USA."""

    info = Info(
        code="ontrac",
        name="OnTrac",
        docs="https://www.ontrac.com/",  # the specification comes with the account
        auth=InRequest(("account", "password")),
        production="https://www.shipontrac.net/OnTracWebServices/OnTracServices.svc",
        sandbox="https://www.shipontrac.net/OnTracTestWebServices/OnTracServices.svc",
        tracking_page="https://www.ontrac.com/tracking/?number={number}",
        batch=100,
        quota=Quota(per_second=1),  # unverified guess
        names=("On Trac", "OnTrac Ground", "OnTrac Shipping", "OnTrac Logistics", "OnTrac West"),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for up to 100 numbers. OnTrac wants the account in the path, the password in the query."""
        return Call.get(
            numbers,
            "/V7/{{account}}/shipments",
            query={"pw": "{{password}}", "tn": ",".join(numbers), "requestType": "track"},
            headers={"Accept": "text/xml"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number; one with both a history and an error keeps its history."""
        if (failure := reply.failure()) is not None:
            raise failure
        result = record(reply.xml(), "OnTracTrackingResult")
        shipments = records(result, "Shipments", "Shipment")
        if not shipments:
            raise _whole_error(result, reply)
        for shipment in shipments:
            number = _number(shipment, reply.numbers)
            if number is None:
                continue
            found = _shipment(shipment)
            if found.events or (found.summary and found.summary.code == "TRUE"):
                yield Report(number, (found,))
            else:
                said = text(shipment, "Error") or text(result, "Error")
                yield Report(number, error=_error(said) or NotFound("OnTrac has no events for the number"))


def _shipment(shipment: dict[str, Any]) -> Shipment:
    destination = _place(shipment)
    delivered = text(shipment, "Delivered").upper()
    shipped = instant(text(shipment, "ShipDate"))
    return Shipment(
        events=tuple(sorted(_events(shipment), key=lambda event: event.occurred_at, reverse=True)),
        summary=Summary(delivered, CODES.meaning(delivered)) if delivered in ("TRUE", "FALSE") else None,
        estimated_delivery=_promise(text(shipment, "Exp_Del_Date"), destination),
        shipped_on=shipped[0].date() if shipped else None,
        signed_by=text(shipment, "POD") or None,
    )


def _events(shipment: dict[str, Any]) -> Iterator[Event]:
    """The scans; one without a readable time or a code is left out. Times are local to the facility."""
    for scan in records(shipment, "Events", "Event"):
        place = _place(scan)
        when = instant(text(scan, "EventTime"), place if place.state or place.postal_code else HOME)
        code = text(scan, "Status")
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), text(scan, "Description"), place)


def _place(address: dict[str, Any]) -> Place:
    """A facility or the destination; OnTrac works in the USA alone, and writes no country."""
    return Place(text(address, "City"), text(address, "State"), text(address, "Zip"), "US")


def _promise(stated: str, destination: Place) -> datetime | None:
    """The last minute of the promised day; OnTrac writes a day as its midnight."""
    when = instant(stated, destination)
    return end_of_day(when[0].date(), destination) if when else None


def _number(shipment: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number a shipment is about; of a single number asked, the answer need not repeat it."""
    try:
        return tracking_number(text(shipment, "Tracking"))
    except ValueError:
        return asked[0] if len(asked) == 1 else None


def _error(said: str) -> CarrierError | None:
    return ERRORS.get(said.strip(" .").upper(), BadPayload)(said[:300]) if said else None


def _whole_error(result: dict[str, Any], reply: Reply) -> CarrierError:
    """The error of an answer without shipments; a number's says nothing where several were asked."""
    error = _error(text(result, "Error")) or BadPayload("no OnTracTrackingResult.Shipments")
    return BadPayload(error.message) if isinstance(error, NumberError) and len(reply.numbers) > 1 else error
