"""LaserShip, since 2023 a part of OnTrac: the data of its public tracking page (one number a call, no credentials).

Owns LaserShip's event types and its answer's shape. Knows no clock, no HTTP library and no other carrier. There is no
published API: source are open-source clients of the page, so that all of it is unverified, and it may end any day.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    NoAuth,
    NotFound,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    TextRule,
    TextRules,
    TrackingNumber,
    ZoneSource,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code

CODES = Codes(
    CONFIRMED="""
        OrderReceived OrderCreated
        Exception/NotReceived       # the sender has not handed it over
    """,
    CARRIER_PICKED_UP="Picked PickedUp",
    IN_TRANSIT="Received Arrived Departed",
    OUT_FOR_DELIVERY="OutForDelivery",
    ATTEMPTED_DELIVERY="Attempted AttemptedDelivery DeliveryException",
    DELIVERED="""
        Delivered
        Released                    # left without a signature
    """,
    DELAYED="Exception Delayed",
    RETURNING="Returned ReturnedToSender",
)

#: What an exception is about, where its words say so.
EXCEPTIONS = TextRules(
    TextRule(
        "en",
        "EXCEPTION/NOTRECEIVED",
        r"(package )?not received from (the )?(sender|shipper)",
        "Package not received from sender",
    ),
    TextRule("en", "RETURNED", r"(package )?return(ed|ing) to( the)? (sender|shipper)\b.*", "Returned to sender"),
    TextRule(
        "en",
        "ATTEMPTED",
        r"(delivery attempted|attempted delivery|(recipient|customer) not (home|available))\b.*",
        "Customer not home",
    ),
    table=CODES,
)


#: Seconds to stay away from a page that keeps callers out; unverified.
BLOCK = 3600.0


class LaserShip(Carrier):
    """LaserShip's last mile in the east of the USA."""

    info = Info(
        code="lasership",
        name="LaserShip",
        docs="https://www.ontrac.com/tracking/",
        auth=NoAuth(),
        production="https://t.lasership.com",
        sandbox=None,
        tracking_page="https://t.lasership.com/Track/{number}",
        quota=Quota(per_second=0.5),  # unverified guess, and a courtesy
        names=("Laser Ship", "LaserShip Inc", "Lasership Last Mile", "OnTrac LaserShip"),
    )
    codes = CODES
    texts = EXCEPTIONS

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        return Call.get(numbers, f"/Track/{segment(numbers[0])}/json", headers={"Accept": "application/json"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked.

        A number it does not know is a 404, or an `Error` inside a 200. A 404 without JSON is the page gone.
        """
        failure = reply.failure()
        if reply.status == 403:
            raise RateLimited("HTTP 403: the page keeps callers out", retry_after=reply.retry_after or BLOCK)
        if failure is not None and not isinstance(failure, NotFound):
            raise failure
        answer = record(reply.json())
        if failure is not None or answer.get("Error") is True:
            raise NotFound(text(answer, "ErrorMessage")[:300] or "LaserShip does not know the number")
        if not isinstance(answer.get("Events"), list):
            raise BadPayload("neither Error nor Events")
        number = _number(answer, reply.numbers)
        if number is None:
            return
        shipment = _shipment(answer)
        if shipment.events:
            yield Report(number, (shipment,))
        else:
            yield Report(number, error=NotFound("LaserShip has no events for the number"))


def _shipment(answer: dict[str, Any]) -> Shipment:
    destination = _place(record(answer, "Destination"))
    names = (text(event, "Signature") for event in records(answer, "Events"))
    return Shipment(
        events=tuple(sorted(_events(answer), key=lambda event: event.occurred_at, reverse=True)),
        estimated_delivery=_promise(text(answer, "EstimatedDeliveryDate"), destination),
        signed_by=next(filter(None, names), None),
    )


def _events(answer: dict[str, Any]) -> Iterator[Event]:
    """The scans; one without a readable time or a type is left out. The long text may hold a name and is not read."""
    for scan in records(answer, "Events"):
        place = _place(scan)
        when = _instant(text(scan, "DateTime"), text(scan, "UTCDateTime"), place)
        kind = text(scan, "EventType")
        description = text(scan, "EventShortText") or text(scan, "EventLabel")
        reason = text(scan, "Reason")
        if when is None or not kind:
            continue
        code = kind
        if kind == "Exception":
            code = EXCEPTIONS.code(description) or EXCEPTIONS.code(reason) or kind
        yield Event(*when, code, CODES.meaning(code), description, place)


def _instant(local: str, utc: str, place: Place | None) -> tuple[datetime, ZoneSource] | None:
    """A scan's time: given twice, locally and in UTC, so that the difference is its offset.

    Where one is missing, or the difference is no offset, the local time is read in the zone of its place.
    """
    here, there = instant(local), instant(utc)
    if here is not None and there is not None:
        offset = here[0].replace(tzinfo=None) - there[0].replace(tzinfo=None)
        if abs(offset) <= timedelta(hours=14) and not offset % timedelta(minutes=15):
            return here[0].replace(tzinfo=timezone(offset)), ZoneSource.GIVEN
    return instant(local, place) or (there and (there[0], ZoneSource.GIVEN))


def _place(address: dict[str, Any]) -> Place | None:
    place = Place(
        text(address, "City"),
        text(address, "State"),
        text(address, "PostalCode"),
        country_code(text(address, "Country")) or ("US" if text(address, "State") else ""),
    )
    return place if any(place) else None


def _promise(stated: str, destination: Place | None) -> datetime | None:
    """The instant of a promise; a midnight stands for its day."""
    when = instant(stated, destination)
    if when is None:
        return None
    return when[0] if when[0].hour or when[0].minute else end_of_day(when[0].date(), destination)


def _number(answer: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    if asked:
        return asked[0]
    for piece in records(answer, "Pieces"):
        try:
            return tracking_number(text(piece, "TrackingNumber"))
        except ValueError:
            continue
    return None
