"""InPost: parcel lockers and couriers, by the public tracking of the ShipX API (Poland, Italy), one number a call.

Owns InPost's status names and event codes and the shape of its answer. Knows no clock, no HTTP library and no other
carrier. Source: InPost's documentation of ShipX tracking and statuses, as other clients and copies of it show; nothing
of it could be verified. InPost's newer Global API answers with other names and dotted codes (`LMD.1005`); those codes
are here too, so that its answers can be read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Info,
    NoAuth,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code

#: ShipX's statuses by name, the Global API's events by code. The words after `#` shorten InPost's; doubts are
#: marked with `?`.
CODES = Codes(
    CONFIRMED="""
        CREATED OFFERS_PREPARED OFFER_SELECTED CONFIRMED
        CRE.1001 CRE.1002 FUL.1001 FUL.1002 FUL.1003    # created, ready for acceptance; picked and packed
        FMD.1013                                        # pickup scheduled
    """,
    CARRIER_PICKED_UP="""
        DISPATCHED_BY_SENDER DISPATCHED_BY_SENDER_TO_POK        # put into a locker, given to a point
        COLLECTED_FROM_SENDER TAKEN_BY_COURIER TAKEN_BY_COURIER_FROM_POK
        FMD.1001 FMD.1007                               # in the locker or point, waits for the courier
        FMD.1002 FMD.1004 FMD.1005                      # collected by the courier: sender, point, locker
    """,
    IN_TRANSIT="""
        ADOPTED_AT_SOURCE_BRANCH SENT_FROM_SOURCE_BRANCH
        ADOPTED_AT_SORTING_CENTER SENT_FROM_SORTING_CENTER ADOPTED_AT_TARGET_BRANCH
        UNSTACK_FROM_CUSTOMER_SERVICE_POINT UNSTACK_FROM_BOX_MACHINE    # on from a temporary place
        TAKEN_BY_COURIER_FROM_CUSTOMER_SERVICE_POINT    # the courier took it on from there ?
        FMD.1003 FMD.1006 FMD.1015 HAN.1001
        MMD.1001 MMD.1002 MMD.1003 MMD.1004 MMD.1005 MMD.1007 MMD.1009 MMD.3001
        LMD.1002                                        # arrived at the destination's depot ?
        CC.001 CC.002                                   # at customs, cleared
    """,
    OUT_FOR_DELIVERY="OUT_FOR_DELIVERY OUT_FOR_DELIVERY_TO_ADDRESS LMD.1001",
    ATTEMPTED_DELIVERY="""
        AVIZO                                           # not met, a notice was left
        UNDELIVERED_WRONG_ADDRESS UNDELIVERED_INCOMPLETE_ADDRESS UNDELIVERED_UNKNOWN_RECEIVER  # "not possible today" ?
        UNDELIVERED_COD_CASH_RECEIVER UNDELIVERED_NO_MAILBOX UNDELIVERED_NOT_LIVE_ADDRESS
        UNDELIVERED_LACK_OF_ACCESS_LETTERBOX
        LMD.9004 LMD.9015 LMD.9016 LMD.9017 LMD.9018 LMD.9025 LMD.9029
    """,
    READY_FOR_PICKUP="""
        READY_TO_PICKUP READY_TO_PICKUP_FROM_POK READY_TO_PICKUP_FROM_POK_REGISTERED READY_TO_PICKUP_FROM_BRANCH
        COURIER_AVIZO_IN_CUSTOMER_SERVICE_POINT         # left at a point after an attempt
        STACK_IN_BOX_MACHINE STACK_IN_CUSTOMER_SERVICE_POINT    # in a temporary locker or point, which hands it out too
        LMD.1003 LMD.1004 LMD.1005 LMD.1006 LMD.3007 LMD.9012 LMD.9013
    """,
    PICKED_UP="""
        DELIVERED/LOCKER                                # our own: what a locker service calls delivered
        EOL.1002
    """,
    DELIVERED="DELIVERED EOL.1001 EOL.1003 EOL.1004 EOL.1005 EOL.1006 EOL.1007 EOL.1008",
    DELAYED="""
        DELAY_IN_DELIVERY OVERSIZED
        FMD.9002 LMD.9003                               # oversized
        LMD.9020 LMD.9021 LMD.9022 LMD.9023 LMD.9024 LMD.9026 LMD.9028      # locker or point full, shut, out of order
        LMD.9030                                        # damaged
        INF.9001 INF.9003 INF.9004 INF.9005 INF.9009 INF.9016 INF.9017
    """,
    ON_HOLD="""
        STACK_PARCEL_PICKUP_TIME_EXPIRED STACK_PARCEL_IN_BOX_MACHINE_PICKUP_TIME_EXPIRED    # at a temporary place ?
        LMD.3008 LMD.3009 LMD.3010 LMD.3011             # the same: expired where it was stored, not said what follows ?
        LMD.9019                                        # not collected
        CC.003                                          # held at customs
        MMD.1006 MMD.9001                               # dangerous goods, quarantine
        LMD.9027 INF.9013                               # prohibited content, security inquiry
    """,
    FAILURE="""
        PICKUP_TIME_EXPIRED LMD.9002                    # not collected in time
        REJECTED_BY_RECEIVER LMD.9006
        UNDELIVERED LMD.9005                            # taken to the store of undeliverable parcels
        LMD.9007 LMD.9008 LMD.9009 LMD.9010 LMD.9011    # undeliverable: details, receiver, payment, mailbox, access
        CANCELED EOL.9004 EOL.9005
        EOL.9001 EOL.9002 EOL.9003 EOL.9006             # lost, damaged, destroyed
    """,
    RETURNING="RETURNED_TO_SENDER RTS.1001 RTS.1002 LMD.9014",
    INFORMATIONAL="""
        PICKUP_REMINDER_SENT PICKUP_REMINDER_SENT_ADDRESS LMD.9001
        READDRESSED REDIRECT_TO_BOX CANCELED_REDIRECT_TO_BOX    # another address or point is meant now
        LMD.3001 LMD.3002 LMD.3003 LMD.3004 LMD.3005 LMD.3006 LMD.3012 LMD.3013 LMD.3014 LMD.3015 LMD.3016 LMD.3017
        CLAIMED FMD.9001                                # somebody complained
        RETURN_PICKUP_CONFIRMATION_TO_SENDER            # the signed papers go back, not the parcel ?
        OTHER MISSING                                   # InPost's words for a status that it cannot name ?
        FMD.1008 FMD.1009 FMD.1010 FMD.1011 FMD.1012 FMD.1014 FMD.1016 FMD.1017     # no pickup at the sender's
        INF.1001 INF.9010 INF.9012 INF.9014
    """,
)

UNKNOWN_NUMBER = "resource_not_found"

_PL = Place(country="PL")


class InPost(Carrier):
    """InPost, for anybody who knows a number: the tracking wants no credentials."""

    info = Info(
        code="inpost",
        name="InPost",
        docs="https://dokumentacja-inpost.atlassian.net/wiki/spaces/PL/pages/18153479",
        auth=NoAuth(),
        production="https://api-shipx-pl.easypack24.net",
        sandbox=None,  # it has one, and no tracking in it
        tracking_page="https://inpost.pl/sledzenie-przesylek?number={number}",
        batch=1,
        quota=Quota(per_second=1),  # unverified guess
        names=(
            "InPost Poland",
            "InPost PL",
            "InPost Polska",
            "InPost Paczkomaty",
            "Paczkomaty",
            "Paczkomat InPost",
            "InPost Kurier",
            "InPost Courier",
            "InPost Locker",
            "InPost Italy",
            "InPost Italia",
        ),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        (number,) = numbers
        return Call.get(numbers, f"/v1/tracking/{segment(number)}", headers={"Accept": "application/json"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked, or else for those the answer names."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = record(reply.json())
        if not (text(answer, "tracking_number") or "tracking_details" in answer or "parcels" in answer):
            raise BadPayload("neither tracking_details nor parcels in the answer")
        found = [
            Report(number, (shipment,))
            for parcel in records(answer, "parcels") or [answer]
            if (number := _number(parcel, reply.numbers)) and _says_something(shipment := _shipment(parcel))
        ]
        if not found:
            raise BadPayload("no parcel with a history or a status")
        return found


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 is "not found" only in InPost's own words, not in a gateway's."""
    try:
        error = text(reply.json(), "error")[:100]
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    if reply.status == 404:
        return NotFound(error) if error == UNKNOWN_NUMBER else BadPayload("HTTP 404 without InPost's words")
    return reply.failure(error) or BadPayload(f"HTTP {reply.status}")


def _number(parcel: Mapping[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(parcel, "tracking_number") or text(parcel, "trackingNumber"))
    except ValueError:
        return None


def _says_something(shipment: Shipment) -> bool:
    return bool(shipment.events or shipment.summary)


def _shipment(parcel: Mapping[str, Any]) -> Shipment:
    to_locker = text(parcel, "service").startswith("inpost_locker")
    events = sorted(_events(parcel, to_locker), key=lambda event: event.occurred_at, reverse=True)
    status = _code(text(parcel, "status"), to_locker)
    return Shipment(events=tuple(events), summary=Summary(status, CODES.meaning(status)) if status else None)


def _events(parcel: Mapping[str, Any], to_locker: bool) -> Iterator[Event]:
    """The history, newest first; an event without a code or a readable time is left out.

    ShipX's events have a `status`, an `agency` and a `datetime`, the Global API's an `eventCode`, a `location` and a
    `timestamp`; both state their offset. Names and notes of a delivery are not read.
    """
    for event in records(parcel, "tracking_details") or records(parcel, "events"):
        code = _code(text(event, "status") or text(event, "eventCode"), to_locker)
        location = record(event, "location")
        place = Place(
            city=text(location, "city") or text(event, "agency"),
            postal_code=text(location, "postalCode"),
            country=country_code(text(location, "country")),
        )
        when = instant(text(event, "datetime") or text(event, "timestamp"), place, _PL)
        if when is not None and code:
            words = "" if "." in code else code.partition("/")[0].replace("_", " ").lower()
            yield Event(*when, code, CODES.meaning(code), words, place if any(place) else None)


def _code(status: str, to_locker: bool) -> str:
    """The table's key of a status: what went to a locker was not delivered but collected there."""
    code = status.upper()[:60]
    return "DELIVERED/LOCKER" if to_locker and code == "DELIVERED" else code
