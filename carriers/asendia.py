"""Asendia: the A1 platform of Asendia USA, operation "tracking milestones" (one number a call).

Owns A1's codes, its answer's shape and its error words. Knows no clock, no HTTP library and no other carrier. Asendia
publishes no reference; source: open-source clients of A1, so that all of it is unverified. Asendia's other
subsidiaries have no tracking API that a merchant's key opens; their parcels are for an aggregator.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
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
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TextRule,
    TextRules,
    TrackingNumber,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.codes import normalise

# Two vocabularies that share no code: A1's milestones (S1 to S10, of which S3, S6 and S9 were never seen), and the
# words Asendia's subsidiaries harmonise their events to.
CODES = Codes(
    CONFIRMED="""
        S1                          # shipment information received
        ELECNOT CREALAB PRINTLAB POSTLIST
    """,
    CARRIER_PICKED_UP="""
        S2A                         # processed by Asendia, its first scan
        PICKUP ARRSUB CHECKIN
    """,
    IN_TRANSIT="""
        S2B S2C S2D                 # sorted, service dispatched, shipment dispatched
        S4 S5                       # departed from the USA, arrived in the destination's country
        S7                          # out of customs
        S8                          # at the delivery office
        PROSUB FINALAB CREADES DEPSUB TRANSP ARRHUB SORTHUB DEPHUB TRANSPDEST ARRDEST LEAVHUB TRANSPLOC
        INDELIVCENTER
        CLEARIN CLEAROUT EXPCLEAR EXPCUSTIN EXPCUSTOUT IMPCLEAR IMPCUSTIN IMPCUSTOUT
    """,
    OUT_FOR_DELIVERY="OUTDELIVCENTER",
    ATTEMPTED_DELIVERY="""
        ATTEMPT DELIVFAILURE
        DELFAILABS                  # recipient absent
        DELFAILPICK                 # to be collected instead
    """,
    READY_FOR_PICKUP="PICKUPREAD",
    DELIVERED="S10 DELIVERY",
    DELAYED="""
        DELIVDELAY MISSROUTED INCIDPRO DAMAGINSP
        DELFAILMOV DELFAILFOW       # moved, forwarded
    """,
    ON_HOLD="""
        EXPCLEARINC IMPCLEARINC     # papers for customs incomplete
        PAYCHARG                    # charges to be paid
        DELFAILINCOR DELFAILUNKN    # address incorrect, addressee unknown
    """,
    FAILURE="""
        ITEMLOST DESTROY
        EXPCANCEL IMPCANCEL         # clearance cancelled
        DELFAILFORB                 # may not be delivered
    """,
    RETURNING="""
        RETURNED RETURNDEAD RETURNUNCL RETURNREFU RETURNFORB RETURNINC RETURNUNKN RETURNABS RETURNMOV RETURNSEND
        DELIVSEND                   # delivered to the sender
        CLEARRET EXPCUSTRET IMPCUSTRET  # sent back by customs
    """,
    INFORMATIONAL="DELIVPLAN        # delivery planned",
)

#: Scans of the partner who delivers keep the partner's codes, which mean something else with each: their words count.
TEXTS = TextRules(
    TextRule("en", "RETURNED", r"(return(ed|ing)|on its way back) to( the)? sender", "Returned to sender"),
    TextRule("en", "DELIVSEND", r"delivered,? to( the| original)? sender", "Delivered to sender"),
    TextRule(
        "en",
        "DELIVERY",
        r"delivered(,? (in|in/at|to)( the)? (mailbox|letter ?box|recipient|addressee|front door))?",
        "Delivered, in mailbox",
    ),
    TextRule("en", "OUTDELIVCENTER", r"out for delivery( today)?", "Out for delivery"),
    TextRule("en", "PICKUPREAD", r"(available|ready) for (pick-?up|collection)\b.*", "Available for pickup"),
    TextRule("en", "ATTEMPT", r"(delivery attempt(ed)?|attempted delivery|notice left)\b.*", "Delivery attempted"),
    TextRule("en", "CLEAROUT", r"(customs released|released by customs|out of customs)", "Customs released"),
    TextRule("en", "IMPCLEARINC", r"held (in|by) customs\b.*", "Held by customs, documents missing"),
    table=CODES,
)


class Asendia(Carrier):
    """Parcels that Asendia USA sends abroad."""

    info = Info(
        code="asendia",
        name="Asendia",
        docs="https://a1.asendiausa.com/",
        auth=InRequest(("username", "password", "api_key")),
        production="https://a1api.asendiausa.com",
        sandbox="https://a1apiuat.asendiausa.com",
        tracking_page="https://a1.asendiausa.com/tracking/?trackingnumber={number}",
        quota=Quota(per_second=1),  # unverified guess
        names=("Asendia USA", "Asendia US", "Asendia A1", "Asendia e-PAQ", "e-PAQ", "Asendia Management"),
    )
    codes = CODES
    texts = TEXTS

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        return Call.get(
            numbers,
            "/api/A1/v2.0/Tracking/Milestone",
            query={"trackingNumberVendor": numbers[0]},
            headers={
                "Accept": "application/json",
                "Authorization": "Basic {{username}}:{{password}}",
                "X-AsendiaOne-ApiKey": "{{api_key}}",
            },
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked. A1 tells its own status in the body, whatever HTTP's is."""
        answer = _answer(reply)
        if (failure := _failure(reply, answer)) is not None:
            raise failure
        parcels = records(answer, "data") or records(answer, "trackingMilestone")  # of version 2, of version 1
        if not parcels:
            raise BadPayload("neither data nor trackingMilestone")
        for parcel in parcels:
            number = _number(parcel, reply.numbers)
            if number is None:
                continue
            events = sorted(_events(parcel), key=lambda event: event.occurred_at, reverse=True)
            if events:
                yield Report(number, (Shipment(events=tuple(events)),))
            else:
                yield Report(number, error=NotFound("Asendia has no events for the number"))


def _events(parcel: dict[str, Any]) -> Iterator[Event]:
    """The milestones; one without a readable time, or that says nothing, is left out."""
    for milestone in records(parcel, "trackingMilestoneEvents"):
        stated, description = text(milestone, "eventCode"), text(milestone, "eventDescription")
        location = text(milestone, "eventLocation")
        place = Place(city=location) if location else None
        when = instant(text(milestone, "eventOn"), place)
        code = stated if CODES.meaning(stated) is not None else TEXTS.code(description) or stated
        code = code or normalise(description[:100])
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), description, place)


def _number(parcel: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """A1 finds a parcel by any of its numbers, so that an answer is about the one asked."""
    if asked:
        return asked[0]
    try:
        return tracking_number(text(parcel, "trackingNumberVendor"))
    except ValueError:
        return None


def _answer(reply: Reply) -> object:
    try:
        return reply.json()
    except BadPayload as unreadable:
        raise (reply.failure() if reply.status != 404 else None) or unreadable from None


def _failure(reply: Reply, answer: object) -> CarrierError | None:
    """The error A1 states: its own code first, else HTTP's; 204 is a number it does not know."""
    status = record(answer, "responseStatus") or record(answer)
    code, message = text(status, "responseStatusCode"), text(status, "responseStatusMessage")[:300]
    if reply.failure() is not None:
        return reply.failure(message)
    if code == "204":
        return NotFound(message or "no tracking events")
    known = len(code) == 3 and code.isascii() and code.isdigit()
    return replace(reply, status=int(code)).failure(message) if known else None
